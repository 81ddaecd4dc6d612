#include "b2bd/latency.h"

const int64_t b2b_latency_bounds_us[B2B_LATENCY_BOUNDS] = { 1000,   2500,   5000,   10000,   25000,   50000,    100000,
	                                                    250000, 500000, 1000000, 2500000, 5000000, 10000000 };

/* Within an octave the next bits choose. */
static size_t bucket_of(uint64_t us)
{
	unsigned octave;

	if (us < B2B_LATENCY_FINE)
		return (size_t)us;
	octave = 63 - (unsigned)__builtin_clzll(us); /* at least 3 */
	if (octave > 42)
		return B2B_LATENCY_BUCKETS - 1;
	return (octave - 2) * B2B_LATENCY_FINE + (size_t)(us >> (octave - 3)) - B2B_LATENCY_FINE;
}

/* The largest that falls into it. */
static uint64_t bucket_top(size_t bucket)
{
	size_t octave = bucket / B2B_LATENCY_FINE + 2;

	if (bucket < B2B_LATENCY_FINE)
		return bucket;
	return ((uint64_t)(bucket % B2B_LATENCY_FINE + B2B_LATENCY_FINE + 1) << (octave - 3)) - 1;
}

void b2b_latency_add(struct b2b_latency *latency, int64_t us)
{
	uint64_t value = us > 0 ? (uint64_t)us : 0;
	size_t i;

	latency->n++;
	latency->sum_us += value;
	if (value > latency->max_us)
		latency->max_us = value;
	for (i = 0; i < B2B_LATENCY_BOUNDS; i++)
		latency->within[i] += value <= (uint64_t)b2b_latency_bounds_us[i];
	latency->buckets[bucket_of(value)]++;
}

uint64_t b2b_latency_quantile(const struct b2b_latency *latency, unsigned percent)
{
	uint64_t wanted = (latency->n * percent + 99) / 100, seen = 0, top;
	size_t i;

	for (i = 0; i < B2B_LATENCY_BUCKETS && latency->n; i++) {
		seen += latency->buckets[i];
		if (seen < wanted)
			continue;
		top = bucket_top(i);
		return top < latency->max_us && i < B2B_LATENCY_BUCKETS - 1 ? top : latency->max_us;
	}
	return 0;
}
