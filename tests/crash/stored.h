/* One transaction of the agent's, of several parts that belong together, and what of it a database holds. */
#ifndef B2B_CRASH_STORED_H
#define B2B_CRASH_STORED_H

#include "b2bd/state/state.h"

/* Before: acme, and alice in it. Returns 0 or a negative errno. */
int stored_begin(struct b2b_state *state);

/* In one transaction: bob comes, alice is disabled by an event, her sessions are to be ended, the event is noted. Returns 0 or a negative errno. */
int stored_change(struct b2b_state *state);

/* How many of these parts are there. Fails the cmocka test where alice is not, or an id is another. */
#define STORED_PARTS 4
int stored_parts(struct b2b_state *state);

#endif
