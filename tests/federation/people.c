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
#include "tests/federation/status.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"

#define PERSON                                                                                                                                 \
	"SELECT p.*, p.emails AS emails_json, p.roles AS roles_json, p.ssh_keys AS ssh_keys_json, p.amr AS amr_json, o.alias AS alias"             \
	" FROM people p JOIN organisations o ON o.id = p.organisation "

/* What fed_person_change may touch. */
static const char *const changeable[] = { "external_id", "user_name", "display", "kind",	"owner", "not_before",	 "not_after",	  "shell",
					  "emails",	 "roles",     "ssh_keys", "acr", "amr",	 "password", "administrator", "invitation" };

int fed_person_get(struct fed *fed, const char *key, json_t **ret_person)
{
	/* Of several bearers of one name, the living one. */
	return fed_sql_row(fed->db, PERSON "WHERE p.id = ?1 OR p.user_name = ?1 ORDER BY p.state = 'removed', p.created_ms DESC LIMIT 1",
			   json_pack("[s]", key), ret_person);
}

int fed_person_named(struct fed *fed, const char *name, json_t **ret_person)
{
	int error = fed_person_get(fed, name, ret_person);
	if (error != -ENOENT)
		return error;
	json_t *longer = json_sprintf("%s.example", name);
	error = longer ? fed_person_get(fed, json_string_value(longer), ret_person) : -EINVAL;
	json_decref(longer);
	return error;
}

static bool within(const json_t *row, int64_t now_ms)
{
	const json_t *from = json_object_get(row, "not_before"), *until = json_object_get(row, "not_after");
	return (!json_is_integer(from) || json_integer_value(from) <= now_ms) && (!json_is_integer(until) || now_ms < json_integer_value(until));
}

int fed_person_stands(struct fed *fed, const json_t *person, bool *ret_stands)
{
	if (strcmp(fed_text(person, "state"), "active") != 0 || !within(person, b2b_wall_ms())) {
		*ret_stands = false;
		return 0;
	}
	return fed_org_stands(fed, fed_text(person, "organisation"), ret_stands);
}

static json_t *or_default(const json_t *wanted, const char *name, json_t *otherwise)
{
	json_t *value = json_object_get(wanted, name);
	if (!value || json_is_null(value))
		return otherwise;
	json_decref(otherwise);
	return json_incref(value);
}

static json_t *as_list(const json_t *wanted, const char *name)
{
	json_t *value = json_object_get(wanted, name);
	return json_is_array(value) ? json_incref(value) : json_array();
}

/* "alice@acme.example": the name in the service, from local name and alias. */
static char *user_name(const char *local, const json_t *org)
{
	char *text = NULL;
	return asprintf(&text, "%s@%s.example", local, fed_text(org, "alias")) < 0 ? NULL : text;
}

