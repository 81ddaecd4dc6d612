#include <errno.h>

#include "b2bctl/dump.h"
#include "common/index_codec.h"
#include "common/snapshot.h"

struct taking {
	struct b2b_dump *dump;
	const struct b2b_roster *roster;
	const uint32_t *words; /* NULL: the live file is of no use */
	json_t *object;        /* the snapshot's */
};

static json_t *local_of(const struct b2b_entry *entry)
{
	return b2b_dump_text(entry->local, sizeof(entry->local));
}

static uint64_t id_at(const struct taking *taking, uint32_t offset)
{
	return taking->roster->header.ids_at + (uint64_t)offset * sizeof(uint32_t);
}

static uint64_t list_at(const struct taking *taking, const struct b2b_entry *entry, uint32_t i)
{
	return taking->roster->header.lists_at + ((uint64_t)entry->record.list + i) * sizeof(uint32_t);
}

static json_t *groups_of(const struct taking *taking, const struct b2b_entry *user)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < user->record.n_list; i++) {
		struct b2b_entry group;

		if (b2b_snap_by_offset(&taking->roster->org, &taking->roster->snap, user->list[i], &group) == 0 && group.record.kind == B2B_RECORD_GROUP)
			json_array_append_new(list, local_of(&group));
		else
			b2b_dump_damage(taking->dump, taking->object, list_at(taking, user, i), "lists: a user's group that is none");
	}
	return list;
}

static json_t *members_of(const struct taking *taking, const struct b2b_entry *group)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < group->record.n_list; i++) {
		struct b2b_entry member;

		if (b2b_snap_member(&taking->roster->org, &taking->roster->snap, group->list[i], &member) == 0)
			json_array_append_new(list, local_of(&member));
		else
			b2b_dump_damage(taking->dump, taking->object, list_at(taking, group, i), "lists: a member that is no user");
	}
	return list;
}

static void take_user(const struct taking *taking, uint32_t offset, const struct b2b_entry *entry)
{
	char gecos[B2B_GECOS_SIZE] = "";
	json_t *word = taking->words ? b2b_dump_word(taking->words[offset]) : json_null();

	memcpy(gecos, entry->gecos, entry->record.n_gecos);
	json_array_append_new(json_object_get(taking->object, "people"),
	                      json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "name", local_of(entry), "uid",
	                                (json_int_t)taking->roster->org.record.range_lo + offset, "word", word, "shell",
	                                b2b_dump_shell(taking->dump, entry->record.shell), "roles", b2b_dump_roles(taking->dump, entry->record.roles),
	                                "groups", groups_of(taking, entry), "gecos", b2b_dump_text(gecos, sizeof(gecos))));
}

static void take_group(const struct taking *taking, uint32_t offset, const struct b2b_entry *entry)
{
	json_array_append_new(json_object_get(taking->object, "groups"),
	                      json_pack("{s:o, s:I, s:o}", "name", local_of(entry), "gid", (json_int_t)taking->roster->org.record.range_lo + offset, "members",
	                                members_of(taking, entry)));
}

/* By id, as a reader finds them: one that is damaged hides none of the others. */
static void take_entries(const struct taking *taking)
{
	for (uint32_t offset = 1; offset < taking->roster->header.n_ids; offset++) {
		struct b2b_entry entry;
		int r = b2b_snap_by_offset(&taking->roster->org, &taking->roster->snap, offset, &entry);

		if (r == -ENOENT)
			continue;
		if (r == 0 && entry.record.kind == B2B_RECORD_USER)
			take_user(taking, offset, &entry);
		else if (r == 0 && entry.record.kind == B2B_RECORD_GROUP)
			take_group(taking, offset, &entry);
		else
			b2b_dump_damage(taking->dump, taking->object, id_at(taking, offset), "ids: the entry of this id leads to no right record");
	}
}

/* What the entries do not show: the table of names, and all that no reader looks at. */
static void name_damage(struct b2b_dump *dump, const struct b2b_roster *roster, json_t *object)
{
	struct b2b_policy *policy = NULL;
	struct b2b_finding finding;
	uint64_t generation;
	int org;

	if (!dump->readable || roster->header.head.version != B2B_FORMAT_VERSION ||
	    b2b_index_find(dump->file.bytes, dump->file.size, &policy, &finding) < 0)
		return;
	org = b2b_policy_org_by_id(policy, roster->header.org_id);
	if (org >= 0 && b2b_snapshot_find(roster->file.bytes, roster->file.size, policy, org, &generation, &finding) < 0)
		b2b_dump_damage(dump, object, finding.at, finding.what);
	b2b_policy_free(policy);
}

static void take_header(json_t *object, const struct b2b_format_snapshot *header)
{
	b2b_dump_head(object, &header->head);
	json_object_set_new(object, "generation", json_integer((json_int_t)header->head.generation));
	json_object_set_new(object, "n_users", json_integer(header->n_users));
	json_object_set_new(object, "n_groups", json_integer(header->n_groups));
	json_object_set_new(object, "hash_seed", json_integer(header->hash_seed));
	json_object_set_new(object, "hash_size", json_integer(header->hash_size));
	json_object_set_new(object, "n_ids", json_integer(header->n_ids));
	json_object_set_new(object, "n_lists", json_integer(header->n_lists));
	json_object_set_new(object, "n_rosters", json_integer(header->n_rosters));
	json_object_set_new(object, "roster_data_size", json_integer(header->roster_data_size));
	json_object_set_new(object, "records_size", json_integer(header->records_size));
}

json_t *b2b_dump_roster(struct b2b_dump *dump, const struct b2b_dump_org *org, const struct b2b_cache_file *live)
{
	struct b2b_finding finding = { 0 };
	char name[B2B_CACHE_FILE_NAME];
	struct taking taking = { .dump = dump };
	struct b2b_roster *roster = NULL;
	json_t *object;
	int r;

	snprintf(name, sizeof(name), "org/%s/snapshot", org->id);
	object = b2b_dump_object(name);
	r = b2b_roster_open(dump->ctl->cache_dir, org->id, org->range_lo, org->range_hi, &roster, &finding);
	if (r < 0) {
		b2b_dump_unread(dump, object, r, &finding);
		return object;
	}
	taking.roster = roster;
	taking.object = object;
	if (live->bytes)
		taking.words = (const uint32_t *)(const void *)(live->bytes + B2B_LIVE_WORDS_AT);
	take_header(object, &roster->header);
	json_object_set_new(object, "people", json_array());
	json_object_set_new(object, "groups", json_array());
	name_damage(dump, roster, object);
	take_entries(&taking);
	b2b_roster_close(roster);
	return object;
}
