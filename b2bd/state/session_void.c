/* Sessions that the service withdrew by name (jti or sid): one that is being opened meanwhile must not be. */
#include "b2bd/state/schema.h"
#include "b2bd/state/session_state.h"
#include "b2bd/state/statement.h"

const char b2b_schema_session_void[] =
	"CREATE TABLE session_void (name TEXT NOT NULL, subject TEXT NOT NULL, org_id TEXT NOT NULL, seen_s INTEGER NOT NULL,"
	" PRIMARY KEY (name, subject, org_id)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX session_void_by_time ON session_void (seen_s);";

int b2b_session_void_note(struct b2b_state *state, const char *name, const char *subject, const char *org_id, int64_t now_s)
{
	static const char insert[] = "INSERT OR REPLACE INTO session_void (name, subject, org_id, seen_s) VALUES (?,?,?,?)";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, insert, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, name);
	b2b_row_text(row, 2, subject ? subject : "");
	b2b_row_text(row, 3, org_id ? org_id : "");
	b2b_row_int(row, 4, now_s);
	return b2b_statement_run(row);
}

int b2b_session_void_has(struct b2b_state *state, const char *name, const char *subject, const char *org_id)
{
	static const char select[] = "SELECT count(*) FROM session_void WHERE name = ? AND subject IN ('', ?) AND org_id IN ('', ?)";
	sqlite3_stmt *row = NULL;
	int64_t count;
	int r;

	if (!*name)
		return 0;
	r = b2b_statement(state, select, &row);
	if (r < 0)
		return r;
	b2b_row_text(row, 1, name);
	b2b_row_text(row, 2, subject);
	b2b_row_text(row, 3, org_id);
	r = b2b_statement_number(row, &count);
	return r < 0 ? r : count > 0;
}

int b2b_session_void_prune(struct b2b_state *state, int64_t before_s, uint32_t limit)
{
	static const char drop[] = "DELETE FROM session_void WHERE (name, subject, org_id) IN"
	                           " (SELECT name, subject, org_id FROM session_void WHERE seen_s < ? ORDER BY seen_s LIMIT ?)";

	return b2b_statement_prune(state, drop, before_s, limit);
}
