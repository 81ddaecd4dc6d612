/* Events that were handled: each is acknowledged again when it comes again, and not acted on twice. */
#include "b2bd/signals/stream.h"
#include "b2bd/state/schema.h"
#include "b2bd/state/seen.h"
#include "b2bd/state/statement.h"

const char b2b_schema_seen[] =
	"CREATE TABLE seen_event (jti TEXT NOT NULL PRIMARY KEY, seen_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX seen_event_by_time ON seen_event (seen_s);";

int b2b_stream_seen(struct b2b_state *state, const char *jti, int64_t now_s)
{
	static const char insert[] = "INSERT INTO seen_event (jti, seen_s) VALUES (?, ?) ON CONFLICT (jti) DO UPDATE SET seen_s = excluded.seen_s";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, insert, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, jti);
	b2b_row_int(row, 2, now_s);
	return b2b_statement_run(row);
}

int b2b_seen_has(struct b2b_state *state, const char *jti)
{
	static const char select[] = "SELECT count(*) FROM seen_event WHERE jti = ?";
	sqlite3_stmt *row = NULL;
	int64_t count;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, jti);
	r = b2b_statement_number(row, &count);
	return r < 0 ? r : count > 0;
}

int b2b_seen_prune(struct b2b_state *state, int64_t before_s, uint32_t limit)
{
	static const char drop[] = "DELETE FROM seen_event WHERE jti IN (SELECT jti FROM seen_event WHERE seen_s < ? ORDER BY seen_s LIMIT ?)";

	return b2b_statement_prune(state, drop, before_s, limit);
}
