#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/state/directory_rows.h"

void b2b_org_record_clear(struct b2b_org_record *org)
{
	if (!org)
		return;
	free(org->id);
	memset(org, 0, sizeof(*org));
}

int b2b_directory_org(struct b2b_state *state, const char *org_id, struct b2b_org_record *ret)
{
	static const char select[] = "SELECT state, not_before, not_after, modified_ms, disabled_ms, cutoff_ms,"
	                             " EXISTS (SELECT 1 FROM hand WHERE (kind = 2 AND what = ?1) OR kind = 3), enabled_ms FROM org WHERE id = ?1";
	struct b2b_org_record org = { 0 };
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	r = b2b_row_next(row);
	if (r > 0) {
		org.id = strdup(org_id);
		org.state = (enum b2b_org_state)sqlite3_column_int(row, 0);
		org.not_before = sqlite3_column_int64(row, 1);
		org.not_after = sqlite3_column_int64(row, 2);
		org.modified_ms = sqlite3_column_int64(row, 3);
		org.disabled_ms = sqlite3_column_int64(row, 4);
		org.cutoff_ms = sqlite3_column_int64(row, 5);
		org.by_hand = sqlite3_column_int(row, 6) != 0;
		org.enabled_ms = sqlite3_column_int64(row, 7);
	}
	sqlite3_reset(row);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	if (!org.id)
		return -ENOMEM;
	*ret = org;
	return 0;
}

static int write_row(struct b2b_state *state, const struct b2b_org_record *org, int64_t disabled_ms)
{
	static const char upsert[] =
		"INSERT INTO org (id, state, not_before, not_after, modified_ms, disabled_ms) VALUES (?,?,?,?,?,?)"
		" ON CONFLICT (id) DO UPDATE SET state = excluded.state, not_before = excluded.not_before,"
		" not_after = excluded.not_after, modified_ms = excluded.modified_ms, disabled_ms = excluded.disabled_ms";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, upsert, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org->id);
	b2b_row_int(row, 2, org->state);
	b2b_row_int(row, 3, org->not_before);
	b2b_row_int(row, 4, org->not_after);
	b2b_row_int(row, 5, org->modified_ms);
	b2b_row_int(row, 6, disabled_ms);
	return b2b_statement_run(row);
}

int b2b_directory_put_org(struct b2b_state *state, const struct b2b_org_record *org, int64_t pass, bool *ret_changed)
{
	struct b2b_org_record old = { 0 };
	bool changed, lifts;
	int r = b2b_directory_org(state, org->id, &old);

	(void)pass; /* whole organisations are never swept: see scim.c */
	if (r < 0 && r != -ENOENT)
		return r;
	lifts = old.disabled_ms && org->state == B2B_ORG_IS_ACTIVE && b2b_record_lifts(old.disabled_ms, old.enabled_ms, org->modified_ms);
	changed = r == -ENOENT || lifts || old.state != org->state || old.not_before != org->not_before ||
	          old.not_after != org->not_after;
	r = changed || old.modified_ms != org->modified_ms ? write_row(state, org, lifts ? 0 : old.disabled_ms) : 0;
	b2b_org_record_clear(&old);
	if (r == 0)
		*ret_changed = changed;
	return r;
}
