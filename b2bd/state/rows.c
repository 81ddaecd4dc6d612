#include "b2bd/state/rows.h"

#include <errno.h>
#include <stdio.h>

int b2b_sqlite_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return -EACCES;
	default:
		return -EIO;
	}
}

int b2b_row_prepare(struct b2b_state *state, sqlite3_stmt **ret_row, const char *sql)
{
	return b2b_sqlite_errno(sqlite3_prepare_v2(b2b_state_db(state), sql, -1, ret_row, NULL));
}

void b2b_row_int(sqlite3_stmt *row, int index, int64_t value)
{
	sqlite3_bind_int64(row, index, value);
}

void b2b_row_text(sqlite3_stmt *row, int index, const char *text)
{
	sqlite3_bind_text(row, index, text, -1, SQLITE_TRANSIENT);
}

int b2b_row_next(sqlite3_stmt *row)
{
	int code = sqlite3_step(row);

	return code == SQLITE_ROW ? 1 : b2b_sqlite_errno(code);
}

int b2b_row_run(sqlite3_stmt *row)
{
	int code = sqlite3_step(row);

	sqlite3_finalize(row);
	return b2b_sqlite_errno(code);
}

void b2b_row_copy(sqlite3_stmt *row, int index, char *buf, size_t size)
{
	const unsigned char *text = sqlite3_column_text(row, index);

	snprintf(buf, size, "%s", text ? (const char *)text : "");
}
