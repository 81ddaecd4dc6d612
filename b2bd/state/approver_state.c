/* Who may approve commands: people in a group by its name, and people with a role. */
#include "b2bd/state/approver_state.h"

#include "b2bd/state/statement.h"

#define PEOPLE_MAX 256 /* of one group or role: a few of them are asked, and some of those may not stand */

int b2b_group_people(struct b2b_state *state, const char *org_id, const char *local, struct b2b_uids *uids)
{
	static const char select[] = "SELECT principal.uid FROM grp JOIN group_member USING (gid) JOIN principal ON principal.uid = group_member.uid"
	                             " WHERE grp.org_id = ?1 AND grp.local = ?2 AND principal.org_id = ?1 AND holds_name = 1 AND state = ?3"
	                             " AND kind = ?4 LIMIT ?5";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	b2b_row_text(row, 2, local);
	b2b_row_int(row, 3, B2B_ACTIVE);
	b2b_row_int(row, 4, B2B_PERSON);
	b2b_row_int(row, 5, PEOPLE_MAX);
	return b2b_uids_take(uids, row);
}

int b2b_group_has(struct b2b_state *state, const char *org_id, const char *local, uint32_t uid)
{
	static const char select[] = "SELECT count(*) FROM grp JOIN group_member USING (gid) WHERE org_id = ? AND local = ? AND uid = ?";
	sqlite3_stmt *row = NULL;
	int64_t count;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	b2b_row_text(row, 2, local);
	b2b_row_int(row, 3, uid);
	r = b2b_statement_number(row, &count);
	return r < 0 ? r : count > 0;
}

int b2b_role_people(struct b2b_state *state, const char *org_id, uint64_t roles, struct b2b_uids *uids)
{
	/* an organisation's people lie together in its range */
	static const char select[] = "SELECT uid FROM principal WHERE org_id = ?1 AND (roles & ?2) <> 0 AND holds_name = 1 AND state = ?3 AND kind = ?4"
	                             " AND uid BETWEEN (SELECT lo FROM id_range WHERE org_id = ?1) AND (SELECT hi FROM id_range WHERE org_id = ?1)"
	                             " LIMIT ?5";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, org_id);
	b2b_row_int(row, 2, (int64_t)roles);
	b2b_row_int(row, 3, B2B_ACTIVE);
	b2b_row_int(row, 4, B2B_PERSON);
	b2b_row_int(row, 5, PEOPLE_MAX);
	return b2b_uids_take(uids, row);
}
