/* Statements that run often are prepared once and kept with the database. */
#ifndef B2B_STATEMENT_H
#define B2B_STATEMENT_H

#include "b2bd/state/rows.h"

/*
 * The prepared statement for SQL, a string that lives as long as the program. It is reset and unbound; it stays the
 * state's. Nobody may run the same SQL while its rows are being read: for loops that call back use b2b_row_prepare.
 * Returns 0 or a negative errno.
 */
int b2b_statement(struct b2b_state *state, const char *sql, sqlite3_stmt **ret_row);

/* Step a kept statement that gives no rows, and reset it. Returns 0 or a negative errno. */
int b2b_statement_run(sqlite3_stmt *row);

/* Run SQL, a kept statement that forgets at most LIMIT (its second parameter) rows from before BEFORE_S. Returns 0 or a negative errno. */
int b2b_statement_prune(struct b2b_state *state, const char *sql, int64_t before_s, uint32_t limit);

/* Step once: 0 and the first column as a number; -ENOENT no row; or a negative errno. Resets. */
int b2b_statement_number(sqlite3_stmt *row, int64_t *ret_number);

#endif
