#include "b2bd/state/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "b2bd/state/schema.h"
#include "b2bd/state/state_private.h"
#include "b2bd/state/statement.h"
#include "common/log.h"

#define REFUSALS_LOGGED 20 /* of one organisation */

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

/* Who chose each id (enum b2b_id_chooser). Those that an earlier version gave in order of arrival stay as they are. */
const char b2b_schema_ledger_chosen[] = "ALTER TABLE ledger ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0 CHECK (chosen BETWEEN 0 AND 3);";

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

void b2b_ledger_set_rules(struct b2b_state *state, const struct b2b_idmap *pins, bool hashed)
{
	state->pins = pins;
	state->unhashed = !hashed;
}

static int store_id(struct b2b_state *state, const struct b2b_policy_org *org, enum b2b_id_kind kind, const char *owner,
                    const struct b2b_ledger_choice *choice)
{
	static const char insert[] = "INSERT INTO ledger (id, org_id, kind, owner, chosen) VALUES (?, ?, ?, ?, ?)";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, insert, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, choice->id);
	b2b_row_text(row, 2, org->id);
	b2b_row_int(row, 3, kind);
	b2b_row_text(row, 4, owner);
	b2b_row_int(row, 5, choice->by);
	return b2b_statement_run(row);
}

/* Once for a range that is used up, for the others by name; a pass must not fill the log with them. */
static void log_refusal(const struct b2b_policy_org *org, enum b2b_id_kind kind, const char *owner, enum b2b_ledger_trouble trouble)
{
	const char *what = b2b_id_kind_name(kind);

	switch (trouble) {
	case B2B_LEDGER_USED_UP:
		b2b_log(LOG_ERR,
		        "ids: the range 0x%x-0x%x of organisation %s is used up: who is new there is not published, from %s %s on; b2b.conf(5), IDS, says what to do",
		        org->range_lo, org->range_hi, org->alias, what, owner);
		break;
	case B2B_LEDGER_PIN_TAKEN:
		b2b_log(LOG_ERR, "ids: %s %s of organisation %s is not published: its pinned id is another's or outside the range; b2bctl idmap preview says whose",
		        what, owner, org->alias);
		break;
	case B2B_LEDGER_UNPINNED:
		b2b_log(LOG_ERR, "ids: %s %s of organisation %s is not published: it has no pin, and hashed_ids is no; b2bctl idmap pin makes one", what, owner,
		        org->alias);
		break;
	case B2B_LEDGER_WELL:
		break;
	}
}

/* Nobody: -EDQUOT. */
static int refuse_id(struct b2b_state *state, const struct b2b_policy_org *org, enum b2b_id_kind kind, const char *owner,
                     enum b2b_ledger_trouble trouble)
{
	struct b2b_ledger_note *note = NULL;
	int r = b2b_ledger_note_get(&state->notes, org->range_lo, &note);

	if (r < 0)
		return r;
	if (trouble == B2B_LEDGER_USED_UP ? !note->used_up : note->refused < REFUSALS_LOGGED)
		log_refusal(org, kind, owner, trouble);
	note->used_up = note->used_up || trouble == B2B_LEDGER_USED_UP;
	note->refused++;
	note->trouble = trouble;
	return -EDQUOT;
}

static void log_unmet(const struct b2b_policy_org *org, enum b2b_id_kind kind, const char *owner, uint32_t wanted,
                      const struct b2b_ledger_choice *choice)
{
	char number[16] = "";

	if (wanted != B2B_WANTED_NO_ID)
		snprintf(number, sizeof(number), " %u", wanted);
	b2b_log(LOG_WARNING, "ids: %s %s of organisation %s has id %u and not the directory's%s, which %s", b2b_id_kind_name(kind), owner, org->alias,
	        choice->id, number, choice->unmet);
}

static int give_id(struct b2b_state *state, const struct b2b_policy_org *org, enum b2b_id_kind kind, const char *owner, uint32_t wanted,
                   uint32_t *ret_id)
{
	struct b2b_ledger_choice choice = { 0 };
	int r = b2b_ledger_range(state, org);

	if (r == 0)
		r = b2b_ledger_choose(state, org, kind, owner, wanted, &choice);
	if (r == 0 && !choice.id)
		r = refuse_id(state, org, kind, owner, choice.trouble);
	if (r == 0)
		r = store_id(state, org, kind, owner, &choice);
	if (r < 0)
		return r;
	if (choice.unmet)
		log_unmet(org, kind, owner, wanted, &choice);
	*ret_id = choice.id;
	return 0;
}

static int note_news(struct b2b_state *state, const struct b2b_policy_org *org, uint32_t id)
{
	struct b2b_ledger_note *note = NULL;
	int r = b2b_ledger_note_get(&state->notes, org->range_lo, &note);

	return r < 0 ? r : b2b_ledger_note_news(note, id);
}

int b2b_ledger_id(struct b2b_state *state, const struct b2b_policy_org *org, enum b2b_id_kind kind, const char *owner, uint32_t wanted,
                  uint32_t *ret_id)
{
	uint32_t id = 0;
	int r = b2b_ledger_find(state, org->id, kind, owner, &id);

	if (r == -ENOENT)
		r = give_id(state, org, kind, owner, wanted, &id);
	if (r < 0)
		return r;
	/* a range that was moved by hand in the configuration must not bring ids from outside into a snapshot */
	if (id <= org->range_lo || id > org->range_hi)
		return b2b_ledger_range(state, org) < 0 ? -EEXIST : -EBADMSG;
	if (kind == B2B_ID_USER)
		r = note_news(state, org, id);
	if (r == 0)
		*ret_id = id;
	return r;
}

enum b2b_ledger_trouble b2b_ledger_trouble(const struct b2b_state *state, const struct b2b_policy_org *org)
{
	const struct b2b_ledger_note *note = b2b_ledger_note_find(&state->notes, org->range_lo);

	return note ? note->trouble : B2B_LEDGER_WELL;
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
