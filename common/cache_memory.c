#include <stdlib.h>
#include <string.h>

#include "common/cache_view.h"

void *b2b_aligned_new(size_t size)
{
	void *memory = NULL;

	if (posix_memalign(&memory, 64, size) != 0)
		return NULL;
	return memset(memory, 0, size);
}
