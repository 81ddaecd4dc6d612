/* Snapshots: mapped when the generation in `live` says so, searched in place. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cache_view.h"
#include "common/snapshot.h"

static void snap_free(struct b2b_snap *snap)
{
	if (!snap)
		return;
	b2b_map_close(&snap->map);
	free(snap);
}

static void destroy(struct b2b_retired *retired)
{
	snap_free((struct b2b_snap *)retired);
}

static bool header_valid(const struct b2b_format_snapshot *header, size_t size, const struct b2b_format_org *record)
{
	const struct b2b_format_head *head = &header->head;

	return b2b_format_head_valid(head, B2B_MAGIC_SNAPSHOT, size, sizeof(*header)) &&
	       strncmp(header->org_id, record->id, sizeof(header->org_id)) == 0 && header->range_lo == record->range_lo &&
	       header->range_hi == record->range_hi && header->n_ids <= record->range_hi - record->range_lo + 1 &&
	       header->hash_size >= 1 && (header->hash_size & (header->hash_size - 1)) == 0 &&
	       b2b_format_table_fits(header->hash_at, header->hash_size, sizeof(struct b2b_format_name), head) &&
	       b2b_format_table_fits(header->ids_at, header->n_ids, sizeof(uint32_t), head) &&
	       b2b_format_table_fits(header->lists_at, header->n_lists, sizeof(uint32_t), head) &&
	       b2b_format_table_fits(header->records_at, header->records_size, 1, head);
}

static int snap_map(const char *dir, const struct b2b_org *org, struct b2b_snap *snap)
{
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/org/%s/snapshot", dir, org->record.id) >= (int)sizeof(path))
		return -ENODATA;
	r = b2b_map_open(path, sizeof(snap->header), B2B_SNAPSHOT_MAX, &snap->map);
	if (r < 0)
		return r == -EACCES || r == -ENOENT ? r : -ENODATA;
	b2b_copy(&snap->header, snap->map.base, sizeof(snap->header));
	return header_valid(&snap->header, snap->map.size, &org->record) ? 0 : -ENODATA;
}

/* That there is none is remembered too, until the generation says otherwise: no open for every look-up. */
static int snap_make(struct b2b_cache *cache, const struct b2b_org *org, uint64_t generation, struct b2b_snap **ret_snap)
{
	struct b2b_snap *snap;
	int r;

	snap = calloc(1, sizeof(*snap));
	if (!snap)
		return -ENODATA;
	snap->retired.destroy = destroy;
	snap->mapped_for = generation;
	r = snap_map(cache->dir, org, snap);
	if (r < 0 && r != -ENOENT) {
		snap_free(snap);
		return r;
	}
	*ret_snap = snap;
	return 0;
}

int b2b_snap_get(struct b2b_cache *cache, struct b2b_org *org, struct b2b_snap **ret_snap)
{
	/*
	 * The generation is stored after the rename, and read before the open: what is opened is at least as new. Compared
	 * for equality with the one of the last time, so that whatever number stands there, one change costs one open.
	 */
	uint64_t generation = b2b_org_generation(org);
	struct b2b_snap *snap = atomic_load(&org->snap), *fresh = NULL;
	int r;

	if (!snap || snap->mapped_for != generation) {
		r = snap_make(cache, org, generation, &fresh);
		if (r < 0)
			return r;
		if (atomic_compare_exchange_strong(&org->snap, &snap, fresh)) {
			if (snap)
				b2b_readers_retire(&cache->readers, &snap->retired);
			snap = fresh;
		} else {
			snap_free(fresh);
		}
	}
	if (!snap->map.base)
		return -ENOENT;
	*ret_snap = snap;
	return 0;
}

/* Copies the record that REF names and checks that all of it lies within the file. RET_TEXT: its names, in the map. */
static int record_get(const struct b2b_snap *snap, uint32_t ref, struct b2b_format_record *ret_record, const char **ret_text)
{
	const struct b2b_format_snapshot *header = &snap->header;
	uint64_t at = ((uint64_t)ref - 1) * 8;
	struct b2b_format_record record;
	const unsigned char *from;

	if (ref == 0 || at + sizeof(record) > header->records_size)
		return -ENODATA;
	from = snap->map.base + header->records_at + at;
	b2b_copy(&record, from, sizeof(record));
	if (b2b_record_size(record.n_local, record.n_gecos) > header->records_size - at || record.n_local >= B2B_NAME_SIZE ||
	    record.n_gecos >= B2B_GECOS_SIZE || record.offset == 0 || record.offset > header->range_hi - header->range_lo)
		return -ENODATA;
	if (record.list > header->n_lists || record.n_list > header->n_lists - record.list)
		return -ENODATA;
	*ret_record = record;
	*ret_text = (const char *)from + sizeof(record);
	return 0;
}

