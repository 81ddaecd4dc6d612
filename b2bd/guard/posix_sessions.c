/* The POSIX sessions of one END (scope.h, rules 3 and 4), as a table by sid. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/guard/scope.h"

static int by_sid(const void *a, const void *b)
{
	pid_t x = ((const struct b2b_posix_session *)a)->sid, y = ((const struct b2b_posix_session *)b)->sid;

	return x < y ? -1 : x > y;
}

struct b2b_posix_session *b2b_posix_sessions_find(const struct b2b_posix_sessions *sessions, size_t n, pid_t sid)
{
	const struct b2b_posix_session key = { .sid = sid };

	return n ? bsearch(&key, sessions->items, n, sizeof(key), by_sid) : NULL;
}

int b2b_posix_sessions_add(struct b2b_posix_sessions *sessions, pid_t sid, uint64_t start_ticks)
{
	if (sessions->n == sessions->size) {
		size_t size = sessions->size ? 2 * sessions->size : 16;
		struct b2b_posix_session *items = reallocarray(sessions->items, size, sizeof(*items));

		if (!items)
			return -ENOMEM;
		sessions->items = items;
		sessions->size = size;
	}
	sessions->items[sessions->n++] = (struct b2b_posix_session){ .sid = sid, .start_ticks = start_ticks };
	return 0;
}

void b2b_posix_sessions_free(struct b2b_posix_sessions *sessions)
{
	free(sessions->items);
	memset(sessions, 0, sizeof(*sessions));
}

void b2b_posix_sessions_merge(struct b2b_posix_sessions *sessions)
{
	size_t kept = 0;

	if (sessions->n)
		qsort(sessions->items, sessions->n, sizeof(*sessions->items), by_sid);
	for (size_t i = 0; i < sessions->n; i++) {
		if (kept && sessions->items[kept - 1].sid == sessions->items[i].sid) {
			if (sessions->items[i].start_ticks)
				sessions->items[kept - 1].start_ticks = sessions->items[i].start_ticks;
		} else {
			sessions->items[kept++] = sessions->items[i];
		}
	}
	sessions->n = kept;
}
