/* The host's own access token: client credentials (RFC 6749 4.4), asked for once however many want it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "b2bd/federation/federation_private.h"
#include "b2bd/federation/oauth.h"
#include "b2bd/json.h"
#include "common/clock.h"
#include "common/log.h"

#define LIFE_DEFAULT_S 60 /* where the service does not say (RFC 6749 5.1) */
#define LIFE_MAX_S 86400
#define MARGIN_MAX_S 60   /* given up so long before the end, or a quarter of a short life */

static void drop(struct b2b_access *access)
{
	if (access->token)
		explicit_bzero(access->token, strlen(access->token));
	free(access->token);
	access->token = NULL;
}

/* On a copy: a callback may drop the token. */
static void answer(struct b2b_federation *federation, const char *error_text)
{
	struct b2b_access *access = &federation->access;
	uint64_t until = access->waiters.serial;
	char *token = access->token ? strdup(access->token) : NULL;
	struct b2b_waiter waiter;

	while (b2b_waiters_take(&access->waiters, until, &waiter))
		waiter.token(waiter.arg, token, token ? NULL : error_text);
	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
}

/* Bearer only: what else there is (DPoP, MAC) is used differently. */
static const char *check_answer(const json_t *body)
{
	const char *type = b2b_json_text(body, "token_type");

	return type && strcasecmp(type, "Bearer") == 0 ? b2b_oauth_token(body, "access_token") : NULL;
}

static uint64_t life_ns(const json_t *body)
{
	int64_t life_s;

	if (b2b_json_seconds(body, "expires_in", &life_s) < 0)
		life_s = LIFE_DEFAULT_S;
	if (life_s > LIFE_MAX_S)
		life_s = LIFE_MAX_S;
	life_s -= life_s / 4 < MARGIN_MAX_S ? life_s / 4 : MARGIN_MAX_S;
	return (uint64_t)life_s * B2B_NS_PER_S;
}

static void token_fetched(void *arg, const struct b2b_http_response *response)
{
	struct b2b_federation *federation = arg;
	struct b2b_access *access = &federation->access;
	struct b2b_oauth oauth;
	const char *token;

	access->call = NULL;
	drop(access);
	b2b_oauth_read(response, &oauth);
	token = oauth.kind == B2B_OAUTH_OK ? check_answer(oauth.body) : NULL;
	if (token) {
		access->token = strdup(token);
		access->end_ns = b2b_now_ns() + life_ns(oauth.body);
	} else if (oauth.kind == B2B_OAUTH_OK) {
		snprintf(oauth.text, sizeof(oauth.text), "%s: the answer holds no bearer token", federation->discovery.token_endpoint);
	}
	answer(federation, oauth.text);
	b2b_oauth_clear(&oauth);
}

static int ask(struct b2b_federation *federation)
{
	struct b2b_form form = { 0 };
	int r;

	b2b_form_add(&form, "grant_type", "client_credentials");
	b2b_form_add(&form, "scope", federation->conf->api_scope);
	r = b2b_client_post(federation->identity, federation->http, federation->discovery.token_endpoint, federation->discovery.token_endpoint,
	                    &form, token_fetched, federation, &federation->access.call);
	b2b_form_clear(&form);
	if (r < 0)
		federation->access.call = NULL;
	return r;
}

/* Out of the loop's turn, so that nobody is called from within their own request. */
static void answer_later(void *arg)
{
	struct b2b_federation *federation = arg;
	struct b2b_access *access = &federation->access;
	char text[B2B_WHY_SIZE + 64];
	int r;

	if (access->call)
		return; /* its end answers */
	if (access->token && b2b_now_ns() < access->end_ns) {
		answer(federation, NULL);
		return;
	}
	drop(access);
	if (!federation->jwks) {
		snprintf(text, sizeof(text), "the federation service is not ready%s%s", *federation->why ? ": " : "", federation->why);
		answer(federation, text);
		return;
	}
	r = ask(federation);
	if (r < 0)
		answer(federation, strerror(-r));
}

void b2b_federation_access_token(struct b2b_federation *federation,
                                 void (*done)(void *arg, const char *token, const char *error_text), void *arg)
{
	struct b2b_waiter waiter = { .token = done, .arg = arg };

	if (b2b_waiters_add(&federation->access.waiters, &waiter) < 0) {
		b2b_log(LOG_ERR, "event=out-of-memory where=access-token");
		return;
	}
	if (!federation->access.call)
		b2b_timer_set(federation->loop, &federation->access.answer, 0, answer_later, federation);
}

void b2b_federation_drop_access_token(struct b2b_federation *federation)
{
	drop(&federation->access);
}

void b2b_access_stop(struct b2b_federation *federation)
{
	struct b2b_access *access = &federation->access;

	b2b_http_cancel(access->call);
	b2b_timer_stop(&access->answer);
	b2b_waiters_clear(&access->waiters);
	drop(access);
}
