/*
 * What a process has mapped: one index, of each organisation that was asked about its live words, and of those that
 * may be read the snapshot. Everything here is made once, published by one compare-and-swap, and never changed after;
 * replaced ones are retired (common/cache_readers.h). Two threads that make the same thing both make it; one wins.
 *
 * Pointers that these functions return are good until b2b_readers_leave.
 */
#ifndef B2B_CACHE_VIEW_H
#define B2B_CACHE_VIEW_H

#include <errno.h>

#include "common/cache_format.h"
#include "common/cache_home.h"
#include "common/cache_ranges.h"
#include "common/cache_readers.h"
#include "common/live.h"

struct b2b_map {
	const unsigned char *base;
	size_t size;
};

/* Tables and numbers are those of the header, checked once: they lie within the map. */
struct b2b_snap {
	struct b2b_retired retired;
	uint64_t mapped_for;          /* live generation that stood when the file was opened */
	const struct b2b_format_name *names; /* n_names + 1 of them, a power of two */
	const uint32_t *ids, *lists;
	const unsigned char *records;
	uint32_t name_mask, hash_seed, n_ids, n_lists, records_size;
	uint32_t last_offset;         /* of the range: range_hi - range_lo */
	struct b2b_map map;           /* base NULL: there was no snapshot */
};

/* What look-ups need comes first, on as few lines as may be. */
struct b2b_org {
	const uint32_t *words;        /* in `live`, one per id */
	const unsigned char *head;    /* in `live`, its beginning */
	_Atomic(struct b2b_snap *) snap;
	uint32_t n_chain;
	uint32_t n_suffix;
	const uint32_t *chain[B2B_DEPTH_MAX]; /* organisation words: its own, its parent's, … */
	char suffix[B2B_NAME_SIZE + B2B_CACHE_CHUNK]; /* what follows a local name in struct passwd: separator, alias, NUL, "*", NUL; n_suffix in all */
	struct b2b_format_org record; /* checked copy; strings end */
	uint32_t n_alias;
	struct b2b_map live;
	struct b2b_home home;         /* the last: it has a tail */
};

struct b2b_shell {
	uint32_t size; /* with its NUL; 0: the file's bytes make none */
	char text[B2B_PATH_SIZE];
};

struct b2b_view {
	struct b2b_retired retired;
	struct b2b_map map;
	struct b2b_format_index index; /* checked copy; `superseded` is read from the map */
	struct b2b_shell shells[B2B_SHELLS_MAX]; /* checked copies, index.n_shells of them */
	struct b2b_ranges ranges;
	_Atomic(struct b2b_org *) orgs[]; /* by slot */
};

struct b2b_cache {
	const char *dir;
	_Atomic(struct b2b_view *) view;
	struct b2b_readers readers;
};

/* The view of the index in place. Returns 0, or -ENODATA: no index, or none that can be trusted. */
int b2b_view_get(struct b2b_cache *cache, struct b2b_view **ret_view);

/* The view if there is one already and its index is still in place, else NULL; never opens a file. */
struct b2b_view *b2b_view_peek(struct b2b_cache *cache);

/* Slot of the organisation whose alias stands in NAME, or -1. */
int b2b_view_by_alias(const struct b2b_view *view, const struct b2b_name *name);

/* Slot of the organisation whose range holds ID, or -1. */
int b2b_view_by_id(const struct b2b_view *view, uint32_t id);

/* Checked copy of an organisation's record, role or service from the index. Returns 0 or -ENODATA. */
int b2b_view_record(const struct b2b_view *view, int slot, struct b2b_format_org *ret_record);
int b2b_view_role(const struct b2b_view *view, uint32_t number, struct b2b_format_role *ret_role);
int b2b_view_service(const struct b2b_view *view, const char *name, uint32_t *ret_number, struct b2b_format_service *ret_service);

/* The shell of that number; the default where root has taken it from the list since the snapshot was made. */
static inline const struct b2b_shell *b2b_view_shell(const struct b2b_view *view, uint32_t number)
{
	return &view->shells[number < view->index.n_shells ? number : 0];
}

