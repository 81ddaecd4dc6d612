/* A log-in that is approved elsewhere: begin it, poll until somebody has decided (RFC 8628 3.4-3.5, CIBA Core 11), judge the ID token. */
#include "b2bd/federation/approval.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/oauth.h"
#include "b2bd/json.h"
#include "b2bd/secret.h"
#include "common/clock.h"
#include "common/reason.h"

#define INTERVAL_DEFAULT_S 5 /* RFC 8628 3.2, CIBA Core 7.3 */
#define BACKOFF_MAX_S 60
#define SLOW_DOWN_S 5        /* RFC 8628 3.5, CIBA Core 11 */
#define LIFE_MAX_S 1800
#define CODE_MAX 4096

struct b2b_approval {
	struct b2b_federation *federation;
	const struct b2b_approval_kind *kind;
	struct b2b_approval_handlers handlers;
	void *arg;
	struct b2b_http_call *call;
	struct b2b_timer timer;
	char *code; /* never shown, never logged */
	char *id_token;
	char *refresh_token, *access_token; /* NULL: the service gave none */
	int64_t access_end;
	uint32_t interval_s, lifetime_s;
	unsigned troubles;  /* polls without an answer, in a row */
	uint64_t end_ns;
	bool refetched;     /* keys were fetched again for this token */
	char trouble[B2B_OAUTH_TEXT_SIZE];
};

static void quiet(struct b2b_approval *approval)
{
	b2b_http_cancel(approval->call);
	approval->call = NULL;
	b2b_timer_stop(&approval->timer);
	b2b_federation_forget(approval->federation, approval);
	b2b_secret_free(approval->code);
	b2b_secret_free(approval->id_token);
	b2b_secret_free(approval->refresh_token);
	b2b_secret_free(approval->access_token);
	approval->code = approval->id_token = approval->refresh_token = approval->access_token = NULL;
}

void b2b_approval_cancel(struct b2b_approval *approval)
{
	if (!approval)
		return;
	quiet(approval);
	free(approval);
}

/* DEVICE may be gone when this returns. */
static void finish(struct b2b_approval *approval, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	quiet(approval);
	approval->handlers.result(approval->arg, reason, token, fault_text);
}

static void judge(struct b2b_approval *approval);

/* Whether or not there was something newer: a refresh may have come in between. */
static void keys_refetched(void *arg, bool fetched)
{
	(void)fetched;
	judge(arg);
}

/* A token that names the request it answers must name this one. */
static bool answers_this(const struct b2b_approval *approval, const struct b2b_id_token *token)
{
	const json_t *claim = approval->kind->claim ? json_object_get(token->claims, approval->kind->claim) : NULL;

	return !claim || (json_is_string(claim) && strcmp(json_string_value(claim), approval->code) == 0);
}

static void judge(struct b2b_approval *approval)
{
	struct b2b_federation *federation = approval->federation;
	const struct b2b_conf_federation *conf = federation->conf;
	const struct b2b_token_expect expect = { .issuer = conf->issuer, .audience = conf->client_id, .now = b2b_wall_s(),
		                                 .skew_s = conf->clock_skew_s };
	struct b2b_id_token token;
	enum b2b_token_fault fault = b2b_id_token_verify(approval->id_token, strlen(approval->id_token), federation->jwks, &expect,
	                                                 conf->organisation_claim, &token);

	if (fault == B2B_TOKEN_KEY_UNKNOWN && !approval->refetched) {
		approval->refetched = true;
		b2b_federation_refetch_keys(federation, keys_refetched, approval);
		return;
	}
	if (fault != B2B_TOKEN_OK) {
		finish(approval, B2B_AUTH_TOKEN, NULL, b2b_token_fault_text(fault));
		return;
	}
	token.refresh_token = approval->refresh_token;
	token.access_token = approval->access_token;
	token.access_end = approval->access_end;
	approval->refresh_token = approval->access_token = NULL;
	if (answers_this(approval, &token))
		finish(approval, B2B_OK, &token, "");
	else
		finish(approval, B2B_AUTH_TOKEN, NULL, "the ID token answers another request");
	b2b_id_token_clear(&token);
}

