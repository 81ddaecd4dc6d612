/*
 * Does the service still hold what it granted at a log-in? Asked with the log-in's refresh token (RFC 6749 6), which a service may replace
 * each time (RFC 9700 4.14.2).
 */
#ifndef B2B_RENEWAL_H
#define B2B_RENEWAL_H

#include "b2bd/federation/federation.h"

struct b2b_renewal; /* opaque: one question under way */

struct b2b_renewal_handlers {
	/*
	 * REFRESH_TOKEN takes the place of the one that was sent, which may be void from now on: keep it, before anything else. NULL: it is one that
	 * cannot be used. Then comes result.
	 */
	void (*rotated)(void *arg, const char *refresh_token);
	/*
	 * The end, exactly once:
	 *   B2B_OK               it holds; TOKEN is the new ID token, validated, NULL where the service gave none
	 *   B2B_AUTH_TOKEN_OVER  it does not (invalid_grant)
	 *   B2B_AUTH_METHOD      this host may not ask in this way
	 *   B2B_AUTH_TOKEN       the service refuses for another reason, or its answer cannot be trusted: nothing is decided
	 *   B2B_SERVICE_DOWN     no answer: nothing is decided, and whether the token was replaced is not known
	 */
	void (*result)(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text);
};

/* Returns 0, -EHOSTUNREACH (not ready), or another negative errno. The handlers are called from the loop, never from within this call. */
int b2b_renewal_start(struct b2b_federation *federation, const char *refresh_token, const struct b2b_renewal_handlers *handlers, void *arg,
                      struct b2b_renewal **ret_renewal);
/* Within result: may the service have got the token, and its answer not have arrived? */
bool b2b_renewal_lost(const struct b2b_renewal *renewal);
void b2b_renewal_cancel(struct b2b_renewal *renewal); /* no callback any more; NULL is legal; also after result, from within it too */

#endif
