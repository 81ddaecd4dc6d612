/*
 * subuid(5) and subgid(5): with subordinate ids a partner makes a user namespace in which the group that keeps them from
 * others' rosters can be shed; and whoever has a partner's id among theirs can be that partner.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/doctor.h"
#include "common/names.h"

struct subids {
	const char *owner; /* a name, or a number */
	unsigned long long first, count;
};

/* "owner:first:count"; other lines mean nothing to newuidmap either. */
static bool take_line(char *line, struct subids *ret)
{
	char *rest = line, *fields[3];

	for (int i = 0; i < 3; i++)
		fields[i] = strsep(&rest, ":\n");
	if (!fields[2] || !*fields[0])
		return false;
	ret->owner = fields[0];
	ret->first = strtoull(fields[1], NULL, 10);
	ret->count = strtoull(fields[2], NULL, 10);
	return true;
}

static bool is_partner(const struct b2b_policy *policy, const char *owner)
{
	struct b2b_name name;
	char *end;
	unsigned long long number = strtoull(owner, &end, 10);

	if (!*end)
		return number <= UINT32_MAX && b2b_policy_org_by_uid(policy, (uint32_t)number) >= 0;
	return b2b_name_split(owner, policy->separator, &name) == 0 && b2b_policy_org_by_alias(policy, name.alias) >= 0;
}

static const struct b2b_policy_org *overlaps(const struct b2b_policy *policy, const struct subids *ids)
{
	for (uint32_t i = 0; i < policy->n_orgs; i++)
		if (ids->count && ids->first <= policy->orgs[i].range_hi && ids->first + ids->count - 1 >= policy->orgs[i].range_lo)
			return &policy->orgs[i];
	return NULL;
}

static bool judge(struct b2b_doctor *doctor, const char *path)
{
	FILE *file = b2b_doctor_open(doctor, path);
	const struct b2b_policy_org *org;
	bool well = true;
	struct subids ids;
	char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		if (!take_line(line, &ids))
			continue;
		org = overlaps(doctor->policy, &ids);
		if (is_partner(doctor->policy, ids.owner))
			b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "%s gives the partner %s subordinate ids, with which every roster can be read; remove the line",
			               path, ids.owner);
		else if (org)
			b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "%s gives %s ids of %s's people, whose files are then open; give other ids", path, ids.owner,
			               org->alias);
		else
			continue;
		well = false;
	}
	free(line);
	if (file)
		fclose(file);
	return well;
}

void b2b_doctor_subids(struct b2b_doctor *doctor)
{
	bool well;

	if (!doctor->policy) {
		b2b_doctor_say(doctor, B2B_VERDICT_WARNING, "no policy has been applied, so nobody can say whose ids are partners'; run \"b2bctl policy apply\"");
		return;
	}
	well = judge(doctor, "/etc/subuid");
	well = judge(doctor, "/etc/subgid") && well;
	if (well)
		b2b_doctor_say(doctor, B2B_VERDICT_OK, "no partner has subordinate ids, and no partner's id is one");
}
