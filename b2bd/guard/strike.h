/* Everything with one uid at once, for those who fork faster than they can be met one by one. */
#ifndef B2B_STRIKE_H
#define B2B_STRIKE_H

#include <stdint.h>

#include "common/policy.h"

/*
 * Kill every process whose real or saved uid is UID, which must lie in a range of POLICY. The kernel does it under the lock
 * that every fork takes, so no child slips through: kill(-1) by a child of ours that has this effective uid, and no
 * capability with which it could reach anybody else. Returns 0, -EPERM (not a partner's uid, or the capability would not
 * go: nothing was signalled), -ESRCH nobody was there, or a negative errno.
 */
int b2b_strike(const struct b2b_policy *policy, uint32_t uid);

#endif
