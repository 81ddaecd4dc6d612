/* What the guard accepts from the agent. A pure judgement: the agent may be anybody's by now. */
#ifndef B2B_GUARD_MESSAGE_H
#define B2B_GUARD_MESSAGE_H

#include <stddef.h>

#include "b2bd/guard/guard_proto.h"
#include "common/policy.h"

/*
 * The message in PACKET of SIZE bytes into *ret_message. HAS_FD: a descriptor came with it.
 * Returns 0, or a negative errno: -EBADMSG (length, type, an unterminated string, a descriptor too many or missing),
 * -EINVAL (no such organisation, scope, or a session leader that cannot be one), -ERANGE (uid outside the
 * organisation's range). After an error *ret_message holds type and serial only, and those only where the length was right.
 */
int b2b_guard_message_check(const void *packet, size_t size, bool has_fd, const struct b2b_policy *policy,
                            struct b2b_guard_message *ret_message);

#endif
