#include "common/partner_acl.h"

#include <acl/libacl.h>
#include <errno.h>
#include <sys/acl.h>
#include <sys/stat.h>
#include <unistd.h>

static int add_entry(acl_t *acl, acl_tag_t tag, const gid_t *gid, mode_t access)
{
	acl_permset_t permissions;
	acl_entry_t entry;

	if (acl_create_entry(acl, &entry) < 0 || acl_set_tag_type(entry, tag) < 0 || acl_get_permset(entry, &permissions) < 0 ||
	    acl_clear_perms(permissions) < 0)
		return -errno;
	if (gid && acl_set_qualifier(entry, gid) < 0)
		return -errno;
	if (((access & 4) && acl_add_perm(permissions, ACL_READ) < 0) || ((access & 2) && acl_add_perm(permissions, ACL_WRITE) < 0) ||
	    ((access & 1) && acl_add_perm(permissions, ACL_EXECUTE) < 0))
		return -errno;
	return acl_set_permset(entry, permissions) < 0 ? -errno : 0;
}

static int add_members(acl_t *acl, const struct b2b_policy *policy, int org, bool below, mode_t access)
{
	int r = 0;

	for (int i = 0; r == 0 && (uint32_t)i < policy->n_orgs; i++) {
		gid_t gid = policy->orgs[i].range_lo;

		if (i == org || (below && b2b_policy_org_within(policy, i, org)))
			r = add_entry(acl, ACL_GROUP, &gid, access);
	}
	return r;
}

static int fill(acl_t *acl, const struct b2b_policy *policy, int org, bool below, mode_t access)
{
	int r;

	r = add_entry(acl, ACL_USER_OBJ, NULL, access | 2);
	if (r == 0)
		r = add_entry(acl, ACL_GROUP_OBJ, NULL, 0);
	if (r == 0)
		r = add_members(acl, policy, org, below, access);
	if (r == 0)
		r = add_entry(acl, ACL_MASK, NULL, access);
	if (r == 0)
		r = add_entry(acl, ACL_OTHER, NULL, policy->visibility == B2B_VISIBLE_STRICT ? 0 : access);
	return r;
}

static mode_t open_mode(mode_t access)
{
	return (access | 2) << 6 | access << 3 | access;
}

/* fchmod on a file with an extended ACL would set its mask and keep the entries: put a minimal one instead. */
static int open_to_all(int fd, mode_t access)
{
	mode_t mode = open_mode(access);
	acl_t acl = acl_from_mode(mode);
	int r = 0;

	if (!acl)
		return -errno;
	if (acl_set_fd(fd, acl) < 0 && errno != EOPNOTSUPP)
		r = -errno;
	acl_free(acl);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	return r;
}

int b2b_partner_acl_set(int fd, const struct b2b_policy *policy, int org, bool below, mode_t access)
{
	acl_t acl;
	int r;

	if (fchown(fd, 0, policy->partners_gid) < 0)
		return -errno;
	if (policy->visibility == B2B_VISIBLE_EVERYONE)
		return open_to_all(fd, access);
	acl = acl_init(8);
	if (!acl)
		return -errno;
	r = fill(&acl, policy, org, below, access);
	if (r == 0 && acl_set_fd(fd, acl) < 0)
		r = -errno;
	acl_free(acl);
	return r;
}

/* The ACL that FD should have. Caller frees *ret_acl with acl_free. */
static int wanted_acl(const struct b2b_policy *policy, int org, bool below, mode_t access, acl_t *ret_acl)
{
	acl_t acl = policy->visibility == B2B_VISIBLE_EVERYONE ? acl_from_mode(open_mode(access)) : acl_init(8);
	int r = 0;

	if (!acl)
		return -errno;
	if (policy->visibility != B2B_VISIBLE_EVERYONE)
		r = fill(&acl, policy, org, below, access);
	if (r < 0) {
		acl_free(acl);
		return r;
	}
	*ret_acl = acl;
	return 0;
}

int b2b_partner_acl_check(int fd, const struct b2b_policy *policy, int org, bool below, mode_t access)
{
	acl_t wanted = NULL, found;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	r = wanted_acl(policy, org, below, access, &wanted);
	if (r < 0)
		return r;
	found = acl_get_fd(fd);
	if (!found)
		r = -errno;
	else if (st.st_uid != 0 || st.st_gid != policy->partners_gid || acl_cmp(wanted, found) != 0)
		r = -EPERM;
	acl_free(found);
	acl_free(wanted);
	return r;
}
