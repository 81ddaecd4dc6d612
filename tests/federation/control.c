/*
 * The control API for tests and the demo: what people do at the pages, and what goes wrong, by one POST each.
 * Only with --control-token-file. Every change answers {"committed_ms": …}: the wall clock just after the commit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/federation/device.h"
#include "tests/federation/directory.h"
#include "tests/federation/events.h"
#include "tests/federation/http.h"
#include "tests/federation/server.h"
#include "tests/federation/sql.h"
#include "tests/federation/status.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"
#include "tests/federation/tokens.h"

/* Takes the order in BODY within a transaction, and may add to ANSWER. 0 or a negative errno. */
typedef int order(struct fed *fed, const json_t *body, json_t *answer);

static int approve_or_deny(struct fed *fed, const json_t *body, bool approves)
{
	const char *code = fed_text(body, "user_code"), *message = fed_text(body, "binding_message"), *key = fed_text(body, "person");
	json_t *device = NULL, *person = NULL;
	const json_t *auth_time = json_object_get(body, "auth_time");
	if ((!code && !message) || (approves && !key))
		return -EINVAL;
	int error = code ? fed_device_find(fed, code, &device) : fed_device_find_message(fed, message, &device);
	if (!error && !approves)
		error = fed_device_deny(fed, fed_text(device, "user_code"));
	if (!error && approves)
		error = fed_person_get(fed, key, &person);
	if (!error && approves)
		error = fed_device_approve(fed, fed_text(device, "user_code"), person, fed_text(body, "acr"), json_object_get(body, "amr"),
					   json_is_integer(auth_time) ? json_integer_value(auth_time) : b2b_wall_s());
	json_decref(device);
	json_decref(person);
	return error;
}

static int approve(struct fed *fed, const json_t *body, json_t *answer)
{
	(void)answer;
	return approve_or_deny(fed, body, true);
}

static int deny(struct fed *fed, const json_t *body, json_t *answer)
{
	(void)answer;
	return approve_or_deny(fed, body, false);
}

/* What of BODY names an organisation, as its id. */
static int resolve_org(struct fed *fed, const json_t *body, const char *member, json_t *wanted, const char *column)
{
	const char *key = fed_text(body, member);
	json_t *org = NULL;
	if (!key)
		return 0;
	int error = fed_org_get(fed, key, &org);
	if (!error)
		error = json_object_set(wanted, column, json_object_get(org, "id")) == 0 ? 0 : -ENOMEM;
	json_decref(org);
	return error;
}

/* {organisation, local, …} makes a person; {person, changes…} changes one. */
static int person(struct fed *fed, const json_t *body, json_t *answer)
{
	const char *key = fed_text(body, "person");
	json_t *wanted = json_copy((json_t *)(uintptr_t)body), *row = NULL;
	int error = wanted ? resolve_org(fed, body, "organisation", wanted, "organisation") : -ENOMEM;
	if (!error && key) {
		error = fed_person_get(fed, key, &row);
		if (!error)
			error = fed_person_change(fed, fed_text(row, "id"), wanted);
	} else if (!error) {
		error = fed_person_create(fed, wanted, &row);
	}
	if (!error)
		json_object_set(answer, "id", json_object_get(row, "id"));
	json_decref(wanted);
	json_decref(row);
	return error;
}

/* Many people at once: {organisation, prefix, count}: prefix0, prefix1, …; for full directory passes. */
static int people(struct fed *fed, const json_t *body, json_t *answer)
{
	const char *prefix = fed_text(body, "prefix");
	const json_t *count = json_object_get(body, "count"), *first = json_object_get(body, "first");
	json_t *wanted = json_object();
	int error = wanted ? resolve_org(fed, body, "organisation", wanted, "organisation") : -ENOMEM;
	if (!error && (!prefix || !json_is_integer(count) || (first && !json_is_integer(first))))
		error = -EINVAL;
	json_int_t from = json_integer_value(first), many = json_integer_value(count);
	if (!error && (many < 1 || many > 1000000 || from < 0))
		error = -EINVAL;
	for (json_int_t i = 0; !error && i < many; i++) {
		json_t *row = NULL;
		json_object_set_new(wanted, "local", json_sprintf("%s%lld", prefix, (long long)(from + i)));
		error = fed_person_create(fed, wanted, &row);
		json_decref(row);
	}
	json_object_set_new(answer, "made", json_integer(many));
	json_decref(wanted);
	return error;
}

