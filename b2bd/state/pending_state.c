/* Ends that were decided: pending until nothing is left, then a row of the record that auditors and `status` read. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "b2bd/state/rows.h"
#include "b2bd/state/session_state.h"

const char b2b_schema_pending[] =
	"CREATE TABLE pending_end ("
	" id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, org_id TEXT NOT NULL, uid INTEGER NOT NULL,"
	" pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL, reason INTEGER NOT NULL, audit_id TEXT NOT NULL,"
	" message TEXT NOT NULL, event_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE revocation ("
	" id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, org_id TEXT NOT NULL, uid INTEGER NOT NULL,"
	" reason INTEGER NOT NULL, audit_id TEXT NOT NULL, event_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL,"
	" clear_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE clock_floor (one INTEGER PRIMARY KEY CHECK (one = 1), now_s INTEGER NOT NULL) STRICT;"
	"INSERT INTO clock_floor VALUES (1, 0);";

/* Rows of before have no such figures. */
const char b2b_schema_stages[] = "ALTER TABLE pending_end ADD COLUMN closed_us INTEGER NOT NULL DEFAULT -1;"
                                 "ALTER TABLE revocation ADD COLUMN closed_us INTEGER NOT NULL DEFAULT -1;"
                                 "ALTER TABLE revocation ADD COLUMN durable_us INTEGER NOT NULL DEFAULT -1;";

int b2b_pending_add(struct b2b_state *state, const struct b2b_pending_end *end, int64_t *ret_id)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row,
	                        "INSERT INTO pending_end (scope, org_id, uid, pid, start_ticks, reason, audit_id, message, event_ms,"
	                        " received_ms, closed_us) VALUES (?,?,?,?,?,?,?,?,?,?,?)");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, end->scope);
	b2b_row_text(row, 2, end->org_id);
	b2b_row_int(row, 3, end->uid);
	b2b_row_int(row, 4, end->pid);
	b2b_row_int(row, 5, (int64_t)end->start_ticks);
	b2b_row_int(row, 6, end->reason);
	b2b_row_text(row, 7, end->audit_id);
	b2b_row_text(row, 8, end->message);
	b2b_row_int(row, 9, end->event_ms);
	b2b_row_int(row, 10, end->received_ms);
	b2b_row_int(row, 11, end->closed_us);
	r = b2b_row_run(row);
	if (r == 0)
		*ret_id = sqlite3_last_insert_rowid(b2b_state_db(state));
	return r;
}

static int record(struct b2b_state *state, int64_t id, int64_t durable_us, int64_t clear_ms)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row,
	                        "INSERT INTO revocation (scope, org_id, uid, reason, audit_id, event_ms, received_ms, clear_ms, closed_us, durable_us)"
	                        " SELECT scope, org_id, uid, reason, audit_id, event_ms, received_ms, ?2, closed_us, ?3 FROM pending_end WHERE id = ?1");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, id);
	b2b_row_int(row, 2, clear_ms);
	b2b_row_int(row, 3, durable_us);
	return b2b_row_run(row);
}

static int drop(struct b2b_state *state, int64_t id)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "DELETE FROM pending_end WHERE id = ?");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, id);
	return b2b_row_run(row);
}

int b2b_pending_done(struct b2b_state *state, int64_t id, int64_t durable_us, int64_t clear_ms)
{
	int r = b2b_state_begin_relaxed(state);

	if (r < 0)
		return r;
	r = record(state, id, durable_us, clear_ms);
	if (r == 0)
		r = drop(state, id);
	if (r < 0) {
		b2b_state_rollback(state);
		return r;
	}
	return b2b_state_commit(state);
}

int b2b_pending_drop(struct b2b_state *state, int64_t id)
{
	int r = b2b_state_begin_relaxed(state);

	if (r < 0)
		return r;
	r = drop(state, id);
	if (r < 0) {
		b2b_state_rollback(state);
		return r;
	}
	return b2b_state_commit(state);
}

