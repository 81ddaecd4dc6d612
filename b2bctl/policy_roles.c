#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"

/* NUMBERS[i]: the new number of POLICY's role i. */
static uint64_t renumbered(uint64_t mask, const uint32_t *numbers, uint32_t n)
{
	uint64_t to = 0;

	for (uint32_t i = 0; i < n; i++)
		if (mask & (1ull << i))
			to |= 1ull << numbers[i];
	return to;
}

int b2b_policy_keep_role_numbers(struct b2b_policy *policy, const struct b2b_policy *before)
{
	struct b2b_policy_role roles[B2B_ROLES_MAX] = { 0 };
	uint32_t numbers[B2B_ROLES_MAX], n = before->n_roles;

	for (uint32_t i = 0; i < before->n_roles; i++)
		memcpy(roles[i].name, before->roles[i].name, sizeof(roles[i].name));
	for (uint32_t i = 0; i < policy->n_roles; i++) {
		int was = b2b_policy_role(before, policy->roles[i].name);

		if (was < 0 && n == B2B_ROLES_MAX)
			return -ENOSPC;
		numbers[i] = was >= 0 ? (uint32_t)was : n++;
		roles[numbers[i]] = policy->roles[i];
	}
	for (uint32_t i = 0; i < policy->n_orgs; i++)
		policy->orgs[i].roles = renumbered(policy->orgs[i].roles, numbers, policy->n_roles);
	memcpy(policy->roles, roles, sizeof(policy->roles));
	policy->n_roles = n;
	return 0;
}
