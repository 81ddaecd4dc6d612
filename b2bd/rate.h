/* Token buckets by number: who asks too often is told to wait. Fixed memory; the longest idle makes room. */
#ifndef B2B_RATE_H
#define B2B_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define B2B_RATE_SLOTS 256

struct b2b_rate_bucket {
	uint32_t key;
	uint64_t full_ns; /* when it will be full again; 0: unused */
};

struct b2b_rate {
	uint32_t burst;          /* how many at once */
	uint64_t every_ns;       /* one more each */
	struct b2b_rate_bucket buckets[B2B_RATE_SLOTS];
};

/* Take one for KEY at NOW_NS. False: too many, wait. */
bool b2b_rate_take(struct b2b_rate *rate, uint32_t key, uint64_t now_ns);

/* Put back one that KEY took: it did no harm. */
void b2b_rate_give(struct b2b_rate *rate, uint32_t key);

#endif