int b2b_pending_list(struct b2b_state *state, int (*each)(void *arg, const struct b2b_pending_end *end), void *arg)
{
	struct b2b_pending_end end;
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row,
	                        "SELECT id, scope, org_id, uid, pid, start_ticks, reason, audit_id, message, event_ms, received_ms, closed_us"
	                        " FROM pending_end ORDER BY id");

	if (r < 0)
		return r;
	while ((r = b2b_row_next(row)) > 0) {
		memset(&end, 0, sizeof(end));
		end.id = sqlite3_column_int64(row, 0);
		end.scope = (uint32_t)sqlite3_column_int64(row, 1);
		b2b_row_copy(row, 2, end.org_id, sizeof(end.org_id));
		end.uid = (uint32_t)sqlite3_column_int64(row, 3);
		end.pid = sqlite3_column_int64(row, 4);
		end.start_ticks = (uint64_t)sqlite3_column_int64(row, 5);
		end.reason = sqlite3_column_int(row, 6);
		b2b_row_copy(row, 7, end.audit_id, sizeof(end.audit_id));
		b2b_row_copy(row, 8, end.message, sizeof(end.message));
		end.event_ms = sqlite3_column_int64(row, 9);
		end.received_ms = sqlite3_column_int64(row, 10);
		end.closed_us = sqlite3_column_int64(row, 11);
		end.durable_us = -1; /* whoever knew is gone */
		r = each(arg, &end);
		if (r)
			break;
	}
	sqlite3_finalize(row);
	return r;
}

int b2b_revocation_recent(struct b2b_state *state, uint32_t limit, int (*each)(void *arg, const struct b2b_pending_end *end, int64_t clear_ms),
                          void *arg)
{
	struct b2b_pending_end end = { 0 };
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row,
	                        "SELECT event_ms, received_ms, closed_us, durable_us, clear_ms FROM revocation ORDER BY id DESC LIMIT ?");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, limit);
	while ((r = b2b_row_next(row)) > 0) {
		end.event_ms = sqlite3_column_int64(row, 0);
		end.received_ms = sqlite3_column_int64(row, 1);
		end.closed_us = sqlite3_column_int64(row, 2);
		end.durable_us = sqlite3_column_int64(row, 3);
		r = each(arg, &end, sqlite3_column_int64(row, 4));
		if (r)
			break;
	}
	sqlite3_finalize(row);
	return r;
}

/* Nearest-rank percentiles over the last 1,000, oldest figures dropped. */
#define LAST_1000                                                                                                               \
	"WITH last AS (SELECT clear_ms - CASE WHEN event_ms > 0 THEN event_ms ELSE received_ms END AS ms"                           \
	"  FROM revocation ORDER BY id DESC LIMIT 1000),"                                                                           \
	" ranked AS (SELECT ms, row_number() OVER (ORDER BY ms) AS n, count(*) OVER () AS total FROM last)"

int b2b_revocation_figures(struct b2b_state *state, struct b2b_revocation_figures *ret_figures)
{
	struct b2b_revocation_figures figures = { 0 };
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row,
	                        LAST_1000 " SELECT (SELECT count(*) FROM revocation), (SELECT count(*) FROM pending_end),"
	                                  " coalesce((SELECT ms FROM ranked WHERE n = (total * 50 + 99) / 100), 0),"
	                                  " coalesce((SELECT ms FROM ranked WHERE n = (total * 99 + 99) / 100), 0),"
	                                  " coalesce((SELECT max(ms) FROM ranked), 0)");

	if (r < 0)
		return r;
	r = b2b_row_next(row);
	if (r > 0) {
		figures.count = (uint64_t)sqlite3_column_int64(row, 0);
		figures.pending = (uint64_t)sqlite3_column_int64(row, 1);
		figures.p50_ms = sqlite3_column_int64(row, 2);
		figures.p99_ms = sqlite3_column_int64(row, 3);
		figures.max_ms = sqlite3_column_int64(row, 4);
		*ret_figures = figures;
		r = 0;
	}
	sqlite3_finalize(row);
	return r;
}

int64_t b2b_clock_floor(struct b2b_state *state)
{
	sqlite3_stmt *row = NULL;
	int64_t floor = 0;

	if (b2b_row_prepare(state, &row, "SELECT now_s FROM clock_floor") < 0)
		return 0;
	if (b2b_row_next(row) > 0)
		floor = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return floor;
}

static int set_floor(struct b2b_state *state, const char *sql, int64_t now_s)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, sql);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, now_s);
	return b2b_row_run(row);
}

int b2b_clock_raise(struct b2b_state *state, int64_t now_s)
{
	return set_floor(state, "UPDATE clock_floor SET now_s = max(now_s, ?)", now_s);
}

int b2b_clock_accept(struct b2b_state *state, int64_t now_s)
{
	return set_floor(state, "UPDATE clock_floor SET now_s = ?", now_s);
}
