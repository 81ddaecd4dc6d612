#include "tests/support/issuer.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"

#define MUST(x) ((x) ? (void)0 : must_failed(#x, __LINE__))
static void must_failed(const char *what, int line)
{
	fprintf(stderr, "issuer.c:%d: %s\n", line, what);
	abort();
}

static void reply_json(struct tls_reply *reply, int status, const json_t *body)
{
	reply->status = status;
	reply->body = json_dumps(body, 0);
	snprintf(reply->headers, sizeof(reply->headers), "Content-Type: application/json\r\n");
}

static void reply_error(struct tls_reply *reply, const char *code)
{
	json_t *body = json_pack("{s:s,s:s}", "error", code, "error_description", "as the test asked");

	reply_json(reply, 400, body);
	json_decref(body);
}

static void on_jwks(struct issuer *issuer, struct tls_reply *reply)
{
	json_t *set = json_pack("{s:[o]}", "keys", signer_jwk(issuer->key, issuer->kid, NULL, "sig"));

	issuer->jwks_asked++;
	reply_json(reply, issuer->jwks_status, set);
	json_decref(set);
	reply->silent = issuer->jwks_silent;
	if (issuer->jwks) {
		free(reply->body);
		reply->body = strdup(issuer->jwks);
	}
	if (issuer->cache_control)
		snprintf(reply->headers, sizeof(reply->headers), "Cache-Control: %s\r\n", issuer->cache_control);
}

static void reply_id_token(struct issuer *issuer, struct tls_reply *reply)
{
	char *jwt = signer_token(issuer->key, "ES256", issuer->signing_kid, "JWT", issuer->claims);
	json_t *body = json_pack("{s:s,s:s,s:i}", "access_token", "at", "token_type", "Bearer", "expires_in", 60);

	if (!issuer->no_id_token)
		json_object_set_new(body, "id_token", json_string(jwt));
	if (issuer->rotated)
		json_object_set_new(body, "refresh_token", json_string(issuer->rotated));
	reply_json(reply, 200, body);
	json_decref(body);
	free(jwt);
}

static void on_poll(struct issuer *issuer, struct tls_reply *reply)
{
	const char *step = issuer->polled < ISSUER_POLLS_MAX ? issuer->polls[issuer->polled] : NULL;

	if (issuer->polled++ == 0 && issuer->rotate_at_poll)
		snprintf(issuer->kid, sizeof(issuer->kid), "%s", issuer->rotate_at_poll);
	if (!step || strcmp(step, "token") == 0) {
		reply_id_token(issuer, reply);
	} else if (strcmp(step, "503") == 0) {
		reply->status = 503;
	} else if (strcmp(step, "html") == 0) {
		reply->body = strdup("<html>");
	} else {
		reply_error(reply, step);
	}
}

static void on_refresh(struct issuer *issuer, const struct tls_request *request, struct tls_reply *reply)
{
	issuer->refreshed++;
	issuer->last_refresh = *request;
	if (!issuer->refresh_error)
		reply_id_token(issuer, reply);
	else if (strcmp(issuer->refresh_error, "503") == 0 || !*issuer->refresh_error)
		reply->status = *issuer->refresh_error ? 503 : 400;
	else
		reply_error(reply, issuer->refresh_error);
}

static void on_introspection(struct issuer *issuer, struct tls_reply *reply)
{
	json_t *frame;

	issuer->introspected++;
	if (!issuer->introspection_signed) {
		reply_json(reply, issuer->introspection ? issuer->introspection_status : 503, issuer->introspection);
		return;
	}
	frame = json_pack("{s:s,s:s,s:I,s:O}", "iss", issuer->conf.federation.issuer, "aud", "web7", "iat", (json_int_t)b2b_wall_s(),
	                  "token_introspection", issuer->introspection);
	reply->body = signer_token(issuer->key, "ES256", issuer->signing_kid, "token-introspection+jwt", frame);
	snprintf(reply->headers, sizeof(reply->headers), "Content-Type: application/token-introspection+jwt\r\n");
	json_decref(frame);
}

static void on_token(struct issuer *issuer, const struct tls_request *request, struct tls_reply *reply)
{
	char *grant = issuer_form_value(request->body, "grant_type");

	if (grant && strcmp(grant, "client_credentials") == 0) {
		issuer->token_asked++;
		issuer->last_token = *request;
		reply_json(reply, issuer->token_status, issuer->token);
	} else if (grant && (strcmp(grant, "urn:ietf:params:oauth:grant-type:device_code") == 0 ||
	                     strcmp(grant, "urn:openid:params:grant-type:ciba") == 0)) {
		issuer->last_poll = *request;
		on_poll(issuer, reply);
	} else if (grant && strcmp(grant, "refresh_token") == 0) {
		on_refresh(issuer, request, reply);
	} else {
		reply_error(reply, "unsupported_grant_type");
	}
	free(grant);
}

static void on_ciba(struct issuer *issuer, const struct tls_request *request, struct tls_reply *reply)
{
	issuer->ciba_asked++;
	issuer->last_ciba = *request;
	if (!issuer->ciba_error) {
		reply_json(reply, 200, issuer->ciba);
		return;
	}
	reply_error(reply, issuer->ciba_error);
	if (strcmp(issuer->ciba_error, "access_denied") == 0)
		reply->status = 403;
}

