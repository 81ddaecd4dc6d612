#include "b2bd/state/status_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/state/schema.h"
#include "b2bd/state/statement.h"

const char b2b_schema_status[] =
	"CREATE TABLE status_list (list INTEGER PRIMARY KEY AUTOINCREMENT, uri TEXT NOT NULL UNIQUE, issued_s INTEGER NOT NULL DEFAULT 0) STRICT;"
	"ALTER TABLE session ADD COLUMN status_list INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE session ADD COLUMN status_index INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX session_by_status ON session (status_list) WHERE status_list > 0;";

static int number_by(struct b2b_state *state, const char *sql, const char *uri, int64_t *ret_list)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, sql, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, uri);
	return b2b_statement_number(row, ret_list);
}

int b2b_status_list_find(struct b2b_state *state, const char *uri, int64_t *ret_list)
{
	static const char select[] = "SELECT list FROM status_list WHERE uri = ?";

	return number_by(state, select, uri, ret_list);
}

int b2b_status_list_number(struct b2b_state *state, const char *uri, int64_t *ret_list)
{
	static const char insert[] = "INSERT INTO status_list (uri) VALUES (?) RETURNING list";
	int r = b2b_status_list_find(state, uri, ret_list);

	return r == -ENOENT ? number_by(state, insert, uri, ret_list) : r;
}

int b2b_status_list_uri(struct b2b_state *state, int64_t list, char **ret_uri)
{
	static const char select[] = "SELECT uri FROM status_list WHERE list = ?";
	sqlite3_stmt *row = NULL;
	char *uri = NULL;
	int r = b2b_row_prepare(state, &row, select);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, list);
	r = b2b_row_next(row);
	if (r > 0) {
		uri = strdup((const char *)sqlite3_column_text(row, 0));
		r = uri ? 1 : -ENOMEM;
	}
	sqlite3_finalize(row);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret_uri = uri;
	return 0;
}

int b2b_status_list_issued(struct b2b_state *state, int64_t list, int64_t issued_at)
{
	static const char update[] = "UPDATE status_list SET issued_s = ? WHERE list = ? AND issued_s <> ?1";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, update, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, issued_at);
	b2b_row_int(row, 2, list);
	return b2b_statement_run(row);
}

static int forget_unnamed(struct b2b_state *state)
{
	static const char drop[] = "DELETE FROM status_list WHERE list NOT IN (SELECT status_list FROM session UNION SELECT status_list FROM proof)";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, drop, &row);

	return r < 0 ? r : b2b_statement_run(row);
}

int b2b_status_list_each(struct b2b_state *state, int (*each)(void *arg, const char *uri, int64_t issued_at), void *arg)
{
	sqlite3_stmt *row = NULL;
	int r = forget_unnamed(state);

	if (r == 0)
		r = b2b_row_prepare(state, &row, "SELECT uri, issued_s FROM status_list WHERE list IN (SELECT status_list FROM session) ORDER BY list");
	if (r < 0)
		return r;
	while ((r = b2b_row_next(row)) > 0) {
		r = each(arg, (const char *)sqlite3_column_text(row, 0), sqlite3_column_int64(row, 1));
		if (r)
			break;
	}
	sqlite3_finalize(row);
	return r;
}

int64_t b2b_session_count_of_list(struct b2b_state *state, int64_t list)
{
	sqlite3_stmt *row = NULL;
	int64_t count;
	int r = b2b_statement(state, "SELECT count(*) FROM session WHERE status_list = ? AND status_list > 0", &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, list);
	r = b2b_statement_number(row, &count);
	return r < 0 ? r : count;
}
