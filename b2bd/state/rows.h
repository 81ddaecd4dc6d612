/* Small helpers around one SQLite statement, for the rooms of state/. */
#ifndef B2B_ROWS_H
#define B2B_ROWS_H

#include "b2bd/state/state.h"

/* Prepare SQL into *ret_row (caller finalizes, or hands it to b2b_row_run). Returns 0 or a negative errno. */
int b2b_row_prepare(struct b2b_state *state, sqlite3_stmt **ret_row, const char *sql);
void b2b_row_int(sqlite3_stmt *row, int index, int64_t value);
void b2b_row_text(sqlite3_stmt *row, int index, const char *text); /* copied; NULL stores NULL */

/* Step: 1 there is a row, 0 the end, or a negative errno (-ENOSPC, -EBUSY, -EIO). */
int b2b_row_next(sqlite3_stmt *row);
/* Step a statement that gives no rows, and finalize it. Returns 0 or a negative errno. */
int b2b_row_run(sqlite3_stmt *row);
/* Column INDEX as text into BUF, cut to SIZE; "" for NULL. */
void b2b_row_copy(sqlite3_stmt *row, int index, char *buf, size_t size);

/* A negative errno for an SQLite result code. */
int b2b_sqlite_errno(int code);

#endif