static void poll_now(void *arg);

/* By the interval; twice as long after each poll without an answer (RFC 8628 3.5), but never past the end. */
static void poll_later(struct b2b_approval *approval)
{
	uint64_t now = b2b_now_ns(), wait_s = approval->interval_s, left_ns = approval->end_ns > now ? approval->end_ns - now : 0;
	unsigned i;

	for (i = 0; i < approval->troubles && wait_s < BACKOFF_MAX_S; i++)
		wait_s *= 2;
	b2b_timer_set(approval->federation->loop, &approval->timer, wait_s * B2B_NS_PER_S < left_ns ? wait_s * B2B_NS_PER_S : left_ns, poll_now,
	              approval);
}

/* Without them the log-in is none the worse: it cannot be asked about later. */
static void keep_companions(struct b2b_approval *approval, const json_t *body)
{
	const char *refresh_token = b2b_oauth_token(body, "refresh_token"), *access_token = b2b_oauth_token(body, "access_token");
	int64_t life_s = 0;

	if (b2b_oauth_unusable(body, "refresh_token"))
		b2b_federation_pass_over(approval->federation);
	approval->refresh_token = refresh_token ? strdup(refresh_token) : NULL;
	approval->access_token = access_token ? strdup(access_token) : NULL;
	if (b2b_json_seconds(body, "expires_in", &life_s) == 0)
		approval->access_end = b2b_wall_s() + life_s;
}

static void take_token(struct b2b_approval *approval, const json_t *body)
{
	const char *jwt = b2b_json_text(body, "id_token");

	if (!jwt) {
		finish(approval, B2B_AUTH_TOKEN, NULL, "the answer holds no ID token; the scope must hold openid");
		return;
	}
	keep_companions(approval, body);
	approval->id_token = strdup(jwt);
	if (!approval->id_token)
		finish(approval, B2B_INTERNAL, NULL, strerror(ENOMEM));
	else
		judge(approval);
}

static void poll_refused(struct b2b_approval *approval, const struct b2b_oauth *oauth)
{
	approval->troubles = 0;
	if (strcmp(oauth->error, "authorization_pending") == 0) {
		poll_later(approval);
	} else if (strcmp(oauth->error, "slow_down") == 0) {
		approval->interval_s += SLOW_DOWN_S;
		poll_later(approval);
	} else if (strcmp(oauth->error, "access_denied") == 0) {
		finish(approval, B2B_AUTH_DENIED, NULL, "");
	} else if (strcmp(oauth->error, "expired_token") == 0) {
		finish(approval, B2B_AUTH_EXPIRED, NULL, "");
	} else {
		finish(approval, B2B_AUTH_TOKEN, NULL, oauth->text);
	}
}

static void polled(void *arg, const struct b2b_http_response *response)
{
	struct b2b_approval *approval = arg;
	struct b2b_oauth oauth;

	approval->call = NULL;
	b2b_oauth_read(response, &oauth);
	if (oauth.kind == B2B_OAUTH_OK) {
		take_token(approval, oauth.body);
	} else if (oauth.kind == B2B_OAUTH_ERROR) {
		poll_refused(approval, &oauth);
	} else {
		approval->troubles++;
		snprintf(approval->trouble, sizeof(approval->trouble), "%s", oauth.text);
		poll_later(approval);
	}
	b2b_oauth_clear(&oauth);
}

static int post(struct b2b_approval *approval, const char *url, struct b2b_form *form,
                void (*done)(void *arg, const struct b2b_http_response *response))
{
	struct b2b_federation *federation = approval->federation;
	int r = b2b_client_post(federation->identity, federation->http, url, federation->discovery.token_endpoint, form, done, approval,
	                        &approval->call);

	b2b_form_clear(form);
	if (r < 0)
		approval->call = NULL;
	return r;
}