static int organisation(struct fed *fed, const json_t *body, json_t *answer)
{
	const char *key = fed_text(body, "organisation");
	json_t *wanted = json_copy((json_t *)(uintptr_t)body), *row = NULL;
	int error = wanted ? resolve_org(fed, body, "parent", wanted, "parent") : -ENOMEM;
	if (!error && key) {
		error = fed_org_get(fed, key, &row);
		if (!error)
			error = fed_org_change(fed, fed_text(row, "id"), wanted);
	} else if (!error) {
		error = fed_org_create(fed, wanted, &row);
	}
	if (!error)
		json_object_set(answer, "id", json_object_get(row, "id"));
	json_decref(wanted);
	json_decref(row);
	return error;
}

/* {organisation, local, members:[…]} makes a group; {group: id, members…} changes one. Members by id or user name. */
static int group(struct fed *fed, const json_t *body, json_t *answer)
{
	const char *key = fed_text(body, "group");
	json_t *wanted = json_copy((json_t *)(uintptr_t)body), *row = NULL, *members = NULL, *one;
	size_t i;
	int error = wanted ? resolve_org(fed, body, "organisation", wanted, "organisation") : -ENOMEM;
	if (!error && json_object_get(body, "members"))
		members = json_array();
	json_array_foreach (json_object_get(body, "members"), i, one) {
		json_t *member = NULL;
		if (!error)
			error = json_is_string(one) ? fed_person_get(fed, json_string_value(one), &member) : -EINVAL;
		if (!error)
			json_array_append(members, json_object_get(member, "id"));
		json_decref(member);
	}
	if (members)
		json_object_set_new(wanted, "members", members);
	if (!error && key)
		error = fed_group_get(fed, key, &row);
	if (!error)
		error = key ? fed_group_change(fed, key, wanted) : fed_group_create(fed, wanted, &row);
	if (!error)
		json_object_set(answer, "id", json_object_get(row, "id"));
	json_decref(wanted);
	json_decref(row);
	return error;
}

static int person_state(struct fed *fed, const json_t *body, const char *state, const char *otherwise)
{
	const char *key = fed_text(body, "person"), *reason = fed_text(body, "reason");
	return key ? fed_person_set_state(fed, key, state, "admin", reason ? reason : otherwise) : -EINVAL;
}

static int offboard(struct fed *fed, const json_t *body, json_t *answer)
{
	(void)answer;
	return person_state(fed, body, "removed", "No longer with the organisation");
}

static int suspend(struct fed *fed, const json_t *body, json_t *answer)
{
	(void)answer;
	return person_state(fed, body, "suspended", "Suspended by the organisation");
}

static int reinstate(struct fed *fed, const json_t *body, json_t *answer)
{
	(void)answer;
	return person_state(fed, body, "active", "Reinstated by the organisation");
}

/* Their log-ins are over, with all tokens; nobody is told, and the directory says as before. */
static int end_log_ins(struct fed *fed, const json_t *body, json_t *answer)
{
	const char *key = fed_text(body, "person");
	json_t *person = NULL;
	int error = key ? fed_person_get(fed, key, &person) : -EINVAL;
	(void)answer;
	if (!error)
		error = fed_sql(fed->db, "UPDATE tokens SET revoked = 1 WHERE person = ?1", json_pack("[s]", fed_text(person, "id")), NULL);
	json_decref(person);
	return error;
}

static int org_state(struct fed *fed, const json_t *body, const char *state, const char *otherwise)
{
	const char *key = fed_text(body, "organisation"), *reason = fed_text(body, "reason");
	return key ? fed_org_set_state(fed, key, state, "admin", reason ? reason : otherwise) : -EINVAL;
}

static int end_contract(struct fed *fed, const json_t *body, json_t *answer)
{
	(void)answer;
	return org_state(fed, body, "ended", "The contract has ended");
}

static int suspend_organisation(struct fed *fed, const json_t *body, json_t *answer)
{
	(void)answer;
	return org_state(fed, body, "suspended", "The organisation is suspended");
}

static int reinstate_organisation(struct fed *fed, const json_t *body, json_t *answer)
{
	(void)answer;
	return org_state(fed, body, "active", "The organisation is reinstated");
}

