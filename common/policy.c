#include "common/policy.h"

#include <stdlib.h>
#include <string.h>

void b2b_policy_free(struct b2b_policy *policy)
{
	if (!policy)
		return;
	free(policy->orgs);
	free(policy);
}

static int compare_alias(const void *alias, const void *org)
{
	return strcmp(alias, ((const struct b2b_policy_org *)org)->alias);
}

int b2b_policy_org_by_alias(const struct b2b_policy *policy, const char *alias)
{
	const struct b2b_policy_org *found = NULL;

	if (policy->n_orgs > 0)
		found = bsearch(alias, policy->orgs, policy->n_orgs, sizeof(*policy->orgs), compare_alias);
	return found ? (int)(found - policy->orgs) : -1;
}

int b2b_policy_org_by_id(const struct b2b_policy *policy, const char *id)
{
	for (uint32_t i = 0; i < policy->n_orgs; i++)
		if (strcmp(policy->orgs[i].id, id) == 0)
			return (int)i;
	return -1;
}

int b2b_policy_org_by_uid(const struct b2b_policy *policy, uint32_t uid)
{
	for (uint32_t i = 0; i < policy->n_orgs; i++)
		if (uid >= policy->orgs[i].range_lo && uid <= policy->orgs[i].range_hi)
			return (int)i;
	return -1;
}

bool b2b_policy_org_within(const struct b2b_policy *policy, int org, int root)
{
	/* Bounded, so that a loop among parents cannot hold us. */
	for (int depth = 0; depth < B2B_DEPTH_MAX; depth++) {
		if (org < 0 || (uint32_t)org >= policy->n_orgs)
			return false;
		if (org == root)
			return true;
		org = policy->orgs[org].parent;
	}
	return false;
}

int b2b_policy_service(const struct b2b_policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->n_services; i++)
		if (strcmp(policy->services[i].name, name) == 0)
			return (int)i;
	return -1;
}

int b2b_policy_role(const struct b2b_policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->n_roles; i++)
		if (strcmp(policy->roles[i].name, name) == 0)
			return (int)i;
	return -1;
}
