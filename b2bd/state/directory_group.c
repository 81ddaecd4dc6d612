/* Groups and their members. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/state/directory_rows.h"
#include "b2bd/state/ledger.h"
#include "b2bd/state/state_private.h"
#include "b2bd/state/uids.h"

static int uid_of_member(struct b2b_state *state, const char *id, const char *org_id, int64_t *ret_uid)
{
	static const char select[] = "SELECT uid FROM principal WHERE id = ? AND org_id = ?";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, id);
	b2b_row_text(row, 2, org_id);
	return b2b_statement_number(row, ret_uid);
}

static int wanted_members(struct b2b_state *state, const char *org_id, const char *const *members, size_t n_members, struct b2b_uids *uids)
{
	int64_t uid;
	size_t i;
	int r;

	for (i = 0; i < n_members; i++) {
		r = uid_of_member(state, members[i], org_id, &uid);
		if (r == 0)
			r = b2b_uids_add(uids, (uint32_t)uid);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	b2b_uids_sort(uids);
	return 0;
}

/* The sorted ids that SELECT gives for ID: a group's members, a person's groups. */
static int stored_ids(struct b2b_state *state, const char *select, uint32_t id, struct b2b_uids *uids)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, id);
	return b2b_uids_take(uids, row);
}

static int change_member(struct b2b_state *state, const char *sql, uint32_t first, uint32_t second)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, sql, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, first);
	b2b_row_int(row, 2, second);
	return b2b_statement_run(row);
}

/* Both lists are sorted: walk them side by side and write only what differs. INSERT and DROP take ID and one of a list. */
static int store_difference(struct b2b_state *state, const char *insert, const char *drop, uint32_t id, const struct b2b_uids *old,
                            const struct b2b_uids *new, bool *ret_changed)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < old->n || j < new->n)) {
		if (i < old->n && j < new->n && old->list[i] == new->list[j]) {
			i++;
			j++;
			continue;
		}
		if (j == new->n || (i < old->n && old->list[i] < new->list[j]))
			r = change_member(state, drop, id, old->list[i++]);
		else
			r = change_member(state, insert, id, new->list[j++]);
		*ret_changed = true;
	}
	return r;
}

static int put_members(struct b2b_state *state, uint32_t gid, const char *org_id, const char *const *members, size_t n_members,
                       bool *ret_changed)
{
	struct b2b_uids old = { 0 }, new = { 0 };
	int r = wanted_members(state, org_id, members, n_members, &new);

	if (r == 0)
		r = stored_ids(state, "SELECT uid FROM group_member WHERE gid = ? ORDER BY uid", gid, &old);
	if (r == 0)
		r = store_difference(state, "INSERT INTO group_member (gid, uid) VALUES (?, ?)",
		                     "DELETE FROM group_member WHERE gid = ? AND uid = ?", gid, &old, &new, ret_changed);
	free(old.list);
	free(new.list);
	return r;
}

/* The group's row as it is: -ENOENT for a new one. *ret_same_name: it bears LOCAL already. */
static int find_group(struct b2b_state *state, const char *id, const char *org_id, const char *local, uint32_t *ret_gid,
                      bool *ret_same_name)
{
	static const char select[] = "SELECT gid, local = ?3 FROM grp WHERE id = ?1 AND org_id = ?2";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, id);
	b2b_row_text(row, 2, org_id);
	b2b_row_text(row, 3, local);
	r = b2b_row_next(row);
	if (r > 0) {
		*ret_gid = (uint32_t)sqlite3_column_int64(row, 0);
		*ret_same_name = sqlite3_column_int(row, 1) != 0;
	}
	sqlite3_reset(row);
	return r > 0 ? 0 : r < 0 ? r : -ENOENT;
}

