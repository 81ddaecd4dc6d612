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

static bool fault(struct b2b_policy_fault *ret_fault, enum b2b_policy_part part, uint32_t number, const char *what)
{
	*ret_fault = (struct b2b_policy_fault){ .part = part, .number = number, .what = what };
	return false;
}

static bool counts_valid(const struct b2b_policy *policy)
{
	return policy->n_shells >= 1 && policy->n_shells <= B2B_SHELLS_MAX && policy->n_roles <= B2B_ROLES_MAX &&
	       policy->n_services <= B2B_SERVICES_MAX && policy->n_orgs <= B2B_ORGS_MAX && (policy->n_orgs == 0 || policy->orgs);
}

static bool host_valid(const struct b2b_policy *policy, struct b2b_policy_fault *ret_fault)
{
	if (policy->separator == '\0' || !strchr(B2B_SEPARATORS, policy->separator))
		return fault(ret_fault, B2B_POLICY_HOST, 0, "separator: it may not be one");
	if (policy->visibility > B2B_VISIBLE_EVERYONE)
		return fault(ret_fault, B2B_POLICY_HOST, 0, "visibility: there is none such");
	if (!B2B_PARTNERS_GID_VALID(policy->partners_gid))
		return fault(ret_fault, B2B_POLICY_HOST, 0, "partners_gid: it is outside of what partners may have");
	if (policy->ending_grace_s > B2B_ENDING_GRACE_MAX_S)
		return fault(ret_fault, B2B_POLICY_HOST, 0, "ending_grace: it is longer than sessions may take to end");
	if (!path_valid(policy->home))
		return fault(ret_fault, B2B_POLICY_HOST, 0, "home: it is no absolute path that may stand in passwd(5)");
	if (!counts_valid(policy))
		return fault(ret_fault, B2B_POLICY_HOST, 0, "counts: there are too many of something, or no shell");
	for (uint32_t i = 0; i < policy->n_shells; i++)
		if (!path_valid(policy->shells[i]))
			return fault(ret_fault, B2B_POLICY_SHELL, i, "shell: it is no absolute path that may stand in passwd(5)");
	return true;
}

static bool role_valid(const struct b2b_policy_role *role)
{
	if (!label_valid(role->name) || role->n_gids > B2B_ROLE_GIDS_MAX)
		return false;
	for (uint32_t i = 0; i < role->n_gids; i++)
		if (role->gids[i] == 0 || role->gids[i] == (uint32_t)-1) /* root's group, and none */
			return false;
	return true;
}

static bool grants_valid(const struct b2b_policy *policy, struct b2b_policy_fault *ret_fault)
{
	for (uint32_t i = 0; i < policy->n_roles; i++) {
		if (!role_valid(&policy->roles[i]))
			return fault(ret_fault, B2B_POLICY_ROLE, i, "role: its name or its gids are against the rule");
		if (b2b_policy_role(policy, policy->roles[i].name) != (int)i)
			return fault(ret_fault, B2B_POLICY_ROLE, i, "role: another has the same name");
	}
	for (uint32_t i = 0; i < policy->n_services; i++) {
		if (!label_valid(policy->services[i].name) || policy->services[i].assurance > B2B_AAL3)
			return fault(ret_fault, B2B_POLICY_SERVICE, i, "service: its name or its assurance is against the rule");
		if (b2b_policy_service(policy, policy->services[i].name) != (int)i)
			return fault(ret_fault, B2B_POLICY_SERVICE, i, "service: another has the same name");
	}
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

static bool orgs_valid(const struct b2b_policy *policy, struct b2b_policy_fault *ret_fault)
{
	for (uint32_t i = 0; i < policy->n_orgs; i++) {
		const struct b2b_policy_org *org = &policy->orgs[i];

		if (!b2b_org_id_valid(org->id))
			return fault(ret_fault, B2B_POLICY_ORG, i, "organisation: its id is against the rule");
		if (!b2b_alias_valid(org->alias))
			return fault(ret_fault, B2B_POLICY_ORG, i, "organisation: its alias is against the rule");
		if (!range_valid(policy, org))
			return fault(ret_fault, B2B_POLICY_ORG, i, "organisation: its range is outside of what partners may have, too small or too large");
		if (!parents_end(policy, (int)i))
			return fault(ret_fault, B2B_POLICY_ORG, i, "organisation: its parents are a loop, too many, or not there");
		if (i > 0 && strcmp(policy->orgs[i - 1].alias, org->alias) >= 0)
			return fault(ret_fault, B2B_POLICY_ORG, i, "organisation: its alias is there twice or not in order");
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
static int orgs_apart(const struct b2b_policy *policy, struct b2b_policy_fault *ret_fault)
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
		if (order[i]->range_lo <= order[i - 1]->range_hi) {
			fault(ret_fault, B2B_POLICY_ORG, (uint32_t)(order[i] - policy->orgs), "organisation: its range overlaps another's");
			r = -EINVAL;
		}
	qsort(order, policy->n_orgs, sizeof(const struct b2b_policy_org *), by_id);
	for (uint32_t i = 1; i < policy->n_orgs; i++)
		if (strcmp(order[i]->id, order[i - 1]->id) == 0) {
			fault(ret_fault, B2B_POLICY_ORG, (uint32_t)(order[i] - policy->orgs), "organisation: another has the same id");
			r = -EINVAL;
		}
	free(order);
	return r;
}

int b2b_policy_find(const struct b2b_policy *policy, struct b2b_policy_fault *ret_fault)
{
	if (!host_valid(policy, ret_fault) || !grants_valid(policy, ret_fault) || !orgs_valid(policy, ret_fault))
		return -EINVAL;
	return orgs_apart(policy, ret_fault);
}

int b2b_policy_check(const struct b2b_policy *policy)
{
	struct b2b_policy_fault ignored;

	return b2b_policy_find(policy, &ignored);
}