static void poll_now(void *arg)
{
	struct b2b_approval *approval = arg;
	struct b2b_form form = { 0 };
	int r;

	if (b2b_now_ns() >= approval->end_ns) {
		finish(approval, approval->troubles ? B2B_SERVICE_DOWN : B2B_AUTH_EXPIRED, NULL, approval->troubles ? approval->trouble : "");
		return;
	}
	b2b_form_add(&form, "grant_type", approval->kind->grant);
	b2b_form_add(&form, approval->kind->code, approval->code);
	r = post(approval, approval->federation->discovery.token_endpoint, &form, polled);
	if (r < 0)
		finish(approval, B2B_INTERNAL, NULL, strerror(-r));
}

/* The members that both answers share: RFC 8628 3.2, CIBA Core 7.3. */
static bool read_begun(struct b2b_approval *approval, const json_t *body, struct b2b_approval_prompt *prompt)
{
	const char *code = b2b_json_text(body, approval->kind->code);
	int64_t life_s, interval_s = INTERVAL_DEFAULT_S;

	if (!code || !*code || strlen(code) > CODE_MAX || b2b_json_seconds(body, "expires_in", &life_s) < 0 || life_s == 0 ||
	    b2b_json_seconds(body, "interval", &interval_s) == -EBADMSG || !approval->kind->read(body, prompt))
		return false;
	if (life_s > LIFE_MAX_S)
		life_s = LIFE_MAX_S;
	if (approval->lifetime_s && life_s > (int64_t)approval->lifetime_s)
		life_s = approval->lifetime_s;
	prompt->expires_in_s = (uint32_t)life_s;
	approval->end_ns = b2b_now_ns() + (uint64_t)life_s * B2B_NS_PER_S;
	approval->interval_s = interval_s < 1 ? 1 : interval_s > LIFE_MAX_S ? LIFE_MAX_S : (uint32_t)interval_s;
	approval->code = strdup(code);
	return approval->code != NULL;
}

static int begin_refused(const struct b2b_approval *approval, const char *error)
{
	const char *const *passed;

	for (passed = approval->kind->passed; *passed; passed++) {
		if (strcmp(error, *passed) == 0)
			return B2B_AUTH_METHOD;
	}
	return strcmp(error, "access_denied") == 0 ? B2B_AUTH_DENIED : B2B_AUTH_TOKEN;
}

static void begun(void *arg, const struct b2b_http_response *response)
{
	struct b2b_approval *approval = arg;
	struct b2b_approval_prompt prompt = { 0 };
	struct b2b_oauth oauth;

	approval->call = NULL;
	b2b_oauth_read(response, &oauth);
	if (oauth.kind == B2B_OAUTH_TROUBLE) {
		finish(approval, B2B_SERVICE_DOWN, NULL, oauth.text);
	} else if (oauth.kind == B2B_OAUTH_ERROR) {
		finish(approval, begin_refused(approval, oauth.error), NULL, oauth.text);
	} else if (!read_begun(approval, oauth.body, &prompt)) {
		finish(approval, B2B_AUTH_TOKEN, NULL, approval->kind->bad_answer);
	} else {
		poll_later(approval);
		approval->handlers.prompt(approval->arg, &prompt); /* APPROVAL may be gone after this */
	}
	b2b_oauth_clear(&oauth);
}

int b2b_approval_start(struct b2b_federation *federation, const struct b2b_approval_kind *kind, const char *url, struct b2b_form *form,
                       uint32_t lifetime_s, const struct b2b_approval_handlers *handlers, void *arg, struct b2b_approval **ret_approval)
{
	struct b2b_approval *approval = calloc(1, sizeof(*approval));
	int r;

	if (!approval) {
		b2b_form_clear(form);
		return -ENOMEM;
	}
	approval->federation = federation;
	approval->kind = kind;
	approval->lifetime_s = lifetime_s;
	approval->handlers = *handlers;
	approval->arg = arg;
	r = post(approval, url, form, begun);
	if (r < 0)
		b2b_approval_cancel(approval);
	else
		*ret_approval = approval;
	return r;
}
