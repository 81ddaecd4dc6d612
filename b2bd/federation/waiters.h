/* Who waits for one answer that serves many: a list that its callbacks may change while it is being served. */
#ifndef B2B_WAITERS_H
#define B2B_WAITERS_H

#include <stdbool.h>
#include <stdint.h>

struct b2b_waiter {
	struct b2b_waiter *next;
	uint64_t serial;
	void *arg;
	void (*keys)(void *arg, bool fetched);                                  /* one of the two */
	void (*token)(void *arg, const char *token, const char *error_text);
};

struct b2b_waiters {
	struct b2b_waiter *first;
	uint64_t serial; /* of the last that was added */
};

/* A copy of WAITER goes to the end. Returns 0 or -ENOMEM. */
int b2b_waiters_add(struct b2b_waiters *waiters, const struct b2b_waiter *waiter);

/* Take the first one out, unless it came after serial UNTIL: a callback that asks again waits for the next answer. */
bool b2b_waiters_take(struct b2b_waiters *waiters, uint64_t until, struct b2b_waiter *ret_waiter);

void b2b_waiters_forget(struct b2b_waiters *waiters, const void *arg);
void b2b_waiters_clear(struct b2b_waiters *waiters);

#endif
