#include "b2bd/state/session_state.h"
#include "b2bd/state/schema.h"
#include "b2bd/state/status_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "b2bd/state/rows.h"

const char b2b_schema_sessions[] =
	"CREATE TABLE session ("
	" pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL, uid INTEGER NOT NULL,"
	" user TEXT NOT NULL, service TEXT NOT NULL, tty TEXT NOT NULL, rhost TEXT NOT NULL, ruser TEXT NOT NULL,"
	" opened_s INTEGER NOT NULL, ends_s INTEGER NOT NULL, auth_time_s INTEGER NOT NULL,"
	" acr TEXT NOT NULL, jti TEXT NOT NULL, sid TEXT NOT NULL, audit_id TEXT NOT NULL,"
	" PRIMARY KEY (pid, start_ticks)) STRICT;"
	"CREATE INDEX session_by_uid ON session (uid);"
	"CREATE INDEX session_by_end ON session (ends_s) WHERE ends_s > 0;";

const char b2b_schema_session_limits[] =
	"ALTER TABLE session ADD COLUMN idle_s INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE session ADD COLUMN warned_s INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE session ADD COLUMN warned_end_s INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX session_by_idle ON session (idle_s) WHERE idle_s > 0;";

#define COLUMNS "pid, start_ticks, uid, user, service, tty, rhost, ruser, opened_s, ends_s, auth_time_s, acr, jti, sid, audit_id, status_list, " \
                "status_index, proof, why, idle_s, warned_s, warned_end_s"

/* ROW in a transaction of its own, which it takes over: no session outlives the machine, so that the disk need not be waited for. */
static int run_alone(struct b2b_state *state, sqlite3_stmt *row)
{
	int r = b2b_state_begin_relaxed(state);

	if (r < 0) {
		sqlite3_finalize(row);
		return r;
	}
	r = b2b_row_run(row);
	if (r == 0)
		return b2b_state_commit(state);
	b2b_state_rollback(state);
	return r;
}

int b2b_session_store(struct b2b_state *state, const struct b2b_session *session)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "INSERT OR REPLACE INTO session (" COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, session->pid);
	b2b_row_int(row, 2, (int64_t)session->start_ticks);
	b2b_row_int(row, 3, session->uid);
	b2b_row_text(row, 4, session->origin.user);
	b2b_row_text(row, 5, session->origin.service);
	b2b_row_text(row, 6, session->origin.tty);
	b2b_row_text(row, 7, session->origin.rhost);
	b2b_row_text(row, 8, session->origin.ruser);
	b2b_row_int(row, 9, session->opened_s);
	b2b_row_int(row, 10, session->ends_s);
	b2b_row_int(row, 11, session->auth_time_s);
	b2b_row_text(row, 12, session->acr);
	b2b_row_text(row, 13, session->jti);
	b2b_row_text(row, 14, session->sid);
	b2b_row_text(row, 15, session->audit_id);
	b2b_row_int(row, 16, session->status_list);
	b2b_row_int(row, 17, session->status_index);
	b2b_row_int(row, 18, session->proof);
	b2b_row_int(row, 19, session->why);
	b2b_row_int(row, 20, session->idle_s);
	b2b_row_int(row, 21, session->warned_s);
	b2b_row_int(row, 22, session->warned_end_s);
	return run_alone(state, row);
}

static int drop(struct b2b_state *state, const struct b2b_session_leader *leader)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "DELETE FROM session WHERE pid = ? AND start_ticks = ?");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, leader->pid);
	b2b_row_int(row, 2, (int64_t)leader->start_ticks);
	return b2b_row_run(row);
}

int b2b_session_drop(struct b2b_state *state, int64_t pid, uint64_t start_ticks)
{
	const struct b2b_session_leader leader = { pid, start_ticks };

	return b2b_sessions_drop(state, &leader, 1);
}

int b2b_sessions_drop(struct b2b_state *state, const struct b2b_session_leader *leaders, size_t n)
{
	int r = b2b_state_begin_relaxed(state);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++)
		r = drop(state, &leaders[i]);
	if (r == 0)
		return b2b_state_commit(state);
	b2b_state_rollback(state);
	return r;
}

