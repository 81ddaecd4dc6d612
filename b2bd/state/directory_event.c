/* What events say of people and organisations, and what stands in the end. */
#include <errno.h>

#include "b2bd/state/directory_rows.h"
#include "common/reason.h"

static int note_person(struct b2b_state *state, const char *sql, uint32_t uid, int64_t time_ms)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, sql, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, uid);
	b2b_row_int(row, 2, time_ms);
	r = b2b_statement_run(row);
	return r < 0 ? r : sqlite3_changes(b2b_state_db(state)) ? 0 : -ENOENT;
}

/* An event may come before the directory was ever read: its organisation is noted as not active, which is what is known of it. */
static int note_org(struct b2b_state *state, const char *sql, const char *org_id, int64_t time_ms)
{
	static const char insert[] = "INSERT INTO org (id, state, not_before, not_after, modified_ms) VALUES (?, 2, 0, 0, 0)"
	                             " ON CONFLICT (id) DO NOTHING";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, insert, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	r = b2b_statement_run(row);
	if (r == 0)
		r = b2b_statement(state, sql, &row);
	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	b2b_row_int(row, 2, time_ms);
	return b2b_statement_run(row);
}

int b2b_directory_disable(struct b2b_state *state, uint32_t uid, int64_t time_ms)
{
	static const char update[] =
		"UPDATE principal SET disabled_ms = max(disabled_ms, ?2), cutoff_ms = max(cutoff_ms, ?2) WHERE uid = ?1";

	return note_person(state, update, uid, time_ms);
}

int b2b_directory_enable(struct b2b_state *state, uint32_t uid, int64_t time_ms)
{
	static const char update[] = "UPDATE principal SET disabled_ms = iif(disabled_ms <= ?2, 0, disabled_ms) WHERE uid = ?1";

	return note_person(state, update, uid, time_ms);
}

int b2b_directory_cut_off(struct b2b_state *state, uint32_t uid, int64_t time_ms)
{
	static const char update[] = "UPDATE principal SET cutoff_ms = max(cutoff_ms, ?2) WHERE uid = ?1";

	return note_person(state, update, uid, time_ms);
}

int b2b_directory_disable_org(struct b2b_state *state, const char *org_id, int64_t time_ms)
{
	static const char update[] = "UPDATE org SET disabled_ms = max(disabled_ms, ?2), cutoff_ms = max(cutoff_ms, ?2) WHERE id = ?1";

	return note_org(state, update, org_id, time_ms);
}

int b2b_directory_enable_org(struct b2b_state *state, const char *org_id, int64_t time_ms)
{
	static const char update[] = "UPDATE org SET disabled_ms = iif(disabled_ms <= ?2, 0, disabled_ms) WHERE id = ?1";

	return note_org(state, update, org_id, time_ms);
}

int b2b_directory_cut_off_org(struct b2b_state *state, const char *org_id, int64_t time_ms)
{
	static const char update[] = "UPDATE org SET cutoff_ms = max(cutoff_ms, ?2) WHERE id = ?1";

	return note_org(state, update, org_id, time_ms);
}

/* From the first second up to, but without, the last. */
static bool in_window(int64_t not_before, int64_t not_after, int64_t now)
{
	return (!not_before || now >= not_before) && (!not_after || now < not_after);
}

int b2b_principal_standing(const struct b2b_principal *principal, int64_t now)
{
	if (principal->state == B2B_REMOVED)
		return B2B_USER_REMOVED;
	if (principal->by_hand)
		return B2B_USER_CLOSED;
	if (principal->state != B2B_ACTIVE || principal->disabled_ms)
		return B2B_USER_SUSPENDED;
	return in_window(principal->not_before, principal->not_after, now) ? B2B_OK : B2B_USER_WINDOW;
}

int b2b_org_standing(const struct b2b_org_record *org, int64_t now)
{
	if (org->state == B2B_ORG_HAS_ENDED)
		return B2B_ORG_ENDED;
	if (org->by_hand)
		return B2B_ORG_CLOSED;
	if (org->state != B2B_ORG_IS_ACTIVE || org->disabled_ms)
		return B2B_ORG_SUSPENDED;
	return in_window(org->not_before, org->not_after, now) ? B2B_OK : B2B_ORG_WINDOW;
}
