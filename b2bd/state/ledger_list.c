/* What stands in the ledger. */
#include <errno.h>

#include "b2bd/state/ledger.h"
#include "b2bd/state/statement.h"

static void view(sqlite3_stmt *row, struct b2b_ledger_entry *ret_entry)
{
	*ret_entry = (struct b2b_ledger_entry){
		.id = (uint32_t)sqlite3_column_int64(row, 0),
		.org_id = (const char *)sqlite3_column_text(row, 1),
		.owner = (const char *)sqlite3_column_text(row, 2),
		.kind = (enum b2b_id_kind)sqlite3_column_int(row, 3),
		.by = (enum b2b_id_chooser)sqlite3_column_int(row, 4),
		.local = (const char *)sqlite3_column_text(row, 5),
		.removed = sqlite3_column_int(row, 6) != 0,
	};
}

int b2b_ledger_each(struct b2b_state *state, uint32_t from, uint32_t to, uint32_t limit,
                    int (*each)(void *arg, const struct b2b_ledger_entry *entry), void *arg)
{
	struct b2b_ledger_entry entry;
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row,
	                        "SELECT ledger.id, ledger.org_id, ledger.owner, ledger.kind, chosen, coalesce(principal.local, grp.local, ''),"
	                        " coalesce(principal.state = 3, gid IS NULL)"
	                        " FROM ledger LEFT JOIN principal ON uid = ledger.id LEFT JOIN grp ON gid = ledger.id"
	                        " WHERE ledger.id BETWEEN ? AND ? ORDER BY ledger.id LIMIT ?");

	if (r < 0)
		return r;
	b2b_row_int(row, 1, from);
	b2b_row_int(row, 2, to);
	b2b_row_int(row, 3, limit);
	while ((r = b2b_row_next(row)) > 0) {
		view(row, &entry);
		r = each(arg, &entry);
		if (r)
			break;
	}
	sqlite3_finalize(row);
	return r;
}

int b2b_ledger_find(struct b2b_state *state, const char *org_id, enum b2b_id_kind kind, const char *owner, uint32_t *ret_id)
{
	static const char select[] = "SELECT id FROM ledger WHERE owner = ? AND org_id = ? AND kind = ?";
	sqlite3_stmt *row = NULL;
	int64_t id;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, owner);
	b2b_row_text(row, 2, org_id);
	b2b_row_int(row, 3, kind);
	r = b2b_statement_number(row, &id);
	if (r == 0)
		*ret_id = (uint32_t)id;
	return r;
}

int b2b_ledger_was_given(struct b2b_state *state, uint32_t id)
{
	static const char select[] = "SELECT 1 FROM ledger WHERE id = ?";
	sqlite3_stmt *row = NULL;
	int64_t one;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, id);
	r = b2b_statement_number(row, &one);
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

int b2b_ledger_judge_pin(struct b2b_state *state, const struct b2b_pin *pin)
{
	uint32_t id;
	int r = b2b_ledger_find(state, pin->org_id, pin->kind, pin->owner, &id);

	if (r == 0)
		return id == pin->id ? 0 : -EEXIST;
	if (r != -ENOENT)
		return r;
	r = b2b_ledger_was_given(state, pin->id);
	return r > 0 ? -EADDRINUSE : r;
}
