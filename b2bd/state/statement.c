#include "b2bd/state/statement.h"

#include <errno.h>
#include <stdlib.h>

#include "b2bd/state/state_private.h"

static int keep(struct b2b_state *state, const char *sql, sqlite3_stmt **ret_row)
{
	struct b2b_statement_kept *more = reallocarray(state->statements, state->n_statements + 1, sizeof(*more));
	int code;

	if (!more)
		return -ENOMEM;
	state->statements = more;
	code = sqlite3_prepare_v3(state->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &more[state->n_statements].row, NULL);
	if (code != SQLITE_OK)
		return b2b_sqlite_errno(code);
	more[state->n_statements].sql = sql;
	*ret_row = more[state->n_statements++].row;
	return 0;
}

int b2b_statement(struct b2b_state *state, const char *sql, sqlite3_stmt **ret_row)
{
	size_t i;

	for (i = 0; i < state->n_statements; i++) {
		if (state->statements[i].sql == sql) {
			sqlite3_reset(state->statements[i].row);
			sqlite3_clear_bindings(state->statements[i].row);
			*ret_row = state->statements[i].row;
			return 0;
		}
	}
	return keep(state, sql, ret_row);
}

int b2b_statement_run(sqlite3_stmt *row)
{
	int code = sqlite3_step(row);

	sqlite3_reset(row);
	return b2b_sqlite_errno(code);
}

int b2b_statement_prune(struct b2b_state *state, const char *sql, int64_t before_s, uint32_t limit)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, sql, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, before_s);
	b2b_row_int(row, 2, limit);
	return b2b_statement_run(row);
}

int b2b_statement_number(sqlite3_stmt *row, int64_t *ret_number)
{
	int r = b2b_row_next(row);

	if (r > 0)
		*ret_number = sqlite3_column_int64(row, 0);
	sqlite3_reset(row);
	return r > 0 ? 0 : r < 0 ? r : -ENOENT;
}
