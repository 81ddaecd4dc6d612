#include "b2bd/directory/scim_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/scim_alias.h"
#include "b2bd/directory/scim_attribute.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/directory/ssh_key.h"
#include "b2bd/state/alias_state.h"
#include "b2bd/state/key_state.h"
#include "common/log.h"

#define ROWS_MAX 500 /* of a transaction */

static void note_unusable(struct b2b_scim_store *store, const char *what, const json_t *resource, int error)
{
	const char *id = b2b_scim_id(resource);

	if (store->logged++ < B2B_SCIM_LOG_MAX)
		b2b_log(LOG_WARNING, "directory: %s %s is passed over: %s", what, id ? id : "?",
		        error == -EINVAL   ? "its name is none for this host"
		        : error == -EEXIST ? "its name or subject is somebody else's"
		        : error == -EDQUOT ? "there is no id for it"
		                           : "the record is malformed");
}

/* Errors of one record, which leave the transaction whole. */
static bool of_the_record(int error)
{
	return error == -EINVAL || error == -EEXIST || error == -EDQUOT || error == -ENOENT || error == -EBADMSG;
}

static void mark_changed(struct b2b_scim_store *store, const char *org_id)
{
	int org = b2b_policy_org_by_id(store->policy, org_id);

	if (org >= 0)
		store->changed[org] = true;
}

static int mark_former(void *arg, const char *org_id)
{
	mark_changed(arg, org_id);
	return 0;
}

static int store_org(struct b2b_scim_store *store, const json_t *resource, int64_t pass)
{
	struct b2b_org_record org;
	bool changed = false;
	int r = b2b_scim_org(resource, &org), slot;

	if (r < 0)
		return r;
	slot = b2b_policy_org_by_id(store->policy, org.id);
	if (slot >= 0)
		r = b2b_directory_put_org(store->state, &org, pass, &changed);
	if (changed)
		store->changed[slot] = true;
	b2b_org_record_clear(&org);
	return r;
}

static int join_groups(struct b2b_scim_store *store, const struct b2b_principal *person, const json_t *groups, bool *changed)
{
	const json_t *entry;
	struct b2b_principal stored;
	const char *id;
	bool joined;
	size_t i;
	int r = groups ? b2b_directory_by_name(store->state, person->org_id, person->local, &stored) : -ENOENT;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	json_array_foreach(groups, i, entry) {
		id = json_string_value(json_is_object(entry) ? json_object_get(entry, "value") : entry);
		if (!id || strcmp(stored.id, person->id))
			continue;
		r = b2b_directory_join(store->state, id, person->org_id, stored.uid, &joined);
		if (r < 0)
			break;
		*changed = *changed || joined;
	}
	b2b_principal_clear(&stored);
	return r;
}

/* Apart from the person's record: a key that is none keeps nobody out, and a new one is no change of what others see. */
static int store_keys(struct b2b_scim_store *store, const json_t *resource, const char *id)
{
	const struct b2b_conf_federation *federation = &store->conf->federation;
	unsigned bad = 0;
	const char *attribute = federation->scim_keys_attribute;
	char *keys = b2b_ssh_keys_read(attribute ? b2b_scim_value(resource, federation->scim_schema, attribute, "User") : NULL, &bad);
	int r = keys ? b2b_key_put(store->state, id, keys) : -ENOMEM;

	if (bad && store->logged++ < B2B_SCIM_LOG_MAX)
		b2b_log(LOG_WARNING, "directory: %u SSH keys of person %s are passed over: not a key of a kind and size that is taken, and nothing else", bad, id);
	free(keys);
	return r;
}

/* Likewise: they are for events alone. */
static int store_aliases(struct b2b_scim_store *store, const json_t *resource, const char *id)
{
	struct b2b_aliases aliases;

	b2b_scim_aliases(resource, &aliases);
	return b2b_alias_put(store->state, id, &aliases);
}

