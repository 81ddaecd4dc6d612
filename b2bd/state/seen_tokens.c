#include "b2bd/state/seen_tokens.h"

#include "b2bd/state/schema.h"
#include "b2bd/state/statement.h"

#define FORGET_ROWS 64 /* at a time: more than come */

const char b2b_schema_seen_token[] =
	"CREATE TABLE seen_token (digest TEXT NOT NULL PRIMARY KEY, expires_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX seen_token_by_end ON seen_token (expires_s);";

static int forget_past(struct b2b_state *state, int64_t now_s)
{
	static const char drop[] =
		"DELETE FROM seen_token WHERE digest IN (SELECT digest FROM seen_token WHERE expires_s < ? ORDER BY expires_s LIMIT ?)";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, drop, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, now_s);
	b2b_row_int(row, 2, FORGET_ROWS);
	return b2b_statement_run(row);
}

int b2b_seen_token(struct b2b_state *state, const char *digest, int64_t expires_s, int64_t now_s)
{
	static const char insert[] = "INSERT INTO seen_token (digest, expires_s) VALUES (?, ?)";
	sqlite3_stmt *row = NULL;
	int r = forget_past(state, now_s);

	if (r == 0)
		r = b2b_statement(state, insert, &row);
	if (r < 0)
		return r;
	b2b_row_text(row, 1, digest);
	b2b_row_int(row, 2, expires_s);
	return b2b_statement_run(row);
}
