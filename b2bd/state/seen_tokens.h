/* Access tokens that somebody logged in with: each lets in once, where root wants it so. */
#ifndef B2B_SEEN_TOKENS_H
#define B2B_SEEN_TOKENS_H

#include "b2bd/state/state.h"

/*
 * Note that the token of DIGEST, which ends at EXPIRES_S, lets somebody in at NOW_S; and forget some whose end is past. Outside a
 * transaction: it is durable when this returns. 0, -EEXIST when it was noted before, or a negative errno: not noted.
 */
int b2b_seen_token(struct b2b_state *state, const char *digest, int64_t expires_s, int64_t now_s);

#endif
