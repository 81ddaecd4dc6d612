#include "b2bd/state/ledger.h"

#include <errno.h>
#include <stdlib.h>

#include "b2bd/state/schema.h"
#include "b2bd/state/state_private.h"
#include "b2bd/state/statement.h"
#include "common/log.h"

const char b2b_schema_ledger[] =
	"CREATE TABLE id_range (org_id TEXT NOT NULL PRIMARY KEY, lo INTEGER NOT NULL UNIQUE, hi INTEGER NOT NULL,"
	" CHECK (lo > 0 AND hi > lo)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE ledger (id INTEGER PRIMARY KEY, org_id TEXT NOT NULL REFERENCES id_range (org_id),"
	" kind INTEGER NOT NULL CHECK (kind IN (1, 2)), owner TEXT NOT NULL, UNIQUE (owner, org_id, kind)) STRICT;"
	/* what was given is given: not even a later fault of ours takes it back */
	"CREATE TRIGGER ledger_keeps BEFORE DELETE ON ledger BEGIN SELECT raise(ABORT, 'ids are never taken back'); END;"
	"CREATE TRIGGER ledger_stays BEFORE UPDATE ON ledger BEGIN SELECT raise(ABORT, 'ids never pass to another'); END;"
	"CREATE TRIGGER range_keeps BEFORE DELETE ON id_range BEGIN SELECT raise(ABORT, 'ranges are never taken back'); END;"
	"CREATE TRIGGER range_stays BEFORE UPDATE ON id_range BEGIN SELECT raise(ABORT, 'ranges never change'); END;";

/* 0, or -EEXIST when another organisation has, or had, a part of ORG's range (logged). */
static int judge_overlap(struct b2b_state *state, const struct b2b_policy_org *org)
{
	static const char overlaps[] = "SELECT org_id, lo, hi FROM id_range WHERE lo <= ? AND hi >= ? LIMIT 1";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, overlaps, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, org->range_hi);
	b2b_row_int(row, 2, org->range_lo);
	r = b2b_row_next(row);
	if (r > 0) {
		b2b_log(LOG_ERR,
		        "ids: organisation %s (%s) cannot have 0x%x-0x%x: 0x%llx-0x%llx was given to organisation %s, and ids never pass to another; "
		        "b2bctl org add proposes a free range",
		        org->alias, org->id, org->range_lo, org->range_hi, (long long)sqlite3_column_int64(row, 1),
		        (long long)sqlite3_column_int64(row, 2), (const char *)sqlite3_column_text(row, 0));
		r = -EEXIST;
	}
	sqlite3_reset(row);
	return r;
}

static int record_range(struct b2b_state *state, const struct b2b_policy_org *org)
{
	static const char insert[] = "INSERT INTO id_range (org_id, lo, hi) VALUES (?, ?, ?)";
	sqlite3_stmt *row = NULL;
	int r = judge_overlap(state, org);

	if (r == 0)
		r = b2b_statement(state, insert, &row);
	if (r < 0)
		return r;
	b2b_row_text(row, 1, org->id);
	b2b_row_int(row, 2, org->range_lo);
	b2b_row_int(row, 3, org->range_hi);
	return b2b_statement_run(row);
}

int b2b_ledger_range(struct b2b_state *state, const struct b2b_policy_org *org)
{
	static const char select[] = "SELECT lo, hi FROM id_range WHERE org_id = ?";
	sqlite3_stmt *row = NULL;
	int64_t lo = 0, hi = 0;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org->id);
	r = b2b_row_next(row);
	if (r > 0) {
		lo = sqlite3_column_int64(row, 0);
		hi = sqlite3_column_int64(row, 1);
	}
	sqlite3_reset(row);
	if (r <= 0)
		return r < 0 ? r : record_range(state, org);
	if (lo == org->range_lo && hi == org->range_hi)
		return 0;
	b2b_log(LOG_ERR, "ids: organisation %s (%s) has 0x%llx-0x%llx and cannot change to 0x%x-0x%x: put the range back", org->alias, org->id,
	        (long long)lo, (long long)hi, org->range_lo, org->range_hi);
	return -EEXIST;
}

