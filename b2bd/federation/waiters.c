#include "b2bd/federation/waiters.h"

#include <errno.h>
#include <stdlib.h>

int b2b_waiters_add(struct b2b_waiters *waiters, const struct b2b_waiter *waiter)
{
	struct b2b_waiter **at = &waiters->first, *copy = malloc(sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *waiter;
	copy->next = NULL;
	copy->serial = ++waiters->serial;
	while (*at)
		at = &(*at)->next;
	*at = copy;
	return 0;
}

bool b2b_waiters_take(struct b2b_waiters *waiters, uint64_t until, struct b2b_waiter *ret_waiter)
{
	struct b2b_waiter *first = waiters->first;

	if (!first || first->serial > until)
		return false;
	waiters->first = first->next;
	*ret_waiter = *first;
	free(first);
	return true;
}

void b2b_waiters_forget(struct b2b_waiters *waiters, const void *arg)
{
	struct b2b_waiter **at = &waiters->first;

	while (*at) {
		struct b2b_waiter *waiter = *at;

		if (waiter->arg != arg) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		free(waiter);
	}
}

void b2b_waiters_clear(struct b2b_waiters *waiters)
{
	struct b2b_waiter waiter;

	while (b2b_waiters_take(waiters, UINT64_MAX, &waiter))
		;
}
