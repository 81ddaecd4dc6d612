/*
 * Which ranges may hold an id, without searching all of them: the ids that ranges cover, cut into equal buckets, and how
 * many ranges begin before each. Made from the index, once for each process that maps it.
 */
#ifndef B2B_CACHE_RANGES_H
#define B2B_CACHE_RANGES_H

#include <stdint.h>

#include "common/cache_format.h"

#define B2B_BUCKETS 1024u

struct b2b_ranges {
	uint32_t first, shift;         /* of the first bucket; log2 of a bucket's ids */
	uint16_t before[B2B_BUCKETS + 1]; /* ranges that begin before bucket i */
};

/* From N ranges (in the map, sorted by lo; whatever stands there, what is made is safe to search with). */
void b2b_ranges_make(struct b2b_ranges *ranges, const struct b2b_format_range *from, uint32_t n);

/*
 * The last of the ranges FROM, of which RANGES was made, that begins at or before ID, as a copy. False: there is none.
 * The caller checks that it holds ID.
 */
bool b2b_ranges_find(const struct b2b_ranges *ranges, const struct b2b_format_range *from, uint32_t id, struct b2b_format_range *ret_range);

#endif
