/*
 * Notice that the wall clock was set, also by the machine's waking up: what ends by the clock must not wait for the next look.
 */
#ifndef B2B_CLOCK_WATCH_H
#define B2B_CLOCK_WATCH_H

#include "b2bd/loop.h"

struct b2b_clock_watch; /* opaque */

/* CHANGED is called from the loop after each discontinuous change of CLOCK_REALTIME. Returns 0 or a negative errno. */
int b2b_clock_watch_new(struct b2b_loop *loop, void (*changed)(void *arg), void *arg, struct b2b_clock_watch **ret_watch);
void b2b_clock_watch_free(struct b2b_clock_watch *watch); /* NULL is legal */

#endif
