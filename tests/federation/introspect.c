/* Introspection (RFC 7662) and revocation (RFC 7009). */
#include <errno.h>
#include <string.h>

#include "tests/federation/directory.h"
#include "tests/federation/sql.h"
#include "tests/federation/tokens.h"

static json_t *about_person(const json_t *row, const json_t *person)
{
	return json_pack("{ss,ss,ss,sO,sI,ss,s{s{ss}}}", "sub", fed_text(person, "id"), "username", fed_text(person, "user_name"), "acr",
			 fed_text(row, "acr"), "amr", json_object_get(row, "amr"), "auth_time", (json_int_t)fed_int(row, "auth_time"), "sid",
			 fed_text(row, "sid"), "organization", fed_text(person, "alias"), "id", fed_text(person, "organisation"));
}

static int describe(struct fed *fed, const json_t *row, json_t **ret_body)
{
	json_t *person = NULL, *more = NULL;
	json_t *body = json_pack("{sb,ss,ss,ss,sI,sI,ss,ss,ss}", "active", 1, "scope", fed_text(row, "scope"), "client_id", fed_text(row, "client"),
				 "token_type", strcmp(fed_text(row, "kind"), "access") == 0 ? "Bearer" : "refresh_token", "exp",
				 (json_int_t)fed_int(row, "expires"), "iat", (json_int_t)fed_int(row, "issued"), "iss", fed->issuer, "sub",
				 fed_text(row, "client"), "aud", fed_text(row, "client"));
	int error = body ? 0 : -ENOMEM;
	if (!error && fed_text(row, "person")) {
		error = fed_person_get(fed, fed_text(row, "person"), &person);
		more = error ? NULL : about_person(row, person);
		if (!error)
			error = more && json_object_update(body, more) == 0 ? 0 : -ENOMEM;
	}
	json_decref(person);
	json_decref(more);
	if (error)
		json_decref(body);
	else
		*ret_body = body;
	return error;
}

static int introspect(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	const struct fed_client *client = NULL;
	const char *why = NULL, *token = fed_form(request, "token");
	json_t *row = NULL, *body = NULL;
	int error = fed_client_authenticate(fed, request, &client, &why);
	if (error == -EACCES)
		return fed_reply_oauth_error(reply, 401, "invalid_client", why);
	if (error)
		return error;
	if (!token)
		return fed_reply_oauth_error(reply, 400, "invalid_request", "token is missing");
	error = fed_token_find(fed, token, &row);
	if (!error && strcmp(fed_text(row, "client"), client->id) != 0)
		error = -ENOENT; /* what another host holds is none of this one's business */
	if (!error)
		error = describe(fed, row, &body);
	json_decref(row);
	if (error == -ENOENT) {
		body = json_pack("{sb}", "active", 0);
		error = 0;
	}
	if (!error)
		error = fed_reply_header(reply, "Cache-Control", "no-store");
	if (error) {
		json_decref(body);
		return error;
	}
	return fed_reply_json(reply, 200, body);
}

static int revoke(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	const struct fed_client *client = NULL;
	const char *why = NULL, *token = fed_form(request, "token");
	int error = fed_client_authenticate(fed, request, &client, &why);
	if (error == -EACCES)
		return fed_reply_oauth_error(reply, 401, "invalid_client", why);
	if (error)
		return error;
	if (!token)
		return fed_reply_oauth_error(reply, 400, "invalid_request", "token is missing");
	error = fed_token_revoke(fed, token, client->id);
	return error ? error : fed_reply_empty(reply, 200);
}

const struct fed_route fed_introspect_routes[] = {
	{ "POST", "/introspect", "introspect", introspect },
	{ "POST", "/revoke", "revoke", revoke },
	{ NULL, NULL, NULL, NULL },
};
