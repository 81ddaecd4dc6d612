#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_draft.h"

/* The organisation's section; there is one for every slot. */
static const struct b2b_draft_section *section_of(const struct b2b_draft *draft, const struct b2b_policy_org *org)
{
	return b2b_draft_find(draft, B2B_CONF_ORGANISATION, org->alias);
}

static int mask_of(struct b2b_draft *draft, const struct b2b_draft_section *section, const char *key, const struct b2b_policy *policy,
                   const struct b2b_conf_words *names, int (*find)(const struct b2b_policy *policy, const char *name), uint64_t *ret_mask)
{
	char quoted[B2B_QUOTE_SIZE];

	for (size_t i = 0; i < names->n; i++) {
		int bit = find(policy, names->words[i]);

		if (bit < 0)
			return b2b_draft_fail_key(draft, section, key, "found %s; expected %s with a section [%s %s]",
			                          b2b_draft_quote(names->words[i], strlen(names->words[i]), quoted),
			                          find == b2b_policy_role ? "a role" : "sshd, sudo, sudo-i, su, su-l, login, or a service",
			                          find == b2b_policy_role ? "role" : "service", "NAME");
		*ret_mask |= 1ull << bit;
	}
	return 0;
}

static int fill_org(struct b2b_draft *draft, const struct b2b_draft_section *section, const struct b2b_policy *policy, struct b2b_policy_org *org)
{
	const struct b2b_draft_organisation *from = &section->u.organisation;
	int r;

	if (!from->id)
		return b2b_draft_fail_key(draft, section, "id", "found nothing; expected the organisation's id at the service");
	if (!from->range[0])
		return b2b_draft_fail_key(draft, section, "range", "found nothing; expected FIRST-LAST; b2bctl org add proposes a free one");
	snprintf(org->alias, sizeof(org->alias), "%s", section->name);
	snprintf(org->id, sizeof(org->id), "%s", from->id);
	org->parent = -1;
	org->range_lo = from->range[0];
	org->range_hi = from->range[1];
	org->session_s = from->session_s;
	r = mask_of(draft, section, "services", policy, &from->services, b2b_policy_service, &org->services);
	if (r == 0)
		r = mask_of(draft, section, "roles", policy, &from->roles, b2b_policy_role, &org->roles);
	return r;
}

static int find_parent(struct b2b_draft *draft, const struct b2b_policy *policy, struct b2b_policy_org *org)
{
	const struct b2b_draft_section *section = section_of(draft, org);
	const char *named = section->u.organisation.parent, *dot = strchr(org->alias, '.');
	char quoted[B2B_QUOTE_SIZE];

	if (!named && dot)
		org->parent = b2b_policy_org_by_alias(policy, dot + 1);
	if (!named || strcmp(named, "none") == 0)
		return 0;
	org->parent = b2b_policy_org_by_alias(policy, named);
	if (org->parent < 0)
		return b2b_draft_fail_key(draft, section, "parent", "found %s; expected an organisation with a section of its own, or none",
		                          b2b_draft_quote(named, strlen(named), quoted));
	return 0;
}

/* What an organisation has is no more than what each above it has; the walk is bounded, and so finds circles. */
static int bound_by_ancestors(struct b2b_draft *draft, const struct b2b_policy *policy, struct b2b_policy_org *org)
{
	int above = org->parent, depth = 1;

	for (; above >= 0; above = policy->orgs[above].parent) {
		const struct b2b_policy_org *ancestor = &policy->orgs[above];

		if (++depth > B2B_DEPTH_MAX)
			return b2b_draft_fail_key(draft, section_of(draft, org), "parent", "found a circle or more than %d levels; expected a tree of at most %d",
			                          B2B_DEPTH_MAX, B2B_DEPTH_MAX);
		org->services &= ancestor->services;
		org->roles &= ancestor->roles;
		if (ancestor->session_s && (!org->session_s || ancestor->session_s < org->session_s))
			org->session_s = ancestor->session_s;
	}
	return 0;
}

static int by_alias(const void *a, const void *b)
{
	const struct b2b_policy_org *left = a, *right = b;

	return strcmp(left->alias, right->alias);
}

