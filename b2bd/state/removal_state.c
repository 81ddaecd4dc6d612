#include "b2bd/state/removal_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/state/rows.h"
#include "b2bd/state/schema.h"

const char b2b_schema_removal[] =
	"CREATE TABLE removal (org_id TEXT NOT NULL PRIMARY KEY, living INTEGER NOT NULL, unlisted INTEGER NOT NULL, since_s INTEGER NOT NULL,"
	" approved_s INTEGER NOT NULL, by_uid INTEGER NOT NULL, missing BLOB NOT NULL) STRICT;"; /* uids, native byte order: one host */

void b2b_removal_clear(struct b2b_removal *removal)
{
	if (!removal)
		return;
	free(removal->missing);
	memset(removal, 0, sizeof(*removal));
}

int b2b_removal_put(struct b2b_state *state, const struct b2b_removal *removal)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row,
	                        "INSERT OR REPLACE INTO removal (org_id, living, unlisted, since_s, approved_s, by_uid, missing)"
	                        " VALUES (?,?,?,?,?,?,?)");

	if (r < 0)
		return r;
	b2b_row_text(row, 1, removal->org_id);
	b2b_row_int(row, 2, (int64_t)removal->living);
	b2b_row_int(row, 3, removal->unlisted);
	b2b_row_int(row, 4, removal->since_s);
	b2b_row_int(row, 5, removal->approved_s);
	b2b_row_int(row, 6, removal->by);
	sqlite3_bind_blob64(row, 7, removal->n_missing ? (const void *)removal->missing : "", removal->n_missing * sizeof(*removal->missing),
	                    SQLITE_TRANSIENT);
	return b2b_row_run(row);
}

static int read_row(sqlite3_stmt *row, struct b2b_removal *removal)
{
	const void *blob = sqlite3_column_blob(row, 5);
	size_t size = (size_t)sqlite3_column_bytes(row, 5);

	removal->living = (uint64_t)sqlite3_column_int64(row, 0);
	removal->unlisted = sqlite3_column_int(row, 1) != 0;
	removal->since_s = sqlite3_column_int64(row, 2);
	removal->approved_s = sqlite3_column_int64(row, 3);
	removal->by = (uint32_t)sqlite3_column_int64(row, 4);
	removal->n_missing = size / sizeof(*removal->missing);
	removal->missing = malloc(size ? size : 1);
	if (!removal->missing)
		return -ENOMEM;
	if (size)
		memcpy(removal->missing, blob, removal->n_missing * sizeof(*removal->missing));
	return 0;
}

int b2b_removal_get(struct b2b_state *state, const char *org_id, struct b2b_removal *ret_removal)
{
	struct b2b_removal removal = { 0 };
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "SELECT living, unlisted, since_s, approved_s, by_uid, missing FROM removal WHERE org_id = ?");

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	r = b2b_row_next(row);
	if (r > 0) {
		snprintf(removal.org_id, sizeof(removal.org_id), "%s", org_id);
		r = read_row(row, &removal);
		if (r == 0)
			*ret_removal = removal;
	} else if (r == 0) {
		r = -ENOENT;
	}
	sqlite3_finalize(row);
	return r;
}

int b2b_removal_waits(struct b2b_state *state, const char *org_id)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "SELECT 1 FROM removal WHERE org_id = ?");

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	r = b2b_row_next(row);
	sqlite3_finalize(row);
	return r;
}

static int run_changing(struct b2b_state *state, sqlite3_stmt *row)
{
	int r = b2b_row_run(row);

	return r < 0 ? r : sqlite3_changes(b2b_state_db(state)) ? 0 : -ENOENT;
}

int b2b_removal_approve(struct b2b_state *state, const char *org_id, int64_t now_s, uint32_t by)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "UPDATE removal SET approved_s = ?, by_uid = ? WHERE org_id = ?");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, now_s);
	b2b_row_int(row, 2, by);
	b2b_row_text(row, 3, org_id);
	return run_changing(state, row);
}

int b2b_removal_drop(struct b2b_state *state, const char *org_id)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "DELETE FROM removal WHERE org_id = ?");

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	return run_changing(state, row);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

size_t b2b_removal_beyond(const struct b2b_removal *removal, const uint32_t *missing, size_t n)
{
	size_t i, beyond = 0;

	for (i = 0; i < n; i++)
		beyond += !bsearch(&missing[i], removal->missing, removal->n_missing, sizeof(*missing), by_number);
	return beyond;
}
