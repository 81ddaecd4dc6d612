#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/names.h"
#include "tests/federation/directory.h"
#include "tests/federation/events.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"

/* The organisation and all above it; UNION ends the walk should the tree ever have a ring. */
#define ANCESTORS                                                                                                                              \
	"WITH RECURSIVE above(id) AS (SELECT ?1 UNION SELECT o.parent FROM organisations o JOIN above a ON o.id = a.id WHERE o.parent IS NOT NULL) "

int fed_org_get(struct fed *fed, const char *key, json_t **ret_org)
{
	return fed_sql_row(fed->db, "SELECT * FROM organisations WHERE id = ?1 OR alias = ?1 ORDER BY id = ?1 DESC LIMIT 1", json_pack("[s]", key), ret_org);
}

int fed_org_stands(struct fed *fed, const char *id, bool *ret_stands)
{
	int64_t closed;
	int error = fed_sql_number(fed->db,
				   ANCESTORS "SELECT count(*) FROM organisations JOIN above USING(id) WHERE state <> 'active'"
					     " OR not_before > ?2 OR not_after <= ?2",
				   json_pack("[s,I]", id, (json_int_t)b2b_wall_ms()), &closed);
	if (!error)
		*ret_stands = closed == 0;
	return error;
}

int fed_org_below(struct fed *fed, const char *id, const char *above, bool *ret_below)
{
	int64_t count;
	int error = fed_sql_number(fed->db, ANCESTORS "SELECT count(*) FROM above WHERE id = ?2", json_pack("[s,s]", id, above), &count);
	if (!error)
		*ret_below = count > 0;
	return error;
}

int fed_org_create(struct fed *fed, const json_t *wanted, json_t **ret_org)
{
	const char *alias = fed_text(wanted, "alias"), *given = fed_text(wanted, "id"), *display = fed_text(wanted, "display");
	int64_t stamp;
	if (!alias || !b2b_alias_valid(alias))
		return -EINVAL;
	char *id = given ? strdup(given) : fed_random_uuid();
	int error = id ? fed_store_stamp(fed, &stamp) : -ENOMEM;
	if (!error)
		error = fed_sql(fed->db,
				"INSERT INTO organisations(id, alias, display, parent, state, not_before, not_after, created_ms, modified_ms)"
				" VALUES(?1, ?2, ?3, ?4, 'active', ?5, ?6, ?7, ?7)",
				json_pack("[s,s,s,s?,O?,O?,I]", id, alias, display ? display : alias, fed_text(wanted, "parent"),
					  json_object_get(wanted, "not_before"), json_object_get(wanted, "not_after"), (json_int_t)stamp),
				NULL);
	if (!error)
		error = fed_org_get(fed, id, ret_org);
	free(id);
	return error;
}

static int touch(struct fed *fed, const char *id)
{
	int64_t stamp;
	int error = fed_store_stamp(fed, &stamp);
	return error ? error : fed_sql(fed->db, "UPDATE organisations SET modified_ms = ?1, version = version + 1 WHERE id = ?2",
				       json_pack("[I,s]", (json_int_t)stamp, id), NULL);
}

int fed_org_change(struct fed *fed, const char *id, const json_t *changes)
{
	static const struct {
		const char *column, *sql;
	} changeable[] = {
		{ "display", "UPDATE organisations SET display = ?1 WHERE id = ?2" },
		{ "not_before", "UPDATE organisations SET not_before = ?1 WHERE id = ?2" },
		{ "not_after", "UPDATE organisations SET not_after = ?1 WHERE id = ?2" },
	};
	int error = 0;
	for (size_t i = 0; !error && i < sizeof(changeable) / sizeof(changeable[0]); i++) {
		json_t *value = json_object_get(changes, changeable[i].column);
		if (value)
			error = fed_sql(fed->db, changeable[i].sql, json_pack("[O,s]", value, id), NULL);
	}
	return error ? error : touch(fed, id);
}

static int tell(struct fed *fed, const char *id, bool standing, const char *initiator, const char *reason)
{
	char *txn = fed_random_text(9);
	struct fed_occasion occasion = { .txn = txn, .initiator = initiator, .reason = reason, .time_ms = b2b_wall_ms() };
	int error = txn ? 0 : -ENOMEM;
	if (!error)
		error = fed_event_emit(fed, standing ? FED_RISC "account-enabled" : FED_RISC "account-disabled", fed_subject_organisation(id), &occasion);
	if (!error && !standing)
		error = fed_event_emit(fed, FED_CAEP "session-revoked", fed_subject_organisation(id), &occasion);
	free(txn);
	return error;
}

int fed_org_set_state(struct fed *fed, const char *id, const char *state, const char *initiator, const char *reason)
{
	json_t *org = NULL;
	if (strcmp(state, "active") != 0 && strcmp(state, "suspended") != 0 && strcmp(state, "ended") != 0)
		return -EINVAL;
	int error = fed_org_get(fed, id, &org);
	if (error)
		return error;
	const char *before = fed_text(org, "state"), *own = fed_text(org, "id");
	if (strcmp(before, state) == 0)
		goto out;
	error = -EPERM;
	if (strcmp(before, "ended") == 0)
		goto out;
	error = fed_sql(fed->db, "UPDATE organisations SET state = ?1 WHERE id = ?2", json_pack("[s,s]", state, own), NULL);
	if (!error)
		error = touch(fed, own);
	if (!error)
		error = tell(fed, own, strcmp(state, "active") == 0, initiator, reason);
out:
	json_decref(org);
	return error;
}
