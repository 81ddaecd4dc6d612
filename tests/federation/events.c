#include "tests/federation/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/federation/jws.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"

static const char *const types[] = {
	FED_CAEP "session-revoked",
	FED_RISC "account-disabled",
	FED_RISC "account-enabled",
};

json_t *fed_event_types(void)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < sizeof(types) / sizeof(types[0]); i++)
		json_array_append_new(list, json_string(types[i]));
	return list;
}

json_t *fed_subject_person(struct fed *fed, const char *person, const char *organisation)
{
	return json_pack("{ss,s{ss,ss,ss},s{ss,ss}}", "format", "complex", "user", "format", "iss_sub", "iss", fed->issuer, "sub", person, "tenant",
			 "format", "opaque", "id", organisation);
}

json_t *fed_subject_organisation(const char *organisation)
{
	return json_pack("{ss,s{ss,ss}}", "format", "complex", "tenant", "format", "opaque", "id", organisation);
}

int fed_event_queue(struct fed *fed, const char *stream, const char *type, json_t *sub_id, json_t *event, const char *txn)
{
	char *jti = fed_random_text(18);
	int error = -ENOMEM;
	if (jti && sub_id && event)
		error = fed_sql(fed->db, "INSERT INTO outbox(stream, jti, type, sub_id, event, txn, created_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
				json_pack("[s,s,s,O,O,s?,I]", stream, jti, type, sub_id, event, txn, (json_int_t)b2b_wall_ms()), NULL);
	if (!error)
		error = fed_store_wakes(fed, stream);
	json_decref(sub_id);
	json_decref(event);
	free(jti);
	return error;
}

static json_t *event_body(const struct fed_occasion *occasion)
{
	json_t *event = json_pack("{sf,ss}", "event_timestamp", (double)occasion->time_ms / 1000, "initiating_entity", occasion->initiator);
	if (event && occasion->reason)
		json_object_set_new(event, "reason_user", json_pack("{ss}", "en", occasion->reason));
	if (event && occasion->reason)
		json_object_set_new(event, "reason_admin", json_pack("{ss}", "en", occasion->reason));
	return event;
}

static bool wants(const json_t *requested, const char *type)
{
	const json_t *one;
	size_t i;
	if (json_array_size(requested) == 0)
		return true;
	json_array_foreach (requested, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), type) == 0)
			return true;
	return false;
}

/* Every stream whose receiver has not taken this very subject out of it. */
static int streams_about(struct fed *fed, const json_t *sub_id, json_t **ret_streams)
{
	char *text = json_dumps(sub_id, JSON_COMPACT | JSON_SORT_KEYS);
	int error = text ? fed_sql(fed->db,
				   "SELECT id, requested AS requested_json FROM streams WHERE status <> 'disabled' AND NOT EXISTS"
				   " (SELECT 1 FROM removed_subjects WHERE stream = streams.id AND subject = ?1)",
				   json_pack("[s]", text), ret_streams) :
			   -ENOMEM;
	free(text);
	return error;
}

int fed_event_emit(struct fed *fed, const char *type, json_t *sub_id, const struct fed_occasion *occasion)
{
	json_t *streams = NULL, *stream;
	size_t i;
	int error = sub_id ? streams_about(fed, sub_id, &streams) : -ENOMEM;
	json_array_foreach (streams, i, stream)
		if (!error && wants(json_object_get(stream, "requested"), type))
			error = fed_event_queue(fed, fed_text(stream, "id"), type, json_incref(sub_id), event_body(occasion), occasion->txn);
	json_decref(streams);
	json_decref(sub_id);
	return error;
}

static int sign_event(struct fed *fed, const char *client, const json_t *row, json_t *sets)
{
	char *jwt = NULL;
	json_t *claims = json_pack("{ss,ss,sI,ss,sO,s{sO}}", "iss", fed->issuer, "jti", fed_text(row, "jti"), "iat",
				   (json_int_t)(fed_int(row, "created_ms") / 1000), "aud", client, "sub_id", json_object_get(row, "sub_id"), "events",
				   fed_text(row, "type"), json_object_get(row, "event"));
	if (claims && fed_text(row, "txn"))
		json_object_set_new(claims, "txn", json_string(fed_text(row, "txn")));
	int error = fed_jws_sign(fed, "secevent+jwt", claims, &jwt);
	if (!error && json_object_set_new(sets, fed_text(row, "jti"), json_string(jwt)) != 0)
		error = -ENOMEM;
	free(jwt);
	return error;
}

int fed_events_collect(struct fed *fed, const char *stream, const char *client, int64_t max, json_t **ret_sets, bool *ret_more)
{
	json_t *rows = NULL, *row, *sets = json_object();
	size_t i;
	const char *sql = fed->misbehaviour.replay ?
				  "SELECT jti, type, sub_id AS sub_id_json, event AS event_json, txn, created_ms FROM outbox WHERE stream = ?1"
				  " ORDER BY seq LIMIT ?2" :
				  "SELECT jti, type, sub_id AS sub_id_json, event AS event_json, txn, created_ms FROM outbox"
				  " WHERE stream = ?1 AND acked_ms IS NULL ORDER BY seq LIMIT ?2";
	int error = sets ? fed_sql(fed->db, sql, json_pack("[s,I]", stream, (json_int_t)(max + 1)), &rows) : -ENOMEM;
	json_array_foreach (rows, i, row)
		if (!error && (int64_t)i < max)
			error = sign_event(fed, client, row, sets);
	bool more = (int64_t)json_array_size(rows) > max;
	json_decref(rows);
	if (error) {
		json_decref(sets);
		return error;
	}
	*ret_sets = sets;
	*ret_more = more;
	return 0;
}

int fed_event_acknowledge(struct fed *fed, const char *stream, const char *jti, const json_t *error)
{
	char *text = error ? json_dumps(error, JSON_COMPACT) : NULL;
	int result = fed_sql(fed->db, "UPDATE outbox SET acked_ms = ?1, error = ?2 WHERE stream = ?3 AND jti = ?4 AND acked_ms IS NULL",
			     json_pack("[I,s?,s,s]", (json_int_t)b2b_wall_ms(), text, stream, jti), NULL);
	free(text);
	return result;
}
