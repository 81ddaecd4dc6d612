#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/state/directory_rows.h"

void b2b_principal_clear(struct b2b_principal *principal)
{
	if (!principal)
		return;
	free(principal->id);
	free(principal->subject);
	free(principal->org_id);
	free(principal->display);
	free(principal->shell);
	free(principal->owner);
	memset(principal, 0, sizeof(*principal));
}

static char *column(sqlite3_stmt *row, int index)
{
	return (char *)sqlite3_column_text(row, index);
}

void b2b_owner_view(sqlite3_stmt *row, int first, struct b2b_principal *principal)
{
	principal->owner = column(row, first);
	principal->owner_known = sqlite3_column_type(row, first + 1) != SQLITE_NULL;
	principal->owner_now = (struct b2b_closers){ .state = (enum b2b_principal_state)sqlite3_column_int(row, first + 1),
		                                     .not_before = sqlite3_column_int64(row, first + 2),
		                                     .not_after = sqlite3_column_int64(row, first + 3),
		                                     .disabled_ms = sqlite3_column_int64(row, first + 4),
		                                     .by_hand = sqlite3_column_int(row, first + 5) != 0 };
	principal->owner_uid = (uint32_t)sqlite3_column_int64(row, first + 6);
}

void b2b_principal_view(sqlite3_stmt *row, struct b2b_principal *ret_principal)
{
	struct b2b_principal view = {
		.uid = (uint32_t)sqlite3_column_int64(row, 0),
		.id = column(row, 1),
		.subject = column(row, 2),
		.org_id = column(row, 3),
		.display = column(row, 5),
		.kind = (enum b2b_principal_kind)sqlite3_column_int(row, 6),
		.state = (enum b2b_principal_state)sqlite3_column_int(row, 7),
		.not_before = sqlite3_column_int64(row, 8),
		.not_after = sqlite3_column_int64(row, 9),
		.roles = (uint64_t)sqlite3_column_int64(row, 10),
		.shell = column(row, 11),
		.modified_ms = sqlite3_column_int64(row, 12),
		.disabled_ms = sqlite3_column_int64(row, 13),
		.cutoff_ms = sqlite3_column_int64(row, 14),
		.by_hand = sqlite3_column_int(row, B2B_PRINCIPAL_HOLDS_NAME + 1) != 0,
		.enabled_ms = sqlite3_column_int64(row, B2B_PRINCIPAL_HOLDS_NAME + 2),
	};

	b2b_row_copy(row, 4, view.local, sizeof(view.local));
	b2b_owner_view(row, B2B_PRINCIPAL_OWNER, &view);
	*ret_principal = view;
}

/* Replace the row's strings by copies. */
static int own_strings(struct b2b_principal *principal)
{
	char **const strings[] = { &principal->id, &principal->subject, &principal->org_id, &principal->display, &principal->shell,
		                  &principal->owner };
	size_t i, n = sizeof(strings) / sizeof(strings[0]);
	int r = 0;

	for (i = 0; i < n; i++) {
		*strings[i] = *strings[i] && r == 0 ? strdup(*strings[i]) : NULL;
		if (!*strings[i])
			r = -ENOMEM;
	}
	if (r < 0)
		b2b_principal_clear(principal);
	return r;
}

int b2b_principal_take(sqlite3_stmt *row, struct b2b_principal *ret_principal, bool *ret_holds_name)
{
	struct b2b_principal found;
	bool holds_name;
	int r = b2b_row_next(row);

	if (r > 0) {
		b2b_principal_view(row, &found);
		holds_name = sqlite3_column_int(row, B2B_PRINCIPAL_HOLDS_NAME) != 0;
		r = own_strings(&found);
		if (r == 0) {
			*ret_principal = found;
			if (ret_holds_name)
				*ret_holds_name = holds_name;
		}
	} else if (r == 0) {
		r = -ENOENT;
	}
	sqlite3_reset(row);
	return r;
}

int b2b_principal_by_id(struct b2b_state *state, const char *id, const char *org_id, struct b2b_principal *ret_principal,
                        bool *ret_holds_name)
{
	static const char select[] = "SELECT " B2B_PRINCIPAL_COLUMNS " FROM principal WHERE id = ? AND org_id = ?";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, id);
	b2b_row_text(row, 2, org_id);
	return b2b_principal_take(row, ret_principal, ret_holds_name);
}

int b2b_directory_by_name(struct b2b_state *state, const char *org_id, const char *local, struct b2b_principal *ret)
{
	static const char select[] = "SELECT " B2B_PRINCIPAL_COLUMNS
	                             " FROM principal WHERE local = ? AND org_id = ? AND holds_name = 1";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, local);
	b2b_row_text(row, 2, org_id);
	return b2b_principal_take(row, ret, NULL);
}

static int find_one(struct b2b_state *state, const char *sql, const char *name, struct b2b_principal *ret)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, sql, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, name);
	return b2b_principal_take(row, ret, NULL);
}

/* Somebody who moved to another organisation is a removed person in the former one; storing sees to it that one lives. */
#define WHO_LIVES " ORDER BY state = 3, modified_ms DESC, uid LIMIT 1"

