#include "common/snapshot.h"

#include <errno.h>
#include <stdlib.h>

#include "common/snapshot_builder.h"

int b2b_snapshot_new(const struct b2b_policy *policy, int org, uint64_t generation, struct b2b_snapshot_builder **ret_builder)
{
	const struct b2b_policy_org *of = &policy->orgs[org];
	struct b2b_snapshot_builder *builder;

	builder = calloc(1, sizeof(*builder));
	if (!builder)
		return -ENOMEM;
	memcpy(builder->org_id, of->id, sizeof(builder->org_id));
	builder->range_lo = of->range_lo;
	builder->range_hi = of->range_hi;
	builder->alias_len = strlen(of->alias);
	b2b_suffix_init(&builder->suffix, policy->separator, of->alias);
	builder->rosters = policy->group_members;
	builder->n_shells = policy->n_shells;
	builder->generation = generation;
	*ret_builder = builder;
	return 0;
}

void b2b_snapshot_free(struct b2b_snapshot_builder *builder)
{
	if (!builder)
		return;
	free(builder->entries);
	free(builder->text);
	free(builder->members);
	free(builder->by_id);
	free(builder->by_name);
	free(builder);
}

/* Makes room for MORE entries of SIZE bytes behind COUNT, doubling. */
static int grow(void **array, size_t *room, size_t count, size_t more, size_t size)
{
	size_t want = *room ? *room : 64;
	void *bigger;

	if (count + more <= *room)
		return 0;
	while (want < count + more)
		want *= 2;
	bigger = reallocarray(*array, want, size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*room = want;
	return 0;
}

static int room_for_id(struct b2b_snapshot_builder *builder, uint32_t offset)
{
	size_t before = builder->room_ids;
	int r;

	r = grow((void **)&builder->by_id, &builder->room_ids, 0, (size_t)offset + 1, sizeof(uint32_t));
	if (r == 0 && builder->room_ids > before)
		memset(builder->by_id + before, 0, (builder->room_ids - before) * sizeof(uint32_t));
	return r;
}

/* Where LOCAL (padded) is in the table of names, or would be. */
static size_t name_place(const struct b2b_snapshot_builder *builder, const char *local, size_t len)
{
	size_t at = b2b_format_hash(local, len, 0) & (builder->room_names - 1);

	while (builder->by_name[at] != 0) {
		const struct b2b_built *entry = &builder->entries[builder->by_name[at] - 1];

		if (entry->n_local == len && memcmp(builder->text + entry->text, local, len) == 0)
			break;
		at = (at + 1) & (builder->room_names - 1);
	}
	return at;
}

/* Keeps the table of names at most half full. */
static int room_for_name(struct b2b_snapshot_builder *builder)
{
	uint32_t *before = builder->by_name;
	char local[B2B_NAME_SIZE];

	if (2 * (builder->n_entries + 1) <= builder->room_names)
		return 0;
	builder->by_name = calloc(builder->room_names ? 2 * builder->room_names : 256, sizeof(uint32_t));
	if (!builder->by_name) {
		builder->by_name = before;
		return -ENOMEM;
	}
	builder->room_names = builder->room_names ? 2 * builder->room_names : 256;
	free(before);
	for (size_t i = 0; i < builder->n_entries; i++) {
		const struct b2b_built *entry = &builder->entries[i];

		b2b_name_pad(local, builder->text + entry->text, entry->n_local);
		builder->by_name[name_place(builder, local, entry->n_local)] = (uint32_t)i + 1;
	}
	return 0;
}

/* ENTRY's offset, kind and lengths are set, names judged. What grew on the way to an error is room, nothing more. */
static int add(struct b2b_snapshot_builder *builder, struct b2b_built *entry, const char *local, const char *gecos)
{
	char padded[B2B_NAME_SIZE];
	size_t place;
	int r;

	if (entry->offset < builder->room_ids && builder->by_id[entry->offset] != 0)
		return -EEXIST;
	r = grow((void **)&builder->entries, &builder->room_entries, builder->n_entries, 1, sizeof(*entry));
	if (r == 0)
		r = grow((void **)&builder->text, &builder->room_text, builder->n_text, (size_t)entry->n_local + entry->n_gecos, 1);
	if (r == 0)
		r = room_for_id(builder, entry->offset);
	if (r == 0)
		r = room_for_name(builder);
	if (r < 0)
		return r;
	b2b_name_pad(padded, local, entry->n_local);
	place = name_place(builder, padded, entry->n_local);
	if (builder->by_name[place] != 0)
		return -EEXIST;
	entry->text = builder->n_text;
	memcpy(builder->text + builder->n_text, local, entry->n_local);
	memcpy(builder->text + builder->n_text + entry->n_local, gecos, entry->n_gecos);
	builder->n_text += (size_t)entry->n_local + entry->n_gecos;
	builder->entries[builder->n_entries++] = *entry;
	builder->by_name[place] = (uint32_t)builder->n_entries;
	builder->by_id[entry->offset] = (uint32_t)builder->n_entries;
	return 0;
}

/* The first id is that of members@ORG. */
static bool id_fits(const struct b2b_snapshot_builder *builder, uint32_t id)
{
	return id > builder->range_lo && id <= builder->range_hi;
}

/* Bytes of TEXT that fit a display name, cut on a UTF-8 border. */
static size_t gecos_length(const char *text)
{
	size_t len = strnlen(text, B2B_GECOS_SIZE);

	if (len < B2B_GECOS_SIZE)
		return len;
	len--;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

int b2b_snapshot_add_user(struct b2b_snapshot_builder *builder, const struct b2b_snapshot_user *user)
{
	const char *gecos = user->gecos ? user->gecos : "";
	struct b2b_built entry = { .kind = B2B_RECORD_USER, .roles = user->roles, .shell = user->shell };
	size_t n_gecos = gecos_length(gecos);

	if (!b2b_record_name_valid(user->local, builder->alias_len) || !b2b_gecos_valid(gecos, n_gecos) || user->shell >= builder->n_shells)
		return -EINVAL;
	if (!id_fits(builder, user->uid))
		return -ERANGE;
	entry.offset = user->uid - builder->range_lo;
	entry.n_local = (uint8_t)strlen(user->local);
	entry.n_gecos = (uint8_t)n_gecos;
	return add(builder, &entry, user->local, gecos);
}

static int by_value(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Where they come in order already, as from most sources, sorting would be a third of what adding a group costs. */
static void sort_ids(uint32_t *ids, size_t n)
{
	size_t in_order = 1;

	while (in_order < n && ids[in_order - 1] <= ids[in_order])
		in_order++;
	if (in_order < n)
		qsort(ids, n, sizeof(*ids), by_value);
}

/* Behind the members of all groups so far; counted in only when the group has been taken. */
static int stage_members(struct b2b_snapshot_builder *builder, const struct b2b_snapshot_group *group, size_t *ret_n)
{
	size_t n = 0;
	uint32_t *to;
	int r;

	for (size_t i = 0; i < group->n_members; i++)
		if (!id_fits(builder, group->members[i]))
			return -ERANGE;
	r = grow((void **)&builder->members, &builder->room_members, builder->n_members, group->n_members + 1, sizeof(uint32_t));
	if (r < 0)
		return r;
	to = builder->members + builder->n_members;
	for (size_t i = 0; i < group->n_members; i++)
		to[i] = group->members[i] - builder->range_lo;
	sort_ids(to, group->n_members);
	for (size_t i = 0; i < group->n_members; i++)
		if (n == 0 || to[n - 1] != to[i])
			to[n++] = to[i];
	*ret_n = n;
	return 0;
}

int b2b_snapshot_add_group(struct b2b_snapshot_builder *builder, const struct b2b_snapshot_group *group)
{
	struct b2b_built entry = { .kind = B2B_RECORD_GROUP };
	int r;

	if (!b2b_record_name_valid(group->local, builder->alias_len))
		return -EINVAL;
	if (!id_fits(builder, group->gid))
		return -ERANGE;
	entry.offset = group->gid - builder->range_lo;
	entry.n_local = (uint8_t)strlen(group->local);
	entry.members = builder->n_members;
	r = stage_members(builder, group, &entry.n_members);
	if (r == 0)
		r = add(builder, &entry, group->local, "");
	if (r == 0)
		builder->n_members += entry.n_members;
	return r;
}