static void entry_set(const struct b2b_snap *snap, const struct b2b_format_record *record, const char *text, struct b2b_entry *entry)
{
	entry->record = *record;
	entry->gecos = text + record->n_local;
	entry->list = (const uint32_t *)(snap->map.base + snap->header.lists_at) + record->list;
}

int b2b_snap_by_name(const struct b2b_org *org, const struct b2b_snap *snap, const char local[B2B_NAME_SIZE], struct b2b_entry *ret_entry)
{
	const struct b2b_format_name *table = (const struct b2b_format_name *)(snap->map.base + snap->header.hash_at);
	uint32_t n_local = (uint32_t)strnlen(local, B2B_NAME_SIZE), range = snap->header.range_hi - snap->header.range_lo;
	uint64_t hash = b2b_format_hash(local, n_local, snap->header.hash_seed);
	struct b2b_format_record record;
	const char *text;

	for (uint32_t i = 0; i < B2B_PROBES_MAX; i++) {
		const struct b2b_format_name *place = &table[(hash + i) & (snap->header.hash_size - 1)];
		uint32_t ref = b2b_load32(&place->ref), id_tag = b2b_load32(&place->id_tag);

		if (ref == 0)
			return -ENOENT;
		if ((id_tag & ~B2B_ID_MASK) != b2b_format_tag(hash))
			continue;
		if ((id_tag & B2B_ID_MASK) <= range)
			__builtin_prefetch(org->words + (id_tag & B2B_ID_MASK));
		if (record_get(snap, ref, &record, &text) < 0)
			return -ENODATA;
		if (record.n_local != n_local || memcmp(text, local, n_local) != 0)
			continue;
		entry_set(snap, &record, text, ret_entry);
		memcpy(ret_entry->local, local, B2B_NAME_SIZE);
		return 0;
	}
	return -ENOENT;
}

/* The name goes to callers who print it: copied first, then judged. */
static int take_local(const char *text, uint32_t n_local, char ret_local[B2B_NAME_SIZE])
{
	char local[B2B_NAME_SIZE] = "";

	b2b_copy(local, text, n_local);
	/* the whole of it: a NUL within would be a name that ends before its organisation */
	if (!b2b_local_valid(local) || strlen(local) != n_local)
		return -ENODATA;
	memcpy(ret_local, local, sizeof(local));
	return 0;
}

int b2b_snap_by_offset(const struct b2b_org *org, const struct b2b_snap *snap, uint32_t offset, struct b2b_entry *ret_entry)
{
	struct b2b_format_record record;
	const char *text;
	uint32_t ref;
	int r;

	if (offset == 0 || offset >= snap->header.n_ids)
		return -ENOENT;
	__builtin_prefetch(org->words + offset);
	ref = b2b_load32((const uint32_t *)(snap->map.base + snap->header.ids_at) + offset);
	if (ref == 0)
		return -ENOENT;
	r = record_get(snap, ref, &record, &text);
	if (r < 0)
		return r;
	if (record.offset != offset)
		return -ENODATA;
	r = take_local(text, record.n_local, ret_entry->local);
	if (r < 0)
		return r;
	entry_set(snap, &record, text, ret_entry);
	return 0;
}

int b2b_snap_member(const struct b2b_snap *snap, uint32_t ref, char ret_local[B2B_NAME_SIZE], uint32_t *ret_n_local, uint32_t *ret_offset)
{
	struct b2b_format_record record;
	const char *text;
	int r;

	r = record_get(snap, ref, &record, &text);
	if (r < 0)
		return r;
	if (record.kind != B2B_RECORD_USER)
		return -ENODATA;
	r = take_local(text, record.n_local, ret_local);
	if (r < 0)
		return r;
	*ret_n_local = (uint32_t)strlen(ret_local);
	*ret_offset = record.offset;
	return 0;
}