static bool known_word(const char *word, const char *const *words)
{
	for (; word && *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static int insert_person(struct fed *fed, const json_t *wanted, const char *id, const char *name, const char *hash)
{
	static const char *const kinds[] = { "person", "service", NULL }, *const states[] = { "invited", "active", "suspended", NULL };
	const char *kind = fed_text(wanted, "kind"), *state = fed_text(wanted, "state");
	int64_t stamp;
	if (!kind)
		kind = "person";
	if (!state)
		state = "active";
	if (!known_word(kind, kinds) || !known_word(state, states))
		return -EINVAL;
	int error = fed_store_stamp(fed, &stamp);
	if (error)
		return error;
	json_t *params =
		json_pack("[s,s,s,o,O?,o,s,O?,s,O?,O?,O?,o,o,o,o,o,s?,b,O?,I,I]", id, fed_text(wanted, "organisation"), fed_text(wanted, "local"),
			  or_default(wanted, "user_name", json_string(name)), json_object_get(wanted, "external_id"),
			  or_default(wanted, "display", json_string(fed_text(wanted, "local"))), kind, json_object_get(wanted, "owner"), state,
			  json_object_get(wanted, "not_before"), json_object_get(wanted, "not_after"), json_object_get(wanted, "shell"),
			  as_list(wanted, "emails"), as_list(wanted, "roles"), as_list(wanted, "ssh_keys"),
			  or_default(wanted, "acr", json_string("aal2")), or_default(wanted, "amr", json_pack("[s,s]", "pwd", "mfa")), hash,
			  json_is_true(json_object_get(wanted, "administrator")), json_object_get(wanted, "invitation"), (json_int_t)stamp,
			  (json_int_t)stamp);
	return fed_sql(fed->db,
		       "INSERT INTO people(id, organisation, local, user_name, external_id, display, kind, owner, state, not_before, not_after, shell,"
		       " emails, roles, ssh_keys, acr, amr, password, administrator, invitation, created_ms, modified_ms)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
		       params, NULL);
}

/* People and groups of an organisation share one name space; "members" is reserved (names.h). */
static int name_is_free(struct fed *fed, const char *organisation, const char *local)
{
	int64_t count;
	if (!b2b_local_valid(local) || strcmp(local, B2B_GROUP_MEMBERS) == 0)
		return -EINVAL;
	int error = fed_sql_number(fed->db, "SELECT count(*) FROM groups WHERE organisation = ?1 AND local = ?2",
				   json_pack("[s,s]", organisation, local), &count);
	return error ? error : count ? -EEXIST : 0;
}

int fed_person_create(struct fed *fed, const json_t *wanted, json_t **ret_person)
{
	json_t *org = NULL;
	const char *local = fed_text(wanted, "local"), *organisation = fed_text(wanted, "organisation"), *password = fed_text(wanted, "password");
	char *id = NULL, *name = NULL, *hash = NULL;
	if (!local || !organisation)
		return -EINVAL;
	int error = name_is_free(fed, organisation, local);
	if (!error)
		error = fed_org_get(fed, organisation, &org);
	if (error)
		return error;
	const char *given = fed_text(wanted, "id");
	id = given ? strdup(given) : fed_random_uuid();
	name = user_name(local, org);
	error = id && name ? 0 : -ENOMEM;
	if (!error && password)
		error = fed_password_hash(password, &hash);
	if (!error)
		error = insert_person(fed, wanted, id, name, hash);
	if (!error)
		error = fed_person_get(fed, id, ret_person);
	json_decref(org);
	free(id);
	free(name);
	free(hash);
	return error;
}

static int set_column(struct fed *fed, const char *id, const char *column, json_t *value)
{
	char *sql = NULL;
	if (asprintf(&sql, "UPDATE people SET %s = ?1 WHERE id = ?2", column) < 0)
		return -ENOMEM;
	int error = fed_sql(fed->db, sql, json_pack("[O,s]", value, id), NULL);
	free(sql);
	return error;
}

static int touch(struct fed *fed, const char *id)
{
	int64_t stamp;
	int error = fed_store_stamp(fed, &stamp);
	return error ? error : fed_sql(fed->db, "UPDATE people SET modified_ms = ?1, version = version + 1 WHERE id = ?2",
				       json_pack("[I,s]", (json_int_t)stamp, id), NULL);
}

int fed_person_change(struct fed *fed, const char *id, const json_t *changes)
{
	int error = 0;
	for (size_t i = 0; !error && i < sizeof(changeable) / sizeof(changeable[0]); i++) {
		json_t *value = json_object_get(changes, changeable[i]);
		char *hash = NULL;
		if (!value)
			continue;
		if (strcmp(changeable[i], "password") == 0 && json_is_string(value)) {
			error = fed_password_hash(json_string_value(value), &hash);
			value = error ? NULL : json_string(hash);
		} else {
			json_incref(value);
		}
		if (!error)
			error = set_column(fed, id, changeable[i], value);
		json_decref(value);
		free(hash);
	}
	return error ? error : touch(fed, id);
}

/* What was given out for a person ends with the person. */
static int void_tokens(struct fed *fed, const char *id)
{
	int error = fed_sql(fed->db, "UPDATE tokens SET revoked = 1 WHERE person = ?1", json_pack("[s]", id), NULL);
	if (!error)
		error = fed_sql(fed->db, "DELETE FROM web_sessions WHERE person = ?1", json_pack("[s]", id), NULL);
	if (!error)
		error = fed_sql(fed->db, "UPDATE devices SET state = 'denied' WHERE person = ?1 AND state = 'approved'", json_pack("[s]", id), NULL);
	return error;
}

static int tell(struct fed *fed, const json_t *person, const char *type, const struct fed_occasion *occasion)
{
	return fed_event_emit(fed, type, fed_subject_person(fed, fed_text(person, "id"), fed_text(person, "organisation")), occasion);
}

static int tell_state(struct fed *fed, const json_t *person, bool standing, const char *initiator, const char *reason)
{
	char *txn = fed_random_text(9);
	struct fed_occasion occasion = { .txn = txn, .initiator = initiator, .reason = reason, .time_ms = b2b_wall_ms() };
	int error = txn ? 0 : -ENOMEM;
	if (!error)
		error = tell(fed, person, standing ? FED_RISC "account-enabled" : FED_RISC "account-disabled", &occasion);
	if (!error && !standing)
		error = tell(fed, person, FED_CAEP "session-revoked", &occasion);
	free(txn);
	return error;
}

int fed_person_set_state(struct fed *fed, const char *id, const char *state, const char *initiator, const char *reason)
{
	static const char *const states[] = { "active", "suspended", "removed", NULL };
	json_t *person = NULL;
	if (!known_word(state, states))
		return -EINVAL;
	int error = fed_person_get(fed, id, &person);
	if (error)
		return error;
	const char *before = fed_text(person, "state");
	if (strcmp(before, state) == 0)
		goto out;
	error = -EPERM;
	if (strcmp(before, "removed") == 0 || (strcmp(before, "invited") == 0 && strcmp(state, "suspended") == 0))
		goto out;
	bool standing = strcmp(state, "active") == 0;
	error = fed_sql(fed->db, "UPDATE people SET state = ?1 WHERE id = ?2", json_pack("[s,s]", state, fed_text(person, "id")), NULL);
	if (!error)
		error = touch(fed, fed_text(person, "id"));
	if (!error && !standing)
		error = void_tokens(fed, fed_text(person, "id"));
	if (!error && fed->status_lists)
		error = fed_status_set(fed, fed_text(person, "id"), standing ? FED_STATUS_VALID : strcmp(state, "suspended") == 0 ? FED_STATUS_SUSPENDED : FED_STATUS_INVALID);
	if (!error && strcmp(before, "invited") != 0)
		error = tell_state(fed, person, standing, initiator, reason);
out:
	json_decref(person);
	return error;
}
