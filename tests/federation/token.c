/* The token endpoint: device code (RFC 8628 section 3.4), CIBA (Core section 10.1), client credentials and refresh (RFC 6749 sections 4.4, 6). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/federation/directory.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"
#include "tests/federation/tokens.h"

#define SLOW_DOWN_MS 5000
#define JITTER_MS 200 /* a poll that is early by no more than the network's wobble is in time */

/* The answer; ID_TOKEN and REFRESH_TOKEN may be NULL. */
static int reply_tokens(struct fed *fed, struct fed_reply *reply, const char *scope, const char *access, const char *id_token, const char *refresh)
{
	json_t *body = json_pack("{ss,ss,sI,ss}", "access_token", access, "token_type", "Bearer", "expires_in", (json_int_t)fed->access_token_s, "scope",
				 scope);
	if (body && id_token)
		json_object_set_new(body, "id_token", json_string(id_token));
	if (body && refresh)
		json_object_set_new(body, "refresh_token", json_string(refresh));
	if (fed_reply_header(reply, "Cache-Control", "no-store") != 0) {
		json_decref(body);
		return -ENOMEM;
	}
	return fed_reply_json(reply, 200, body);
}

static int issue(struct fed *fed, struct fed_reply *reply, const struct fed_grant *grant, bool refreshable)
{
	char *access = NULL, *refresh = NULL, *id_token = NULL;
	int error = fed_token_new(fed, "access", grant, fed->access_token_s, &access);
	if (!error && refreshable)
		error = fed_token_new(fed, "refresh", grant, fed->refresh_token_s, &refresh);
	if (!error && grant->person && fed_scope_has(grant->scope, "openid"))
		error = fed_id_token(fed, grant, &id_token);
	if (!error)
		error = reply_tokens(fed, reply, grant->scope, access, id_token, refresh);
	free(access);
	free(refresh);
	free(id_token);
	return error;
}

static int client_credentials(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_client *client)
{
	const char *scope = fed_form(request, "scope");
	if (!scope || !*scope)
		scope = "directory ssf";
	if (!fed_scope_within(scope, client->scopes) || fed_scope_has(scope, "openid"))
		return fed_reply_oauth_error(reply, 400, "invalid_scope", "not within what this client may have by itself");
	struct fed_grant grant = { .client = client->id, .scope = scope };
	return issue(fed, reply, &grant, false);
}

/* --- device code --- */

/* Was this poll early? Then the interval grows for good (RFC 8628 section 3.5). */
static int note_poll(struct fed *fed, const json_t *device, bool *ret_early)
{
	int64_t now = (int64_t)(b2b_now_ns() / 1000000), interval = fed_int(device, "interval_ms"), polled = fed_int(device, "polled_ms");
	*ret_early = polled > 0 && now >= polled && now - polled < interval - JITTER_MS;
	return fed_sql(fed->db, "UPDATE devices SET polled_ms = ?1, interval_ms = ?2 WHERE hash = ?3",
		       json_pack("[I,I,s]", (json_int_t)now, (json_int_t)(interval + (*ret_early ? SLOW_DOWN_MS : 0)), fed_text(device, "hash")), NULL);
}

/* Approved: tokens, once, if the person still stands. */
static int redeem(struct fed *fed, struct fed_reply *reply, const json_t *device)
{
	json_t *person = NULL;
	bool stands = false;
	char *sid = fed_random_text(12);
	int error = sid ? fed_person_get(fed, fed_text(device, "person"), &person) : -ENOMEM;
	if (!error)
		error = fed_person_stands(fed, person, &stands);
	if (!error)
		error = fed_sql(fed->db, "UPDATE devices SET state = 'used' WHERE hash = ?1", json_pack("[s]", fed_text(device, "hash")), NULL);
	if (!error && !stands) {
		error = fed_reply_oauth_error(reply, 400, "access_denied", "the person may no longer log in");
	} else if (!error) {
		struct fed_grant grant = { .client = fed_text(device, "client"),
					   .scope = fed_text(device, "scope"),
					   .person = fed_text(device, "person"),
					   .sid = sid,
					   .acr = fed_text(device, "acr"),
					   .amr = json_object_get(device, "amr"),
					   .auth_time = fed_int(device, "auth_time") };
		error = issue(fed, reply, &grant, true);
	}
	json_decref(person);
	free(sid);
	return error;
}