int b2b_directory_by_subject(struct b2b_state *state, const char *subject, struct b2b_principal *ret)
{
	return find_one(state, "SELECT " B2B_PRINCIPAL_COLUMNS " FROM principal WHERE subject = ?" WHO_LIVES, subject, ret);
}

int b2b_directory_by_id(struct b2b_state *state, const char *id, struct b2b_principal *ret)
{
	return find_one(state, "SELECT " B2B_PRINCIPAL_COLUMNS " FROM principal WHERE id = ?" WHO_LIVES, id, ret);
}

int b2b_directory_by_uid(struct b2b_state *state, uint32_t uid, struct b2b_principal *ret)
{
	static const char select[] = "SELECT " B2B_PRINCIPAL_COLUMNS " FROM principal WHERE uid = ?";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, uid);
	return b2b_principal_take(row, ret, NULL);
}

static int each_row(sqlite3_stmt *row, int (*each)(void *arg, const struct b2b_principal *principal), void *arg)
{
	struct b2b_principal view;
	int r;

	while ((r = b2b_row_next(row)) > 0) {
		b2b_principal_view(row, &view);
		r = each(arg, &view);
		if (r)
			break;
	}
	sqlite3_finalize(row);
	return r;
}

int b2b_directory_each(struct b2b_state *state, const char *org_id,
                       int (*each)(void *arg, const struct b2b_principal *principal), void *arg)
{
	sqlite3_stmt *row = NULL;
	/* an organisation's people lie together in its range: no index is needed to find them in order */
	int r = b2b_row_prepare(state, &row,
	                        org_id ? "SELECT " B2B_PRINCIPAL_COLUMNS " FROM principal WHERE org_id = ?1 AND uid BETWEEN"
	                                 " (SELECT lo FROM id_range WHERE org_id = ?1) AND"
	                                 " (SELECT hi FROM id_range WHERE org_id = ?1) ORDER BY uid"
	                               : "SELECT " B2B_PRINCIPAL_COLUMNS " FROM principal ORDER BY uid");

	if (r < 0)
		return r;
	if (org_id)
		b2b_row_text(row, 1, org_id);
	return each_row(row, each, arg);
}

int b2b_directory_each_owned(struct b2b_state *state, const char *org_id, const char *owner,
                             int (*each)(void *arg, const struct b2b_principal *principal), void *arg)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "SELECT " B2B_PRINCIPAL_COLUMNS " FROM principal WHERE owner = ?2 AND owner <> '' AND org_id = ?1 ORDER BY uid");

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	b2b_row_text(row, 2, owner);
	return each_row(row, each, arg);
}

int b2b_directory_each_named(struct b2b_state *state, const char *org_id,
                             int (*each)(void *arg, const struct b2b_principal *principal), void *arg)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row,
	                        "SELECT " B2B_PRINCIPAL_COLUMNS " FROM principal WHERE org_id = ?1 AND holds_name = 1 AND uid BETWEEN"
	                        " (SELECT lo FROM id_range WHERE org_id = ?1) AND"
	                        " (SELECT hi FROM id_range WHERE org_id = ?1) ORDER BY uid");

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	return each_row(row, each, arg);
}

int b2b_directory_each_standing(struct b2b_state *state, const char *org_id, uint32_t from, uint32_t most,
                                int (*each)(void *arg, uint32_t uid, const struct b2b_principal *principal), void *arg)
{
	struct b2b_principal view = { 0 };
	sqlite3_stmt *row = NULL;
	uint32_t uid;
	/* without most text columns: this is read whole, often */
	int r = b2b_row_prepare(state, &row,
	                        "SELECT ledger.id, state, not_before, not_after, disabled_ms, uid IS NULL,"
	                        " uid IN (SELECT uid FROM principal WHERE id IN (SELECT what FROM hand WHERE hand.kind = 1)), " B2B_OWNER_COLUMNS " FROM id_range"
	                        " JOIN ledger ON ledger.id BETWEEN max(lo, ?2) AND hi LEFT JOIN principal ON uid = ledger.id"
	                        " WHERE id_range.org_id = ?1 AND ledger.kind = 1 ORDER BY ledger.id LIMIT ?3");

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	b2b_row_int(row, 2, from);
	b2b_row_int(row, 3, most);
	while ((r = b2b_row_next(row)) > 0) {
		uid = (uint32_t)sqlite3_column_int64(row, 0);
		view.uid = uid;
		view.state = (enum b2b_principal_state)sqlite3_column_int(row, 1);
		view.not_before = sqlite3_column_int64(row, 2);
		view.not_after = sqlite3_column_int64(row, 3);
		view.disabled_ms = sqlite3_column_int64(row, 4);
		view.by_hand = sqlite3_column_int(row, 6) != 0;
		b2b_owner_view(row, 7, &view);
		r = each(arg, uid, sqlite3_column_int(row, 5) ? NULL : &view);
		if (r)
			break;
	}
	sqlite3_finalize(row);
	return r;
}