static int find_id(struct b2b_state *state, const char *org_id, enum b2b_ledger_kind kind, const char *owner, int64_t *ret_id)
{
	static const char select[] = "SELECT id FROM ledger WHERE owner = ? AND org_id = ? AND kind = ?";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, owner);
	b2b_row_text(row, 2, org_id);
	b2b_row_int(row, 3, kind);
	return b2b_statement_number(row, ret_id);
}

static int next_id(struct b2b_state *state, const struct b2b_policy_org *org, int64_t *ret_id)
{
	static const char select[] = "SELECT coalesce(max(id), ?1) FROM ledger WHERE id BETWEEN ?1 AND ?2";
	sqlite3_stmt *row = NULL;
	int64_t last = 0;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, org->range_lo);
	b2b_row_int(row, 2, org->range_hi);
	r = b2b_statement_number(row, &last);
	if (r < 0)
		return r;
	if (last >= org->range_hi)
		return -EDQUOT;
	*ret_id = last + 1;
	return 0;
}

static int give_id(struct b2b_state *state, const struct b2b_policy_org *org, enum b2b_ledger_kind kind, const char *owner,
                   int64_t *ret_id)
{
	static const char insert[] = "INSERT INTO ledger (id, org_id, kind, owner) VALUES (?, ?, ?, ?)";
	sqlite3_stmt *row = NULL;
	int64_t id = 0;
	int r = b2b_ledger_range(state, org);

	if (r == 0)
		r = next_id(state, org, &id);
	if (r == 0)
		r = b2b_statement(state, insert, &row);
	if (r < 0)
		return r;
	b2b_row_int(row, 1, id);
	b2b_row_text(row, 2, org->id);
	b2b_row_int(row, 3, kind);
	b2b_row_text(row, 4, owner);
	r = b2b_statement_run(row);
	if (r == 0)
		*ret_id = id;
	return r;
}

static int note_news(struct b2b_state *state, const struct b2b_policy_org *org, uint32_t id)
{
	struct b2b_ledger_note *note = NULL;
	int r = b2b_ledger_note_get(&state->notes, org->range_lo, &note);

	return r < 0 ? r : b2b_ledger_note_news(note, id);
}

int b2b_ledger_id(struct b2b_state *state, const struct b2b_policy_org *org, enum b2b_ledger_kind kind, const char *owner,
                  uint32_t *ret_id)
{
	int64_t id = 0;
	int r = find_id(state, org->id, kind, owner, &id);

	if (r == -ENOENT)
		r = give_id(state, org, kind, owner, &id);
	if (r < 0)
		return r;
	/* a range that was moved by hand in the configuration must not bring ids from outside into a snapshot */
	if (id <= org->range_lo || id > org->range_hi)
		return b2b_ledger_range(state, org) < 0 ? -EEXIST : -EBADMSG;
	if (kind == B2B_LEDGER_USER)
		r = note_news(state, org, (uint32_t)id);
	if (r == 0)
		*ret_id = (uint32_t)id;
	return r;
}

const uint32_t *b2b_ledger_news(const struct b2b_state *state, const struct b2b_policy_org *org, size_t *ret_n)
{
	const struct b2b_ledger_note *note = b2b_ledger_note_find(&state->notes, org->range_lo);

	*ret_n = note ? note->n_news : 0;
	return note ? note->news : NULL;
}

void b2b_ledger_forget_news(struct b2b_state *state, const struct b2b_policy_org *org)
{
	struct b2b_ledger_note *note = b2b_ledger_note_find(&state->notes, org->range_lo);

	if (!note)
		return;
	free(note->news);
	note->news = NULL;
	note->n_news = note->room = 0;
}
