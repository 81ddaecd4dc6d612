#include "b2bd/state/seen_ids.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE_SHIFT 15 /* ids per page: 4 KiB of bits */
#define N_PAGES (1u << (32 - PAGE_SHIFT))
#define IN_PAGE ((1u << PAGE_SHIFT) - 1)

void b2b_seen_ids_clear(struct b2b_seen_ids *seen)
{
	uint32_t i;

	for (i = 0; seen->pages && i < N_PAGES; i++)
		free(seen->pages[i]);
	free(seen->pages);
	seen->pages = NULL;
	seen->pass = 0;
}

int b2b_seen_ids_mark(struct b2b_seen_ids *seen, int64_t pass, uint32_t id)
{
	uint64_t **page;

	if (seen->pass != pass)
		b2b_seen_ids_clear(seen);
	seen->pass = pass;
	if (!seen->pages)
		seen->pages = calloc(N_PAGES, sizeof(*seen->pages));
	if (!seen->pages)
		return -ENOMEM;
	page = &seen->pages[id >> PAGE_SHIFT];
	if (!*page)
		*page = calloc((IN_PAGE + 1) / 64, sizeof(**page));
	if (!*page)
		return -ENOMEM;
	(*page)[(id & IN_PAGE) / 64] |= 1ull << (id % 64);
	return 0;
}

bool b2b_seen_ids_has(const struct b2b_seen_ids *seen, int64_t pass, uint32_t id)
{
	const uint64_t *page;

	if (seen->pass != pass || !seen->pages)
		return false;
	page = seen->pages[id >> PAGE_SHIFT];
	return page && (page[(id & IN_PAGE) / 64] >> (id % 64) & 1);
}
