#include "b2bd/rate.h"

#include <stddef.h>

/*
 * A bucket is one time, the moment it is full again: each taking moves it by every_ns, and it may lie at most burst
 * times every_ns ahead. An idle bucket (full) says nothing, so it can be given to another key.
 */
static struct b2b_rate_bucket *find(struct b2b_rate *rate, uint32_t key)
{
	struct b2b_rate_bucket *best = NULL;
	size_t i;

	for (i = 0; i < B2B_RATE_SLOTS; i++) {
		struct b2b_rate_bucket *bucket = &rate->buckets[i];

		if (bucket->full_ns && bucket->key == key)
			return bucket;
		if (!best || bucket->full_ns < best->full_ns)
			best = bucket;
	}
	/*
	 * Where every bucket is in use, the one nearest to full is shared rather than forgotten: taking another's
	 * place must not be a way round one's own limit.
	 */
	best->key = key;
	return best;
}

bool b2b_rate_take(struct b2b_rate *rate, uint32_t key, uint64_t now_ns)
{
	struct b2b_rate_bucket *bucket = find(rate, key);
	uint64_t full = bucket->full_ns > now_ns ? bucket->full_ns : now_ns;

	if (full + rate->every_ns - now_ns > rate->burst * rate->every_ns)
		return false;
	bucket->full_ns = full + rate->every_ns;
	return true;
}

void b2b_rate_give(struct b2b_rate *rate, uint32_t key)
{
	struct b2b_rate_bucket *bucket = find(rate, key);

	bucket->full_ns = bucket->full_ns > rate->every_ns ? bucket->full_ns - rate->every_ns : 0;
}
