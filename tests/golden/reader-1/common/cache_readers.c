#include "common/cache_readers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#define LINE 128 /* two cache lines: neighbours are fetched in pairs */

struct line {
	_Atomic uint32_t value;
	char pad[LINE - sizeof(uint32_t)];
};

struct b2b_readers_page {
	struct line epoch; /* 0 in a fresh or wiped page */
	struct line stripes[B2B_STRIPES];
};

static struct b2b_readers_page *make_page(struct b2b_readers *readers)
{
	struct b2b_readers_page *page, *other = NULL;

	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, sizeof(*page), MADV_WIPEONFORK) == 0 && atomic_compare_exchange_strong(&readers->page, &other, page))
		return page;
	munmap(page, sizeof(*page));
	return other;
}

/* A page without an epoch is new or was wiped by fork; whoever comes first names it. */
static uint32_t epoch_of(struct b2b_readers *readers, struct b2b_readers_page *page)
{
	uint32_t epoch = atomic_load(&page->epoch.value), next;

	if (epoch != 0)
		return epoch;
	next = atomic_fetch_add(&readers->epochs, 1) + 1;
	if (next == 0)
		next = 1;
	return atomic_compare_exchange_strong(&page->epoch.value, &epoch, next) ? next : epoch;
}

/* Threads lie far apart in memory: the product spreads their addresses over the stripes. */
static uint32_t own_stripe(void)
{
	uint32_t hash = (uint32_t)((uint64_t)pthread_self() >> 6) * 0x9e3779b1u;

	return (uint32_t)(((uint64_t)hash * B2B_STRIPES) >> 32);
}

int b2b_readers_count(struct b2b_readers *readers, struct b2b_ticket *ret_ticket)
{
	struct b2b_readers_page *page;

	page = atomic_load_explicit(&readers->page, memory_order_acquire);
	if (!page)
		page = make_page(readers);
	if (!page)
		return -ENOMEM;
	ret_ticket->page = page;
	ret_ticket->epoch = epoch_of(readers, page);
	ret_ticket->stripe = own_stripe();
	/* Sequentially consistent, as is the retirer's exchange: it sees this count, or we see its new pointer. */
	atomic_fetch_add(&page->stripes[ret_ticket->stripe].value, 1);
	return 0;
}

/* Clears the stripes that are at zero now. */
static bool still_read(struct b2b_readers_page *page, struct b2b_retired *item)
{
	for (uint32_t i = 0; i < B2B_STRIPES; i++)
		if ((item->waiting & 1u << i) && atomic_load(&page->stripes[i].value) == 0)
			item->waiting &= ~(1u << i);
	return item->waiting != 0;
}

static void push(struct b2b_readers *readers, struct b2b_retired *item)
{
	struct b2b_retired *head = atomic_load(&readers->retired);

	do
		item->next = head;
	while (!atomic_compare_exchange_weak(&readers->retired, &head, item));
}

/* Takes the whole list, so that two threads never hold the same item. */
void b2b_readers_reclaim(struct b2b_readers *readers)
{
	struct b2b_retired *item = atomic_exchange(&readers->retired, NULL);
	struct b2b_readers_page *page = atomic_load(&readers->page);

	while (item) {
		struct b2b_retired *next = item->next;

		if (!__libc_single_threaded && page && still_read(page, item))
			push(readers, item);
		else
			item->destroy(item);
		item = next;
	}
}

void b2b_readers_uncount(const struct b2b_ticket *ticket)
{
	struct b2b_readers_page *page = ticket->page;

	if (atomic_load_explicit(&page->epoch.value, memory_order_relaxed) == ticket->epoch)
		atomic_fetch_sub_explicit(&page->stripes[ticket->stripe].value, 1, memory_order_release);
}

void b2b_readers_retire(struct b2b_readers *readers, struct b2b_retired *item)
{
	item->waiting = (1u << B2B_STRIPES) - 1;
	push(readers, item);
}

void b2b_readers_finish(struct b2b_readers *readers)
{
	struct b2b_readers_page *page = atomic_exchange(&readers->page, NULL);
	struct b2b_retired *item = atomic_exchange(&readers->retired, NULL);

	while (item) {
		struct b2b_retired *next = item->next;

		item->destroy(item);
		item = next;
	}
	if (page)
		munmap(page, sizeof(*page));
}
