/* Who holds a name within an organisation: people and groups share one name space. */
#include <errno.h>
#include <string.h>

#include "b2bd/state/directory_rows.h"

int b2b_directory_check_local(const struct b2b_policy *policy, int org, const char *local)
{
	char whole[B2B_NAME_SIZE];

	if (!b2b_local_valid(local) || !strcmp(local, B2B_GROUP_MEMBERS))
		return -EINVAL;
	return b2b_name_join(local, policy->separator, policy->orgs[org].alias, whole, sizeof(whole)) < 0 ? -EINVAL : 0;
}

static int lose_name(struct b2b_state *state, int64_t uid)
{
	static const char update[] = "UPDATE principal SET holds_name = 0 WHERE uid = ?";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, update, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, uid);
	return b2b_statement_run(row);
}

/* *ret_holder is 0 where nobody holds it. */
static int find_holder(struct b2b_state *state, const char *org_id, const char *local, int64_t *ret_holder, int *ret_state)
{
	static const char select[] = "SELECT uid, state FROM principal WHERE local = ? AND org_id = ? AND holds_name = 1";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, local);
	b2b_row_text(row, 2, org_id);
	r = b2b_row_next(row);
	if (r >= 0) {
		*ret_holder = r > 0 ? sqlite3_column_int64(row, 0) : 0;
		*ret_state = r > 0 ? sqlite3_column_int(row, 1) : 0;
	}
	sqlite3_reset(row);
	return r < 0 ? r : 0;
}

int b2b_principal_name_free(struct b2b_state *state, const char *org_id, const char *local, uint32_t uid)
{
	int64_t holder;
	int holder_state;
	int r = find_holder(state, org_id, local, &holder, &holder_state);

	return r < 0 ? r : holder && holder != uid ? -EEXIST : 0;
}

int b2b_principal_name_claimable(struct b2b_state *state, const char *org_id, const char *local, uint32_t uid)
{
	int64_t holder;
	int holder_state;
	int r = find_holder(state, org_id, local, &holder, &holder_state);

	return r < 0 ? r : holder && holder != uid && holder_state != B2B_REMOVED ? -EEXIST : 0;
}

int b2b_principal_claim_name(struct b2b_state *state, const char *org_id, const char *local, uint32_t uid)
{
	int64_t holder;
	int holder_state;
	int r = find_holder(state, org_id, local, &holder, &holder_state);

	if (r < 0 || !holder || holder == uid)
		return r;
	return holder_state == B2B_REMOVED ? lose_name(state, holder) : -EEXIST;
}

int b2b_group_by_name(struct b2b_state *state, const char *org_id, const char *local, uint32_t *ret_gid)
{
	static const char select[] = "SELECT gid FROM grp WHERE local = ? AND org_id = ?";
	sqlite3_stmt *row = NULL;
	int64_t gid;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, local);
	b2b_row_text(row, 2, org_id);
	r = b2b_statement_number(row, &gid);
	if (r == 0)
		*ret_gid = (uint32_t)gid;
	return r;
}
