/* Events that were refused: one that is sent again all the same tells nothing that was not made up for. */
#ifndef B2B_REFUSED_H
#define B2B_REFUSED_H

#include "b2bd/state/state.h"

/* JTI is what the answer calls the event, of any length: nothing of a refused one was checked. */
int b2b_refused_has(struct b2b_state *state, const char *jti); /* 1, 0, or a negative errno */
int b2b_refused_note(struct b2b_state *state, const char *jti, int64_t now_s); /* in the caller's transaction; 0 or a negative errno */

/* Forget at most LIMIT of those refused before BEFORE_S; a transaction of its own. Returns 0 or a negative errno. */
int b2b_refused_prune(struct b2b_state *state, int64_t before_s, uint32_t limit);

#endif