static int write_group(struct b2b_state *state, uint32_t gid, const char *id, const char *org_id, const char *local)
{
	static const char upsert[] = "INSERT INTO grp (gid, id, org_id, local) VALUES (?, ?, ?, ?)"
	                             " ON CONFLICT (gid) DO UPDATE SET local = excluded.local";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, upsert, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, gid);
	b2b_row_text(row, 2, id);
	b2b_row_text(row, 3, org_id);
	b2b_row_text(row, 4, local);
	return b2b_statement_run(row);
}

static int put_name(struct b2b_state *state, const struct b2b_policy_org *org, const char *id, const char *local, uint32_t wanted_gid,
                    uint32_t *ret_gid, bool *ret_changed)
{
	uint32_t gid = 0, holder;
	bool same_name = false;
	int r = find_group(state, id, org->id, local, &gid, &same_name);

	if (r == 0 && same_name) {
		*ret_gid = gid;
		return 0;
	}
	if (r < 0 && r != -ENOENT)
		return r;
	if (b2b_group_by_name(state, org->id, local, &holder) == 0)
		return -EEXIST;
	/* Taken last: who gets no id has not taken it from anybody. */
	r = b2b_principal_name_claimable(state, org->id, local, 0);
	if (r == 0 && !gid)
		r = b2b_ledger_id(state, org, B2B_ID_GROUP, id, wanted_gid, &gid);
	if (r == 0)
		r = b2b_principal_claim_name(state, org->id, local, 0);
	if (r == 0)
		r = write_group(state, gid, id, org->id, local);
	if (r == 0) {
		*ret_gid = gid;
		*ret_changed = true;
	}
	return r;
}

int b2b_directory_put_group(struct b2b_state *state, const struct b2b_policy *policy, const char *id, const char *org_id, const char *local,
                            uint32_t wanted_gid, const char *const *members, size_t n_members, int64_t pass, bool *ret_changed)
{
	int org = b2b_policy_org_by_id(policy, org_id);
	bool changed = false;
	uint32_t gid;
	int r;

	if (org < 0)
		return -ENOENT;
	if (!id || !*id)
		return -EINVAL;
	r = b2b_directory_check_local(policy, org, local);
	if (r == 0)
		r = put_name(state, &policy->orgs[org], id, local, wanted_gid, &gid, &changed);
	if (r == 0)
		r = put_members(state, gid, org_id, members, n_members, &changed);
	if (r == 0)
		r = b2b_seen_ids_mark(&state->seen, pass, gid);
	if (r == 0)
		*ret_changed = changed;
	return r;
}

int b2b_directory_join(struct b2b_state *state, const char *group_id, const char *org_id, uint32_t uid, bool *ret_changed)
{
	static const char insert[] = "INSERT OR IGNORE INTO group_member (gid, uid) SELECT gid, ?3 FROM grp WHERE id = ?1 AND org_id = ?2";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, insert, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, group_id);
	b2b_row_text(row, 2, org_id);
	b2b_row_int(row, 3, uid);
	r = b2b_statement_run(row);
	if (r == 0)
		*ret_changed = sqlite3_changes(b2b_state_db(state)) > 0;
	return r;
}

/* The groups of those names, made where they are missing. */
static int wanted_groups(struct b2b_state *state, const struct b2b_policy *policy, int org, const char *const *names, size_t n_names,
                         struct b2b_uids *gids, bool *ret_changed)
{
	uint32_t gid;
	size_t i;
	int r;

	for (i = 0; i < n_names; i++) {
		r = b2b_directory_check_local(policy, org, names[i]);
		if (r == 0)
			r = put_name(state, &policy->orgs[org], names[i], names[i], 0, &gid, ret_changed);
		if (r == 0)
			r = b2b_uids_add(gids, gid);
		if (r < 0 && r != -EINVAL && r != -EEXIST && r != -EDQUOT)
			return r;
	}
	b2b_uids_sort(gids);
	return 0;
}

