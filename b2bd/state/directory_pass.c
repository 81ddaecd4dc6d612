/* Full passes: who was not met is gone, when the pass was complete. */
#include <errno.h>
#include <stdlib.h>

#include "b2bd/state/directory_rows.h"
#include "b2bd/state/schema.h"
#include "b2bd/state/state_private.h"

/* What an earlier version owed is not known: then one is. */
const char b2b_schema_pass_owed[] = "CREATE TABLE pass_owed (one INTEGER PRIMARY KEY CHECK (one = 1)) STRICT;"
                                    "INSERT INTO pass_owed VALUES (1);";

static int run_number(struct b2b_state *state, const char *sql, int64_t number)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, sql, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, number);
	return b2b_statement_run(row);
}

int64_t b2b_directory_last_pass(struct b2b_state *state, int64_t *ret_complete_s)
{
	sqlite3_stmt *row = NULL;
	int64_t pass = 0;

	*ret_complete_s = 0;
	if (b2b_row_prepare(state, &row, "SELECT pass, complete_s FROM directory_pass") < 0)
		return 0;
	if (b2b_row_next(row) > 0) {
		pass = sqlite3_column_int64(row, 0);
		*ret_complete_s = sqlite3_column_int64(row, 1);
	}
	sqlite3_finalize(row);
	return pass;
}

int b2b_directory_begin_pass(struct b2b_state *state, int64_t *ret_pass)
{
	static const char update[] = "UPDATE directory_pass SET pass = ?";
	int64_t complete_s, pass = b2b_directory_last_pass(state, &complete_s) + 1;
	int r = run_number(state, update, pass);

	if (r == 0)
		*ret_pass = pass;
	return r;
}

int b2b_directory_end_pass(struct b2b_state *state, int64_t now_s)
{
	static const char update[] = "UPDATE directory_pass SET complete_s = ?";

	return run_number(state, update, now_s);
}

int b2b_directory_owe_pass(struct b2b_state *state)
{
	static const char insert[] = "INSERT OR IGNORE INTO pass_owed VALUES (?)";

	return run_number(state, insert, 1);
}

int b2b_directory_paid_pass(struct b2b_state *state)
{
	static const char drop[] = "DELETE FROM pass_owed WHERE one = ?";

	return run_number(state, drop, 1);
}

int b2b_directory_owes_pass(struct b2b_state *state)
{
	static const char select[] = "SELECT count(*) FROM pass_owed";
	sqlite3_stmt *row = NULL;
	int64_t count;
	int r = b2b_statement(state, select, &row);

	if (r == 0)
		r = b2b_statement_number(row, &count);
	return r < 0 ? r : count > 0;
}

int b2b_directory_each_former(struct b2b_state *state, const char *principal_id, int (*each)(void *arg, const char *org_id), void *arg)
{
	static const char select[] = "SELECT org_id FROM principal WHERE id = ? AND state = 3";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, principal_id);
	while ((r = b2b_row_next(row)) > 0) {
		r = each(arg, (const char *)sqlite3_column_text(row, 0));
		if (r)
			break;
	}
	sqlite3_reset(row);
	return r;
}

#define IN_RANGE                                                                                                     \
	" BETWEEN (SELECT lo FROM id_range WHERE org_id = ?1) AND (SELECT hi FROM id_range WHERE org_id = ?1)"

int b2b_directory_count_unseen(struct b2b_state *state, const char *org_id, int64_t pass, uint64_t *ret_living, uint64_t *ret_unseen)
{
	static const char select[] = "SELECT uid FROM principal WHERE org_id = ?1 AND state <> 3 AND uid" IN_RANGE;
	sqlite3_stmt *row = NULL;
	uint64_t living = 0, unseen = 0;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	while ((r = b2b_row_next(row)) > 0) {
		living++;
		unseen += !b2b_seen_ids_has(&state->seen, pass, (uint32_t)sqlite3_column_int64(row, 0));
	}
	sqlite3_reset(row);
	if (r < 0)
		return r;
	*ret_living = living;
	*ret_unseen = unseen;
	return 0;
}

int b2b_directory_each_unseen(struct b2b_state *state, const char *org_id, int64_t pass,
                              int (*each)(void *arg, uint32_t uid, const char *id), void *arg)
{
	sqlite3_stmt *row = NULL;
	uint32_t uid;
	int r = b2b_row_prepare(state, &row, "SELECT uid, id FROM principal WHERE org_id = ?1 AND state <> 3 AND uid" IN_RANGE);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	while ((r = b2b_row_next(row)) > 0) {
		uid = (uint32_t)sqlite3_column_int64(row, 0);
		if (b2b_seen_ids_has(&state->seen, pass, uid))
			continue;
		r = each(arg, uid, (const char *)sqlite3_column_text(row, 1));
		if (r)
			break;
	}
	sqlite3_finalize(row);
	return r;
}

int b2b_directory_each_unmet(struct b2b_state *state, const char *principal_id, int64_t pass, int (*each)(void *arg, uint32_t uid), void *arg)
{
	static const char select[] = "SELECT uid FROM principal WHERE id = ? AND state <> 3";
	sqlite3_stmt *row = NULL;
	uint32_t uid;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, principal_id);
	while ((r = b2b_row_next(row)) > 0) {
		uid = (uint32_t)sqlite3_column_int64(row, 0);
		r = b2b_seen_ids_has(&state->seen, pass, uid) ? 0 : each(arg, uid);
		if (r)
			break;
	}
	sqlite3_reset(row);
	return r;
}

