#include "b2bd/state/hand_state.h"

#include <errno.h>
#include <string.h>

#include "b2bd/state/rows.h"
#include "b2bd/state/schema.h"

const char b2b_schema_hand[] =
	"CREATE TABLE hand (kind INTEGER NOT NULL, what TEXT NOT NULL, other TEXT NOT NULL, reason TEXT NOT NULL, audit_id TEXT NOT NULL,"
	" by_uid INTEGER NOT NULL, since_ms INTEGER NOT NULL, PRIMARY KEY (kind, what)) STRICT, WITHOUT ROWID;";

/* Prepare SQL, whose first two values are KIND and WHAT. */
static int prepare(struct b2b_state *state, sqlite3_stmt **ret_row, const char *sql, enum b2b_hand_kind kind, const char *what)
{
	int r = b2b_row_prepare(state, ret_row, sql);

	if (r < 0)
		return r;
	b2b_row_int(*ret_row, 1, kind);
	b2b_row_text(*ret_row, 2, what);
	return 0;
}

static int cut_off(struct b2b_state *state, const struct b2b_hand *hand)
{
	static const char *const updates[] = {
		[B2B_HAND_USER] = "UPDATE principal SET cutoff_ms = max(cutoff_ms, ?3) WHERE ?1 = 1 AND id = ?2",
		[B2B_HAND_ORG] = "UPDATE org SET cutoff_ms = max(cutoff_ms, ?3) WHERE ?1 = 2 AND id = ?2",
		[B2B_HAND_ALL] = "UPDATE org SET cutoff_ms = max(cutoff_ms, ?3) WHERE ?1 = 3 AND ?2 = ''",
	};
	sqlite3_stmt *row = NULL;
	int r;

	if (hand->kind == B2B_HAND_KEY)
		return 0;
	r = prepare(state, &row, updates[hand->kind], hand->kind, hand->what);
	if (r < 0)
		return r;
	b2b_row_int(row, 3, hand->since_ms);
	return b2b_row_run(row);
}

int b2b_hand_store(struct b2b_state *state, const struct b2b_hand *hand)
{
	sqlite3_stmt *row = NULL;
	int r = prepare(state, &row,
	                "INSERT OR REPLACE INTO hand (kind, what, other, reason, audit_id, by_uid, since_ms) VALUES (?,?,?,?,?,?,?)",
	                hand->kind, hand->what);

	if (r < 0)
		return r;
	b2b_row_text(row, 3, hand->other);
	b2b_row_text(row, 4, hand->reason);
	b2b_row_text(row, 5, hand->audit_id);
	b2b_row_int(row, 6, hand->by);
	b2b_row_int(row, 7, hand->since_ms);
	r = b2b_row_run(row);
	return r == 0 ? cut_off(state, hand) : r;
}

int b2b_hand_drop(struct b2b_state *state, enum b2b_hand_kind kind, const char *what)
{
	sqlite3_stmt *row = NULL;
	int r = prepare(state, &row, "DELETE FROM hand WHERE kind = ? AND what = ?", kind, what);

	if (r == 0)
		r = b2b_row_run(row);
	return r < 0 ? r : sqlite3_changes(b2b_state_db(state)) ? 0 : -ENOENT;
}

static void read_hand(sqlite3_stmt *row, struct b2b_hand *hand)
{
	memset(hand, 0, sizeof(*hand));
	hand->kind = (enum b2b_hand_kind)sqlite3_column_int(row, 0);
	b2b_row_copy(row, 1, hand->what, sizeof(hand->what));
	b2b_row_copy(row, 2, hand->other, sizeof(hand->other));
	b2b_row_copy(row, 3, hand->reason, sizeof(hand->reason));
	b2b_row_copy(row, 4, hand->audit_id, sizeof(hand->audit_id));
	hand->by = (uint32_t)sqlite3_column_int64(row, 5);
	hand->since_ms = sqlite3_column_int64(row, 6);
}

#define COLUMNS "kind, what, other, reason, audit_id, by_uid, since_ms"

int b2b_hand_find(struct b2b_state *state, enum b2b_hand_kind kind, const char *what, struct b2b_hand *ret_hand)
{
	sqlite3_stmt *row = NULL;
	int r = prepare(state, &row, "SELECT " COLUMNS " FROM hand WHERE kind = ? AND what = ?", kind, what);

	if (r < 0)
		return r;
	r = b2b_row_next(row);
	if (r > 0)
		read_hand(row, ret_hand);
	sqlite3_finalize(row);
	return r > 0 ? 0 : r < 0 ? r : -ENOENT;
}

int b2b_hand_each(struct b2b_state *state, int kind, int (*each)(void *arg, const struct b2b_hand *hand), void *arg)
{
	struct b2b_hand hand;
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "SELECT " COLUMNS " FROM hand WHERE ?1 = 0 OR kind = ?1 ORDER BY since_ms, kind, what");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, kind);
	while ((r = b2b_row_next(row)) > 0) {
		read_hand(row, &hand);
		r = each(arg, &hand);
		if (r)
			break;
	}
	sqlite3_finalize(row);
	return r;
}
