/* The directory of an organisation's roster: <dir>/org/<organisation id>. Needs libacl. */
#ifndef B2B_ORG_DIR_H
#define B2B_ORG_DIR_H

#include "common/policy.h"

/*
 * Make <dir>/org and <dir>/org/<id> where they do not exist, and bring owner, mode and ACL of the latter into line
 * with POLICY's visibility (common/partner_acl.h); members@ORG alone are let in, not those below. Guard, as root.
 * Returns 0 or a negative errno.
 */
int b2b_org_dir_create(const char *dir, const struct b2b_policy *policy, int org);

/* Make DIR/NAME (0755) where it does not exist and open it as a directory; no symbolic link. Returns a descriptor or a negative errno. */
int b2b_subdir_open(const char *dir, const char *name);

#endif