static int answer_device(struct fed *fed, struct fed_reply *reply, const json_t *device)
{
	const char *state = fed_text(device, "state");
	bool early = false;
	if (strcmp(state, "used") == 0)
		return fed_reply_oauth_error(reply, 400, "invalid_grant", "the device code was used before");
	if (fed_int(device, "expires") <= b2b_wall_s())
		return fed_reply_oauth_error(reply, 400, "expired_token", "nobody approved in time");
	int error = note_poll(fed, device, &early);
	if (error)
		return error;
	if (strcmp(state, "denied") == 0)
		return fed_reply_oauth_error(reply, 400, "access_denied", "the person said no");
	if (early)
		return fed_reply_oauth_error(reply, 400, "slow_down", "polled before the interval was over; it is 5 s longer now");
	if (strcmp(state, "approved") == 0)
		return redeem(fed, reply, device);
	return fed_reply_oauth_error(reply, 400, "authorization_pending", "nobody has approved yet");
}

/* Of the device grant, or with CIBA of a request to somebody's approval device: PARAMETER says by what it is polled for. */
static int answer_poll(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_client *client, const char *parameter,
		       bool ciba)
{
	const char *code = fed_form(request, parameter);
	char hash[FED_SHA256_HEX];
	json_t *device = NULL;
	if (!code)
		return fed_reply_oauth_error(reply, 400, "invalid_request", "what names the log-in is missing");
	int error = fed_sha256_hex(code, hash);
	if (!error)
		error = fed_sql_row(fed->db, "SELECT *, amr AS amr_json FROM devices WHERE hash = ?1", json_pack("[s]", hash), &device);
	if (error == -ENOENT || (!error && (strcmp(fed_text(device, "client"), client->id) != 0 || ciba != (fed_text(device, "asked") != NULL)))) {
		json_decref(device);
		return fed_reply_oauth_error(reply, 400, "invalid_grant", "no such log-in of this client");
	}
	if (!error)
		error = answer_device(fed, reply, device);
	json_decref(device);
	return error;
}

static int device_code(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_client *client)
{
	return answer_poll(fed, request, reply, client, "device_code", false);
}

static int ciba(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_client *client)
{
	return answer_poll(fed, request, reply, client, "auth_req_id", true);
}

/* --- refresh --- */

/* Tokens rotate: the former is void, and its reuse is refused. acr and auth_time stay what they were (RFC 9470). */
static int refresh_token(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_client *client)
{
	const char *token = fed_form(request, "refresh_token"), *scope = fed_form(request, "scope");
	json_t *row = NULL;
	int error = token ? fed_token_find(fed, token, &row) : -ENOENT;
	if (error && error != -ENOENT)
		return error;
	if (error || strcmp(fed_text(row, "kind"), "refresh") != 0 || strcmp(fed_text(row, "client"), client->id) != 0) {
		json_decref(row);
		return fed_reply_oauth_error(reply, 400, "invalid_grant", "no such refresh token of this client, or it is void");
	}
	if (scope && !fed_scope_within(scope, fed_text(row, "scope"))) {
		json_decref(row);
		return fed_reply_oauth_error(reply, 400, "invalid_scope", "more than was granted");
	}
	struct fed_grant grant = { .client = client->id,
				   .scope = scope ? scope : fed_text(row, "scope"),
				   .person = fed_text(row, "person"),
				   .sid = fed_text(row, "sid"),
				   .acr = fed_text(row, "acr"),
				   .amr = json_object_get(row, "amr"),
				   .auth_time = fed_int(row, "auth_time") };
	error = fed_sql(fed->db, "UPDATE tokens SET revoked = 1 WHERE hash = ?1", json_pack("[s]", fed_text(row, "hash")), NULL);
	if (!error)
		error = issue(fed, reply, &grant, true);
	json_decref(row);
	return error;
}

/* --- the endpoint; further grants (token exchange) are further lines --- */

static const struct {
	const char *type;
	int (*handle)(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_client *client);
} grants[] = {
	{ "urn:ietf:params:oauth:grant-type:device_code", device_code },
	{ "urn:openid:params:grant-type:ciba", ciba },
	{ "client_credentials", client_credentials },
	{ "refresh_token", refresh_token },
};

static int dispatch(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_client *client)
{
	const char *type = fed_form(request, "grant_type");
	if (!type)
		return fed_reply_oauth_error(reply, 400, "invalid_request", "grant_type is missing");
	for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++)
		if (strcmp(type, grants[i].type) == 0)
			return grants[i].handle(fed, request, reply, client);
	return fed_reply_oauth_error(reply, 400, "unsupported_grant_type", "not one of grant_types_supported");
}

static int token(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	const struct fed_client *client = NULL;
	const char *why = NULL;
	int error = fed_client_authenticate(fed, request, &client, &why);
	if (error == -EACCES)
		return fed_reply_oauth_error(reply, 401, "invalid_client", why);
	if (error)
		return error;
	error = fed_store_begin(fed);
	return error ? error : fed_store_end(fed, dispatch(fed, request, reply, client), NULL);
}

const struct fed_route fed_token_routes[] = {
	{ "POST", "/token", "token", token },
	{ NULL, NULL, NULL, NULL },
};
