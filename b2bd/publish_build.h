/* Building one organisation's snapshot, in a child: what it takes is the child's time, not the loop's. */
#ifndef B2B_PUBLISH_BUILD_H
#define B2B_PUBLISH_BUILD_H

#include <sys/types.h>

#include "b2bd/state/state.h"

struct b2b_build {
	pid_t pid;
	int memfd;  /* what is built; sealed by b2b_build_take */
	int report; /* readable when the child is through, or gone */
};

/* Fork a child that writes ORG's snapshot with GENERATION. Only while b2b_state_idle. Returns 0 or a negative errno. */
int b2b_build_start(struct b2b_state *state, const struct b2b_policy *policy, int org, uint64_t generation, struct b2b_build *ret_build);

/*
 * BUILD's report is readable. Returns 0 and seals the memfd, -EAGAIN while the child is not reaped yet (ask again
 * shortly), or the child's error. After anything but -EAGAIN the child and the report are gone; the memfd stays the caller's
 * only on 0.
 */
int b2b_build_take(struct b2b_build *build);

void b2b_build_cancel(struct b2b_build *build); /* kill, reap, close */

#endif
