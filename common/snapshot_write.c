#include <errno.h>
#include <stdlib.h>

#include "common/snapshot_builder.h"
#include "common/write_file.h"

#define SEEDS_PER_SIZE 8

struct draft {
	const struct b2b_snapshot_builder *builder;
	struct b2b_format_snapshot header;
	uint32_t *order;   /* entry numbers, ascending by id */
	uint32_t *refs;    /* by entry number */
	uint32_t *list;    /* by entry number: first of its list */
	uint32_t *n_list;  /* by entry number */
	unsigned char *image;
};

uint64_t b2b_snapshot_place(struct b2b_format_snapshot *header)
{
	uint64_t end = sizeof(*header);

	header->hash_at = (uint32_t)end;
	end += (uint64_t)header->hash_size * sizeof(struct b2b_format_name);
	header->ids_at = (uint32_t)end;
	end += ((uint64_t)header->n_ids * sizeof(uint32_t) + 7) & ~7ull;
	header->records_at = header->lists_at = (uint32_t)end;
	header->n_lists = header->records_size / (uint32_t)sizeof(uint32_t);
	return end + header->records_size;
}

static const struct b2b_built *member_entry(const struct b2b_snapshot_builder *builder, uint32_t offset, uint32_t *ret_number)
{
	uint32_t number = offset < builder->room_ids ? builder->by_id[offset] : 0;

	if (number == 0 || builder->entries[number - 1].kind != B2B_RECORD_USER)
		return NULL;
	*ret_number = number - 1;
	return &builder->entries[number - 1];
}

/* Members who are no users of this snapshot are left out. */
static void count_lists(struct draft *draft)
{
	const struct b2b_snapshot_builder *builder = draft->builder;
	uint32_t number;

	for (size_t g = 0; g < builder->n_entries; g++)
		for (size_t m = 0; m < builder->entries[g].n_members; m++)
			if (member_entry(builder, builder->members[builder->entries[g].members + m], &number)) {
				draft->n_list[g]++;
				draft->n_list[number]++;
			}
}

/* Places the records, ascending by id, each with its list. */
static int sort_entries(struct draft *draft)
{
	const struct b2b_snapshot_builder *builder = draft->builder;
	uint64_t size = 0;
	uint32_t n = 0;

	for (size_t offset = 0; offset < builder->room_ids; offset++) {
		const struct b2b_built *entry;

		if (builder->by_id[offset] == 0)
			continue;
		entry = &builder->entries[builder->by_id[offset] - 1];
		draft->order[n++] = builder->by_id[offset] - 1;
		draft->refs[builder->by_id[offset] - 1] = (uint32_t)(size / 8) + 1;
		draft->list[builder->by_id[offset] - 1] = (uint32_t)((size + b2b_record_list_at(entry->n_local, entry->n_gecos)) / sizeof(uint32_t));
		size += b2b_record_whole(entry->n_local, entry->n_gecos, draft->n_list[builder->by_id[offset] - 1]);
		if (size > B2B_SNAPSHOT_MAX)
			return -EFBIG;
		draft->header.n_users += entry->kind == B2B_RECORD_USER;
		draft->header.n_groups += entry->kind == B2B_RECORD_GROUP;
		draft->header.n_ids = (uint32_t)offset + 1;
	}
	draft->header.records_size = (uint32_t)size;
	return 0;
}

/* Fills the table of names with SEED; false when a search in it would be long. */
static bool try_seed(struct draft *draft, struct b2b_format_name *table, uint32_t seed)
{
	const struct b2b_snapshot_builder *builder = draft->builder;
	uint32_t mask = draft->header.hash_size - 1;
	char local[B2B_NAME_SIZE];

	memset(table, 0, (size_t)draft->header.hash_size * sizeof(*table));
	for (size_t i = 0; i < builder->n_entries; i++) {
		const struct b2b_built *entry = &builder->entries[i];
		uint32_t probes = 0;
		uint64_t hash;

		b2b_name_pad(local, builder->text + entry->text, entry->n_local);
		hash = b2b_format_hash(local, entry->n_local, seed);
		while (table[(hash + probes) & mask].ref != 0)
			if (++probes >= B2B_PROBES_MAX)
				return false;
		table[(hash + probes) & mask].ref = draft->refs[i];
		table[(hash + probes) & mask].id_tag = entry->offset | b2b_format_tag(hash);
	}
	draft->header.hash_seed = seed;
	return true;
}

static int build_names(struct draft *draft, struct b2b_format_name **ret_table)
{
	uint32_t seed = (uint32_t)draft->builder->generation * 0x9e3779b1u;
	struct b2b_format_name *table;

	/* At most five eighths full: who is not there is then known after four entries on average, which lie on one line. */
	draft->header.hash_size = 16;
	while (5 * (uint64_t)draft->header.hash_size < 8 * draft->builder->n_entries)
		draft->header.hash_size *= 2;
	for (int enlarged = 0; enlarged < 4; enlarged++, draft->header.hash_size *= 2) {
		table = malloc((size_t)draft->header.hash_size * sizeof(*table));
		if (!table)
			return -ENOMEM;
		for (int i = 0; i < SEEDS_PER_SIZE; i++, seed++)
			if (try_seed(draft, table, seed)) {
				*ret_table = table;
				return 0;
			}
		free(table);
	}
	return -EINVAL;
}

