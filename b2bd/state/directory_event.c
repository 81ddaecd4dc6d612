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

/*
 * Events come in any order, twice, and late: what they say is merged so that the order does not matter. The latest closing
 * and the latest opening are both remembered; a closing counts unless an opening is later, and one that may lie anywhere
 * within a whole second counts as at its end: in doubt it is closed, and the directory's record decides (b2b_record_lifts).
 */
#define CLOSING_END "iif(?2 % 1000, ?2, ?2 + 999)"
#define DISABLED_END "iif(disabled_ms % 1000, disabled_ms, disabled_ms + 999)"

#define SET_DISABLED " disabled_ms = iif(enabled_ms > " CLOSING_END ", disabled_ms, max(disabled_ms, ?2)), cutoff_ms = max(cutoff_ms, ?2)"
#define SET_ENABLED " enabled_ms = max(enabled_ms, ?2), disabled_ms = iif(?2 > " DISABLED_END ", 0, disabled_ms)"
#define SET_CUT_OFF " cutoff_ms = max(cutoff_ms, ?2)"

int b2b_directory_disable(struct b2b_state *state, uint32_t uid, int64_t time_ms)
{
	return note_person(state, "UPDATE principal SET" SET_DISABLED " WHERE uid = ?1", uid, time_ms);
}

int b2b_directory_enable(struct b2b_state *state, uint32_t uid, int64_t time_ms)
{
	return note_person(state, "UPDATE principal SET" SET_ENABLED " WHERE uid = ?1", uid, time_ms);
}

int b2b_directory_cut_off(struct b2b_state *state, uint32_t uid, int64_t time_ms)
{
	return note_person(state, "UPDATE principal SET" SET_CUT_OFF " WHERE uid = ?1", uid, time_ms);
}

int b2b_directory_disable_org(struct b2b_state *state, const char *org_id, int64_t time_ms)
{
	return note_org(state, "UPDATE org SET" SET_DISABLED " WHERE id = ?1", org_id, time_ms);
}

int b2b_directory_enable_org(struct b2b_state *state, const char *org_id, int64_t time_ms)
{
	return note_org(state, "UPDATE org SET" SET_ENABLED " WHERE id = ?1", org_id, time_ms);
}

int b2b_directory_cut_off_org(struct b2b_state *state, const char *org_id, int64_t time_ms)
{
	return note_org(state, "UPDATE org SET" SET_CUT_OFF " WHERE id = ?1", org_id, time_ms);
}

/* The end of the second within which it may lie, where TIME_MS is in whole ones. */
static int64_t at_the_latest(int64_t time_ms)
{
	return time_ms % 1000 ? time_ms : time_ms + 999;
}

bool b2b_record_lifts(int64_t disabled_ms, int64_t enabled_ms, int64_t modified_ms)
{
	if (modified_ms > at_the_latest(disabled_ms))
		return true;
	/* events contradict each other within a second: a record that was not modified before it knows which came last */
	return enabled_ms >= disabled_ms && modified_ms >= disabled_ms;
}

bool b2b_closing_outdated(int64_t time_ms, int64_t enabled_ms, bool active, int64_t modified_ms)
{
	return enabled_ms > at_the_latest(time_ms) || (active && modified_ms > at_the_latest(time_ms));
}

/* From the first second up to, but without, the last. */
static bool in_window(int64_t not_before, int64_t not_after, int64_t now)
{
	return (!not_before || now >= not_before) && (!not_after || now < not_after);
}

static int standing_by(const struct b2b_closers *closers, int64_t now)
{
	if (closers->state == B2B_REMOVED)
		return B2B_USER_REMOVED;
	if (closers->by_hand)
		return B2B_USER_CLOSED;
	if (closers->state != B2B_ACTIVE || closers->disabled_ms)
		return B2B_USER_SUSPENDED;
	return in_window(closers->not_before, closers->not_after, now) ? B2B_OK : B2B_USER_WINDOW;
}

int b2b_principal_standing(const struct b2b_principal *principal, int64_t now)
{
	const struct b2b_closers own = { .state = principal->state, .not_before = principal->not_before, .not_after = principal->not_after,
		                         .disabled_ms = principal->disabled_ms, .by_hand = principal->by_hand };
	int standing = standing_by(&own, now);

	if (standing != B2B_OK || !principal->owner || !*principal->owner)
		return standing;
	/* nobody answers for it where the owner is not known here, or not in this organisation any more */
	return principal->owner_known && standing_by(&principal->owner_now, now) == B2B_OK ? B2B_OK : B2B_OWNER_CLOSED;
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
