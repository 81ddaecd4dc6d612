/* Whom an event is about: subject identifiers, RFC 9493, with SSF 1.0's complex and jwt_id. */
#ifndef B2B_SUBJECT_H
#define B2B_SUBJECT_H

#include "b2bd/federation/token.h"

/* Strings live as long as the JSON that they were read from. */
struct b2b_subject {
	const char *user;    /* NULL: not named */
	const char *tenant;
	const char *session;
};

/*
 * Read SUBJECT. Users are iss_sub of ISSUER, or opaque; tenants opaque; sessions opaque or a jwt_id of ISSUER's.
 * CRITICAL: member names of the transmitter's critical_subject_members, NULL-terminated; may be NULL.
 * B2B_TOKEN_SUBJECT for what is not understood: each member of a complex subject that we act by must be readable, for
 * a member left out would widen the event to everybody of the others (SSF 1.0 8.1.3.1).
 */
enum b2b_token_fault b2b_subject_read(const json_t *subject, const char *issuer, const char *const *critical, struct b2b_subject *ret);

#endif
