/* SSF 1.0: transmitter configuration, stream management, status, subjects, verification. One stream per client. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/federation/events.h"
#include "tests/federation/server.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"
#include "tests/federation/tokens.h"

#define DELIVERY_POLL "urn:ietf:rfc:8936"

static int configuration(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	static const char *const endpoints[][2] = {
		{ "jwks_uri", "/jwks" },
		{ "configuration_endpoint", "/ssf/stream" },
		{ "status_endpoint", "/ssf/status" },
		{ "add_subject_endpoint", "/ssf/subjects:add" },
		{ "remove_subject_endpoint", "/ssf/subjects:remove" },
		{ "verification_endpoint", "/ssf/verify" },
	};
	(void)request;
	json_t *body = json_pack("{ss,ss,s[s],s[{ss}],ss,s[]}", "spec_version", "1_0", "issuer", fed->issuer, "delivery_methods_supported", DELIVERY_POLL,
				 "authorization_schemes", "spec_urn", "urn:ietf:rfc:6749", "default_subjects", "ALL", "critical_subject_members");
	for (size_t i = 0; body && i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
		json_object_set_new(body, endpoints[i][0], json_sprintf("%s%s", fed->issuer, endpoints[i][1]));
	int error = fed_reply_header(reply, "Cache-Control", "public, max-age=300");
	if (error) {
		json_decref(body);
		return error;
	}
	return fed_reply_json(reply, 200, body);
}

static json_t *delivered(const json_t *requested)
{
	json_t *all = fed_event_types(), *out = json_array(), *one, *type;
	size_t i, k;
	if (json_array_size(requested) == 0) {
		json_decref(out);
		return all;
	}
	json_array_foreach (all, i, type)
		json_array_foreach (requested, k, one)
			if (json_equal(type, one))
				json_array_append(out, type);
	json_decref(all);
	return out;
}

static json_t *describe(const struct fed *fed, const json_t *stream)
{
	const char *id = fed_text(stream, "id");
	json_t *requested = json_object_get(stream, "requested");
	json_t *body = json_pack("{ss,ss,ss,so,sO,so,s{ss,so},si,si}", "stream_id", id, "iss", fed->issuer, "aud", fed_text(stream, "client"),
				 "events_supported", fed_event_types(), "events_requested", requested, "events_delivered", delivered(requested), "delivery",
				 "method", DELIVERY_POLL, "endpoint_url", json_sprintf("%s/ssf/poll/%s", fed->issuer, id), "min_verification_interval", 0,
				 "inactivity_timeout", 0);
	if (body && fed_text(stream, "description"))
		json_object_set(body, "description", json_object_get(stream, "description"));
	return body;
}

static int find_stream(struct fed *fed, const char *client, json_t **ret_stream)
{
	return fed_sql_row(fed->db, "SELECT *, requested AS requested_json FROM streams WHERE client = ?1", json_pack("[s]", client), ret_stream);
}

static int not_found(struct fed_reply *reply)
{
	return fed_reply_json(reply, 404, json_pack("{ss,ss}", "err", "not_found", "description", "this client has no such stream"));
}

static int bad_request(struct fed_reply *reply, const char *why)
{
	return fed_reply_json(reply, 400, json_pack("{ss,ss}", "err", "invalid_request", "description", why));
}

/* Does the request, in query or BODY, name another stream than the client's own? */
static bool names_other(const struct fed_request *request, const json_t *body, const json_t *stream)
{
	const char *named = body ? fed_text(body, "stream_id") : fed_query(request, "stream_id");
	return named && strcmp(named, fed_text(stream, "id")) != 0;
}

static const char *stream_fault(const json_t *body)
{
	const json_t *delivery = json_object_get(body, "delivery"), *requested = json_object_get(body, "events_requested"), *one;
	const json_t *description = json_object_get(body, "description");
	size_t i;
	const char *method = fed_text(delivery, "method");
	if (delivery && (!method || strcmp(method, DELIVERY_POLL) != 0))
		return "delivery.method is not " DELIVERY_POLL;
	if (requested && !json_is_array(requested))
		return "events_requested is not a list";
	json_array_foreach (requested, i, one)
		if (!json_is_string(one))
			return "events_requested holds something that is not text";
	if (description && !json_is_string(description) && !json_is_null(description))
		return "description is not text";
	return NULL;
}

static int create_stream(struct fed *fed, const char *client, const json_t *body)
{
	char *id = fed_random_text(12);
	const json_t *requested = json_object_get(body, "events_requested");
	json_t *list = requested ? json_incref((json_t *)(uintptr_t)requested) : json_array();
	int error = id ? fed_sql(fed->db, "INSERT INTO streams(id, client, requested, description, status, created_ms) VALUES(?1, ?2, ?3, ?4, 'enabled', ?5)",
				 json_pack("[s,s,O,s?,I]", id, client, list, fed_text(body, "description"), (json_int_t)b2b_wall_ms()), NULL) :
			 -ENOMEM;
	json_decref(list);
	free(id);
	return error;
}

