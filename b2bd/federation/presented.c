#include "b2bd/federation/presented.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/federation_private.h"
#include "b2bd/federation/jws.h"
#include "b2bd/federation/oauth.h"
#include "common/clock.h"
#include "common/reason.h"

#define SIGNED_ANSWER "application/token-introspection+jwt" /* RFC 9701 5 */

struct b2b_presented {
	struct b2b_federation *federation;
	void (*result)(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text);
	void *arg;
	struct b2b_timer timer;
	struct b2b_http_call *call;
	char *jwt;      /* what is validated: the token, or a signed answer about it */
	size_t jwt_len;
	char *handle;   /* the token where it is a reference; else NULL */
	bool refetched; /* keys were fetched again for it */
	bool asked;     /* the service is asked in any case, and about a token that may be meant for others */
};

static void wipe(char **secret, size_t len)
{
	if (*secret)
		explicit_bzero(*secret, len);
	free(*secret);
	*secret = NULL;
}

static void quiet(struct b2b_presented *presented)
{
	b2b_http_cancel(presented->call);
	presented->call = NULL;
	b2b_timer_stop(&presented->timer);
	b2b_federation_forget(presented->federation, presented);
	wipe(&presented->jwt, presented->jwt_len);
	wipe(&presented->handle, presented->handle ? strlen(presented->handle) : 0);
}

void b2b_presented_cancel(struct b2b_presented *presented)
{
	if (!presented)
		return;
	quiet(presented);
	free(presented);
}

/* PRESENTED may be gone when this returns. */
static void finish(struct b2b_presented *presented, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	quiet(presented);
	presented->result(presented->arg, reason, token, fault_text);
}

static enum b2b_reason reason_of(enum b2b_token_fault fault)
{
	switch (fault) {
	case B2B_TOKEN_EXPIRED:
	case B2B_TOKEN_INACTIVE:
		return B2B_AUTH_TOKEN_OVER;
	case B2B_TOKEN_INTROSPECTION:
		return B2B_AUTH_TOKEN;
	default:
		return B2B_AUTH_TOKEN_REFUSED;
	}
}

/* It can be asked about later. Without memory it cannot. */
static void keep_token(const struct b2b_presented *presented, struct b2b_id_token *token)
{
	token->access_token = presented->handle ? strdup(presented->handle) : strndup(presented->jwt, presented->jwt_len);
	token->access_end = token->expires_at;
}

/* Takes what TOKEN holds. */
static void conclude(struct b2b_presented *presented, enum b2b_token_fault fault, struct b2b_id_token *token)
{
	if (fault != B2B_TOKEN_OK) {
		finish(presented, reason_of(fault), NULL, b2b_token_fault_text(fault));
		return;
	}
	keep_token(presented, token);
	finish(presented, B2B_OK, token, "");
	b2b_id_token_clear(token);
}

static void expectation(const struct b2b_presented *presented, struct b2b_token_expect *ret)
{
	const struct b2b_federation *federation = presented->federation;
	const struct b2b_conf_federation *conf = federation->conf;

	*ret = (struct b2b_token_expect){ .issuer = conf->issuer, .audience = federation->audience, .client_id = conf->client_id,
		                          .now = b2b_wall_s(), .skew_s = conf->clock_skew_s, .life_max_s = conf->token_life_s,
		                          .any_typ = conf->access_token_typ == B2B_TYP_ANY };
	if (presented->asked) {
		ret->audience = NULL;
		ret->life_max_s = 0;
		b2b_client_identity_certificates(federation->identity, ret->certificates);
	}
}

static void judge(struct b2b_presented *presented);

static void keys_refetched(void *arg, bool fetched)
{
	(void)fetched; /* a refresh may have come in between */
	judge(arg);
}

static void judge(struct b2b_presented *presented)
{
	struct b2b_federation *federation = presented->federation;
	struct b2b_token_expect expect;
	struct b2b_id_token token = { 0 };
	enum b2b_token_fault fault;

	expectation(presented, &expect);
	if (presented->handle)
		fault = b2b_introspection_verify(presented->jwt, presented->jwt_len, federation->jwks, &expect, federation->conf->organisation_claim,
		                                 &token);
	else
		fault = b2b_access_token_verify(presented->jwt, presented->jwt_len, federation->jwks, &expect, federation->conf->organisation_claim,
		                                &token);
	if (fault == B2B_TOKEN_KEY_UNKNOWN && !presented->refetched) {
		presented->refetched = true;
		b2b_federation_refetch_keys(federation, keys_refetched, presented);
		return;
	}
	conclude(presented, fault, &token);
}

static bool keep(struct b2b_presented *presented, const char *jwt, size_t len)
{
	presented->jwt = strndup(jwt, len);
	presented->jwt_len = presented->jwt ? len : 0;
	return presented->jwt != NULL;
}

