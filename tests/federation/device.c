/* The device grant's first half, RFC 8628 section 3.1: a host asks for a pair of codes. */
#include "tests/federation/device.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/federation/http.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"
#include "tests/federation/tokens.h"

/* RFC 8628 section 6.1: no vowels, nothing that is read as something else. */
static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";

static int make_user_code(char *buf)
{
	unsigned char random[FED_USER_CODE_SIZE];
	size_t n = 0;
	while (n < 9) {
		if (RAND_bytes(random, sizeof(random)) != 1)
			return -EIO;
		for (size_t i = 0; i < sizeof(random) && n < 9; i++) {
			if (n == 4)
				buf[n++] = '-';
			if (random[i] < 240) /* a multiple of 20: no letter is likelier */
				buf[n++] = letters[random[i] % 20];
		}
	}
	buf[n] = '\0';
	return 0;
}

int fed_user_code_fold(const char *typed, char *buf)
{
	size_t n = 0;
	for (; *typed; typed++) {
		char c = *typed >= 'a' && *typed <= 'z' ? (char)(*typed - 'a' + 'A') : *typed;
		if (c == '-' || c == ' ')
			continue;
		if (!strchr(letters, c) || n >= 9)
			return -EINVAL;
		if (n == 4)
			buf[n++] = '-';
		buf[n++] = c;
	}
	buf[n] = '\0';
	return n == 9 ? 0 : -EINVAL;
}

int fed_device_find(struct fed *fed, const char *typed, json_t **ret_device)
{
	char code[FED_USER_CODE_SIZE];
	if (fed_user_code_fold(typed, code) != 0)
		return -ENOENT;
	return fed_sql_row(fed->db, "SELECT * FROM devices WHERE user_code = ?1 AND state = 'pending' AND expires > ?2",
			   json_pack("[s,I]", code, (json_int_t)b2b_wall_s()), ret_device);
}

int fed_device_find_message(struct fed *fed, const char *message, json_t **ret_device)
{
	return fed_sql_row(fed->db,
			   "SELECT * FROM devices WHERE binding_message = ?1 AND asked IS NOT NULL AND state = 'pending' AND expires > ?2"
			   " ORDER BY created DESC LIMIT 1",
			   json_pack("[s,I]", message, (json_int_t)b2b_wall_s()), ret_device);
}

int fed_device_asked(struct fed *fed, const char *person, json_t **ret_rows)
{
	return fed_sql(fed->db, "SELECT * FROM devices WHERE asked = ?1 AND state = 'pending' AND expires > ?2 ORDER BY created DESC, rowid DESC",
		       json_pack("[s,I]", person, (json_int_t)b2b_wall_s()), ret_rows);
}

int fed_device_approve(struct fed *fed, const char *user_code, const json_t *person, const char *acr, const json_t *amr, int64_t auth_time)
{
	return fed_sql(fed->db, "UPDATE devices SET state = 'approved', person = ?1, acr = ?2, amr = ?3, auth_time = ?4 WHERE user_code = ?5",
		       json_pack("[s,s,O,I,s]", fed_text(person, "id"), acr ? acr : fed_text(person, "acr"),
				 amr ? amr : json_object_get(person, "amr"), (json_int_t)auth_time, user_code),
		       NULL);
}

int fed_device_deny(struct fed *fed, const char *user_code)
{
	return fed_sql(fed->db, "UPDATE devices SET state = 'denied' WHERE user_code = ?1", json_pack("[s]", user_code), NULL);
}

static int store(struct fed *fed, const struct fed_request *request, const struct fed_device_order *order, const char *secret, const char *user_code)
{
	char hash[FED_SHA256_HEX], peer[64];
	int64_t now = b2b_wall_s();
	int error = fed_sha256_hex(secret, hash);
	if (!error) /* keep the dead a while, so that a late poll hears expired_token */
		error = fed_sql(fed->db, "DELETE FROM devices WHERE expires < ?1", json_pack("[I]", (json_int_t)(now - 3600)), NULL);
	if (!error)
		error = fed_sql(fed->db,
				"INSERT INTO devices(hash, user_code, client, scope, asked, state, peer, login_hint, binding_message, interval_ms, created, expires)"
				" VALUES(?1, ?2, ?3, ?4, ?5, 'pending', ?6, ?7, ?8, ?9, ?10, ?11)",
				json_pack("[s,s,s,s,s?,s,s?,s?,I,I,I]", hash, user_code, order->client, order->scope, order->asked,
					  fed_peer(request, peer, sizeof(peer)), fed_form(request, "login_hint"), fed_form(request, "binding_message"),
					  (json_int_t)(fed->device_interval_s * 1000), (json_int_t)now, (json_int_t)(now + order->lifetime_s)),
				NULL);
	return error;
}

int fed_device_new(struct fed *fed, const struct fed_request *request, const struct fed_device_order *order, char **ret_secret, char *user_code)
{
	char *secret = fed_random_text(32);
	int error = secret ? make_user_code(user_code) : -ENOMEM;
	if (!error)
		error = store(fed, request, order, secret, user_code);
	if (error) {
		free(secret);
		return error;
	}
	fed_secret(fed, secret);
	*ret_secret = secret;
	return 0;
}

static int reply_codes(const struct fed *fed, struct fed_reply *reply, const char *device_code, const char *user_code)
{
	char *uri = NULL, *complete = NULL;
	int error = -ENOMEM;
	if (asprintf(&uri, "%s/device", fed->issuer) < 0)
		uri = NULL;
	if (uri && asprintf(&complete, "%s?user_code=%s", uri, user_code) < 0)
		complete = NULL;
	if (complete && fed_reply_header(reply, "Cache-Control", "no-store") == 0)
		error = fed_reply_json(reply, 200,
				       json_pack("{ss,ss,ss,ss,sI,sI}", "device_code", device_code, "user_code", user_code, "verification_uri", uri,
						 "verification_uri_complete", complete, "expires_in", (json_int_t)fed->device_lifetime_s, "interval",
						 (json_int_t)fed->device_interval_s));
	free(uri);
	free(complete);
	return error;
}

static int device_authorization(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	const struct fed_client *client = NULL;
	const char *why = NULL, *scope = fed_form(request, "scope");
	char user_code[FED_USER_CODE_SIZE];
	int error = fed_client_authenticate(fed, request, &client, &why);
	if (error == -EACCES)
		return fed_reply_oauth_error(reply, 401, "invalid_client", why);
	if (error)
		return error;
	if (!scope)
		scope = "openid";
	if (!fed_scope_within(scope, client->scopes))
		return fed_reply_oauth_error(reply, 400, "invalid_scope", "not within what this client may have");
	const struct fed_device_order order = { .client = client->id, .scope = scope, .lifetime_s = fed->device_lifetime_s };
	char *device_code = NULL;
	error = fed_device_new(fed, request, &order, &device_code, user_code);
	if (!error)
		error = reply_codes(fed, reply, device_code, user_code);
	free(device_code);
	return error;
}

const struct fed_route fed_device_routes[] = {
	{ "POST", "/device_authorization", "device", device_authorization },
	{ NULL, NULL, NULL, NULL },
};
