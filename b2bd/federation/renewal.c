#include "b2bd/federation/renewal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/federation_private.h"
#include "b2bd/federation/oauth.h"
#include "b2bd/json.h"
#include "b2bd/secret.h"
#include "common/clock.h"
#include "common/reason.h"

struct b2b_renewal {
	struct b2b_federation *federation;
	struct b2b_renewal_handlers handlers;
	void *arg;
	struct b2b_http_call *call;
	char *refresh_token; /* as it was sent */
	bool lost;
};

void b2b_renewal_cancel(struct b2b_renewal *renewal)
{
	if (!renewal)
		return;
	b2b_http_cancel(renewal->call);
	b2b_secret_free(renewal->refresh_token);
	free(renewal);
}

bool b2b_renewal_lost(const struct b2b_renewal *renewal)
{
	return renewal->lost;
}

/* RFC 6749 5.2. What is wrong with the request or with this host says nothing about the person. */
static enum b2b_reason reason_of(const char *error)
{
	if (strcmp(error, "invalid_grant") == 0)
		return B2B_AUTH_TOKEN_OVER;
	if (strcmp(error, "unsupported_grant_type") == 0 || strcmp(error, "unauthorized_client") == 0)
		return B2B_AUTH_METHOD;
	return B2B_AUTH_TOKEN;
}

static void refetched(void *arg, bool fetched)
{
	(void)arg, (void)fetched; /* the next renewal is judged by them */
}

/* OIDC Core 12.2: the ID token may be absent; what is there is validated like any other. RENEWAL may be gone when this returns. */
static void judge(struct b2b_renewal *renewal, const char *jwt)
{
	struct b2b_federation *federation = renewal->federation;
	const struct b2b_conf_federation *conf = federation->conf;
	const struct b2b_token_expect expect = { .issuer = conf->issuer, .audience = conf->client_id, .now = b2b_wall_s(),
		                                 .skew_s = conf->clock_skew_s };
	struct b2b_id_token token;
	enum b2b_token_fault fault = b2b_id_token_verify(jwt, strlen(jwt), federation->jwks, &expect, conf->organisation_claim, &token);

	if (fault == B2B_TOKEN_KEY_UNKNOWN)
		b2b_federation_refetch_keys(federation, refetched, federation);
	if (fault != B2B_TOKEN_OK) {
		renewal->handlers.result(renewal->arg, B2B_AUTH_TOKEN, NULL, b2b_token_fault_text(fault));
		return;
	}
	renewal->handlers.result(renewal->arg, B2B_OK, &token, "");
	b2b_id_token_clear(&token);
}

static void take_answer(struct b2b_renewal *renewal, const json_t *body)
{
	const char *refresh_token = b2b_oauth_token(body, "refresh_token"), *jwt = b2b_json_text(body, "id_token");

	if (!b2b_oauth_token(body, "access_token")) {
		renewal->handlers.result(renewal->arg, B2B_AUTH_TOKEN, NULL, "the answer to the refresh token holds no access token");
		return;
	}
	if (b2b_oauth_unusable(body, "refresh_token")) {
		b2b_federation_pass_over(renewal->federation);
		renewal->handlers.rotated(renewal->arg, NULL);
	} else if (refresh_token && strcmp(refresh_token, renewal->refresh_token) != 0) {
		renewal->handlers.rotated(renewal->arg, refresh_token);
	}
	if (jwt)
		judge(renewal, jwt);
	else
		renewal->handlers.result(renewal->arg, B2B_OK, NULL, "");
}

static void answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_renewal *renewal = arg;
	struct b2b_oauth oauth;

	renewal->call = NULL;
	b2b_oauth_read(response, &oauth);
	renewal->lost = oauth.kind == B2B_OAUTH_TROUBLE && response->error != -ECONNREFUSED && response->error != -EHOSTUNREACH;
	if (oauth.kind == B2B_OAUTH_OK)
		take_answer(renewal, oauth.body);
	else if (oauth.kind == B2B_OAUTH_ERROR)
		renewal->handlers.result(renewal->arg, reason_of(oauth.error), NULL, oauth.text);
	else
		renewal->handlers.result(renewal->arg, B2B_SERVICE_DOWN, NULL, oauth.text);
	b2b_oauth_clear(&oauth);
}

int b2b_renewal_start(struct b2b_federation *federation, const char *refresh_token, const struct b2b_renewal_handlers *handlers, void *arg,
                      struct b2b_renewal **ret_renewal)
{
	struct b2b_renewal *renewal;
	struct b2b_form form = { 0 };
	int r;

	if (!b2b_federation_ready(federation))
		return -EHOSTUNREACH;
	renewal = calloc(1, sizeof(*renewal));
	if (!renewal)
		return -ENOMEM;
	renewal->federation = federation;
	renewal->handlers = *handlers;
	renewal->arg = arg;
	renewal->refresh_token = strdup(refresh_token);
	b2b_form_add(&form, "grant_type", "refresh_token");
	b2b_form_add(&form, "refresh_token", refresh_token);
	r = renewal->refresh_token ? b2b_client_post(federation->identity, federation->http, federation->discovery.token_endpoint,
	                                             federation->discovery.token_endpoint, &form, answered, renewal, &renewal->call)
	                           : -ENOMEM;
	b2b_form_clear(&form);
	if (r < 0) {
		renewal->call = NULL;
		b2b_renewal_cancel(renewal);
		return r;
	}
	*ret_renewal = renewal;
	return 0;
}
