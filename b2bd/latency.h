/*
 * How long the stages of revocations take: of all since the start, in constant room. Quantiles are within an eighth of the
 * truth (buckets of a logarithmic histogram); counts, sums, maxima and the numbers below fixed bounds are exact.
 */
#ifndef B2B_LATENCY_H
#define B2B_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#define B2B_LATENCY_FINE 8                        /* buckets to an octave */
#define B2B_LATENCY_BUCKETS (41 * B2B_LATENCY_FINE) /* up to 2^40 us, 12 days; longer counts as that */
#define B2B_LATENCY_BOUNDS 13
extern const int64_t b2b_latency_bounds_us[B2B_LATENCY_BOUNDS]; /* ascending */

struct b2b_latency {
	uint64_t n, sum_us, max_us;
	uint64_t within[B2B_LATENCY_BOUNDS]; /* how many took at most that long */
	uint32_t buckets[B2B_LATENCY_BUCKETS];
};

void b2b_latency_add(struct b2b_latency *latency, int64_t us); /* less than nothing, from clocks that differ, is nothing */

/* At most so many of a hundred took longer than the result; microseconds, 0 where there is none. PERCENT from 1 to 99. */
uint64_t b2b_latency_quantile(const struct b2b_latency *latency, unsigned percent);

#endif