static void put_records(struct draft *draft)
{
	const struct b2b_snapshot_builder *builder = draft->builder;
	uint32_t *ids = (uint32_t *)(draft->image + draft->header.ids_at);

	for (size_t i = 0; i < builder->n_entries; i++) {
		const struct b2b_built *entry = &builder->entries[i];
		unsigned char *at = draft->image + draft->header.records_at + (size_t)(draft->refs[i] - 1) * 8;
		struct b2b_format_record record = {
			.roles = entry->roles, .offset = entry->offset, .list = draft->list[i], .n_list = draft->n_list[i],
			.kind = entry->kind, .shell = entry->shell, .n_local = entry->n_local, .n_gecos = entry->n_gecos,
		};

		memcpy(at, &record, sizeof(record));
		memcpy(at + sizeof(record), builder->text + entry->text, (size_t)entry->n_local + entry->n_gecos);
		ids[entry->offset] = draft->refs[i];
	}
}

/* Groups ascending by id, so that every user's list ascends too. draft->list moves on as lists fill. */
static void put_lists(struct draft *draft)
{
	const struct b2b_snapshot_builder *builder = draft->builder;
	uint32_t *lists = (uint32_t *)(draft->image + draft->header.lists_at);
	uint32_t number;

	for (size_t i = 0; i < builder->n_entries; i++) {
		uint32_t g = draft->order[i];
		const struct b2b_built *group = &builder->entries[g];

		for (size_t m = 0; m < group->n_members; m++)
			if (member_entry(builder, builder->members[group->members + m], &number)) {
				lists[draft->list[g]++] = draft->refs[number];
				lists[draft->list[number]++] = group->offset;
			}
	}
}

/* They are made of the records and lists in the image. */
static int append_rosters(struct draft *draft, uint64_t *size)
{
	uint64_t whole = b2b_rosters_place(draft->image, &draft->builder->suffix, &draft->header);
	unsigned char *longer;

	if (whole == 0)
		return -EFBIG;
	longer = realloc(draft->image, whole);
	if (!longer)
		return -ENOMEM;
	draft->image = longer;
	memset(longer + *size, 0, whole - *size);
	b2b_rosters_write(longer, &draft->builder->suffix, &draft->header, longer + *size);
	*size = whole;
	return 0;
}

static int assemble(struct draft *draft, size_t *ret_size)
{
	struct b2b_format_name *table = NULL;
	uint64_t size;
	int r;

	count_lists(draft);
	r = sort_entries(draft);
	if (r == 0)
		r = build_names(draft, &table);
	if (r < 0)
		goto out;
	size = b2b_snapshot_place(&draft->header);
	if (size > B2B_SNAPSHOT_MAX) {
		r = -EFBIG;
		goto out;
	}
	draft->image = calloc(1, size);
	if (!draft->image) {
		r = -ENOMEM;
		goto out;
	}
	memcpy(draft->image + draft->header.hash_at, table, (size_t)draft->header.hash_size * sizeof(*table));
	put_records(draft);
	put_lists(draft);
	r = draft->builder->rosters ? append_rosters(draft, &size) : 0;
	if (r < 0)
		goto out;
	b2b_format_head_init(&draft->header.head, B2B_MAGIC_SNAPSHOT, size, draft->builder->generation, sizeof(draft->header));
	memcpy(draft->image, &draft->header, sizeof(draft->header));
	*ret_size = size;
out:
	free(table);
	return r;
}

int b2b_snapshot_write(struct b2b_snapshot_builder *builder, int fd)
{
	size_t n = builder->n_entries + 1, size;
	struct draft draft = { .builder = builder };
	int r = -ENOMEM;

	draft.order = calloc(n, sizeof(uint32_t));
	draft.refs = calloc(n, sizeof(uint32_t));
	draft.list = calloc(n, sizeof(uint32_t));
	draft.n_list = calloc(n, sizeof(uint32_t));
	if (!draft.order || !draft.refs || !draft.list || !draft.n_list)
		goto out;
	memcpy(draft.header.org_id, builder->org_id, sizeof(builder->org_id));
	draft.header.range_lo = builder->range_lo;
	draft.header.range_hi = builder->range_hi;
	r = assemble(&draft, &size);
	if (r == 0)
		r = b2b_pwrite_all(fd, draft.image, size, 0);
out:
	free(draft.order);
	free(draft.refs);
	free(draft.list);
	free(draft.n_list);
	free(draft.image);
	return r;
}
