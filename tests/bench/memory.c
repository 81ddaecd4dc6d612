#include "tests/bench/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t figure(const char *line, const char *key, uint32_t otherwise)
{
	size_t len = strlen(key);

	return strncmp(line, key, len) == 0 ? (uint32_t)strtoul(line + len, NULL, 10) : otherwise;
}

int bench_memory(uint32_t *ret_own_kib, uint32_t *ret_shared_kib)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	uint32_t resident = 0, own = 0;
	char line[256];

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		resident = figure(line, "Rss:", resident);
		own = figure(line, "Anonymous:", own);
	}
	fclose(file);
	*ret_own_kib = own;
	*ret_shared_kib = resident > own ? resident - own : 0;
	return 0;
}
