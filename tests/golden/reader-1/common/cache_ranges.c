#include "common/cache_ranges.h"

/* Bucket of ID; B2B_BUCKETS where it lies behind the last. */
static uint32_t bucket_of(const struct b2b_ranges *ranges, uint32_t id)
{
	uint32_t bucket = (id - ranges->first) >> ranges->shift;

	return bucket < B2B_BUCKETS ? bucket : B2B_BUCKETS;
}

void b2b_ranges_make(struct b2b_ranges *ranges, const struct b2b_format_range *from, uint32_t n)
{
	uint32_t at = 0, last;

	memset(ranges, 0, sizeof(*ranges));
	if (n == 0)
		return;
	ranges->first = b2b_load32(&from[0].lo);
	last = b2b_load32(&from[n - 1].lo);
	while (last > ranges->first && (last - ranges->first) >> ranges->shift >= B2B_BUCKETS)
		ranges->shift++;
	for (uint32_t bucket = 0; bucket < B2B_BUCKETS; bucket++) {
		ranges->before[bucket] = (uint16_t)at;
		while (at < n && bucket_of(ranges, b2b_load32(&from[at].lo)) <= bucket)
			at++;
	}
	ranges->before[B2B_BUCKETS] = (uint16_t)n;
}

bool b2b_ranges_find(const struct b2b_ranges *ranges, const struct b2b_format_range *from, uint32_t id, struct b2b_format_range *ret_range)
{
	uint32_t bucket, low, n;

	if (id < ranges->first)
		return false;
	bucket = bucket_of(ranges, id);
	low = ranges->before[bucket];
	/* Behind the last bucket only the last range can be meant. */
	n = bucket < B2B_BUCKETS ? ranges->before[bucket + 1] - low : 0;
	while (n > 0) {
		uint32_t half = n / 2;

		if (b2b_load32(&from[low + half].lo) <= id) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	if (low == 0)
		return false;
	b2b_copy(ret_range, &from[low - 1], sizeof(*ret_range));
	return true;
}
