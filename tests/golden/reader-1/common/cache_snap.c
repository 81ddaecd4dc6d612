/* Snapshots: mapped when the generation in `live` says so, searched in place. */
#include <endian.h>
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
	return b2b_format_snapshot_valid(header, size, NULL) && strncmp(header->org_id, record->id, sizeof(header->org_id)) == 0 &&
	       header->range_lo == record->range_lo && header->range_hi == record->range_hi;
}

static void take_tables(struct b2b_snap *snap, const struct b2b_format_snapshot *header)
{
	const unsigned char *base = snap->map.base;

	snap->names = (const struct b2b_format_name *)(base + header->hash_at);
	snap->ids = (const uint32_t *)(base + header->ids_at);
	snap->lists = (const uint32_t *)(base + header->lists_at);
	snap->records = base + header->records_at;
	snap->name_mask = header->hash_size - 1;
	snap->hash_seed = header->hash_seed;
	snap->n_ids = header->n_ids;
	snap->n_lists = header->n_lists;
	snap->records_size = header->records_size;
	snap->last_offset = header->range_hi - header->range_lo;
}

static int snap_map(const char *dir, const struct b2b_org *org, struct b2b_snap *snap)
{
	struct b2b_format_snapshot header;
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/org/%s/snapshot", dir, org->record.id) >= (int)sizeof(path))
		return -ENODATA;
	r = b2b_map_open(path, sizeof(header), B2B_SNAPSHOT_MAX, &snap->map);
	if (r < 0)
		return r == -EACCES || r == -ENOENT ? r : -ENODATA;
	b2b_copy(&header, snap->map.base, sizeof(header));
	if (!header_valid(&header, snap->map.size, &org->record))
		return -ENODATA;
	take_tables(snap, &header);
	return 0;
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

int b2b_snap_renew(struct b2b_cache *cache, struct b2b_org *org, uint64_t generation, struct b2b_snap **ret_snap)
{
	struct b2b_snap *snap = atomic_load(&org->snap), *fresh = NULL;
	int r;

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
	if (!snap->map.base)
		return -ENOENT;
	*ret_snap = snap;
	return 0;
}

/* The record that REF names, copied into ENTRY, checked to lie within the file with all that it refers to. RET_TEXT: its names, in the map. */
static int take_record(const struct b2b_snap *snap, uint32_t ref, struct b2b_entry *entry, const char **ret_text)
{
	uint64_t at = ((uint64_t)ref - 1) * 8;
	struct b2b_format_record record;
	const unsigned char *from;

	if (ref == 0 || at + sizeof(record) > snap->records_size)
		return -ENODATA;
	from = snap->records + at;
	b2b_copy(&record, from, sizeof(record));
	if (b2b_record_size(record.n_local, record.n_gecos) > snap->records_size - at || record.n_local >= B2B_NAME_SIZE ||
	    record.n_gecos >= B2B_GECOS_SIZE || record.offset == 0 || record.offset > snap->last_offset)
		return -ENODATA;
	if (record.list > snap->n_lists || record.n_list > snap->n_lists - record.list)
		return -ENODATA;
	entry->record = record;
	entry->list = snap->lists + record.list;
	*ret_text = (const char *)from + sizeof(record);
	entry->gecos = *ret_text + record.n_local;
	return 0;
}

static uint64_t word_at(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return word;
}

/* Are the N bytes at TEXT, in a record and so readable eight at a time, those of PADDED? */
static bool same_text(const char *text, const char *padded, uint32_t n)
{
	for (; n >= 8; n -= 8, text += 8, padded += 8)
		if (word_at(text) != word_at(padded))
			return false;
	return n == 0 || (le64toh(word_at(text)) ^ le64toh(word_at(padded))) << (64 - 8 * n) == 0;
}

int b2b_snap_by_name(const struct b2b_org *org, const struct b2b_snap *snap, const struct b2b_name *name, struct b2b_entry *ret_entry)
{
	uint64_t hash = b2b_format_hash(name->local, name->n_local, snap->hash_seed);
	const char *text;

	for (uint32_t i = 0; i < B2B_PROBES_MAX; i++) {
		const struct b2b_format_name *place = &snap->names[(hash + i) & snap->name_mask];
		uint32_t ref = b2b_load32(&place->ref), id_tag = b2b_load32(&place->id_tag);

		if (ref == 0)
			return -ENOENT;
		if ((id_tag & ~B2B_ID_MASK) != b2b_format_tag(hash))
			continue;
		if ((id_tag & B2B_ID_MASK) <= snap->last_offset)
			__builtin_prefetch(org->words + (id_tag & B2B_ID_MASK));
		if (take_record(snap, ref, ret_entry, &text) < 0)
			return -ENODATA;
		if (ret_entry->record.n_local != name->n_local || !same_text(text, name->local, name->n_local))
			continue;
		memcpy(ret_entry->local, name->local, B2B_NAME_SIZE);
		return 0;
	}
	return -ENOENT;
}

/* The record of REF with its name: that goes to callers who print it, so it is judged too. */
static int take_entry(const struct b2b_snap *snap, uint32_t ref, struct b2b_entry *entry)
{
	const char *text;
	int r;

	r = take_record(snap, ref, entry, &text);
	if (r < 0)
		return r;
	return b2b_local_take(text, entry->record.n_local, entry->local) ? 0 : -ENODATA;
}

int b2b_snap_by_offset(const struct b2b_org *org, const struct b2b_snap *snap, uint32_t offset, struct b2b_entry *ret_entry)
{
	uint32_t ref;
	int r;

	if (offset == 0 || offset >= snap->n_ids)
		return -ENOENT;
	__builtin_prefetch(org->words + offset);
	ref = b2b_load32(snap->ids + offset);
	if (ref == 0)
		return -ENOENT;
	r = take_entry(snap, ref, ret_entry);
	return r == 0 && ret_entry->record.offset != offset ? -ENODATA : r;
}

int b2b_snap_member(const struct b2b_snap *snap, uint32_t ref, struct b2b_entry *ret_entry)
{
	int r = take_entry(snap, ref, ret_entry);

	return r == 0 && ret_entry->record.kind != B2B_RECORD_USER ? -ENODATA : r;
}
