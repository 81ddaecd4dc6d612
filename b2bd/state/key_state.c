#include "b2bd/state/key_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/state/schema.h"
#include "b2bd/state/statement.h"

const char b2b_schema_key[] = "CREATE TABLE ssh_key (principal TEXT NOT NULL PRIMARY KEY, lines TEXT NOT NULL) STRICT, WITHOUT ROWID;";

int b2b_key_put(struct b2b_state *state, const char *id, const char *keys)
{
	static const char insert[] = "INSERT INTO ssh_key (principal, lines) VALUES (?, ?)"
	                             " ON CONFLICT (principal) DO UPDATE SET lines = excluded.lines WHERE lines <> excluded.lines";
	static const char drop[] = "DELETE FROM ssh_key WHERE principal = ?";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, *keys ? insert : drop, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, id);
	if (*keys)
		b2b_row_text(row, 2, keys);
	return b2b_statement_run(row);
}

int b2b_key_get(struct b2b_state *state, const char *id, char **ret_keys)
{
	static const char select[] = "SELECT lines FROM ssh_key WHERE principal = ?";
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, select);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, id);
	r = b2b_row_next(row);
	if (r >= 0) {
		*ret_keys = strdup(r > 0 ? (const char *)sqlite3_column_text(row, 0) : "");
		r = *ret_keys ? 0 : -ENOMEM;
	}
	sqlite3_finalize(row);
	return r;
}

bool b2b_key_is_of(struct b2b_state *state, const char *id, const char *key, size_t len)
{
	char *keys = NULL;
	bool found = false;

	if (!len || memchr(key, '\n', len) || b2b_key_get(state, id, &keys) < 0)
		return false;
	for (const char *line = keys; *line && !found; line += strcspn(line, "\n") + 1) /* each ends in one */
		found = strcspn(line, "\n") == len && memcmp(line, key, len) == 0;
	free(keys);
	return found;
}
