/* Inside of struct b2b_snapshot_builder, shared by snapshot.c (adding) and snapshot_write.c (the image). */
#ifndef B2B_SNAPSHOT_BUILDER_H
#define B2B_SNAPSHOT_BUILDER_H

#include "common/cache_format.h"
#include "common/snapshot.h"
#include "common/snapshot_roster.h"

/* One user or group, names in the builder's text. */
struct b2b_built {
	uint64_t roles;
	uint64_t text;      /* where the local name, then the display name, begin */
	size_t members;     /* groups: first of theirs in `members` */
	size_t n_members;
	uint32_t offset;    /* id - range_lo */
	uint8_t kind, shell, n_local, n_gecos;
};

struct b2b_snapshot_builder {
	char org_id[B2B_ID_SIZE];
	uint32_t range_lo, range_hi;
	size_t alias_len;
	struct b2b_suffix suffix;
	bool rosters;       /* are written: groups list their members */
	uint32_t n_shells;
	uint64_t generation;
	struct b2b_built *entries;
	size_t n_entries, room_entries;
	char *text;
	size_t n_text, room_text;
	uint32_t *members;  /* offsets of members, group after group, each ascending without doubles */
	size_t n_members, room_members;
	uint32_t *by_id;    /* entry number + 1 by offset */
	size_t room_ids;
	uint32_t *by_name;  /* entry number + 1 by hash of the local name, open addressing */
	size_t room_names;
};

/* Copy a local name into a buffer as b2b_format_hash wants it. */
static inline void b2b_name_pad(char to[B2B_NAME_SIZE], const char *local, size_t len)
{
	memset(to, 0, B2B_NAME_SIZE);
	memcpy(to, local, len);
}

/*
 * Place the tables of HEADER, whose counts (hash_size, n_ids, records_size) are set, one behind the other.
 * Returns the size of the whole file without rosters.
 */
uint64_t b2b_snapshot_place(struct b2b_format_snapshot *header);

/*
 * May these LEN bytes stand as a display name: UTF-8, below B2B_GECOS_SIZE bytes, no control character (C1 too),
 * no ':' and no ','?
 */
bool b2b_gecos_valid(const char *text, size_t len);

/* May LOCAL be the name of a person or group in an organisation whose alias has ALIAS_LEN bytes? `members` may not. */
bool b2b_record_name_valid(const char *local, size_t alias_len);

#endif