static int by_range(const void *a, const void *b)
{
	const struct b2b_policy_org *const *left = a, *const *right = b;

	if ((*left)->range_lo == (*right)->range_lo)
		return by_alias(*left, *right);
	return (*left)->range_lo > (*right)->range_lo ? 1 : -1;
}

static int by_id(const void *a, const void *b)
{
	const struct b2b_policy_org *const *left = a, *const *right = b;

	int r = strcmp((*left)->id, (*right)->id);

	return r ? r : by_alias(*left, *right);
}

/* ORDER: by range, so that what overlaps are neighbours. */
static int judge_ranges(struct b2b_draft *draft, const struct b2b_policy *policy, const struct b2b_policy_org **order)
{
	for (uint32_t i = 0; i < policy->n_orgs; i++) {
		const struct b2b_policy_org *org = order[i];

		if (policy->partners_gid >= org->range_lo && policy->partners_gid <= org->range_hi)
			return b2b_draft_fail_key(draft, section_of(draft, org), "range", "found 0x%x-0x%x, which holds partners_gid 0x%x; expected a range without it",
			                          org->range_lo, org->range_hi, policy->partners_gid);
		if (i > 0 && org->range_lo <= order[i - 1]->range_hi)
			return b2b_draft_fail_key(draft, section_of(draft, org), "range",
			                          "found 0x%x-0x%x, which overlaps 0x%x-0x%x of %s in line %d; expected one of its own, b2bctl org add proposes one",
			                          org->range_lo, org->range_hi, order[i - 1]->range_lo, order[i - 1]->range_hi, order[i - 1]->alias,
			                          b2b_draft_line(section_of(draft, order[i - 1]), "range"));
	}
	return 0;
}

static int judge_ids(struct b2b_draft *draft, const struct b2b_policy *policy, const struct b2b_policy_org **order)
{
	for (uint32_t i = 1; i < policy->n_orgs; i++)
		if (strcmp(order[i]->id, order[i - 1]->id) == 0)
			return b2b_draft_fail_key(draft, section_of(draft, order[i]), "id", "found the id of %s in line %d; expected one of its own",
			                          order[i - 1]->alias, b2b_draft_line(section_of(draft, order[i - 1]), "id"));
	return 0;
}

static int judge_apart(struct b2b_draft *draft, const struct b2b_policy *policy)
{
	const struct b2b_policy_org **order = calloc((size_t)policy->n_orgs + 1, sizeof(const struct b2b_policy_org *));
	int r;

	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < policy->n_orgs; i++)
		order[i] = &policy->orgs[i];
	qsort(order, policy->n_orgs, sizeof(const struct b2b_policy_org *), by_range);
	r = judge_ranges(draft, policy, order);
	qsort(order, policy->n_orgs, sizeof(const struct b2b_policy_org *), by_id);
	if (r == 0)
		r = judge_ids(draft, policy, order);
	free(order);
	return r;
}

static int fill_orgs(struct b2b_draft *draft, struct b2b_policy *policy)
{
	int r = 0;

	policy->orgs = calloc(draft->n_sections + 1, sizeof(*policy->orgs));
	if (!policy->orgs)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < draft->n_sections; i++) {
		const struct b2b_draft_section *section = &draft->sections[i];

		if (section->section != B2B_CONF_ORGANISATION)
			continue;
		if (policy->n_orgs == B2B_ORGS_MAX)
			return b2b_draft_fail(draft, section->line, "found one organisation too many; expected at most %d", B2B_ORGS_MAX);
		r = fill_org(draft, section, policy, &policy->orgs[policy->n_orgs++]);
	}
	qsort(policy->orgs, policy->n_orgs, sizeof(*policy->orgs), by_alias);
	return r;
}

int b2b_draft_compile_orgs(struct b2b_draft *draft, struct b2b_policy *policy)
{
	int r;

	r = fill_orgs(draft, policy);
	for (uint32_t i = 0; r == 0 && i < policy->n_orgs; i++)
		r = find_parent(draft, policy, &policy->orgs[i]);
	/* Parents first or last, it makes no difference: a mask that was cut already is still no more than its own. */
	for (uint32_t i = 0; r == 0 && i < policy->n_orgs; i++)
		r = bound_by_ancestors(draft, policy, &policy->orgs[i]);
	if (r == 0)
		r = judge_apart(draft, policy);
	return r;
}
