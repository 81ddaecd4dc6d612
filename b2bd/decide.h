/*
 * The decision: may this principal open this service on this host, right now?
 *
 * A pure function of what its caller gathered: nothing here asks, waits or stores. Deny wins, no match is deny.
 * Entitlement = delegation ∩ the organisation's grant ∩ its ancestors' grants; the policy's masks are already
 * intersected (common/policy.h).
 */
#ifndef B2B_DECIDE_H
#define B2B_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "b2bd/state/directory_state.h"
#include "common/policy.h"
#include "common/reason.h"

/* How somebody authenticated; made from a validated ID token. */
struct b2b_authentication {
	uint32_t uid;
	enum b2b_assurance level;
	int64_t auth_time_s; /* when the person authenticated at the service */
	int64_t session_expiry_s; /* the service's own end of session, 0: none */
	int64_t token_end_s; /* of the tokens that proved it, where nothing else will verify it again; 0: it need not end with them */
	int64_t proof;       /* what is kept of it (state/proof_state.h); 0: nothing */
	char acr[64];
	char jti[64];
	char sid[64];
	int64_t status_list; /* the token's place (state/status_state.h); 0: none */
	int64_t status_index;
};

struct b2b_decision_facts {
	const struct b2b_policy *policy;
	int org;                            /* slot of the principal's organisation, -1: not in root's configuration */
	const struct b2b_principal *principal; /* NULL: unknown */
	const struct b2b_org_record *chain; /* directory records: the organisation's own, its parent's, … to the root */
	size_t n_chain;                     /* fewer than the policy's depth where the directory does not know one */
	bool words_open;                    /* live words of principal, organisation and all ancestors */
	const char *service;
	const struct b2b_authentication *authentication; /* NULL: none (public key, cron) */
	bool key_counts;                    /* where there is none: a key of the directory was shown, is yet to be (sshd), or there can be no key (cron) */
	int64_t now_s;                      /* wall clock, never behind the highest time seen */
	bool clock_trusted;
	uint32_t level_session_s;           /* longest session, since the authentication, at the level that the service demands; 0: no limit */
	uint64_t verified_age_ns;           /* since the last completed signal poll; UINT64_MAX: never */
};

/* B2B_OK or the one reason that is told: the most lasting one first, so that nobody is sent round in circles. */
enum b2b_reason b2b_decide(const struct b2b_decision_facts *facts);

/* The part of it that does not depend on an authentication: is it worth beginning one? */
enum b2b_reason b2b_decide_standing(const struct b2b_decision_facts *facts);

/* When a session opened now has to end, wall-clock second; 0: no limit. *ret_why: what is told then. */
int64_t b2b_session_end(const struct b2b_decision_facts *facts, enum b2b_reason *ret_why);

#endif
