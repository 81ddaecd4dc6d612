/* Who approves what an organisation's people run by sudo, and what nobody need. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_draft.h"

static int check_roles(struct b2b_draft *draft, const struct b2b_draft_section *section, const struct b2b_policy *policy, const struct b2b_policy_org *org)
{
	const struct b2b_conf_words *words = &section->u.organisation.sudo_approvers;
	char quoted[B2B_QUOTE_SIZE];

	for (size_t i = 0; i < words->n; i++) {
		const char *name = strncmp(words->words[i], "role:", 5) == 0 ? words->words[i] + 5 : NULL;
		int role = name ? b2b_policy_role(policy, name) : -1;

		if (name && (role < 0 || !(org->roles & (1ull << role))))
			return b2b_draft_fail_key(draft, section, "sudo_approvers", "found %s; expected a role that is among the organisation's roles",
			                          b2b_draft_quote(words->words[i], strlen(words->words[i]), quoted));
	}
	return 0;
}

/* What is exempt from nothing was meant for a rule that is not there. */
static int check_exempt(struct b2b_draft *draft, const struct b2b_draft_section *section)
{
	const struct b2b_draft_organisation *from = &section->u.organisation;

	if (!from->sudo_approvers.n && from->sudo_exempt_commands.n)
		return b2b_draft_fail_key(draft, section, "sudo_exempt_commands", "found commands without approvers; expected sudo_approvers beside it");
	if (!from->sudo_approvers.n && from->sudo_exempt_users.n)
		return b2b_draft_fail_key(draft, section, "sudo_exempt_users", "found users without approvers; expected sudo_approvers beside it");
	for (size_t i = 0; i < from->sudo_exempt_users.n; i++)
		if (strcmp(from->sudo_exempt_users.words[i], "root") == 0)
			return b2b_draft_fail_key(draft, section, "sudo_exempt_users", "found root; expected users with less power");
	return 0;
}

/* The words move over, NULL behind the last. */
static int move_words(struct b2b_conf_words *from, char ***ret_words)
{
	char **words = reallocarray(from->words, from->n + 1, sizeof(*words));

	if (!words)
		return -ENOMEM;
	words[from->n] = NULL;
	from->words = NULL;
	from->n = 0;
	*ret_words = words;
	return 0;
}

static int compile_one(struct b2b_draft *draft, struct b2b_draft_section *section, const struct b2b_policy *policy,
                       const struct b2b_policy_org *org, struct b2b_conf_sudo *sudo)
{
	struct b2b_draft_organisation *from = &section->u.organisation;
	int r = check_exempt(draft, section);

	if (r == 0)
		r = check_roles(draft, section, policy, org);
	if (r < 0 || !from->sudo_approvers.n)
		return r;
	sudo->wait_s = from->sudo_wait_s;
	r = move_words(&from->sudo_approvers, &sudo->approvers);
	if (r == 0)
		r = move_words(&from->sudo_exempt_commands, &sudo->exempt_commands);
	return r < 0 ? r : move_words(&from->sudo_exempt_users, &sudo->exempt_users);
}

int b2b_draft_compile_sudo(struct b2b_draft *draft, struct b2b_conf *conf)
{
	const struct b2b_policy *policy = conf->policy;
	int r = 0;

	conf->sudo = calloc(policy->n_orgs + 1, sizeof(*conf->sudo));
	if (!conf->sudo)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < policy->n_orgs; i++)
		r = compile_one(draft, b2b_draft_find(draft, B2B_CONF_ORGANISATION, policy->orgs[i].alias), policy, &policy->orgs[i], &conf->sudo[i]);
	return r;
}

static void free_words(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
}

void b2b_conf_sudo_clear(struct b2b_conf_sudo *sudo)
{
	free_words(sudo->approvers);
	free_words(sudo->exempt_commands);
	free_words(sudo->exempt_users);
	memset(sudo, 0, sizeof(*sudo));
}

const struct b2b_conf_sudo *b2b_conf_sudo_of(const struct b2b_conf *conf, const struct b2b_policy *policy, int org, int *ret_org)
{
	for (; org >= 0; org = policy->orgs[org].parent) {
		int slot = b2b_policy_org_by_alias(conf->policy, policy->orgs[org].alias);

		if (slot < 0 || !conf->sudo[slot].approvers)
			continue;
		*ret_org = org;
		return &conf->sudo[slot];
	}
	return NULL;
}