int b2b_directory_put_memberships(struct b2b_state *state, const struct b2b_policy *policy, const char *org_id, uint32_t uid,
                                  const char *const *names, size_t n_names, bool *ret_changed)
{
	int org = b2b_policy_org_by_id(policy, org_id), r;
	struct b2b_uids old = { 0 }, new = { 0 };
	bool changed = false;

	if (org < 0)
		return -ENOENT;
	r = wanted_groups(state, policy, org, names, n_names, &new, &changed);
	if (r == 0)
		r = stored_ids(state, "SELECT gid FROM group_member WHERE uid = ? ORDER BY gid", uid, &old);
	if (r == 0)
		r = store_difference(state, "INSERT INTO group_member (uid, gid) VALUES (?, ?)",
		                     "DELETE FROM group_member WHERE uid = ? AND gid = ?", uid, &old, &new, &changed);
	free(old.list);
	free(new.list);
	if (r == 0)
		*ret_changed = changed;
	return r;
}

/* Members as the snapshot may hold them: people who have their name and are not removed. */
static int living_members(struct b2b_state *state, uint32_t gid, struct b2b_uids *uids)
{
	static const char select[] = "SELECT uid FROM group_member JOIN principal USING (uid)"
	                             " WHERE gid = ? AND holds_name = 1 AND state <> 3";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	uids->n = 0;
	b2b_row_int(row, 1, gid);
	return b2b_uids_take(uids, row);
}

int b2b_directory_each_group(struct b2b_state *state, const char *org_id,
                             int (*each)(void *arg, const char *local, uint32_t gid, const uint32_t *members, size_t n_members),
                             void *arg)
{
	sqlite3_stmt *row = NULL;
	struct b2b_uids uids = { 0 };
	uint32_t gid;
	int r = b2b_row_prepare(state, &row, "SELECT gid, local FROM grp WHERE org_id = ? ORDER BY gid");

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	while ((r = b2b_row_next(row)) > 0) {
		gid = (uint32_t)sqlite3_column_int64(row, 0);
		r = living_members(state, gid, &uids);
		if (r == 0)
			r = each(arg, (const char *)sqlite3_column_text(row, 1), gid, uids.list, uids.n);
		if (r)
			break;
	}
	sqlite3_finalize(row);
	free(uids.list);
	return r;
}

int b2b_directory_each_group_id(struct b2b_state *state, const char *org_id, int (*each)(void *arg, const char *id), void *arg)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, "SELECT id FROM grp WHERE org_id = ? ORDER BY gid");

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	while ((r = b2b_row_next(row)) > 0 && (r = each(arg, (const char *)sqlite3_column_text(row, 0))) == 0)
		;
	sqlite3_finalize(row);
	return r;
}

static int group_exists(struct b2b_state *state, const char *group_id, const char *org_id)
{
	static const char select[] = "SELECT count(*) FROM grp WHERE id = ?1 AND (?2 = '' OR org_id = ?2)";
	sqlite3_stmt *row = NULL;
	int64_t count;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, group_id);
	b2b_row_text(row, 2, org_id ? org_id : "");
	r = b2b_statement_number(row, &count);
	return r < 0 ? r : count ? 0 : -ENOENT;
}

int b2b_group_members(struct b2b_state *state, const char *group_id, const char *org_id, uint32_t **ret_uids, size_t *ret_n)
{
	struct b2b_uids uids = { 0 };
	sqlite3_stmt *row = NULL;
	int r = group_exists(state, group_id, org_id);

	if (r == 0)
		r = b2b_row_prepare(state, &row,
		                    "SELECT uid FROM grp JOIN group_member USING (gid) WHERE id = ?1 AND (?2 = '' OR org_id = ?2)");
	if (r < 0)
		return r;
	b2b_row_text(row, 1, group_id);
	b2b_row_text(row, 2, org_id ? org_id : "");
	while ((r = b2b_row_next(row)) > 0 && (r = b2b_uids_add(&uids, (uint32_t)sqlite3_column_int64(row, 0))) == 0)
		;
	sqlite3_finalize(row);
	if (r < 0) {
		free(uids.list);
		return r;
	}
	*ret_uids = uids.list;
	*ret_n = uids.n;
	return 0;
}
