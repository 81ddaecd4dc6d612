/* The good caches that inputs damage, made once by the code that makes them on a host. */
#ifndef B2B_FUZZ_READER_BASE_H
#define B2B_FUZZ_READER_BASE_H

#include "common/cache_format.h"
#include "tests/fuzz/reader/disk.h"

enum {
	BASE_PLAIN,   /* tests/support/fixture.h: an organisation, two subsidiaries, a foreign one */
	BASE_TINY,    /* one organisation */
	BASE_DEEP,    /* each below the one before */
	BASE_CLOSED,  /* people, and organisations, in every state; an agent that is gone */
	BASE_OTHER,   /* every setting other than the default, roles with as many groups as they may have */
	BASE_LONG,    /* names as long as they may be */
	BASE_LARGE,   /* a group of BASE_CROWD */
	BASE_EMPTY,   /* organisations without people, or without a snapshot */
	BASES
};
#define BASE_CROWD 100

struct base {
	struct disk_file files[DISK_FILES];
	const char *ids[DISK_ORGS];
	char separator;
};

/* The one of that number. Exits on failure. */
const struct base *base_get(unsigned number);

/* The header of a good index or snapshot: where its tables are. */
const struct b2b_format_index *base_index(const struct base *base);
const struct b2b_format_snapshot *base_snapshot(const struct base *base, int org); /* NULL: there is none */

/* Where in ORG's snapshot the record with the number WHICH (modulo how many there are) begins; 0: there is none. */
size_t base_record_at(const struct base *base, int org, unsigned which);

#endif