/* An event by itself, the directory unchanged: {type, person | organisation, reason?, event_timestamp?}. */
static int event(struct fed *fed, const json_t *body, json_t *answer)
{
	const char *type = fed_text(body, "type"), *person_key = fed_text(body, "person"), *org_key = fed_text(body, "organisation");
	const json_t *when = json_object_get(body, "event_timestamp"), *raw = json_object_get(body, "sub_id");
	json_t *row = NULL, *subject = NULL;
	(void)answer;
	if (!type || (!person_key && !org_key && !json_is_object(raw)))
		return -EINVAL;
	int error = 0;
	if (json_is_object(raw))
		subject = json_deep_copy(raw);
	else if (person_key)
		error = fed_person_get(fed, person_key, &row);
	else
		error = fed_org_get(fed, org_key, &row);
	if (!error && row)
		subject = person_key ? fed_subject_person(fed, fed_text(row, "id"), fed_text(row, "organisation")) :
				       fed_subject_organisation(fed_text(row, "id"));
	struct fed_occasion occasion = { .initiator = "policy",
					 .reason = fed_text(body, "reason"),
					 .time_ms = json_is_number(when) ? (int64_t)(json_number_value(when) * 1000) : b2b_wall_ms() };
	if (!error)
		error = fed_event_emit(fed, type, subject, &occasion);
	json_decref(row);
	return error;
}

/* As a service does that was restored from an older copy of its data: {client}. Its receiver is told nothing any more. */
static int lose_stream(struct fed *fed, const json_t *body, json_t *answer)
{
	json_t *row = NULL;
	(void)answer;
	if (!fed_text(body, "client"))
		return -EINVAL;
	int error = fed_sql_row(fed->db, "SELECT id FROM streams WHERE client = ?1", json_pack("[s]", fed_text(body, "client")), &row);
	if (!error)
		error = fed_stream_drop(fed, fed_text(row, "id"));
	json_decref(row);
	return error;
}

static const char *text_or(const json_t *body, const char *name, const char *otherwise)
{
	const char *text = fed_text(body, name);
	return text ? text : otherwise;
}

/*
 * {person, audience?, client?, acr?, life_s?} answers an access token to log in with: a JWT for that audience, or without one a
 * reference that this client may ask about.
 */
static int access_token(struct fed *fed, const json_t *body, json_t *answer)
{
	const char *key = fed_text(body, "person"), *audience = fed_text(body, "audience");
	const json_t *life = json_object_get(body, "life_s");
	int64_t life_s = json_is_integer(life) ? json_integer_value(life) : fed->access_token_s;
	json_t *person = NULL, *amr = json_pack("[s]", "mfa");
	char *token = NULL, *sid = fed_random_text(12);
	int error = !key ? -EINVAL : sid ? fed_person_get(fed, key, &person) : -ENOMEM;
	if (!error) {
		struct fed_grant grant = { .client = text_or(body, "client", "web7"),
					   .scope = "openid organization",
					   .person = fed_text(person, "id"),
					   .sid = sid,
					   .acr = text_or(body, "acr", "aal2"),
					   .amr = amr,
					   .auth_time = b2b_wall_s() };
		error = audience ? fed_access_jwt(fed, &grant, audience, life_s, &token) : fed_token_new(fed, "access", &grant, life_s, &token);
	}
	if (!error)
		json_object_set_new(answer, "access_token", json_string(token));
	json_decref(person);
	json_decref(amr);
	free(token);
	free(sid);
	return error;
}

/* {person, status}: of all tokens that the person has. */
static int token_status(struct fed *fed, const json_t *body, json_t *answer)
{
	const char *key = fed_text(body, "person");
	const json_t *status = json_object_get(body, "status");
	json_t *person = NULL;
	(void)answer;
	int error = key && json_is_integer(status) ? fed_person_get(fed, key, &person) : -EINVAL;
	if (!error)
		error = fed_status_set(fed, fed_text(person, "id"), json_integer_value(status));
	json_decref(person);
	return error;
}

static int rotate_keys(struct fed *fed, const json_t *body, json_t *answer)
{
	const char *choose = fed_text(body, "sign_with");
	(void)answer;
	int error = json_is_false(json_object_get(body, "rotate")) ?
			    0 :
			    fed_keys_rotate(fed->keys, fed_text(body, "alg"), json_is_true(json_object_get(body, "drop")));
	if (!error && choose)
		error = fed_keys_choose(fed->keys, choose);
	return error;
}