static int store_person(struct b2b_scim_store *store, const json_t *resource, int64_t pass)
{
	struct b2b_principal person;
	const json_t *groups;
	bool changed = false;
	int r = b2b_scim_person(resource, &store->conf->federation, store->policy, &person, &groups);

	if (r < 0)
		return r;
	if (b2b_policy_org_by_id(store->policy, person.org_id) >= 0) {
		r = b2b_directory_put_principal(store->state, store->policy, &person, pass, &changed);
		if (r == 0)
			r = store_keys(store, resource, person.id);
		if (r == 0)
			r = store_aliases(store, resource, person.id);
		/* a new person has groups at once, not only after the next pass over them */
		if (r == 0 && changed)
			r = join_groups(store, &person, groups, &changed);
	}
	if (r == 0 && changed) {
		mark_changed(store, person.org_id);
		r = b2b_directory_each_former(store->state, person.id, mark_former, store);
	}
	b2b_principal_clear(&person);
	return r;
}

static int store_group(struct b2b_scim_store *store, const json_t *resource, int64_t pass)
{
	struct b2b_scim_group group;
	bool changed = false;
	int r = b2b_scim_group(resource, &store->conf->federation, &group);

	if (r < 0)
		return r;
	if (b2b_policy_org_by_id(store->policy, group.org_id) >= 0)
		r = b2b_directory_put_group(store->state, store->policy, group.id, group.org_id, group.local, group.wanted_gid, group.members,
		                            group.n_members, pass, &changed);
	if (r == 0 && changed)
		mark_changed(store, group.org_id);
	b2b_scim_group_clear(&group);
	return r;
}

static int store_one(struct b2b_scim_store *store, const char *what, const json_t *resource, int64_t pass,
                     int (*one)(struct b2b_scim_store *store, const json_t *resource, int64_t pass))
{
	int r = one(store, resource, pass);

	if (r == 0 || !of_the_record(r))
		return r == -ESRCH ? 0 : r; /* of no organisation: nobody here, or not any more */
	note_unusable(store, what, resource, r);
	/* whoever is listed is not gone, however broken the record */
	return one == store_person && b2b_scim_id(resource) ? b2b_directory_met(store->state, b2b_scim_id(resource), pass) : 0;
}

static int store_all(struct b2b_scim_store *store, const char *what, const json_t *resources, int64_t pass,
                     int (*one)(struct b2b_scim_store *store, const json_t *resource, int64_t pass))
{
	size_t i, n = json_array_size(resources);
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		if (i % ROWS_MAX == 0)
			r = b2b_state_begin(store->state);
		if (r < 0)
			return r;
		r = store_one(store, what, json_array_get(resources, i), pass, one);
		if (r == 0 && (i % ROWS_MAX == ROWS_MAX - 1 || i == n - 1)) {
			r = b2b_state_commit(store->state);
			if (r < 0)
				return r;
		}
	}
	if (r < 0)
		b2b_state_rollback(store->state);
	return r;
}

int b2b_scim_store_orgs(struct b2b_scim_store *store, const json_t *resources, int64_t pass)
{
	return store_all(store, "organisation", resources, pass, store_org);
}

int b2b_scim_store_people(struct b2b_scim_store *store, const json_t *resources, int64_t pass)
{
	return store_all(store, "person", resources, pass, store_person);
}

int b2b_scim_store_groups(struct b2b_scim_store *store, const json_t *resources, int64_t pass)
{
	return store_all(store, "group", resources, pass, store_group);
}

bool b2b_scim_is_person(const struct b2b_scim_store *store, const json_t *resource, const char *org_id, const char *local)
{
	struct b2b_principal person;
	const json_t *groups;
	bool is;

	if (b2b_scim_person(resource, &store->conf->federation, store->policy, &person, &groups) < 0)
		return false;
	is = !strcmp(person.org_id, org_id) && !strcmp(person.local, local);
	b2b_principal_clear(&person);
	return is;
}
