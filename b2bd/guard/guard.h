/*
 * The guard's loop: messages from the agent (guard_proto.h), the session registry, ENDs and installs. It waits for nothing
 * but poll, and every answer that the agent does not take is kept until it does.
 */
#ifndef B2B_GUARD_H
#define B2B_GUARD_H

#include <sys/types.h>

#include "b2bd/guard/nscd.h"
#include "common/live.h"
#include "common/policy.h"

/* From b2bd's first process, over a SOCK_SEQPACKET socketpair. */
enum b2b_guard_order {
	B2B_ORDER_AGENT = 1, /* with SCM_RIGHTS: the guard's end of the socketpair to a new agent */
	B2B_ORDER_RELOAD,    /* pass B2B_GUARD_RELOAD on to the agent */
	B2B_ORDER_POLICY,    /* root's policy was compiled again, with the same organisations: read it */
};

struct b2b_guard_setup {
	const char *cache_dir;
	const struct b2b_policy *policy;
	struct b2b_live *const *lives; /* one per slot, mapped read-write */
	pid_t own;                     /* b2bd's first process */
	struct b2b_nscd *nscd;         /* told of what changes; NULL: nobody is */
	int order_fd;                  /* its end of it; closed by the other side: stop */
};

/* Serve until order_fd is closed. Returns 0 or a negative errno. */
int b2b_guard_run(const struct b2b_guard_setup *setup);

/* Have A and B the same slots (ids, names, parents, ranges) and visibility, so that mappings of one serve the other? */
bool b2b_guard_same_slots(const struct b2b_policy *a, const struct b2b_policy *b);

#endif
