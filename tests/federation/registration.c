/*
 * Hosts that register themselves: RFC 7591 with an initial access token, and RFC 7592 to look at, change and delete what was
 * registered. Open only where --registration-token-file says who may.
 */
#include "tests/federation/registration.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/federation/http.h"
#include "tests/federation/jwk.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"

#define KEY_JWT "private_key_jwt"

/* What of METADATA is not taken; NULL: nothing. */
static const char *metadata_fault(const struct fed *fed, const json_t *metadata)
{
	static const char *const grants[] = { "urn:ietf:params:oauth:grant-type:device_code", "client_credentials", "refresh_token",
					      "urn:openid:params:grant-type:ciba" };
	const json_t *uris = json_object_get(metadata, "redirect_uris"), *wanted = json_object_get(metadata, "grant_types"), *one;
	const char *method = fed_text(metadata, "token_endpoint_auth_method"), *name = fed_text(metadata, "client_name");
	const char *scope = fed_text(metadata, "scope");
	size_t i, known;
	if (json_array_size(uris) > 0)
		return "redirect_uris: hosts have none";
	if (!name || !*name)
		return "client_name is missing";
	json_array_foreach (wanted, i, one) {
		const char *grant = json_string_value(one);
		for (known = 0; grant && known < sizeof(grants) / sizeof(grants[0]) && strcmp(grant, grants[known]) != 0; known++)
			;
		if (!grant || known == sizeof(grants) / sizeof(grants[0]))
			return "grant_types holds one that this service does not have";
	}
	if (scope && !fed_scope_within(scope, FED_CLIENT_SCOPES))
		return "scope is more than a host may have";
	if (!method || (strcmp(method, KEY_JWT) != 0 && strncmp(method, "client_secret_", 14) != 0 &&
			(strcmp(method, "self_signed_tls_client_auth") != 0 || !fed->mtls_url)))
		return "token_endpoint_auth_method is none that this service has";
	return NULL;
}

/* RFC 8705 section 2.2.2: the certificate is the first of the key's x5c. */
static X509 *certificate_of(const json_t *jwk)
{
	const char *text = json_string_value(json_array_get(json_object_get(jwk, "x5c"), 0));
	char *pem = NULL;
	if (!text || asprintf(&pem, "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n", text) < 0)
		return NULL;
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	free(pem);
	return certificate;
}

/* Give CLIENT what METADATA says it proves itself with. 0, -EINVAL when that is not there, or -ENOMEM. */
static int equip(struct fed_client *client, const json_t *metadata, const char *secret)
{
	const char *method = fed_text(metadata, "token_endpoint_auth_method");
	const json_t *keys = json_object_get(json_object_get(metadata, "jwks"), "keys"), *jwk;
	size_t i;
	fed_client_forget_proofs(client);
	if (strncmp(method, "client_secret_", 14) == 0) {
		client->secret = secret ? strdup(secret) : NULL;
		return client->secret ? 0 : -ENOMEM;
	}
	json_array_foreach (keys, i, jwk) {
		EVP_PKEY *pkey = strcmp(method, KEY_JWT) == 0 && client->n_keys < FED_CLIENT_KEYS_MAX ? fed_jwk_read(jwk) : NULL;
		if (pkey)
			client->keys[client->n_keys++] = pkey;
		else if (strcmp(method, KEY_JWT) != 0 && !client->certificate)
			client->certificate = certificate_of(jwk);
	}
	return client->n_keys == json_array_size(keys) && client->n_keys > 0 ? 0 : client->certificate ? 0 : -EINVAL;
}

/* --- the answer --- */

/* What was asked for is what is answered, and what the service adds; lies of misbehaviour on top. */
static int reply_client(struct fed *fed, struct fed_reply *reply, unsigned status, const char *id, const json_t *metadata, const char *secret,
			const char *token)
{
	json_t *body = json_deep_copy(metadata);
	json_t *more = json_pack("{ss,so,sI}", "client_id", id, "registration_client_uri", json_sprintf("%s/register/%s", fed->issuer, id),
				 "client_id_issued_at", (json_int_t)b2b_wall_s());
	int error = body && more && json_object_update(body, more) == 0 ? 0 : -ENOMEM;
	if (!error && secret)
		error = json_object_set_new(body, "client_secret", json_string(secret)) | json_object_set_new(body, "client_secret_expires_at", json_integer(0));
	if (!error && token)
		error = json_object_set_new(body, "registration_access_token", json_string(token));
	if (!error && fed->misbehaviour.registration)
		error = json_object_update(body, fed->misbehaviour.registration);
	if (!error)
		error = fed_reply_header(reply, "Cache-Control", "no-store");
	json_decref(more);
	if (error) {
		json_decref(body);
		return -ENOMEM;
	}
	return fed_reply_json(reply, status, body);
}