struct meeting {
	struct b2b_seen_ids *seen;
	int64_t pass;
};

static int meet(void *arg, uint32_t uid)
{
	const struct meeting *meeting = arg;

	return b2b_seen_ids_mark(meeting->seen, meeting->pass, uid);
}

int b2b_directory_met(struct b2b_state *state, const char *principal_id, int64_t pass)
{
	struct meeting meeting = { .seen = &state->seen, .pass = pass };

	return b2b_directory_each_unmet(state, principal_id, pass, meet, &meeting);
}

int b2b_directory_met_same(struct b2b_state *state, const char *principal_id, int64_t pass)
{
	static const char select[] = "SELECT count(*) FROM principal WHERE id = ? AND state <> 3 AND (disabled_ms <> 0 OR holds_name = 0)";
	sqlite3_stmt *row = NULL;
	int64_t open_ends;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, principal_id);
	r = b2b_statement_number(row, &open_ends);
	if (r < 0 || open_ends)
		return r < 0 ? r : 1;
	return b2b_directory_met(state, principal_id, pass);
}

/* At most LIMIT gids of groups of ORG_ID that PASS did not meet, into GIDS. */
static int unseen_groups(struct b2b_state *state, const char *org_id, int64_t pass, uint32_t limit, uint32_t *gids, uint32_t *ret_n)
{
	static const char select[] = "SELECT gid FROM grp WHERE org_id = ?1 AND gid" IN_RANGE;
	sqlite3_stmt *row = NULL;
	uint32_t gid, n = 0;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	while (n < limit && (r = b2b_row_next(row)) > 0) {
		gid = (uint32_t)sqlite3_column_int64(row, 0);
		if (!b2b_seen_ids_has(&state->seen, pass, gid))
			gids[n++] = gid;
	}
	sqlite3_reset(row);
	if (r < 0)
		return r;
	*ret_n = n;
	return 0;
}

static int change_each(struct b2b_state *state, const char *sql, const uint32_t *ids, uint32_t n)
{
	uint32_t i;
	int r = b2b_state_begin(state);

	if (r < 0)
		return r;
	for (i = 0; i < n && r == 0; i++)
		r = run_number(state, sql, ids[i]);
	if (r < 0) {
		b2b_state_rollback(state);
		return r;
	}
	return b2b_state_commit(state);
}

int b2b_directory_remove(struct b2b_state *state, int64_t pass, const uint32_t *uids, size_t n, uint32_t *ret_removed)
{
	static const char remove[] = "UPDATE principal SET state = 3 WHERE uid = ?";
	uint32_t *unmet = calloc(n + 1, sizeof(*unmet)), n_unmet = 0;
	size_t i;
	int r;

	if (!unmet)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		if (!b2b_seen_ids_has(&state->seen, pass, uids[i]))
			unmet[n_unmet++] = uids[i];
	}
	r = n_unmet ? change_each(state, remove, unmet, n_unmet) : 0;
	free(unmet);
	if (r == 0)
		*ret_removed = n_unmet;
	return r;
}

int b2b_directory_sweep_groups(struct b2b_state *state, const char *org_id, int64_t pass, uint32_t limit, uint32_t *ret_removed)
{
	static const char remove[] = "DELETE FROM grp WHERE gid = ?";
	uint32_t *gids, n = 0;
	int r;

	if (!limit)
		return -EINVAL;
	gids = calloc(limit, sizeof(*gids));
	if (!gids)
		return -ENOMEM;
	r = unseen_groups(state, org_id, pass, limit, gids, &n);
	if (r == 0 && n)
		r = change_each(state, remove, gids, n);
	free(gids);
	if (r == 0)
		*ret_removed = n;
	return r;
}

int b2b_directory_count(struct b2b_state *state, struct b2b_directory_counts *ret_counts)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row,
	                        "SELECT (SELECT count(*) FROM principal WHERE state <> 3), (SELECT count(*) FROM grp),"
	                        " (SELECT count(*) FROM org)");

	if (r < 0)
		return r;
	r = b2b_row_next(row);
	if (r > 0) {
		ret_counts->people = (uint64_t)sqlite3_column_int64(row, 0);
		ret_counts->groups = (uint64_t)sqlite3_column_int64(row, 1);
		ret_counts->organisations = (uint64_t)sqlite3_column_int64(row, 2);
		r = 0;
	}
	sqlite3_finalize(row);
	return r;
}

int64_t b2b_directory_next_change(struct b2b_state *state, int64_t now)
{
	static const char select[] =
		"SELECT coalesce(min(t), 0) FROM (SELECT min(not_before) AS t FROM principal WHERE not_before > max(?1, 0)"
		" UNION ALL SELECT min(not_after) FROM principal WHERE not_after > max(?1, 0)"
		" UNION ALL SELECT min(not_before) FROM org WHERE not_before > ?1"
		" UNION ALL SELECT min(not_after) FROM org WHERE not_after > ?1)";
	sqlite3_stmt *row = NULL;
	int64_t next = 0;

	if (b2b_statement(state, select, &row) < 0)
		return 0;
	b2b_row_int(row, 1, now);
	return b2b_statement_number(row, &next) < 0 ? 0 : next;
}
