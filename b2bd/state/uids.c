#include "b2bd/state/uids.h"

#include <errno.h>
#include <stdlib.h>

#include "b2bd/state/rows.h"

int b2b_uids_add(struct b2b_uids *uids, uint32_t uid)
{
	uint32_t *more;

	if (uids->n == uids->room) {
		more = reallocarray(uids->list, uids->room ? uids->room * 2 : 16, sizeof(*more));
		if (!more)
			return -ENOMEM;
		uids->list = more;
		uids->room = uids->room ? uids->room * 2 : 16;
	}
	uids->list[uids->n++] = uid;
	return 0;
}

static int compare_uids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void b2b_uids_sort(struct b2b_uids *uids)
{
	size_t i, n = 0;

	if (!uids->n)
		return;
	qsort(uids->list, uids->n, sizeof(*uids->list), compare_uids);
	for (i = 0; i < uids->n; i++) {
		if (!n || uids->list[n - 1] != uids->list[i])
			uids->list[n++] = uids->list[i];
	}
	uids->n = n;
}

int b2b_uids_take(struct b2b_uids *uids, sqlite3_stmt *row)
{
	int r;

	while ((r = b2b_row_next(row)) > 0) {
		r = b2b_uids_add(uids, (uint32_t)sqlite3_column_int64(row, 0));
		if (r < 0)
			break;
	}
	sqlite3_reset(row);
	return r;
}
