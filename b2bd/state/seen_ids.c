#include "b2bd/state/seen_ids.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE_SHIFT 15 /* ids per page: 4 KiB of bits */
#define CHAPTER_SHIFT 23
#define PAGES_IN_CHAPTER (1u << (CHAPTER_SHIFT - PAGE_SHIFT))
#define IN_PAGE ((1u << PAGE_SHIFT) - 1)

static void chapter_free(uint64_t **pages)
{
	uint32_t i;

	for (i = 0; pages && i < PAGES_IN_CHAPTER; i++)
		free(pages[i]);
	free(pages);
}

void b2b_seen_ids_clear(struct b2b_seen_ids *seen)
{
	size_t i;

	for (i = 0; i < sizeof(seen->chapters) / sizeof(seen->chapters[0]); i++) {
		chapter_free(seen->chapters[i]);
		seen->chapters[i] = NULL;
	}
	seen->pass = 0;
}

static uint32_t page_in_chapter(uint32_t id)
{
	return (id >> PAGE_SHIFT) % PAGES_IN_CHAPTER;
}

int b2b_seen_ids_mark(struct b2b_seen_ids *seen, int64_t pass, uint32_t id)
{
	uint64_t ***chapter = &seen->chapters[id >> CHAPTER_SHIFT], **page;

	if (seen->pass != pass)
		b2b_seen_ids_clear(seen);
	seen->pass = pass;
	if (!*chapter)
		*chapter = calloc(PAGES_IN_CHAPTER, sizeof(**chapter));
	if (!*chapter)
		return -ENOMEM;
	page = &(*chapter)[page_in_chapter(id)];
	if (!*page)
		*page = calloc((IN_PAGE + 1) / 64, sizeof(**page));
	if (!*page)
		return -ENOMEM;
	(*page)[(id & IN_PAGE) / 64] |= 1ull << (id % 64);
	return 0;
}

bool b2b_seen_ids_has(const struct b2b_seen_ids *seen, int64_t pass, uint32_t id)
{
	uint64_t *const *chapter = seen->chapters[id >> CHAPTER_SHIFT];
	const uint64_t *page;

	if (seen->pass != pass || !chapter)
		return false;
	page = chapter[page_in_chapter(id)];
	return page && (page[(id & IN_PAGE) / 64] >> (id % 64) & 1);
}
