/* Whom an event is about: subject identifiers, RFC 9493, with SSF 1.0's complex and jwt_id and RFC 9967's scim. */
#ifndef B2B_SUBJECT_H
#define B2B_SUBJECT_H

#include "b2bd/alias.h"
#include "b2bd/federation/token.h"

/* Strings live as long as the JSON that they were read from. */
struct b2b_subject {
	const char *user;      /* `sub` of a person; NULL: not named */
	const char *person_id; /* the directory's id of a person */
	const char *tenant;    /* an organisation's id */
	const char *org_unit;  /* the same, of one below the tenant; only where it is what the event is about */
	const char *group;     /* the directory's id of a group; likewise */
	const char *session;
	bool device;           /* it is about a device of the tenant's, and about nobody: who uses it is not known here */
	struct b2b_aliases aliases; /* where the names above are none, or for certain none: what passes from one person to another */
	bool vague;            /* a name that need not be one that is known here: the directory has to be asked who that is */
};

/*
 * Read SUBJECT.
 *   a person: iss_sub of ISSUER, opaque (`sub`), scim (/Users/ID); did and uri, which are vague and USER in case they are a `sub`;
 *             account, email and phone_number, which are vague: such names pass from one person to another;
 *             aliases: the names among these that are exact, which must agree; where none is, all the others
 *   a session: opaque, or jwt_id of ISSUER; "ALL" beside a person is no session, but all that person's, as Keycloak has it
 *   an organisation: opaque, scim (/Organizations/ID); a group: opaque, scim (/Groups/ID)
 * In a complex subject, group and org_unit count where it names neither person nor session, which are all of one
 * principal; a device narrows none of these, and alone, or with its tenant, is none of them.
 * CRITICAL: member names of the transmitter's critical_subject_members, NULL-terminated; may be NULL.
 * B2B_TOKEN_SUBJECT for what is not understood: each member of a complex subject that we act by must be readable, for
 * a member left out would widen the event to everybody of the others (SSF 1.0 8.1.3.1).
 */
enum b2b_token_fault b2b_subject_read(const json_t *subject, const char *issuer, const char *const *critical, struct b2b_subject *ret);

#endif
