/*
 * What a process has mapped: one index, of each organisation that was asked about its live words, and of those that
 * may be read the snapshot. Everything here is made once, published by one compare-and-swap, and never changed after;
 * replaced ones are retired (common/cache_readers.h). Two threads that make the same thing both make it; one wins.
 *
 * Pointers that these functions return are good until b2b_readers_leave.
 */
#ifndef B2B_CACHE_VIEW_H
#define B2B_CACHE_VIEW_H

#include "common/cache_format.h"
#include "common/cache_readers.h"

struct b2b_map {
	const unsigned char *base;
	size_t size;
};

struct b2b_snap {
	struct b2b_retired retired;
	struct b2b_map map;           /* base NULL: there was no snapshot */
	uint64_t mapped_for;          /* live generation that stood when the file was opened */
	struct b2b_format_snapshot header; /* checked copy */
};

struct b2b_org {
	struct b2b_format_org record; /* checked copy; strings end */
	uint32_t n_alias;
	struct b2b_map live;
	const uint32_t *words;        /* in `live`, one per id */
	const uint32_t *chain[B2B_DEPTH_MAX]; /* organisation words: its own, its parent's, … */
	uint32_t n_chain;
	_Atomic(struct b2b_snap *) snap;
};

struct b2b_view {
	struct b2b_retired retired;
	struct b2b_map map;
	struct b2b_format_index index; /* checked copy; `superseded` is read from the map */
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

/* Slot of the organisation whose alias stands in ALIAS (padded with NUL), or -1. */
int b2b_view_by_alias(const struct b2b_view *view, const char alias[B2B_NAME_SIZE]);

/* Slot of the organisation whose range holds ID, or -1. */
int b2b_view_by_id(const struct b2b_view *view, uint32_t id);

/* Checked copy of an organisation's record, role, service or shell from the index. Returns 0 or -ENODATA. */
int b2b_view_record(const struct b2b_view *view, int slot, struct b2b_format_org *ret_record);
int b2b_view_role(const struct b2b_view *view, uint32_t number, struct b2b_format_role *ret_role);
int b2b_view_service(const struct b2b_view *view, const char *name, uint32_t *ret_number, struct b2b_format_service *ret_service);
int b2b_view_shell(const struct b2b_view *view, uint32_t number, char ret_shell[B2B_PATH_SIZE]);

/*
 * An organisation with its live words and those of its ancestors mapped.
 * Returns 0; -EACCES this process may not read them; -ENODATA damaged or not there.
 */
int b2b_org_get(struct b2b_cache *cache, struct b2b_view *view, int slot, struct b2b_org **ret_org);
void b2b_org_free(struct b2b_org *org); /* NULL is legal */

static inline uint64_t b2b_org_generation(const struct b2b_org *org)
{
	return b2b_load64(org->live.base + offsetof(struct b2b_format_live, generation));
}

/* The organisation's word and all its ancestors' are open. */
bool b2b_org_open(const struct b2b_org *org);

/* The word at OFFSET (checked to be in the range by whoever asks: all offsets come through b2b_entry). */
static inline uint32_t b2b_org_word(const struct b2b_org *org, uint32_t offset)
{
	return b2b_load32(org->words + offset);
}

/*
 * The snapshot that the generation in `live` stands for. Returns 0; -ENOENT none was installed yet;
 * -EACCES this process may not read it; -ENODATA damaged.
 */
int b2b_snap_get(struct b2b_cache *cache, struct b2b_org *org, struct b2b_snap **ret_snap);

/* A record of a snapshot, copied and checked; its lists and display name lie within the file. */
struct b2b_entry {
	struct b2b_format_record record;
	char local[B2B_NAME_SIZE]; /* valid, padded with NUL */
	const char *gecos;         /* record.n_gecos bytes in the map */
	const uint32_t *list;      /* record.n_list words in the map */
};

/* Return 0, -ENOENT, or -ENODATA where the bytes make no sense. By name: LOCAL is padded and valid. */
int b2b_snap_by_name(const struct b2b_org *org, const struct b2b_snap *snap, const char local[B2B_NAME_SIZE], struct b2b_entry *ret_entry);
int b2b_snap_by_offset(const struct b2b_org *org, const struct b2b_snap *snap, uint32_t offset, struct b2b_entry *ret_entry);

/* The local name and id of the user that REF names, for lists of members: a copy without display name. Errors as above. */
int b2b_snap_member(const struct b2b_snap *snap, uint32_t ref, char ret_local[B2B_NAME_SIZE], uint32_t *ret_n_local, uint32_t *ret_offset);

/* Map a trusted file of MIN to MAX bytes read-only. Returns 0, -EBADMSG (size), -EPERM (not to be trusted), or open's error. */
int b2b_map_open(const char *path, size_t min, size_t max, struct b2b_map *ret_map);
void b2b_map_close(struct b2b_map *map);

#endif
