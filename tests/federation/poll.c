/*
 * Handing out SETs by polling, RFC 8936. A poll that finds nothing is suspended until an event was committed for it,
 * or its time is over; what is not acknowledged comes again with the next poll.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/federation/events.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/tokens.h"

#define HOLD_MS 25000
#define TOGETHER_MS 100 /* polls that end at about the same time end at once: whoever resumes one walks through all that wait */
#define SETS_MAX 100 /* in one answer, where the receiver names no number */

/* A poll as asked for; kept with the request while it waits. */
struct wish {
	int64_t max;
	bool immediately;
	char stream[64], client[256];
};

static int bad_request(struct fed_reply *reply, const char *why)
{
	return fed_reply_json(reply, 400, json_pack("{ss,ss}", "err", "invalid_request", "description", why));
}

static const char *wish_fault(const json_t *body, struct wish *wish)
{
	const json_t *max = json_object_get(body, "maxEvents"), *immediately = json_object_get(body, "returnImmediately");
	const json_t *ack = json_object_get(body, "ack"), *errors = json_object_get(body, "setErrs"), *one;
	size_t i;
	wish->max = SETS_MAX;
	if (max && (!json_is_integer(max) || json_integer_value(max) < 0))
		return "maxEvents is not a number of events";
	if (max && json_integer_value(max) < SETS_MAX)
		wish->max = json_integer_value(max);
	if (immediately && !json_is_boolean(immediately))
		return "returnImmediately is not true or false";
	wish->immediately = json_is_true(immediately);
	if (ack && !json_is_array(ack))
		return "ack is not a list";
	json_array_foreach (ack, i, one)
		if (!json_is_string(one))
			return "ack holds something that is not a jti";
	if (errors && !json_is_object(errors))
		return "setErrs is not an object";
	return NULL;
}

/* What the receiver says of former SETs, durable before anything new is handed out. */
static int take_acknowledgements(struct fed *fed, const char *stream, const json_t *body)
{
	const json_t *one;
	const char *jti;
	json_t *trouble;
	size_t i;
	json_t *errors = json_object_get(body, "setErrs");
	if (json_array_size(json_object_get(body, "ack")) + json_object_size(errors) == 0)
		return 0;
	int error = fed_store_begin(fed);
	if (error)
		return error;
	json_array_foreach (json_object_get(body, "ack"), i, one)
		if (!error)
			error = fed_event_acknowledge(fed, stream, json_string_value(one), NULL);
	json_object_foreach (errors, jti, trouble)
		if (!error)
			error = fed_event_acknowledge(fed, stream, jti, trouble);
	return fed_store_end(fed, error, NULL);
}

/* The client's stream of that name: 0 with its status, or the reply is made and -EACCES. */
static int check_stream(struct fed *fed, struct fed_reply *reply, const char *client, const char *id, json_t **ret_stream)
{
	int error = fed_sql_row(fed->db, "SELECT status FROM streams WHERE id = ?1 AND client = ?2", json_pack("[s,s]", id, client), ret_stream);
	if (error != -ENOENT)
		return error;
	error = fed_reply_json(reply, 404, json_pack("{ss,ss}", "err", "not_found", "description", "this client has no such stream"));
	return error ? error : -EACCES;
}

static int first_call(struct fed *fed, struct fed_request *request, struct fed_reply *reply, struct wish *wish)
{
	char *client = NULL;
	json_t *stream = NULL, *body = NULL;
	int error = fed_require_scope(fed, request, reply, "ssf", &client);
	if (!error)
		error = check_stream(fed, reply, client, request->rest, &stream);
	if (error)
		goto out;
	if (fed_body_json(request, &body) != 0) {
		error = bad_request(reply, "the body is not a JSON object");
		error = error ? error : -EACCES;
		goto out;
	}
	const char *fault = wish_fault(body, wish);
	if (fault) {
		error = bad_request(reply, fault);
		error = error ? error : -EACCES;
		goto out;
	}
	snprintf(wish->stream, sizeof(wish->stream), "%s", request->rest);
	snprintf(wish->client, sizeof(wish->client), "%s", client);
	error = take_acknowledgements(fed, wish->stream, body);
out:
	json_decref(body);
	json_decref(stream);
	free(client);
	return error;
}

/* What there is to hand out now; nothing while the stream is not enabled. */
static int collect(struct fed *fed, struct fed_reply *reply, const struct wish *wish, json_t **ret_sets, bool *ret_more)
{
	json_t *stream = NULL;
	int error = check_stream(fed, reply, wish->client, wish->stream, &stream);
	if (error)
		return error;
	bool enabled = strcmp(fed_text(stream, "status"), "enabled") == 0 && !fed->misbehaviour.hold_events;
	json_decref(stream);
	if (enabled)
		return fed_events_collect(fed, wish->stream, wish->client, wish->max, ret_sets, ret_more);
	*ret_sets = json_object();
	*ret_more = false;
	return *ret_sets ? 0 : -ENOMEM;
}

static int answer(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct wish *wish)
{
	json_t *sets = NULL;
	bool more = false;
	int error = collect(fed, reply, wish, &sets, &more);
	if (error)
		return error;
	/* maxEvents 0 only acknowledges: no event can ever end the wait, so there is none. */
	bool ready = json_object_size(sets) > 0 || wish->immediately || wish->max == 0 || request->timed_out || request->stopping;
	if (!ready) {
		json_decref(sets);
		snprintf(request->topic, sizeof(request->topic), "%s", wish->stream);
		if (request->wait_until_ms == 0)
			request->wait_until_ms = (int64_t)(b2b_now_ns() / 1000000 + HOLD_MS + TOGETHER_MS - 1) / TOGETHER_MS * TOGETHER_MS;
		return FED_WAIT;
	}
	json_t *body = json_pack("{so}", "sets", sets);
	if (body && more)
		json_object_set_new(body, "moreAvailable", json_true());
	error = fed_reply_header(reply, "Cache-Control", "no-store");
	if (error) {
		json_decref(body);
		return error;
	}
	return fed_reply_json(reply, 200, body);
}

static int poll_endpoint(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	int error = 0;
	if (!request->memory) {
		struct wish *wish = calloc(1, sizeof(*wish));
		if (!wish)
			return -ENOMEM;
		request->memory = wish;
		error = first_call(fed, request, reply, wish);
	}
	if (!error)
		error = answer(fed, request, reply, request->memory);
	return error == -EACCES ? 0 : error;
}

const struct fed_route fed_poll_routes[] = {
	{ "POST", "/ssf/poll/", "poll", poll_endpoint },
	{ NULL, NULL, NULL, NULL },
};
