#include "b2bd/directory/keycloak_absent.h"

#include <errno.h>
#include <stdlib.h>

#include "b2bd/directory/id_set.h"
#include "b2bd/directory/scim_parse.h"

struct absent {
	struct b2b_id_set shown;
	json_t *ids;
};

static int take(void *arg, const char *id)
{
	struct absent *absent = arg;
	int r = b2b_id_set_add(&absent->shown, id);

	return r == 1 && json_array_append_new(absent->ids, json_string(id)) < 0 ? -ENOMEM : r < 0 ? r : 0;
}

/* Where R is a failure there is no list. */
static json_t *finish(struct absent *absent, int r)
{
	b2b_id_set_clear(&absent->shown);
	if (r < 0) {
		json_decref(absent->ids);
		return NULL;
	}
	return absent->ids;
}

static int take_member(struct b2b_state *state, struct absent *absent, uint32_t uid)
{
	struct b2b_principal person;
	int r = b2b_directory_by_uid(state, uid, &person);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = person.state == B2B_REMOVED ? 0 : take(absent, person.id);
	b2b_principal_clear(&person);
	return r;
}

json_t *b2b_keycloak_absent_members(struct b2b_state *state, const char *org_id, const char *group_id, const json_t *listed)
{
	struct absent absent = { .ids = json_array() };
	uint32_t *uids = NULL;
	const json_t *id;
	size_t i, n = 0;
	int r = absent.ids ? 0 : -ENOMEM;

	json_array_foreach(listed, i, id)
		r = r < 0 || !json_is_string(id) ? r : b2b_id_set_add(&absent.shown, json_string_value(id));
	if (r >= 0)
		r = b2b_group_members(state, group_id, org_id, &uids, &n);
	if (r == -ENOENT)
		r = 0;
	for (i = 0; r >= 0 && i < n; i++)
		r = take_member(state, &absent, uids[i]);
	free(uids);
	return finish(&absent, r);
}

json_t *b2b_keycloak_absent_groups(struct b2b_state *state, const char *org_id, const json_t *listed)
{
	struct absent absent = { .ids = json_array() };
	const json_t *group;
	size_t i;
	int r = absent.ids ? 0 : -ENOMEM;

	json_array_foreach(listed, i, group)
		r = r < 0 || !b2b_scim_id(group) ? r : b2b_id_set_add(&absent.shown, b2b_scim_id(group));
	if (r >= 0)
		r = b2b_directory_each_group_id(state, org_id, take, &absent);
	return finish(&absent, r);
}
