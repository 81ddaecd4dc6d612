#include "b2bd/session_items.h"

#include <errno.h>
#include <stdlib.h>

int b2b_session_keep(struct b2b_session_items *items, const struct b2b_session *session)
{
	struct b2b_session *more;

	if (items->n == items->room) {
		more = reallocarray(items->list, items->room + 64, sizeof(*more));
		if (!more)
			return -ENOMEM;
		items->list = more;
		items->room += 64;
	}
	items->list[items->n++] = *session;
	return 0;
}
