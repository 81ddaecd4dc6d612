#include "common/cache_format.h"
#include "common/index_codec.h"

#include <errno.h>
#include <stdlib.h>

static bool label_valid(const char *label)
{
	size_t len = strnlen(label, B2B_LABEL_SIZE);

	if (len == 0 || len >= B2B_LABEL_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)label[i] <= ' ' || (unsigned char)label[i] > '~')
			return false;
	return true;
}

/* A path that may stand in passwd(5): absolute, without what separates fields or lines. */
static bool path_valid(const char *path)
{
	size_t len = strnlen(path, B2B_PATH_SIZE);

	if (len == 0 || len >= B2B_PATH_SIZE || path[0] != '/')
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)path[i] <= ' ' || path[i] == ':' || path[i] == 0x7f)
			return false;
	return true;
}

static bool host_valid(const struct b2b_policy *policy)
{
	if (policy->separator == '\0' || !strchr(B2B_SEPARATORS, policy->separator) || policy->visibility > B2B_VISIBLE_EVERYONE ||
	    policy->partners_gid < B2B_GID_FIRST || policy->partners_gid > B2B_RANGE_LAST || !path_valid(policy->home) ||
	    policy->n_shells == 0 || policy->n_shells > B2B_SHELLS_MAX || policy->n_roles > B2B_ROLES_MAX ||
	    policy->n_services > B2B_SERVICES_MAX || policy->n_orgs > B2B_ORGS_MAX || (policy->n_orgs && !policy->orgs))
		return false;
	for (uint32_t i = 0; i < policy->n_shells; i++)
		if (!path_valid(policy->shells[i]))
			return false;
	return true;
}

static bool role_valid(const struct b2b_policy_role *role)
{
	if (!label_valid(role->name) || role->n_gids > B2B_ROLE_GIDS_MAX)
		return false;
	for (uint32_t i = 0; i < role->n_gids; i++)
		if (role->gids[i] == (uint32_t)-1)
			return false;
	return true;
}

static bool grants_valid(const struct b2b_policy *policy)
{
	for (uint32_t i = 0; i < policy->n_roles; i++)
		if (!role_valid(&policy->roles[i]) || b2b_policy_role(policy, policy->roles[i].name) != (int)i)
			return false;
	for (uint32_t i = 0; i < policy->n_services; i++)
		if (!label_valid(policy->services[i].name) || policy->services[i].assurance > B2B_AAL3 ||
		    b2b_policy_service(policy, policy->services[i].name) != (int)i)
			return false;
	return true;
}

static bool range_valid(const struct b2b_policy *policy, const struct b2b_policy_org *org)
{
	if (org->range_lo < B2B_RANGE_FIRST || org->range_hi > B2B_RANGE_LAST || org->range_hi < org->range_lo)
		return false;
	if (policy->partners_gid >= org->range_lo && policy->partners_gid <= org->range_hi)
		return false;
	return org->range_hi - org->range_lo + 1 >= B2B_RANGE_MIN && org->range_hi - org->range_lo + 1 <= B2B_RANGE_MAX;
}

static bool parents_end(const struct b2b_policy *policy, int org)
{
	for (int depth = 0; depth < B2B_DEPTH_MAX; depth++) {
		if (org == -1)
			return true;
		if (org < 0 || (uint32_t)org >= policy->n_orgs)
			return false;
		org = policy->orgs[org].parent;
	}
	return org == -1;
}

static bool orgs_valid(const struct b2b_policy *policy)
{
	for (uint32_t i = 0; i < policy->n_orgs; i++) {
		const struct b2b_policy_org *org = &policy->orgs[i];

		if (!b2b_org_id_valid(org->id) || !b2b_alias_valid(org->alias) || !range_valid(policy, org) || !parents_end(policy, (int)i))
			return false;
		if (i > 0 && strcmp(policy->orgs[i - 1].alias, org->alias) >= 0)
			return false;
	}
	return true;
}

static int by_range(const void *a, const void *b)
{
	const struct b2b_policy_org *const *left = a, *const *right = b;

	return ((*left)->range_lo > (*right)->range_lo) - ((*left)->range_lo < (*right)->range_lo);
}

static int by_id(const void *a, const void *b)
{
	const struct b2b_policy_org *const *left = a, *const *right = b;

	return strcmp((*left)->id, (*right)->id);
}

/* Ids twice, or ranges that overlap: neighbours after sorting. */
static int orgs_apart(const struct b2b_policy *policy)
{
	const struct b2b_policy_org **order;
	int r = 0;

	order = calloc((size_t)policy->n_orgs + 1, sizeof(const struct b2b_policy_org *));
	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < policy->n_orgs; i++)
		order[i] = &policy->orgs[i];
	qsort(order, policy->n_orgs, sizeof(const struct b2b_policy_org *), by_range);
	for (uint32_t i = 1; i < policy->n_orgs; i++)
		if (order[i]->range_lo <= order[i - 1]->range_hi)
			r = -EINVAL;
	qsort(order, policy->n_orgs, sizeof(const struct b2b_policy_org *), by_id);
	for (uint32_t i = 1; i < policy->n_orgs; i++)
		if (strcmp(order[i]->id, order[i - 1]->id) == 0)
			r = -EINVAL;
	free(order);
	return r;
}

int b2b_policy_check(const struct b2b_policy *policy)
{
	if (!host_valid(policy) || !grants_valid(policy) || !orgs_valid(policy))
		return -EINVAL;
	return orgs_apart(policy);
}