int b2b_org_make(struct b2b_cache *cache, struct b2b_view *view, int slot, struct b2b_org **ret_org);
void b2b_org_free(struct b2b_org *org); /* NULL is legal */

/*
 * An organisation with its live words and those of its ancestors mapped.
 * Returns 0; -EACCES this process may not read them; -ENODATA damaged or not there.
 */
static inline int b2b_org_get(struct b2b_cache *cache, struct b2b_view *view, int slot, struct b2b_org **ret_org)
{
	struct b2b_org *org = atomic_load(&view->orgs[slot]);

	if (!org)
		return b2b_org_make(cache, view, slot, ret_org);
	*ret_org = org;
	return 0;
}

static inline uint64_t b2b_org_generation(const struct b2b_org *org)
{
	return b2b_load64(org->head + offsetof(struct b2b_format_live, generation));
}

/* The organisation's word and all its ancestors' are open. */
static inline bool b2b_org_open(const struct b2b_org *org)
{
	for (uint32_t i = 0; i < org->n_chain; i++)
		if (B2B_LIVE_STATE(b2b_load32(org->chain[i])) != B2B_LIVE_OPEN)
			return false;
	return true;
}

/* The word at OFFSET (checked to be in the range by whoever asks: all offsets come through b2b_entry). */
static inline uint32_t b2b_org_word(const struct b2b_org *org, uint32_t offset)
{
	return b2b_load32(org->words + offset);
}

int b2b_snap_renew(struct b2b_cache *cache, struct b2b_org *org, uint64_t generation, struct b2b_snap **ret_snap);

/*
 * The snapshot that the generation in `live` stands for. Returns 0; -ENOENT none was installed yet;
 * -EACCES this process may not read it; -ENODATA damaged.
 *
 * The generation is stored after the rename, and read before the open: what is opened is at least as new. Compared for
 * equality with the one of the last time, so that whatever number stands there, one change costs one open.
 */
static inline int b2b_snap_get(struct b2b_cache *cache, struct b2b_org *org, struct b2b_snap **ret_snap)
{
	uint64_t generation = b2b_org_generation(org);
	struct b2b_snap *snap = atomic_load(&org->snap);

	if (!snap || snap->mapped_for != generation)
		return b2b_snap_renew(cache, org, generation, ret_snap);
	if (!snap->map.base)
		return -ENOENT;
	*ret_snap = snap;
	return 0;
}

/* A record of a snapshot, copied and checked; its lists and display name lie within the file. */
struct b2b_entry {
	struct b2b_format_record record;
	char local[B2B_NAME_SIZE]; /* valid, padded with NUL; record.n_local bytes long */
	const char *gecos;         /* record.n_gecos bytes in the map */
	const uint32_t *list;      /* record.n_list words in the map */
};

/* Return 0, -ENOENT, or -ENODATA where the bytes make no sense; what then stands in *ret_entry means nothing. */
int b2b_snap_by_name(const struct b2b_org *org, const struct b2b_snap *snap, const struct b2b_name *name, struct b2b_entry *ret_entry);
int b2b_snap_by_offset(const struct b2b_org *org, const struct b2b_snap *snap, uint32_t offset, struct b2b_entry *ret_entry);

/* Do at least N bytes of the records follow TEXT, which lies in them? */
static inline bool b2b_snap_reaches(const struct b2b_snap *snap, const char *text, size_t n)
{
	return (size_t)((const char *)snap->records + snap->records_size - text) >= n;
}

/* The record that REF names, where it is a user's, for lists of members. Errors as above. */
int b2b_snap_member(const struct b2b_snap *snap, uint32_t ref, struct b2b_entry *ret_entry);

/* Map a trusted file of MIN to MAX bytes read-only. Returns 0, -EBADMSG (size), -EPERM (not to be trusted), or open's error. */
int b2b_map_open(const char *path, size_t min, size_t max, struct b2b_map *ret_map);
void b2b_map_close(struct b2b_map *map);

#endif
