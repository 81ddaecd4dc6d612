#include "b2bd/directory/scim_left.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/mass_guard.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/state/removal_state.h"

void b2b_scim_left_clear(struct b2b_scim_left *left)
{
	while (left->n)
		free(left->people[--left->n].id);
}

struct noting {
	struct b2b_scim_left *left;
	struct b2b_pass *pass;
	const char *id;
};

static bool is_noted(const struct b2b_scim_left *left, uint32_t uid)
{
	for (size_t i = 0; i < left->n; i++)
		if (left->people[i].uid == uid)
			return true;
	return false;
}

/* Where a removal waits for an administrator's word, these are among those whom it is about, or will be. */
static int note_one(void *arg, uint32_t uid)
{
	struct noting *noting = arg;
	struct b2b_scim_left *left = noting->left;
	const struct b2b_policy *policy = noting->pass->store.policy;
	int org = b2b_policy_org_by_uid(policy, uid), r = org < 0 ? 1 : b2b_removal_waits(noting->pass->store.state, policy->orgs[org].id);
	char *id;

	if (r || is_noted(left, uid))
		return r < 0 ? r : 0;
	if (left->n == B2B_CONFIRM_ROWS) {
		left->more = true;
		return 0;
	}
	id = strdup(noting->id);
	if (!id)
		return -ENOMEM;
	left->people[left->n++] = (struct b2b_missing){ .uid = uid, .id = id };
	return 0;
}

/* Whoever is known here and was not met by being shown is what a full pass would have missed. */
int b2b_scim_left_note(struct b2b_scim_left *left, struct b2b_pass *pass, const json_t *resources)
{
	struct noting noting = { .left = left, .pass = pass };
	const json_t *resource;
	size_t i;
	int r = 0;

	json_array_foreach(resources, i, resource) {
		noting.id = b2b_scim_id(resource);
		r = noting.id ? b2b_directory_each_unmet(pass->store.state, noting.id, pass->number, note_one, &noting) : 0;
		if (r < 0)
			break;
	}
	return r;
}

/* Take those of ORG out of LEFT for PASS to ask for. */
static int hand_over(struct b2b_scim_left *left, struct b2b_pass *pass, int org)
{
	size_t i, kept = 0;
	int r = 0;

	for (i = 0; i < left->n; i++) {
		if (r < 0 || b2b_policy_org_by_uid(pass->store.policy, left->people[i].uid) != org) {
			left->people[kept++] = left->people[i];
			continue;
		}
		r = b2b_confirm_add(pass, left->people[i].uid, left->people[i].id);
		free(left->people[i].id);
	}
	left->n = kept;
	return r < 0 ? r : 0;
}

static size_t count_of(const struct b2b_scim_left *left, const struct b2b_policy *policy, int org)
{
	size_t i, n = 0;

	for (i = 0; i < left->n; i++)
		n += b2b_policy_org_by_uid(policy, left->people[i].uid) == org;
	return n;
}

/* Portions of a few are many in the end: what left since the last full pass counts. Returns 0, -EBUSY, or a negative errno. */
static int judge(const struct b2b_scim_left *left, const struct b2b_pass *pass, const struct b2b_scim_known *known, int org)
{
	uint64_t living = 0, unseen = 0, before = known->left[org];
	int r = b2b_directory_count_unseen(pass->store.state, pass->store.policy->orgs[org].id, pass->number, &living, &unseen);

	if (r < 0)
		return r;
	return b2b_mass_is(&pass->store.conf->federation, before + count_of(left, pass->store.policy, org), before + living) ? -EBUSY : 0;
}

int b2b_scim_left_next(struct b2b_scim_left *left, struct b2b_pass *pass, struct b2b_scim_known *known)
{
	int org, r;

	if (!left->n)
		return 0;
	org = b2b_policy_org_by_uid(pass->store.policy, left->people[0].uid);
	r = left->more ? -EBUSY : judge(left, pass, known, org);
	if (r < 0)
		return r;
	known->left[org] += (uint32_t)count_of(left, pass->store.policy, org);
	pass->org = org;
	r = hand_over(left, pass, org);
	return r < 0 ? r : 1;
}
