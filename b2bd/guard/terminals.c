#include "b2bd/guard/terminals.h"

#include <stdbool.h>
#include <stdlib.h>

#include "b2bd/guard/scope.h"
#include "b2bd/guard/tell.h"

#define TERMINALS_MAX 1024

void b2b_terminals_free(struct b2b_terminals *told)
{
	free(told->ttys);
	*told = (struct b2b_terminals){ NULL, 0 };
}

static bool was_told(const struct b2b_terminals *told, uint32_t tty)
{
	for (size_t i = 0; i < told->n; i++) {
		if (told->ttys[i] == tty)
			return true;
	}
	return false;
}

uint32_t b2b_terminals_tell(struct b2b_terminals *told, const struct b2b_processes *list, const uint8_t *marks, const char *line, size_t len)
{
	uint32_t took = 0;

	for (size_t i = 0; len && i < list->n; i++) {
		uint32_t tty = list->items[i].tty, *ttys;

		if (marks[i] == B2B_MARK_NONE || marks[i] == B2B_MARK_LEFT || tty == 0)
			continue;
		if (was_told(told, tty) || told->n >= TERMINALS_MAX)
			continue;
		ttys = reallocarray(told->ttys, told->n + 1, sizeof(*ttys));
		if (!ttys)
			break;
		told->ttys = ttys;
		told->ttys[told->n++] = tty;
		took += b2b_tell(tty, line, len) == 0;
	}
	return took;
}
