#include "b2bd/jitter.h"

#include <sys/random.h>

uint64_t b2b_jitter_ns(uint64_t least_ns, uint64_t most_ns)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		return most_ns;
	return least_ns + (uint64_t)((double)(most_ns - least_ns) * random / UINT32_MAX);
}
