/* Client-initiated backchannel authentication, OpenID CIBA Core 1.0 section 7: a host has a person asked on their own device. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/federation/device.h"
#include "tests/federation/directory.h"
#include "tests/federation/sql.h"
#include "tests/federation/text.h"

#define MESSAGE_MAX 20 /* as strict services have it */
#define LONG_MESSAGE_MAX 1023

static bool message_fits(const struct fed *fed, const char *message)
{
	size_t len = strlen(message), i;
	if (fed->long_messages) {
		for (i = 0; i < len && message[i] >= ' ' && message[i] <= '~'; i++)
			;
		return len > 0 && i == len && len <= LONG_MESSAGE_MAX;
	}
	return len > 0 && len <= MESSAGE_MAX &&
	       strspn(message, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._+/!?#") == len;
}

/* Seconds, or the service's own; -EINVAL. */
static int read_expiry(const struct fed *fed, const char *text, int64_t *ret_seconds)
{
	char *end;
	*ret_seconds = fed->device_lifetime_s;
	if (!text)
		return 0;
	long long seconds = strtoll(text, &end, 10);
	if (*end || seconds < 1)
		return -EINVAL;
	if (seconds < *ret_seconds)
		*ret_seconds = seconds;
	return 0;
}

/* Automation has no device to be asked on. */
static int find_asked(struct fed *fed, const char *hint, json_t **ret_person)
{
	bool stands = false;
	json_t *person = NULL;
	int error = fed_person_named(fed, hint, &person);
	if (!error)
		error = fed_person_stands(fed, person, &stands);
	if (!error && (!stands || strcmp(fed_text(person, "kind"), "person") != 0))
		error = -ENOENT;
	if (error)
		json_decref(person);
	else
		*ret_person = person;
	return error;
}

static int reply_begun(const struct fed *fed, struct fed_reply *reply, const char *secret, int64_t lifetime_s)
{
	int error = fed_reply_header(reply, "Cache-Control", "no-store");
	return error ? error : fed_reply_json(reply, 200, json_pack("{ss,sI,sI}", "auth_req_id", secret, "expires_in", (json_int_t)lifetime_s,
								    "interval", (json_int_t)fed->device_interval_s));
}

static const char *fault(const struct fed *fed, const struct fed_request *request, const struct fed_client *client, int64_t *ret_lifetime,
			 const char **ret_description)
{
	const char *scope = fed_form(request, "scope"), *message = fed_form(request, "binding_message");
	*ret_description = "login_hint, and no other hint, says who is asked";
	if (!fed_form(request, "login_hint") || fed_form(request, "id_token_hint") || fed_form(request, "login_hint_token"))
		return "invalid_request";
	*ret_description = "requested_expiry is no number of seconds";
	if (read_expiry(fed, fed_form(request, "requested_expiry"), ret_lifetime) != 0)
		return "invalid_request";
	*ret_description = "scope holds openid, and no more than this client may have";
	if (!scope || !fed_scope_has(scope, "openid") || !fed_scope_within(scope, client->scopes))
		return "invalid_scope";
	*ret_description = fed->long_messages ? "at most 1023 printable characters" : "at most 20 letters, digits and -._+/!?#";
	return message && !message_fits(fed, message) ? "invalid_binding_message" : NULL;
}

/* A client that registered itself has the grants that it asked for. */
static int may_ask(struct fed *fed, const struct fed_client *client, bool *ret_may)
{
	json_t *rows = NULL;
	int error = fed_sql(fed->db, "SELECT 1 FROM registrations WHERE id = ?1 AND NOT EXISTS "
				     "(SELECT 1 FROM json_each(metadata, '$.grant_types') WHERE value = 'urn:openid:params:grant-type:ciba')",
			    json_pack("[s]", client->id), &rows);
	*ret_may = json_array_size(rows) == 0;
	json_decref(rows);
	return error;
}

static int bc_authorize(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	const struct fed_client *client = NULL;
	const char *why = NULL, *wrong;
	struct fed_device_order order = { 0 };
	char user_code[FED_USER_CODE_SIZE], *secret = NULL;
	json_t *person = NULL;
	bool may = false;
	int error = fed_client_authenticate(fed, request, &client, &why);
	if (error == -EACCES)
		return fed_reply_oauth_error(reply, 401, "invalid_client", why);
	if (!error)
		error = may_ask(fed, client, &may);
	if (error)
		return error;
	if (!may)
		return fed_reply_oauth_error(reply, 400, "unauthorized_client", "this client has not registered the grant");
	wrong = fault(fed, request, client, &order.lifetime_s, &why);
	if (wrong)
		return fed_reply_oauth_error(reply, 400, wrong, why);
	error = find_asked(fed, fed_form(request, "login_hint"), &person);
	if (error == -ENOENT)
		return fed_reply_oauth_error(reply, 400, "unknown_user_id", "nobody who can be asked");
	order.client = client->id;
	order.scope = fed_form(request, "scope");
	order.asked = fed_text(person, "id");
	if (!error)
		error = fed_device_new(fed, request, &order, &secret, user_code);
	if (!error)
		error = reply_begun(fed, reply, secret, order.lifetime_s);
	json_decref(person);
	free(secret);
	return error;
}

const struct fed_route fed_ciba_routes[] = {
	{ "POST", "/bc-authorize", "ciba", bc_authorize },
	{ NULL, NULL, NULL, NULL },
};
