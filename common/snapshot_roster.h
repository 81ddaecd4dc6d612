/* Rosters: the members of every group of a snapshot, as names ready to be copied. Layout: common/cache_format.h. */
#ifndef B2B_SNAPSHOT_ROSTER_H
#define B2B_SNAPSHOT_ROSTER_H

#include "common/cache_format.h"

/* What follows a local name in the names of an organisation. */
struct b2b_suffix {
	char text[B2B_NAME_SIZE]; /* separator and alias, NUL-terminated */
	size_t size;              /* the NUL included */
};

void b2b_suffix_init(struct b2b_suffix *suffix, char separator, const char *alias);

/*
 * Place the rosters of an image whose header, records and lists are sound (n_rosters to roster_size of HEADER are set), with
 * names that end in SUFFIX. Returns the size of the whole file, or 0 where they do not fit a snapshot.
 */
uint64_t b2b_rosters_place(const void *image, const struct b2b_suffix *suffix, struct b2b_format_snapshot *header);

/* Write them to TO: what stands from header->rosters_at to the end of the file, zeroed before. */
void b2b_rosters_write(const void *image, const struct b2b_suffix *suffix, const struct b2b_format_snapshot *header, void *to);

#endif
