/* A server of one issuer's status lists, any path of it; sound until a test bends it. */
#ifndef B2B_TESTS_STATUS_GIVER_H
#define B2B_TESTS_STATUS_GIVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/federation/token.h"
#include "common/clock.h"
#include "common/conf.h"
#include "tests/support/signer.h"
#include "tests/support/tls_server.h"

#define ISSUER "https://login.example.com"
#define LST "eNrbuRgAAhcBXQ"  /* of the draft: 1 bit, B9 A3: 1 0 0 1 1 1 0 1 1 1 0 0 0 1 0 1 */
#define ZEROES "eNpjYAAAAAIAAQ" /* two bytes: nobody is withdrawn */
#define ONES "eNr7_x8AAv8B_w"

struct giver {
	struct tls_server *server;
	EVP_PKEY *key, *other;
	struct b2b_jwks *jwks, *both; /* of key; and of the other */
	/* what is given */
	json_t *claims;        /* but for sub */
	EVP_PKEY *signing;
	const char *kid, *typ, *content_type, *etag, *body;
	int status;
	/* what arrived */
	int requests;
	char accept[128], if_none_match[64];
	/* where it is */
	char *origins[1];
	char uri[256];
};

static inline void header_of(const char *headers, const char *name, char *buf, size_t size)
{
	const char *at = strcasestr(headers, name);

	*buf = '\0';
	if (!at)
		return;
	at += strlen(name);
	snprintf(buf, size, "%.*s", (int)strcspn(at, "\r\n"), at);
}

static inline void give(void *arg, const struct tls_request *request, struct tls_reply *reply)
{
	struct giver *g = arg;

	g->requests++;
	header_of(request->headers, "Accept: ", g->accept, sizeof(g->accept));
	header_of(request->headers, "If-None-Match: ", g->if_none_match, sizeof(g->if_none_match));
	snprintf(reply->headers, sizeof(reply->headers), "Content-Type: %s\r\n%s%s%s", g->content_type, g->etag ? "ETag: " : "",
	         g->etag ? g->etag : "", g->etag ? "\r\n" : "");
	reply->status = g->etag && strcmp(g->etag, g->if_none_match) == 0 ? 304 : g->status;
	if (reply->status == 304)
		return;
	if (g->body) {
		reply->body = strdup(g->body);
		return;
	}
	json_object_set_new(g->claims, "sub", json_sprintf("%s%s", tls_server_url(g->server), request->path));
	reply->body = signer_token(g->signing, "ES256", g->kid, g->typ, g->claims);
}

static inline json_t *list_claims(int64_t iat, int64_t exp, int64_t ttl, int bits, const char *lst)
{
	json_t *claims = json_pack("{s:s,s:I,s:{s:i,s:s}}", "iss", ISSUER, "iat", (json_int_t)iat, "status_list", "bits", bits, "lst", lst);

	if (exp)
		json_object_set_new(claims, "exp", json_integer(exp));
	if (ttl)
		json_object_set_new(claims, "ttl", json_integer(ttl));
	return claims;
}

static inline void giver_set(struct giver *g, json_t *claims)
{
	json_decref(g->claims);
	g->claims = claims;
}

static inline void giver_start(struct giver *g)
{
	memset(g, 0, sizeof(*g));
	g->key = signer_key("ES256");
	g->other = signer_key("ES256");
	g->jwks = signer_jwks(g->key, "k1", "ES256");
	g->both = signer_jwks(g->other, "k2", "ES256");
	g->server = tls_server_start(TLS_SERVER_SOUND, give, g);
	g->signing = g->key;
	g->kid = "k1";
	g->typ = "statuslist+jwt";
	g->content_type = "application/statuslist+jwt";
	g->claims = list_claims(b2b_wall_s(), b2b_wall_s() + 300, 60, 1, LST);
	g->origins[0] = strdup(tls_server_url(g->server));
	snprintf(g->uri, sizeof(g->uri), "%s/lists/1", tls_server_url(g->server));
}

static inline void giver_conf(struct giver *g, struct b2b_conf *conf)
{
	conf->federation = (struct b2b_conf_federation){ .issuer = (char *)ISSUER, .status_origins = { .words = g->origins, .n = 1 },
		                                        .status_interval_s = 300, .clock_skew_s = 30 };
}

static inline void giver_stop(struct giver *g)
{
	tls_server_stop(g->server);
	json_decref(g->claims);
	b2b_jwks_free(g->jwks);
	b2b_jwks_free(g->both);
	EVP_PKEY_free(g->key);
	EVP_PKEY_free(g->other);
	free(g->origins[0]);
}

#endif