static void read_session(sqlite3_stmt *row, struct b2b_session *session)
{
	memset(session, 0, sizeof(*session));
	session->pid = sqlite3_column_int64(row, 0);
	session->start_ticks = (uint64_t)sqlite3_column_int64(row, 1);
	session->uid = (uint32_t)sqlite3_column_int64(row, 2);
	b2b_row_copy(row, 3, session->origin.user, sizeof(session->origin.user));
	b2b_row_copy(row, 4, session->origin.service, sizeof(session->origin.service));
	b2b_row_copy(row, 5, session->origin.tty, sizeof(session->origin.tty));
	b2b_row_copy(row, 6, session->origin.rhost, sizeof(session->origin.rhost));
	b2b_row_copy(row, 7, session->origin.ruser, sizeof(session->origin.ruser));
	session->opened_s = sqlite3_column_int64(row, 8);
	session->ends_s = sqlite3_column_int64(row, 9);
	session->auth_time_s = sqlite3_column_int64(row, 10);
	b2b_row_copy(row, 11, session->acr, sizeof(session->acr));
	b2b_row_copy(row, 12, session->jti, sizeof(session->jti));
	b2b_row_copy(row, 13, session->sid, sizeof(session->sid));
	b2b_row_copy(row, 14, session->audit_id, sizeof(session->audit_id));
	session->status_list = sqlite3_column_int64(row, 15);
	session->status_index = sqlite3_column_int64(row, 16);
	session->proof = sqlite3_column_int64(row, 17);
	session->why = sqlite3_column_int(row, 18);
	session->idle_s = (uint32_t)sqlite3_column_int64(row, 19);
	session->warned_s = (uint32_t)sqlite3_column_int64(row, 20);
	session->warned_end_s = sqlite3_column_int64(row, 21);
}

int b2b_session_warned(struct b2b_state *state, const struct b2b_session *session)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "UPDATE session SET warned_s = ?3, warned_end_s = ?4 WHERE pid = ?1 AND start_ticks = ?2");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, session->pid);
	b2b_row_int(row, 2, (int64_t)session->start_ticks);
	b2b_row_int(row, 3, session->warned_s);
	b2b_row_int(row, 4, session->warned_end_s);
	return run_alone(state, row);
}

int b2b_session_bound(struct b2b_state *state, int64_t proof, int64_t ends_s, int32_t why)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "UPDATE session SET ends_s = ?2, why = ?3 WHERE proof = ?1 AND (ends_s = 0 OR ends_s > ?2)");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, proof);
	b2b_row_int(row, 2, ends_s);
	b2b_row_int(row, 3, why);
	return run_alone(state, row);
}

/* Takes ROW over. */
static int each_session(sqlite3_stmt *row, int (*each)(void *arg, const struct b2b_session *session), void *arg)
{
	struct b2b_session session;
	int r;

	while ((r = b2b_row_next(row)) > 0) {
		read_session(row, &session);
		r = each(arg, &session);
		if (r)
			break;
	}
	sqlite3_finalize(row);
	return r;
}

int b2b_session_list(struct b2b_state *state, uint32_t uid, int (*each)(void *arg, const struct b2b_session *session), void *arg)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "SELECT " COLUMNS " FROM session WHERE ?1 = 0 OR uid = ?1 ORDER BY opened_s, pid");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, uid);
	return each_session(row, each, arg);
}

int b2b_session_each_of_list(struct b2b_state *state, int64_t list, int (*each)(void *arg, const struct b2b_session *session), void *arg)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "SELECT " COLUMNS " FROM session WHERE status_list = ? AND status_list > 0 ORDER BY opened_s, pid");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, list);
	return each_session(row, each, arg);
}

int b2b_session_due(struct b2b_state *state, int64_t now_s, int (*each)(void *arg, const struct b2b_session *session), void *arg,
                    int64_t *ret_next)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "SELECT " COLUMNS " FROM session WHERE (ends_s > 0 AND ends_s <= ?) OR idle_s > 0");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, now_s);
	r = each_session(row, each, arg);
	if (r)
		return r;
	r = b2b_row_prepare(state, &row, "SELECT coalesce(min(ends_s), 0) FROM session WHERE ends_s > ?");
	if (r < 0)
		return r;
	b2b_row_int(row, 1, now_s);
	r = b2b_row_next(row);
	if (r > 0)
		*ret_next = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return r < 0 ? r : 0;
}