static void handle(void *arg, const struct tls_request *request, struct tls_reply *reply)
{
	struct issuer *issuer = arg;
	const char *place = issuer->oauth_place_only ? "/.well-known/oauth-authorization-server/realm" : "/realm/.well-known/openid-configuration";

	if (strcmp(request->path, place) == 0) {
		issuer->metadata_asked++;
		reply_json(reply, issuer->metadata_status, issuer->metadata);
		if (issuer->retry_after_s)
			snprintf(reply->headers, sizeof(reply->headers), "Content-Type: application/json\r\nRetry-After: %d\r\n", issuer->retry_after_s);
	} else if (strcmp(request->path, "/jwks") == 0) {
		on_jwks(issuer, reply);
	} else if (strcmp(request->path, "/device") == 0) {
		issuer->device_asked++;
		issuer->last_device = *request;
		if (issuer->device_error)
			reply_error(reply, issuer->device_error);
		else
			reply_json(reply, issuer->device ? 200 : 503, issuer->device);
	} else if (strcmp(request->path, "/introspect") == 0) {
		issuer->last_introspection = *request;
		on_introspection(issuer, reply);
	} else if (strcmp(request->path, "/ciba") == 0) {
		on_ciba(issuer, request, reply);
	} else if (strcmp(request->path, "/token") == 0) {
		on_token(issuer, request, reply);
	} else {
		reply->status = 404;
	}
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *issuer_form_value(const char *body, const char *name)
{
	size_t len = strlen(name);
	char *value, *to;

	while (strncmp(body, name, len) != 0 || body[len] != '=') {
		body = strchr(body, '&');
		if (!body)
			return NULL;
		body++;
	}
	body += len + 1;
	to = value = malloc(strlen(body) + 1);
	MUST(value);
	for (; *body && *body != '&'; body++) {
		if (*body == '%' && hex(body[1]) >= 0 && hex(body[2]) >= 0) {
			*to++ = (char)(hex(body[1]) * 16 + hex(body[2]));
			body += 2;
		} else {
			*to++ = *body == '+' ? ' ' : *body;
		}
	}
	*to = '\0';
	return value;
}

static void write_client_key(struct issuer *issuer)
{
	int fd;
	FILE *file = NULL;

	issuer->client_key = signer_key("ES256");
	snprintf(issuer->key_file, sizeof(issuer->key_file), "%s/client.key", tls_server_folder(issuer->server));
	fd = open(issuer->key_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	MUST(fd >= 0 && (file = fdopen(fd, "w")));
	MUST(PEM_write_PrivateKey(file, issuer->client_key, NULL, NULL, 0, NULL, NULL) == 1);
	MUST(fclose(file) == 0);
}

static char *text_of(const struct issuer *issuer, const char *path)
{
	char *text;

	MUST(asprintf(&text, "%s%s", tls_server_url(issuer->server), path) > 0);
	return text;
}

static void set_url(struct issuer *issuer, json_t *object, const char *name, const char *path)
{
	char *url = text_of(issuer, path);

	json_object_set_new(object, name, json_string(url));
	free(url);
}

static void write_answers(struct issuer *issuer)
{
	json_int_t now = b2b_wall_s();

	issuer->metadata = json_object();
	set_url(issuer, issuer->metadata, "issuer", "/realm");
	set_url(issuer, issuer->metadata, "token_endpoint", "/token");
	set_url(issuer, issuer->metadata, "jwks_uri", "/jwks");
	set_url(issuer, issuer->metadata, "device_authorization_endpoint", "/device");
	set_url(issuer, issuer->metadata, "introspection_endpoint", "/introspect");
	set_url(issuer, issuer->metadata, "backchannel_authentication_endpoint", "/ciba");
	json_object_set_new(issuer->metadata, "backchannel_token_delivery_modes_supported", json_pack("[s,s]", "ping", "poll"));
	issuer->device = json_pack("{s:s,s:s,s:i,s:i}", "device_code", "dc-secret", "user_code", "WDJB-MJHT", "expires_in", 600, "interval", 1);
	set_url(issuer, issuer->device, "verification_uri", "/enter");
	issuer->ciba = json_pack("{s:s,s:i,s:i}", "auth_req_id", "ar-secret", "expires_in", 120, "interval", 1);
	issuer->claims = json_pack("{s:s,s:s,s:I,s:I,s:I,s:s}", "sub", "alice-1", "aud", "web7", "iat", now, "exp", now + 300, "auth_time", now,
	                           "organization", "42c3e9");
	set_url(issuer, issuer->claims, "iss", "/realm");
	issuer->token = json_pack("{s:s,s:s,s:i}", "access_token", "at-1", "token_type", "bearer", "expires_in", 300);
}

void issuer_start(struct issuer *issuer)
{
	struct b2b_conf_federation *conf = &issuer->conf.federation;

	memset(issuer, 0, sizeof(*issuer));
	issuer->key = signer_key("ES256");
	snprintf(issuer->kid, sizeof(issuer->kid), "k1");
	snprintf(issuer->signing_kid, sizeof(issuer->signing_kid), "k1");
	issuer->server = tls_server_start(TLS_SERVER_SOUND, handle, issuer);
	write_client_key(issuer);
	write_answers(issuer);
	conf->issuer = text_of(issuer, "/realm");
	conf->client_id = (char *)"web7";
	conf->client_auth = B2B_CLIENT_PRIVATE_KEY_JWT;
	conf->client_key = issuer->key_file;
	conf->assertion_audience = (char *)"issuer";
	conf->scope = (char *)"openid organization";
	conf->api_scope = (char *)"directory ssf";
	conf->organisation_claim = (char *)"organization";
	conf->clock_skew_s = 60;
}

void issuer_stop(struct issuer *issuer)
{
	unlink(issuer->key_file);
	tls_server_stop(issuer->server);
	EVP_PKEY_free(issuer->key);
	EVP_PKEY_free(issuer->client_key);
	json_decref(issuer->metadata);
	json_decref(issuer->device);
	json_decref(issuer->ciba);
	json_decref(issuer->claims);
	json_decref(issuer->token);
	json_decref(issuer->introspection);
	free(issuer->conf.federation.issuer);
}
