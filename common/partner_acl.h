/*
 * Who may read an organisation's files: the ACL that keeps partners out of each other's rosters.
 * Needs libacl: for programs, never linked into a module.
 */
#ifndef B2B_PARTNER_ACL_H
#define B2B_PARTNER_ACL_H

#include <sys/types.h>

#include "common/policy.h"

/*
 * Give FD (a file or directory of organisation ORG) its owner, mode and ACL for POLICY's visibility. ACCESS is what
 * readers get (4 for files, 5 for directories), the owner root can write as well.
 *
 *   organisation  root:partners; group `partners` nothing, the members may read, others may read
 *   strict        the same, others nothing
 *   everyone      no ACL, all may read
 *
 * The members: group members@ORG, and with BELOW those of everything below ORG.
 * Returns 0 or a negative errno (-EOPNOTSUPP where the file system has no ACLs).
 */
int b2b_partner_acl_set(int fd, const struct b2b_policy *policy, int org, bool below, mode_t access);

/* Has FD what b2b_partner_acl_set would give it? Returns 0, -EPERM (it has not), or a negative errno. */
int b2b_partner_acl_check(int fd, const struct b2b_policy *policy, int org, bool below, mode_t access);

#endif
