/* The stream's side of the seen events; b2b_stream_seen is in b2bd/signals/stream.h. */
#ifndef B2B_SEEN_H
#define B2B_SEEN_H

#include "b2bd/state/state.h"

int b2b_seen_has(struct b2b_state *state, const char *jti); /* 1, 0, or a negative errno */

/* Forget at most LIMIT events seen before BEFORE_S; a transaction of its own. Returns 0 or a negative errno. */
int b2b_seen_prune(struct b2b_state *state, int64_t before_s, uint32_t limit);

#endif