static int misbehave(struct fed *fed, const json_t *body, json_t *answer)
{
	const char *what = NULL;
	int error = fed_misbehave(&fed->misbehaviour, body, &what);
	if (error == -EINVAL)
		json_object_set_new(answer, "member", json_string(what));
	if (!error)
		fed_server_wake_all(fed->server); /* a poll may have something to hand out now, or another way of doing so */
	return error;
}

static const struct {
	const char *name;
	order *run;
} orders[] = {
	{ "approve", approve },
	{ "deny", deny },
	{ "person", person },
	{ "people", people },
	{ "organisation", organisation },
	{ "group", group },
	{ "offboard", offboard },
	{ "suspend", suspend },
	{ "reinstate", reinstate },
	{ "end-log-ins", end_log_ins },
	{ "end-contract", end_contract },
	{ "suspend-organisation", suspend_organisation },
	{ "reinstate-organisation", reinstate_organisation },
	{ "event", event },
	{ "lose-stream", lose_stream },
	{ "access-token", access_token },
	{ "token-status", token_status },
	{ "rotate-keys", rotate_keys },
	{ "misbehave", misbehave },
};

static unsigned status_of(int error)
{
	switch (error) {
	case -ENOENT:
		return 404;
	case -EEXIST:
	case -EPERM:
		return 409;
	case -EINVAL:
		return 400;
	default:
		return 500;
	}
}

static int run(struct fed *fed, struct fed_reply *reply, order *what, const json_t *body)
{
	json_t *answer = json_object();
	int64_t committed = 0;
	int error = answer ? fed_store_begin(fed) : -ENOMEM;
	if (!error)
		error = fed_store_end(fed, what(fed, body, answer), &committed);
	if (error) {
		json_object_set_new(answer, "error", json_string(strerror(-error)));
		return fed_reply_json(reply, status_of(error), answer);
	}
	json_object_set_new(answer, "committed_ms", json_integer(committed));
	return fed_reply_json(reply, 200, answer);
}

static bool allowed(const struct fed *fed, const struct fed_request *request)
{
	const char *token = fed_bearer(request);
	return fed->control_token && token && fed_same_secret(fed->control_token, token);
}

static int control(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	json_t *body = NULL;
	if (!allowed(fed, request))
		return fed_reply_json(reply, 401, json_pack("{ss}", "error", "not with this token, or there is no control API"));
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		if (strcmp(request->rest, orders[i].name) != 0)
			continue;
		if (request->body_len == 0)
			body = json_object();
		else if (fed_body_json(request, &body) != 0)
			return fed_reply_json(reply, 400, json_pack("{ss}", "error", "the body is not a JSON object"));
		int error = run(fed, reply, orders[i].run, body);
		json_decref(body);
		return error;
	}
	return fed_reply_json(reply, 404, json_pack("{ss}", "error", "no such order"));
}

/* What was told, to whom, when acknowledged, and what receivers had against it. */
static int events(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	json_t *rows = NULL;
	if (!allowed(fed, request))
		return fed_reply_json(reply, 401, json_pack("{ss}", "error", "not with this token, or there is no control API"));
	int error = fed_sql(fed->db,
			    "SELECT o.seq, o.jti, s.client, o.type, o.sub_id AS sub_id_json, o.event AS event_json, o.created_ms, o.acked_ms,"
			    " o.error AS error_json FROM outbox o JOIN streams s ON s.id = o.stream ORDER BY o.seq DESC LIMIT 1000",
			    json_array(), &rows);
	return error ? error : fed_reply_json(reply, 200, json_pack("{so}", "events", rows));
}

/* Log-ins that wait for a person: so that a test need not read the code off a terminal. */
static int devices(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	json_t *rows = NULL;
	if (!allowed(fed, request))
		return fed_reply_json(reply, 401, json_pack("{ss}", "error", "not with this token, or there is no control API"));
	int error = fed_sql(fed->db, "SELECT user_code, client, asked, login_hint, binding_message, peer, state, created, expires FROM devices WHERE state = 'pending' AND expires > ?1"
				     " ORDER BY created DESC, rowid DESC LIMIT 1000",
			    json_pack("[I]", (json_int_t)b2b_wall_s()), &rows);
	return error ? error : fed_reply_json(reply, 200, json_pack("{so}", "devices", rows));
}

const struct fed_route fed_control_routes[] = {
	{ "GET", "/control/events", "control", events },
	{ "GET", "/control/devices", "control", devices },
	{ "POST", "/control/", "control", control },
	{ NULL, NULL, NULL, NULL },
};