static int update_stream(struct fed *fed, const json_t *stream, const json_t *body, bool whole)
{
	json_t *requested = json_object_get(body, "events_requested"), *description = json_object_get(body, "description");
	json_t *list = requested ? json_incref(requested) : whole ? json_array() : json_incref(json_object_get(stream, "requested"));
	json_t *text = description ? json_incref(description) : whole ? json_null() : json_incref(json_object_get(stream, "description"));
	return fed_sql(fed->db, "UPDATE streams SET requested = ?1, description = ?2 WHERE id = ?3",
		       json_pack("[o,o,s]", list, text, fed_text(stream, "id")), NULL);
}

int fed_stream_drop(struct fed *fed, const char *id)
{
	static const char *const sql[] = { "DELETE FROM outbox WHERE stream = ?1", "DELETE FROM removed_subjects WHERE stream = ?1",
					   "DELETE FROM streams WHERE id = ?1" };
	int error = 0;
	for (size_t i = 0; !error && i < sizeof(sql) / sizeof(sql[0]); i++)
		error = fed_sql(fed->db, sql[i], json_pack("[s]", id), NULL);
	return error ? error : fed_store_wakes(fed, id);
}

static int reply_stream(struct fed *fed, struct fed_reply *reply, unsigned status, const char *client)
{
	json_t *stream = NULL;
	int error = find_stream(fed, client, &stream);
	if (!error)
		error = fed_reply_header(reply, "Cache-Control", "no-store");
	if (!error)
		error = fed_reply_json(reply, status, describe(fed, stream));
	json_decref(stream);
	return error;
}

/* POST, PUT and PATCH; STREAM is NULL when there is none. */
static int write_stream(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const char *client, const json_t *stream)
{
	json_t *body = NULL;
	bool creates = strcmp(request->method, "POST") == 0;
	if (creates && stream)
		return fed_reply_json(reply, 409, json_pack("{ss,ss}", "err", "stream_exists", "description", "this client has a stream already"));
	if (creates && request->body_len == 0)
		body = json_object();
	else if (fed_body_json(request, &body) != 0)
		return bad_request(reply, "the body is not a JSON object");
	const char *fault = stream_fault(body);
	int error = fault ? bad_request(reply, fault) : 0;
	if (fault || (!creates && names_other(request, body, stream))) {
		json_decref(body);
		return fault ? error : not_found(reply);
	}
	error = fed_store_begin(fed);
	if (!error)
		error = fed_store_end(fed, creates ? create_stream(fed, client, body) : update_stream(fed, stream, body, strcmp(request->method, "PUT") == 0),
				      NULL);
	json_decref(body);
	return error ? error : reply_stream(fed, reply, creates ? 201 : 200, client);
}

static int remove_stream(struct fed *fed, struct fed_reply *reply, const json_t *stream)
{
	int error = fed_store_begin(fed);
	if (!error)
		error = fed_store_end(fed, fed_stream_drop(fed, fed_text(stream, "id")), NULL);
	return error ? error : fed_reply_empty(reply, 204);
}

/* The client by its token, and its stream (NULL when it has none). -EACCES: the reply is made. */
static int begin(struct fed *fed, struct fed_request *request, struct fed_reply *reply, char **ret_client, json_t **ret_stream)
{
	int error = fed_require_scope(fed, request, reply, "ssf", ret_client);
	if (!error)
		error = find_stream(fed, *ret_client, ret_stream);
	return error == -ENOENT ? 0 : error;
}

static int stream_endpoint(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	char *client = NULL;
	json_t *stream = NULL;
	int error = begin(fed, request, reply, &client, &stream);
	if (error)
		goto out;
	if (strcmp(request->method, "POST") == 0 || (stream && (strcmp(request->method, "PUT") == 0 || strcmp(request->method, "PATCH") == 0)))
		error = write_stream(fed, request, reply, client, stream);
	else if (!stream || names_other(request, NULL, stream))
		error = not_found(reply);
	else if (strcmp(request->method, "DELETE") == 0)
		error = remove_stream(fed, reply, stream);
	else
		error = reply_stream(fed, reply, 200, client);
out:
	json_decref(stream);
	free(client);
	return error == -EACCES ? 0 : error;
}

/* --- status --- */

static int reply_status(struct fed *fed, struct fed_reply *reply, const char *client)
{
	json_t *stream = NULL;
	int error = find_stream(fed, client, &stream);
	if (!error)
		error = fed_reply_json(reply, 200,
				       json_pack("{ss,ss,ss*}", "stream_id", fed_text(stream, "id"), "status", fed_text(stream, "status"), "reason",
						 fed_text(stream, "reason")));
	json_decref(stream);
	return error;
}