static int refuse_metadata(struct fed_reply *reply, const char *why)
{
	return fed_reply_oauth_error(reply, 400, "invalid_client_metadata", why);
}

static int refuse_token(struct fed_reply *reply)
{
	int error = fed_reply_header(reply, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
	return error ? error : fed_reply_oauth_error(reply, 401, "invalid_token", "this token opens nothing here");
}

/* --- registering, RFC 7591 --- */

static int store(struct fed *fed, const char *id, const json_t *metadata, const char *secret, const char *token)
{
	char hash[FED_SHA256_HEX];
	int error = fed_sha256_hex(token, hash);
	return error ? error : fed_sql(fed->db, "INSERT INTO registrations(id, metadata, secret, token) VALUES(?1, ?2, ?3, ?4)",
				       json_pack("[s,O,s?,s]", id, metadata, secret, hash), NULL);
}

static int enrol(struct fed *fed, struct fed_reply *reply, const json_t *metadata)
{
	const char *method = fed_text(metadata, "token_endpoint_auth_method");
	char *random = fed_random_text(9), *token = fed_random_text(24), *id = NULL;
	char *secret = strncmp(method, "client_secret_", 14) == 0 ? fed_random_text(24) : NULL;
	struct fed_client *client = NULL;
	int error = random && token && asprintf(&id, "host-%s", random) > 0 ? 0 : -ENOMEM;
	if (!error)
		error = (client = fed_clients_add(fed->clients, id)) ? equip(client, metadata, secret) : -ENOMEM;
	if (!error)
		error = store(fed, id, metadata, secret, token);
	if (error && client)
		fed_clients_remove(fed->clients, id);
	if (error == -EINVAL)
		error = refuse_metadata(reply, "jwks has no key or certificate that this service can use");
	else if (!error)
		error = reply_client(fed, reply, 201, id, metadata, secret, token);
	free(random);
	free(token);
	free(secret);
	free(id);
	return error;
}

static int on_register(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	const char *token = fed_bearer(request), *fault;
	json_t *metadata = NULL;
	if (!fed->registration_token)
		return fed_reply_oauth_error(reply, 404, "invalid_request", "nothing is here");
	if (!token || !fed_same_secret(fed->registration_token, token))
		return refuse_token(reply);
	if (fed_body_json(request, &metadata) != 0)
		return refuse_metadata(reply, "the body is not a JSON object");
	fault = metadata_fault(fed, metadata);
	int error = fault ? refuse_metadata(reply, fault) : enrol(fed, reply, metadata);
	json_decref(metadata);
	return error;
}

/* --- what was registered, RFC 7592 --- */

/* The client that the request's path names and its token opens; *ret_row NULL: refused, and the reply is made. */
static int find(struct fed *fed, const struct fed_request *request, struct fed_reply *reply, json_t **ret_row)
{
	const char *token = fed_bearer(request);
	char hash[FED_SHA256_HEX];
	json_t *row = NULL;
	int error = token ? fed_sha256_hex(token, hash) : -ENOENT;
	if (!error)
		error = fed_sql_row(fed->db, "SELECT id, metadata AS metadata_json, secret FROM registrations WHERE id = ?1 AND token = ?2",
				    json_pack("[s,s]", request->rest, hash), &row);
	if (error == -ENOENT)
		return refuse_token(reply);
	if (!error)
		*ret_row = row;
	return error;
}

static int on_read(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	json_t *row = NULL;
	int error = find(fed, request, reply, &row);
	if (!error && row)
		error = reply_client(fed, reply, 200, fed_text(row, "id"), json_object_get(row, "metadata"), fed_text(row, "secret"), fed_bearer(request));
	json_decref(row);
	return error;
}

/* Section 2.2: all of the metadata, and none of what only the service says. */
static const char *update_fault(const struct fed *fed, const json_t *row, const json_t *metadata)
{
	static const char *const forbidden[] = { "registration_access_token", "registration_client_uri", "client_secret_expires_at",
						 "client_id_issued_at" };
	const char *id = fed_text(metadata, "client_id"), *secret = fed_text(metadata, "client_secret");
	if (!id || strcmp(id, fed_text(row, "id")) != 0)
		return "client_id is not this client's";
	if (secret && (!fed_text(row, "secret") || strcmp(secret, fed_text(row, "secret")) != 0))
		return "client_secret is not this client's";
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (json_object_get(metadata, forbidden[i]))
			return "the service alone says when and where a client is registered";
	return metadata_fault(fed, metadata);
}

/* The token that opens it changes with every update (section 2.2 allows it): a host that does not keep it is found out. */
static int change(struct fed *fed, struct fed_reply *reply, const json_t *row, json_t *metadata)
{
	const char *id = fed_text(row, "id");
	char hash[FED_SHA256_HEX], *token = fed_random_text(24);
	struct fed_client *client = fed_clients_add(fed->clients, id);
	json_object_del(metadata, "client_id");
	json_object_del(metadata, "client_secret");
	int error = client && token ? equip(client, metadata, fed_text(row, "secret")) : -ENOMEM;
	if (error == -EINVAL) {
		equip(client, json_object_get(row, "metadata"), fed_text(row, "secret"));
		free(token);
		return refuse_metadata(reply, "jwks has no key or certificate that this service can use");
	}
	if (!error)
		error = fed_sha256_hex(token, hash);
	if (!error)
		error = fed_sql(fed->db, "UPDATE registrations SET metadata = ?1, token = ?2 WHERE id = ?3", json_pack("[O,s,s]", metadata, hash, id), NULL);
	if (!error)
		error = reply_client(fed, reply, 200, id, metadata, fed_text(row, "secret"), token);
	free(token);
	return error;
}

static int on_update(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	json_t *row = NULL, *metadata = NULL;
	int error = find(fed, request, reply, &row);
	if (error || !row)
		return error;
	if (fed_body_json(request, &metadata) != 0) {
		json_decref(row);
		return refuse_metadata(reply, "the body is not a JSON object");
	}
	const char *fault = update_fault(fed, row, metadata);
	error = fault ? refuse_metadata(reply, fault) : change(fed, reply, row, metadata);
	json_decref(row);
	json_decref(metadata);
	return error;
}

/* With all that it was given: tokens end, its stream is gone. */
static int on_delete(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	static const char *const orders[] = { "DELETE FROM registrations WHERE id = ?1", "DELETE FROM tokens WHERE client = ?1",
					      "DELETE FROM streams WHERE client = ?1" };
	json_t *row = NULL;
	int error = find(fed, request, reply, &row);
	if (error || !row)
		return error;
	error = fed_store_begin(fed);
	for (size_t i = 0; !error && i < sizeof(orders) / sizeof(orders[0]); i++)
		error = fed_sql(fed->db, orders[i], json_pack("[s]", fed_text(row, "id")), NULL);
	error = fed_store_end(fed, error, NULL);
	if (!error) {
		fed_clients_remove(fed->clients, fed_text(row, "id"));
		error = fed_reply_empty(reply, 204);
	}
	json_decref(row);
	return error;
}

int fed_registrations_read(struct fed *fed)
{
	json_t *rows = NULL, *row;
	size_t i;
	int error = fed_sql(fed->db, "SELECT id, metadata AS metadata_json, secret FROM registrations", json_array(), &rows);
	json_array_foreach (rows, i, row) {
		struct fed_client *client = fed_clients_add(fed->clients, fed_text(row, "id"));
		if (!error)
			error = client ? equip(client, json_object_get(row, "metadata"), fed_text(row, "secret")) : -ENOMEM;
	}
	json_decref(rows);
	return error;
}

const struct fed_route fed_registration_routes[] = {
	{ "POST", "/register", "register", on_register },
	{ "GET", "/register/", "register", on_read },
	{ "PUT", "/register/", "register", on_update },
	{ "DELETE", "/register/", "register", on_delete },
	{ NULL, NULL, NULL, NULL },
};
