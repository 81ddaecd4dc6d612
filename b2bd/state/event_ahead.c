/*
 * What events said of people before this host knew them: a stream does not wait for a directory pass, and a closing must
 * hold for whom a pass stores that had read its record before.
 */
#include "b2bd/state/directory_rows.h"
#include "b2bd/state/schema.h"

/* With it, the time of the latest opening: without one, a closing that comes late could not be told to be past. */
const char b2b_schema_event_ahead[] =
	"ALTER TABLE org ADD COLUMN enabled_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE principal ADD COLUMN enabled_ms INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE event_ahead (name TEXT NOT NULL, by_id INTEGER NOT NULL, org_id TEXT NOT NULL, disabled_ms INTEGER NOT NULL,"
	" enabled_ms INTEGER NOT NULL, cutoff_ms INTEGER NOT NULL, seen_s INTEGER NOT NULL, PRIMARY KEY (name, by_id, org_id))"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX event_ahead_by_time ON event_ahead (seen_s);";

int b2b_event_ahead_note(struct b2b_state *state, const struct b2b_event_ahead *ahead, int64_t now_s)
{
	static const char upsert[] =
		"INSERT INTO event_ahead (name, by_id, org_id, disabled_ms, enabled_ms, cutoff_ms, seen_s) VALUES (?,?,?,?,?,?,?)"
		" ON CONFLICT (name, by_id, org_id) DO UPDATE SET disabled_ms = max(disabled_ms, excluded.disabled_ms),"
		" enabled_ms = max(enabled_ms, excluded.enabled_ms), cutoff_ms = max(cutoff_ms, excluded.cutoff_ms),"
		" seen_s = max(seen_s, excluded.seen_s)";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, upsert, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, ahead->name);
	b2b_row_int(row, 2, ahead->by_id);
	b2b_row_text(row, 3, ahead->org_id);
	b2b_row_int(row, 4, ahead->disabled_ms);
	b2b_row_int(row, 5, ahead->enabled_ms);
	b2b_row_int(row, 6, ahead->cutoff_ms);
	b2b_row_int(row, 7, now_s);
	return b2b_statement_run(row);
}

static int find(struct b2b_state *state, const struct b2b_principal *principal, struct b2b_event_ahead *ret)
{
	static const char select[] = "SELECT coalesce(max(disabled_ms), 0), coalesce(max(enabled_ms), 0), coalesce(max(cutoff_ms), 0)"
	                             " FROM event_ahead WHERE ((name = ?1 AND by_id = 0) OR (name = ?2 AND by_id = 1)) AND org_id IN ('', ?3)";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, principal->subject);
	b2b_row_text(row, 2, principal->id);
	b2b_row_text(row, 3, principal->org_id);
	r = b2b_row_next(row);
	if (r > 0)
		*ret = (struct b2b_event_ahead){ .disabled_ms = sqlite3_column_int64(row, 0),
			                         .enabled_ms = sqlite3_column_int64(row, 1),
			                         .cutoff_ms = sqlite3_column_int64(row, 2) };
	sqlite3_reset(row);
	return r < 0 ? r : 0;
}

/* Of a record that was stored just now. */
static int outdated(struct b2b_state *state, const struct b2b_event_ahead *ahead, uint32_t uid)
{
	struct b2b_principal person;
	int r = b2b_directory_by_uid(state, uid, &person);

	if (r < 0)
		return r;
	r = b2b_closing_outdated(ahead->disabled_ms, ahead->enabled_ms, person.state == B2B_ACTIVE, person.modified_ms);
	b2b_principal_clear(&person);
	return r;
}

int b2b_event_ahead_apply(struct b2b_state *state, const struct b2b_principal *principal, uint32_t uid)
{
	struct b2b_event_ahead ahead = { 0 };
	int r = find(state, principal, &ahead);

	if (r == 0 && ahead.cutoff_ms)
		r = b2b_directory_cut_off(state, uid, ahead.cutoff_ms);
	if (r == 0 && ahead.enabled_ms)
		r = b2b_directory_enable(state, uid, ahead.enabled_ms);
	if (r < 0 || !ahead.disabled_ms)
		return r;
	r = outdated(state, &ahead, uid);
	return r ? r < 0 ? r : 0 : b2b_directory_disable(state, uid, ahead.disabled_ms);
}

int b2b_event_ahead_prune(struct b2b_state *state, int64_t before_s, uint32_t limit)
{
	static const char drop[] = "DELETE FROM event_ahead WHERE (name, by_id, org_id) IN"
	                           " (SELECT name, by_id, org_id FROM event_ahead WHERE seen_s < ? ORDER BY seen_s LIMIT ?)";

	return b2b_statement_prune(state, drop, before_s, limit);
}