/* A receiver's own change is told by the answer alone; no stream-updated event. */
static int write_status(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const char *client, const json_t *stream)
{
	json_t *body = NULL;
	if (fed_body_json(request, &body) != 0)
		return bad_request(reply, "the body is not a JSON object");
	const char *status = fed_text(body, "status");
	int error = 0;
	if (names_other(request, body, stream))
		error = not_found(reply);
	else if (!status || (strcmp(status, "enabled") != 0 && strcmp(status, "paused") != 0 && strcmp(status, "disabled") != 0))
		error = bad_request(reply, "status is not enabled, paused or disabled");
	else
		error = fed_sql(fed->db, "UPDATE streams SET status = ?1, reason = ?2 WHERE id = ?3",
				json_pack("[s,s?,s]", status, fed_text(body, "reason"), fed_text(stream, "id")), NULL);
	json_decref(body);
	if (error || reply->status)
		return error;
	fed_server_wake(fed->server, fed_text(stream, "id"));
	return reply_status(fed, reply, client);
}

static int status_endpoint(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	char *client = NULL;
	json_t *stream = NULL;
	int error = begin(fed, request, reply, &client, &stream);
	if (!error && (!stream || names_other(request, NULL, stream)))
		error = not_found(reply);
	else if (!error && strcmp(request->method, "GET") == 0)
		error = reply_status(fed, reply, client);
	else if (!error)
		error = write_status(fed, request, reply, client, stream);
	json_decref(stream);
	free(client);
	return error == -EACCES ? 0 : error;
}

/* --- subjects and verification: POST {stream_id, …} -> 2xx --- */

static int note_subject(struct fed *fed, const json_t *stream, const json_t *subject, bool adds)
{
	char *text = json_dumps(subject, JSON_COMPACT | JSON_SORT_KEYS);
	int error = text ? fed_sql(fed->db,
				   adds ? "DELETE FROM removed_subjects WHERE stream = ?1 AND subject = ?2" :
					  "INSERT OR IGNORE INTO removed_subjects(stream, subject) VALUES(?1, ?2)",
				   json_pack("[s,s]", fed_text(stream, "id"), text), NULL) :
			   -ENOMEM;
	free(text);
	return error;
}

static int change_subject(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const json_t *stream, const json_t *body)
{
	const json_t *subject = json_object_get(body, "subject");
	bool adds = strcmp(request->path, "/ssf/subjects:add") == 0;
	if (!json_is_object(subject) || !fed_text(subject, "format"))
		return bad_request(reply, "subject is missing, or has no format");
	int error = note_subject(fed, stream, subject, adds);
	return error ? error : fed_reply_empty(reply, adds ? 200 : 204);
}

static int verify(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const json_t *stream, const json_t *body)
{
	(void)request;
	const json_t *state = json_object_get(body, "state");
	if (state && !json_is_string(state) && !json_is_null(state))
		return bad_request(reply, "state is not text");
	json_t *event = json_is_string(state) ? json_pack("{sO}", "state", state) : json_object();
	json_t *subject = json_pack("{ss,ss}", "format", "opaque", "id", fed_text(stream, "id"));
	int error = fed_store_begin(fed);
	if (error) {
		json_decref(event);
		json_decref(subject);
		return error;
	}
	error = fed_store_end(fed, fed_event_queue(fed, fed_text(stream, "id"), FED_SSF "verification", subject, event, NULL), NULL);
	return error ? error : fed_reply_empty(reply, 204);
}

static int with_body(struct fed *fed, struct fed_request *request, struct fed_reply *reply,
		     int (*act)(struct fed *, struct fed_request *, struct fed_reply *, const json_t *, const json_t *))
{
	char *client = NULL;
	json_t *stream = NULL, *body = NULL;
	int error = begin(fed, request, reply, &client, &stream);
	if (error)
		goto out;
	if (fed_body_json(request, &body) != 0)
		error = bad_request(reply, "the body is not a JSON object");
	else if (!stream || names_other(request, body, stream))
		error = not_found(reply);
	else
		error = act(fed, request, reply, stream, body);
out:
	json_decref(body);
	json_decref(stream);
	free(client);
	return error == -EACCES ? 0 : error;
}

static int subjects_endpoint(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	return with_body(fed, request, reply, change_subject);
}

static int verify_endpoint(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	return with_body(fed, request, reply, verify);
}

const struct fed_route fed_ssf_routes[] = {
	{ "GET", "/.well-known/ssf-configuration", "ssf", configuration },
	{ "GET", "/ssf/stream", "ssf", stream_endpoint },
	{ "POST", "/ssf/stream", "ssf", stream_endpoint },
	{ "PUT", "/ssf/stream", "ssf", stream_endpoint },
	{ "PATCH", "/ssf/stream", "ssf", stream_endpoint },
	{ "DELETE", "/ssf/stream", "ssf", stream_endpoint },
	{ "GET", "/ssf/status", "ssf", status_endpoint },
	{ "POST", "/ssf/status", "ssf", status_endpoint },
	{ "POST", "/ssf/subjects:add", "ssf", subjects_endpoint },
	{ "POST", "/ssf/subjects:remove", "ssf", subjects_endpoint },
	{ "POST", "/ssf/verify", "ssf", verify_endpoint },
	{ NULL, NULL, NULL, NULL },
};
