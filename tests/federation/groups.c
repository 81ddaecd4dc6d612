#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdlib.h>
#include <string.h>

#include "common/names.h"
#include "tests/federation/directory.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"

int fed_group_get(struct fed *fed, const char *id, json_t **ret_group)
{
	return fed_sql_row(fed->db,
			   "SELECT g.*, (SELECT json_group_array(json_object('value', m.person, 'display', p.display)) FROM members m"
			   " JOIN people p ON p.id = m.person WHERE m.group_id = g.id) AS members_json FROM groups g WHERE g.id = ?1",
			   json_pack("[s]", id), ret_group);
}

/* Replace the members; only people of the same organisation can be some. -EINVAL for anybody else. */
static int set_members(struct fed *fed, const char *id, const json_t *members)
{
	const json_t *member;
	size_t i;
	int64_t count;
	int error = fed_sql(fed->db, "DELETE FROM members WHERE group_id = ?1", json_pack("[s]", id), NULL);
	json_array_foreach (members, i, member) {
		if (error)
			break;
		if (!json_is_string(member))
			return -EINVAL;
		error = fed_sql_number(fed->db, "SELECT count(*) FROM people p JOIN groups g USING(organisation) WHERE p.id = ?1 AND g.id = ?2",
				       json_pack("[s,s]", json_string_value(member), id), &count);
		if (!error && !count)
			return -EINVAL;
		if (!error)
			error = fed_sql(fed->db, "INSERT OR IGNORE INTO members(group_id, person) VALUES(?1, ?2)",
					json_pack("[s,s]", id, json_string_value(member)), NULL);
	}
	return error;
}

static int name_is_free(struct fed *fed, const char *organisation, const char *local)
{
	int64_t count;
	if (!b2b_local_valid(local) || strcmp(local, B2B_GROUP_MEMBERS) == 0)
		return -EINVAL;
	int error = fed_sql_number(fed->db, "SELECT count(*) FROM people WHERE organisation = ?1 AND local = ?2 AND state <> 'removed'",
				   json_pack("[s,s]", organisation, local), &count);
	return error ? error : count ? -EEXIST : 0;
}

int fed_group_create(struct fed *fed, const json_t *wanted, json_t **ret_group)
{
	const char *organisation = fed_text(wanted, "organisation"), *local = fed_text(wanted, "local"), *given = fed_text(wanted, "id");
	const char *display = fed_text(wanted, "display");
	int64_t stamp;
	if (!organisation || !local)
		return -EINVAL;
	int error = name_is_free(fed, organisation, local);
	if (!error)
		error = fed_store_stamp(fed, &stamp);
	if (error)
		return error;
	char *id = given ? strdup(given) : fed_random_uuid();
	error = id ? fed_sql(fed->db, "INSERT INTO groups(id, organisation, local, display, created_ms, modified_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?5)",
			     json_pack("[s,s,s,s,I]", id, organisation, local, display ? display : local, (json_int_t)stamp), NULL) :
		     -ENOMEM;
	if (!error)
		error = set_members(fed, id, json_object_get(wanted, "members"));
	if (!error)
		error = fed_group_get(fed, id, ret_group);
	free(id);
	return error;
}

int fed_group_change(struct fed *fed, const char *id, const json_t *changes)
{
	int64_t stamp;
	const char *display = fed_text(changes, "display");
	int error = fed_store_stamp(fed, &stamp);
	if (!error)
		error = fed_sql(fed->db, "UPDATE groups SET display = coalesce(?1, display), modified_ms = ?2, version = version + 1 WHERE id = ?3",
				json_pack("[s?,I,s]", display, (json_int_t)stamp, id), NULL);
	if (!error && json_object_get(changes, "members"))
		error = set_members(fed, id, json_object_get(changes, "members"));
	return error;
}

int fed_group_remove(struct fed *fed, const char *id)
{
	return fed_sql(fed->db, "DELETE FROM groups WHERE id = ?1", json_pack("[s]", id), NULL);
}
