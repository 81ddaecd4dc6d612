/*
 * The flat file, BENCH_DIR/flat: what a reader would map that only wants to be fast. One file for all; a table by name
 * and one by id for users and for groups, open addressing, half full at most; records as in packed.h, users first.
 */
#ifndef B2B_BENCH_FLAT_H
#define B2B_BENCH_FLAT_H

#include <stdint.h>

#include "tests/bench/source.h"

struct flat_place {
	uint32_t hash; /* of name or id, its low half */
	uint32_t at;   /* of the record, in units of 8 bytes; 0: free */
};

enum flat_table { FLAT_USER_NAME, FLAT_USER_UID, FLAT_GROUP_NAME, FLAT_GROUP_GID, FLAT_TABLES };

struct flat_header {
	uint64_t size;
	uint64_t users_at, users_end; /* records of users, one behind the other */
	struct {
		uint64_t at, mask;
	} tables[FLAT_TABLES];
};

/* Write SOURCE to the new file open as FD. Returns 0 or a negative errno. */
int flat_write(const struct source *source, int fd, uint64_t *ret_size);

#endif
