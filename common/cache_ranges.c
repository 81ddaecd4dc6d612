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
		uint64_t begin = ranges->first + ((uint64_t)bucket << ranges->shift);

		while (at < n && b2b_load32(&from[at].lo) <= begin)
			at++;
		ranges->begun[bucket] = (uint16_t)at;
	}
	ranges->begun[B2B_BUCKETS] = (uint16_t)n;
}

uint32_t b2b_ranges_count(const struct b2b_ranges *ranges, const struct b2b_format_range *from, uint32_t id)
{
	uint32_t bucket, low, n;

	if (id < ranges->first)
		return 0;
	bucket = bucket_of(ranges, id);
	low = ranges->begun[bucket];
	/* Behind the last bucket only the last range can be meant; in most others none begins but with the bucket. */
	n = bucket < B2B_BUCKETS ? ranges->begun[bucket + 1] - low : 0;
	while (n > 0) {
		uint32_t half = n / 2;

		if (b2b_load32(&from[low + half].lo) <= id) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return low;
}
