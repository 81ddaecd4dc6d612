/* A list of ids that grows. Zeroed at first; the caller frees LIST. */
#ifndef B2B_UIDS_H
#define B2B_UIDS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

struct b2b_uids {
	uint32_t *list;
	size_t n, room;
};

/* Returns 0 or -ENOMEM: as before. */
int b2b_uids_add(struct b2b_uids *uids, uint32_t uid);

/* In ascending order, each once. */
void b2b_uids_sort(struct b2b_uids *uids);

/* Add the first column of what ROW, a kept statement, has left, and reset it. Returns 0 or a negative errno. */
int b2b_uids_take(struct b2b_uids *uids, sqlite3_stmt *row);

#endif
