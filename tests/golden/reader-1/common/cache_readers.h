/*
 * When may a replaced mapping be unmapped, where other threads may still be reading it?
 *
 * A look-up enters and leaves. While the process has one thread (glibc says so in __libc_single_threaded), nobody else
 * can be inside, and nothing is counted. In a process with threads each look-up adds one to a counter while it is
 * inside; threads are spread over B2B_STRIPES counters on lines of their own, so that they do not disturb each other.
 * A replaced mapping is first made unreachable, then waits until each counter has been seen at zero once: whoever entered
 * before that has left, whoever enters later cannot find it. Who leaves last frees it; nobody waits.
 *
 * fork() copies counters of threads that do not exist in the child. Their page is therefore MADV_WIPEONFORK: the kernel
 * hands the child zeros. The epoch, in the same page, tells the case that the forking thread itself was inside (a
 * signal handler forked): its ticket is of another epoch and is not given back. A mapping that another thread was just
 * making or freeing is lost to the child: a few at most for each fork, however long the child lives.
 *
 * No thread_local (it can make dlopen fail), no atfork handler (it would outlive dlclose), no lock: a thread that is
 * stopped inside delays only the freeing.
 */
#ifndef B2B_CACHE_READERS_H
#define B2B_CACHE_READERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/single_threaded.h>

#define B2B_STRIPES 31

struct b2b_readers_page;

/* First member of whatever waits to be freed. */
struct b2b_retired {
	struct b2b_retired *next;
	uint32_t waiting; /* bit i: counter i has not been seen at zero yet */
	void (*destroy)(struct b2b_retired *self);
};

struct b2b_readers {
	_Atomic(struct b2b_readers_page *) page;
	_Atomic(struct b2b_retired *) retired;
	_Atomic uint32_t epochs; /* handed out; not wiped, so that a child never repeats its parent's */
};

struct b2b_ticket {
	struct b2b_readers_page *page; /* NULL: was not counted */
	uint32_t stripe, epoch;
};

int b2b_readers_count(struct b2b_readers *readers, struct b2b_ticket *ret_ticket);
void b2b_readers_uncount(const struct b2b_ticket *ticket);
void b2b_readers_reclaim(struct b2b_readers *readers);

/* Before the first pointer is loaded. Returns 0, or -ENOMEM where there is no memory for counters. */
static inline int b2b_readers_enter(struct b2b_readers *readers, struct b2b_ticket *ret_ticket)
{
	ret_ticket->page = NULL;
	return __libc_single_threaded ? 0 : b2b_readers_count(readers, ret_ticket);
}

/* After the last use. Frees what nobody reads any more. */
static inline void b2b_readers_leave(struct b2b_readers *readers, const struct b2b_ticket *ticket)
{
	if (ticket->page)
		b2b_readers_uncount(ticket);
	if (atomic_load_explicit(&readers->retired, memory_order_relaxed))
		b2b_readers_reclaim(readers);
}

/* ITEM, already unreachable for whoever enters from now on, is destroyed once nobody can be reading it. */
void b2b_readers_retire(struct b2b_readers *readers, struct b2b_retired *item);

/* Destroy everything; no thread may be inside. */
void b2b_readers_finish(struct b2b_readers *readers);

#endif
