#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>

#include "common/conf_draft.h"

/* One local group into the role: it must exist, be local, and not be root's. */
static int resolve(struct b2b_draft *draft, const struct b2b_draft_section *section, const char *name, struct b2b_policy_role *role)
{
	char quoted[B2B_QUOTE_SIZE];
	struct group *group;

	b2b_draft_quote(name, strlen(name), quoted);
	errno = 0;
	group = getgrnam(name);
	if (!group)
		return b2b_draft_fail_key(draft, section, "local_groups", "found %s%s%s; expected a group of this host", quoted,
		                          errno ? ", which could not be looked up: " : ", which does not exist", errno ? strerror(errno) : "");
	if (group->gr_gid == 0)
		return b2b_draft_fail_key(draft, section, "local_groups", "found %s, the group of root; expected a group with less power", quoted);
	if (group->gr_gid >= B2B_GID_FIRST && group->gr_gid <= B2B_RANGE_LAST)
		return b2b_draft_fail_key(draft, section, "local_groups", "found %s, whose id %u is in the partners' space; expected a group of this host",
		                          quoted, group->gr_gid);
	role->gids[role->n_gids++] = group->gr_gid;
	return 0;
}

int b2b_draft_compile_roles(struct b2b_draft *draft, bool resolve_groups, struct b2b_policy *policy)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < draft->n_sections; i++) {
		const struct b2b_draft_section *section = &draft->sections[i];
		const struct b2b_conf_words *groups = &section->u.role.local_groups;
		struct b2b_policy_role *role;

		if (section->section != B2B_CONF_ROLE)
			continue;
		if (policy->n_roles == B2B_ROLES_MAX)
			return b2b_draft_fail(draft, section->line, "found one role too many; expected at most %d", B2B_ROLES_MAX);
		role = &policy->roles[policy->n_roles++];
		snprintf(role->name, sizeof(role->name), "%s", section->name);
		for (size_t j = 0; r == 0 && resolve_groups && j < groups->n; j++)
			r = resolve(draft, section, groups->words[j], role);
	}
	return r;
}
