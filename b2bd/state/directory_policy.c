/*
 * The database and root's policy. Roles are stored as bits, and root may list the roles differently tomorrow: what a
 * bit meant when it was stored is kept beside it, or an operator would come back as a database administrator.
 */
#include <errno.h>
#include <string.h>

#include "b2bd/state/directory_rows.h"
#include "b2bd/state/ledger.h"

struct role_map {
	int8_t to[B2B_ROLES_MAX]; /* new bit of each old one, -1: no such role any more */
	bool moved;      /* the list is another one, be it that one was added */
	bool renumbered; /* an old bit means something else, or nothing */
};

static int read_map(struct b2b_state *state, const struct b2b_policy *policy, struct role_map *ret_map)
{
	sqlite3_stmt *row = NULL;
	uint32_t known = 0;
	int bit, r;

	memset(ret_map->to, -1, sizeof(ret_map->to));
	ret_map->moved = ret_map->renumbered = false;
	r = b2b_row_prepare(state, &row, "SELECT bit, name FROM role_bit");
	if (r < 0)
		return r;
	while ((r = b2b_row_next(row)) > 0) {
		bit = sqlite3_column_int(row, 0);
		if (bit < 0 || bit >= B2B_ROLES_MAX)
			continue;
		ret_map->to[bit] = (int8_t)b2b_policy_role(policy, (const char *)sqlite3_column_text(row, 1));
		ret_map->renumbered = ret_map->renumbered || ret_map->to[bit] != bit;
		known++;
	}
	sqlite3_finalize(row);
	ret_map->moved = ret_map->renumbered || known != policy->n_roles;
	return r;
}

static void translate(sqlite3_context *context, int n, sqlite3_value **values)
{
	const struct role_map *map = sqlite3_user_data(context);
	uint64_t old = (uint64_t)sqlite3_value_int64(values[0]), new = 0;
	int bit;

	(void)n;
	for (bit = 0; bit < B2B_ROLES_MAX; bit++) {
		if (old >> bit & 1 && map->to[bit] >= 0)
			new |= 1ull << map->to[bit];
	}
	sqlite3_result_int64(context, (sqlite3_int64)new);
}

static int translate_principals(struct b2b_state *state, struct role_map *map)
{
	sqlite3_stmt *row = NULL;
	int r, code = sqlite3_create_function_v2(b2b_state_db(state), "b2b_roles", 1,
	                                         SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, map, translate, NULL, NULL, NULL);

	if (code != SQLITE_OK)
		return b2b_sqlite_errno(code);
	r = b2b_row_prepare(state, &row, "UPDATE principal SET roles = b2b_roles(roles) WHERE roles <> b2b_roles(roles)");
	if (r == 0)
		r = b2b_row_run(row);
	sqlite3_create_function_v2(b2b_state_db(state), "b2b_roles", 1, SQLITE_UTF8, NULL, NULL, NULL, NULL, NULL);
	return r;
}

static int write_roles(struct b2b_state *state, const struct b2b_policy *policy)
{
	sqlite3_stmt *row = NULL;
	uint32_t i;
	int r = b2b_row_prepare(state, &row, "DELETE FROM role_bit");

	if (r == 0)
		r = b2b_row_run(row);
	for (i = 0; i < policy->n_roles && r == 0; i++) {
		r = b2b_row_prepare(state, &row, "INSERT INTO role_bit (bit, name) VALUES (?, ?)");
		if (r < 0)
			return r;
		b2b_row_int(row, 1, i);
		b2b_row_text(row, 2, policy->roles[i].name);
		r = b2b_row_run(row);
	}
	return r;
}

static int adopt_roles(struct b2b_state *state, const struct b2b_policy *policy)
{
	struct role_map map;
	int r = read_map(state, policy, &map);

	if (r < 0 || !map.moved)
		return r;
	r = translate_principals(state, &map);
	if (r == 0)
		r = write_roles(state, policy);
	return r == 0 && map.renumbered ? 1 : r;
}

int b2b_directory_adopt_policy(struct b2b_state *state, const struct b2b_policy *policy)
{
	int r = b2b_state_begin(state), moved = 0;
	uint32_t i;

	if (r < 0)
		return r;
	for (i = 0; i < policy->n_orgs && r == 0; i++)
		r = b2b_ledger_range(state, &policy->orgs[i]);
	if (r == 0)
		r = moved = adopt_roles(state, policy);
	if (r < 0) {
		b2b_state_rollback(state);
		return r;
	}
	r = b2b_state_commit(state);
	return r < 0 ? r : moved;
}
