/* Whose word a command needs, by root's configuration and the directory as it is now. */
#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/state/approver_state.h"
#include "b2bd/sudo.h"

#define GROUP "group:"
#define ROLE "role:"

static const char *behind(const char *word, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(word, prefix, len) == 0 ? word + len : NULL;
}

/* A role that is not granted to the organisation is nobody's there. */
static uint64_t role_mask(const struct b2b_core *core, int org, const char *name)
{
	int role = b2b_policy_role(core->policy, name);

	return role < 0 ? 0 : (1ull << role) & core->policy->orgs[org].roles;
}

void b2b_sudo_rule(const struct b2b_core *core, const struct b2b_ask_command *ask, struct b2b_sudo_rule *ret_rule)
{
	bool partner = b2b_policy_org_by_uid(core->policy, ask->uid) >= 0;

	memset(ret_rule, 0, sizeof(*ret_rule));
	ret_rule->subject_uid = partner ? ask->uid : ask->as_uid;
	ret_rule->conf = b2b_conf_sudo_of(core->conf, core->policy, b2b_policy_org_by_uid(core->policy, ret_rule->subject_uid), &ret_rule->org);
}

static bool listed(char *const *words, const char *word)
{
	for (; *word && *words; words++) {
		if (strcmp(*words, word) == 0)
			return true;
	}
	return false;
}

bool b2b_sudo_demands(const struct b2b_sudo_rule *rule, const struct b2b_ask_command *ask)
{
	if (!rule->conf)
		return false;
	if (listed(rule->conf->exempt_commands, ask->path))
		return false;
	return !(ask->as_uid != 0 && listed(rule->conf->exempt_users, ask->as_user));
}

bool b2b_sudo_may_approve(const struct b2b_core *core, const struct b2b_sudo_rule *rule, const struct b2b_gathered *gathered)
{
	const struct b2b_principal *principal = gathered->facts.principal;

	if (!principal || gathered->facts.org != rule->org || principal->kind != B2B_PERSON)
		return false;
	for (char *const *word = rule->conf->approvers; *word; word++) {
		const char *group = behind(*word, GROUP), *role = behind(*word, ROLE);

		if (role && (principal->roles & role_mask(core, rule->org, role)))
			return true;
		if (group && b2b_group_has(core->state, principal->org_id, group, principal->uid) > 0)
			return true;
	}
	return false;
}

static int copy_person(const char *subject, char ret_person[B2B_SUDO_PERSON_SIZE])
{
	if (strlen(subject) >= B2B_SUDO_PERSON_SIZE)
		return -ENAMETOOLONG;
	snprintf(ret_person, B2B_SUDO_PERSON_SIZE, "%s", subject);
	return 0;
}

int b2b_sudo_person(const struct b2b_core *core, const struct b2b_principal *principal, char ret_person[B2B_SUDO_PERSON_SIZE])
{
	struct b2b_principal owner;
	int r;

	if (!principal->owner || !*principal->owner)
		return copy_person(principal->subject, ret_person);
	r = b2b_directory_by_id(core->state, principal->owner, &owner);
	if (r < 0)
		return r;
	r = copy_person(owner.subject, ret_person);
	b2b_principal_clear(&owner);
	return r;
}

static int add_candidates(const struct b2b_core *core, int org, const char *word, struct b2b_uids *uids)
{
	const char *group = behind(word, GROUP), *role = behind(word, ROLE), *id = core->policy->orgs[org].id;

	if (group)
		return b2b_group_people(core->state, id, group, uids);
	return role ? b2b_role_people(core->state, id, role_mask(core, org, role), uids) : 0;
}

/* From somewhere in the list on: not always the same of many are asked. */
static size_t somewhere(size_t n)
{
	uint32_t random = 0;

	RAND_bytes((unsigned char *)&random, sizeof(random)); /* should it fail, the first are asked */
	return n ? random % n : 0;
}

int b2b_sudo_candidates(const struct b2b_core *core, const struct b2b_sudo_rule *rule, uint32_t *uids, size_t max)
{
	struct b2b_uids all = { 0 };
	size_t first, n = 0;
	int r = 0;

	for (char *const *word = rule->conf->approvers; r == 0 && *word; word++)
		r = add_candidates(core, rule->org, *word, &all);
	b2b_uids_sort(&all);
	first = somewhere(all.n);
	for (size_t i = 0; r == 0 && i < all.n && n < max; i++)
		uids[n++] = all.list[(first + i) % all.n];
	free(all.list);
	return r < 0 ? r : (int)n;
}