static bool is_signed(const struct b2b_http_response *response)
{
	size_t len = strlen(SIGNED_ANSWER);

	return strncasecmp(response->content_type, SIGNED_ANSWER, len) == 0 &&
	       (response->content_type[len] == '\0' || response->content_type[len] == ';' || response->content_type[len] == ' ');
}

static void take_plain(struct b2b_presented *presented, const struct b2b_http_response *response)
{
	struct b2b_token_expect expect;
	struct b2b_id_token token = { 0 };
	enum b2b_token_fault fault;

	expectation(presented, &expect);
	fault = b2b_introspection_read(response->body, response->body_len, &expect, presented->federation->conf->organisation_claim, &token);
	conclude(presented, fault, &token);
}

static void answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_presented *presented = arg;
	struct b2b_oauth oauth;
	enum b2b_reason reason = B2B_AUTH_TOKEN;

	presented->call = NULL;
	if (response->error == 0 && response->status == 200) {
		if (!is_signed(response))
			take_plain(presented, response);
		else if (keep(presented, response->body, response->body_len))
			judge(presented);
		else
			finish(presented, B2B_INTERNAL, NULL, strerror(ENOMEM));
		return;
	}
	b2b_oauth_read(response, &oauth);
	if (oauth.kind == B2B_OAUTH_TROUBLE)
		reason = B2B_SERVICE_DOWN;
	else if (presented->asked && strcmp(oauth.error, "unsupported_token_type") == 0)
		reason = B2B_AUTH_METHOD;
	finish(presented, reason, NULL, oauth.text);
	b2b_oauth_clear(&oauth);
}

static void introspect(struct b2b_presented *presented)
{
	struct b2b_federation *federation = presented->federation;
	struct b2b_form form = { 0 };
	int r;

	if (!federation->discovery.introspection_endpoint) {
		finish(presented, presented->asked ? B2B_AUTH_METHOD : B2B_AUTH_TOKEN_REFUSED, NULL, "no signed token, and the service offers no introspection of others");
		return;
	}
	b2b_form_add(&form, "token", presented->handle);
	b2b_form_add(&form, "token_type_hint", "access_token");
	r = b2b_client_post(federation->identity, federation->http, federation->discovery.introspection_endpoint,
	                    federation->discovery.token_endpoint, &form, answered, presented, &presented->call);
	b2b_form_clear(&form);
	if (r < 0) {
		presented->call = NULL;
		finish(presented, B2B_INTERNAL, NULL, strerror(-r));
	}
}

static void begin(void *arg)
{
	struct b2b_presented *presented = arg;

	if (presented->handle)
		introspect(presented);
	else
		judge(presented);
}

/* RFC 6750 2.1: b64token. */
static bool is_handle(const char *token, size_t len)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
	size_t i;

	for (i = 0; i < len; i++) {
		if (!token[i] || !strchr(allowed, token[i]))
			return false;
	}
	return len > 0 && len <= B2B_REFERENCE_MAX;
}

static int start(struct b2b_federation *federation, const char *token, size_t len, bool asked,
                 void (*result)(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text), void *arg,
                 struct b2b_presented **ret_presented)
{
	struct b2b_presented *presented;

	if (!b2b_federation_ready(federation))
		return -EHOSTUNREACH;
	presented = calloc(1, sizeof(*presented));
	if (!presented)
		return -ENOMEM;
	presented->federation = federation;
	presented->result = result;
	presented->arg = arg;
	presented->asked = asked;
	/* what looks like a signed token is judged as one only: whoever bent it is not to be given a second way */
	if (asked || (is_handle(token, len) && !b2b_jws_looks_like(token, len)))
		presented->handle = strndup(token, len);
	else
		keep(presented, token, len);
	if (!presented->handle && !presented->jwt) {
		free(presented);
		return -ENOMEM;
	}
	b2b_timer_set(federation->loop, &presented->timer, 0, begin, presented);
	*ret_presented = presented;
	return 0;
}

int b2b_presented_start(struct b2b_federation *federation, const char *token, size_t len,
                        void (*result)(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text), void *arg,
                        struct b2b_presented **ret_presented)
{
	return start(federation, token, len, false, result, arg, ret_presented);
}

int b2b_presented_ask(struct b2b_federation *federation, const char *token, size_t len,
                      void (*result)(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text), void *arg,
                      struct b2b_presented **ret_presented)
{
	return start(federation, token, len, true, result, arg, ret_presented);
}

int b2b_presented_digest(const char *token, size_t len, char ret_digest[B2B_DIGEST_SIZE])
{
	unsigned char digest[32];
	char *text;

	if (EVP_Digest(token, len, digest, NULL, EVP_sha256(), NULL) != 1)
		return -EIO;
	text = b2b_base64url_encode(digest, sizeof(digest));
	if (!text)
		return -EIO;
	snprintf(ret_digest, B2B_DIGEST_SIZE, "%s", text);
	free(text);
	return 0;
}
