/* The agent's end of the socketpair to the guard (b2bd/guard/guard_proto.h): requests with serials, answers by callback. */
#ifndef B2B_GUARD_LINK_H
#define B2B_GUARD_LINK_H

#include "b2bd/guard/guard_proto.h"
#include "b2bd/loop.h"

struct b2b_guard_link; /* opaque */

/* FD is the agent's end, non-blocking; owned from here on. GONE is called when the guard has closed it. */
int b2b_guard_link_new(struct b2b_loop *loop, int fd, void (*gone)(void *arg), void (*reload)(void *arg), void *arg,
                       struct b2b_guard_link **ret_link);
void b2b_guard_link_free(struct b2b_guard_link *link); /* NULL is legal */

/*
 * Send MESSAGE (serial is filled in) with descriptor FD (-1: none; stays the caller's). DONE is called from the loop with the
 * answer, for B2B_GUARD_END again until left is 0. Messages are queued while the guard is busy. Returns 0 or -ENOMEM.
 */
int b2b_guard_send(struct b2b_guard_link *link, const struct b2b_guard_message *message, int fd,
                   void (*done)(void *arg, const struct b2b_guard_message *answer), void *arg);

#endif
