/* One device log-in, RFC 8628: ask for a code, show it, poll until somebody has decided, judge the ID token. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/federation_private.h"
#include "b2bd/federation/oauth.h"
#include "b2bd/json.h"
#include "common/clock.h"
#include "common/reason.h"

#define GRANT "urn:ietf:params:oauth:grant-type:device_code"
#define INTERVAL_DEFAULT_S 5 /* RFC 8628 3.2 */
#define BACKOFF_MAX_S 60
#define SLOW_DOWN_S 5        /* RFC 8628 3.5 */
#define LIFE_MAX_S 1800
#define CODE_MAX 64
#define URI_MAX 1024
#define DEVICE_CODE_MAX 4096

struct b2b_device {
	struct b2b_federation *federation;
	struct b2b_device_handlers handlers;
	void *arg;
	struct b2b_http_call *call;
	struct b2b_timer timer;
	char *device_code; /* never shown, never logged */
	char *id_token;
	uint32_t interval_s;
	unsigned troubles;  /* polls without an answer, in a row */
	uint64_t end_ns;
	bool refetched;     /* keys were fetched again for this token */
	char trouble[B2B_OAUTH_TEXT_SIZE];
};

static void wipe_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void quiet(struct b2b_device *device)
{
	b2b_http_cancel(device->call);
	device->call = NULL;
	b2b_timer_stop(&device->timer);
	b2b_federation_forget(device->federation, device);
	wipe_free(device->device_code);
	wipe_free(device->id_token);
	device->device_code = device->id_token = NULL;
}

void b2b_device_cancel(struct b2b_device *device)
{
	if (!device)
		return;
	quiet(device);
	free(device);
}

/* DEVICE may be gone when this returns. */
static void finish(struct b2b_device *device, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	quiet(device);
	device->handlers.result(device->arg, reason, token, fault_text);
}

static void judge(struct b2b_device *device);

/* Whether or not there was something newer: a refresh may have come in between. */
static void keys_refetched(void *arg, bool fetched)
{
	(void)fetched;
	judge(arg);
}

static void judge(struct b2b_device *device)
{
	struct b2b_federation *federation = device->federation;
	const struct b2b_conf_federation *conf = federation->conf;
	const struct b2b_token_expect expect = { .issuer = conf->issuer, .audience = conf->client_id, .now = b2b_wall_s(),
		                                 .skew_s = conf->clock_skew_s };
	struct b2b_id_token token;
	enum b2b_token_fault fault = b2b_id_token_verify(device->id_token, strlen(device->id_token), federation->jwks, &expect,
	                                                 conf->organisation_claim, &token);

	if (fault == B2B_TOKEN_KEY_UNKNOWN && !device->refetched) {
		device->refetched = true;
		b2b_federation_refetch_keys(federation, keys_refetched, device);
		return;
	}
	if (fault != B2B_TOKEN_OK) {
		finish(device, B2B_AUTH_TOKEN, NULL, b2b_token_fault_text(fault));
		return;
	}
	finish(device, B2B_OK, &token, "");
	b2b_id_token_clear(&token);
}

static void poll_now(void *arg);

/* By the interval; twice as long after each poll without an answer (RFC 8628 3.5), but never past the end. */
static void poll_later(struct b2b_device *device)
{
	uint64_t now = b2b_now_ns(), wait_s = device->interval_s, left_ns = device->end_ns > now ? device->end_ns - now : 0;
	unsigned i;

	for (i = 0; i < device->troubles && wait_s < BACKOFF_MAX_S; i++)
		wait_s *= 2;
	b2b_timer_set(device->federation->loop, &device->timer, wait_s * B2B_NS_PER_S < left_ns ? wait_s * B2B_NS_PER_S : left_ns, poll_now,
	              device);
}

static void take_token(struct b2b_device *device, const json_t *body)
{
	const char *jwt = b2b_json_text(body, "id_token");

	if (!jwt) {
		finish(device, B2B_AUTH_TOKEN, NULL, "the answer holds no ID token; the scope must hold openid");
		return;
	}
	device->id_token = strdup(jwt);
	if (!device->id_token)
		finish(device, B2B_INTERNAL, NULL, strerror(ENOMEM));
	else
		judge(device);
}

static void poll_refused(struct b2b_device *device, const struct b2b_oauth *oauth)
{
	device->troubles = 0;
	if (strcmp(oauth->error, "authorization_pending") == 0) {
		poll_later(device);
	} else if (strcmp(oauth->error, "slow_down") == 0) {
		device->interval_s += SLOW_DOWN_S;
		poll_later(device);
	} else if (strcmp(oauth->error, "access_denied") == 0) {
		finish(device, B2B_AUTH_DENIED, NULL, "");
	} else if (strcmp(oauth->error, "expired_token") == 0) {
		finish(device, B2B_AUTH_EXPIRED, NULL, "");
	} else {
		finish(device, B2B_AUTH_TOKEN, NULL, oauth->text);
	}
}

static void polled(void *arg, const struct b2b_http_response *response)
{
	struct b2b_device *device = arg;
	struct b2b_oauth oauth;

	device->call = NULL;
	b2b_oauth_read(response, &oauth);
	if (oauth.kind == B2B_OAUTH_OK) {
		take_token(device, oauth.body);
	} else if (oauth.kind == B2B_OAUTH_ERROR) {
		poll_refused(device, &oauth);
	} else {
		device->troubles++;
		snprintf(device->trouble, sizeof(device->trouble), "%s", oauth.text);
		poll_later(device);
	}
	b2b_oauth_clear(&oauth);
}

static int post(struct b2b_device *device, const char *url, struct b2b_form *form,
                void (*done)(void *arg, const struct b2b_http_response *response))
{
	struct b2b_federation *federation = device->federation;
	int r = b2b_client_post(federation->identity, federation->http, url, federation->discovery.token_endpoint, form, done, device,
	                        &device->call);

	b2b_form_clear(form);
	if (r < 0)
		device->call = NULL;
	return r;
}

static void poll_now(void *arg)
{
	struct b2b_device *device = arg;
	struct b2b_form form = { 0 };
	int r;

	if (b2b_now_ns() >= device->end_ns) {
		finish(device, device->troubles ? B2B_SERVICE_DOWN : B2B_AUTH_EXPIRED, NULL, device->troubles ? device->trouble : "");
		return;
	}
	b2b_form_add(&form, "grant_type", GRANT);
	b2b_form_add(&form, "device_code", device->device_code);
	r = post(device, device->federation->discovery.token_endpoint, &form, polled);
	if (r < 0)
		finish(device, B2B_INTERNAL, NULL, strerror(-r));
}

/* Printable ASCII without blanks: it goes to a terminal, and into a QR code. */
static bool presentable(const char *text, size_t max)
{
	size_t i;

	for (i = 0; text && text[i]; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	}
	return text && i > 0 && i <= max;
}

static bool presentable_uri(const char *uri)
{
	return presentable(uri, URI_MAX) && strncmp(uri, "https://", 8) == 0;
}

/* RFC 8628 3.2. */
static bool read_code(struct b2b_device *device, const json_t *body, struct b2b_device_prompt *prompt)
{
	const char *device_code = b2b_json_text(body, "device_code");
	int64_t life_s, interval_s = INTERVAL_DEFAULT_S;

	prompt->user_code = b2b_json_text(body, "user_code");
	prompt->verification_uri = b2b_json_text(body, "verification_uri");
	prompt->verification_uri_complete = b2b_json_text(body, "verification_uri_complete");
	if (!device_code || !*device_code || strlen(device_code) > DEVICE_CODE_MAX || !presentable(prompt->user_code, CODE_MAX) ||
	    !presentable_uri(prompt->verification_uri) || b2b_json_seconds(body, "expires_in", &life_s) < 0 || life_s == 0 ||
	    b2b_json_seconds(body, "interval", &interval_s) == -EBADMSG)
		return false;
	if (!presentable_uri(prompt->verification_uri_complete))
		prompt->verification_uri_complete = NULL;
	if (life_s > LIFE_MAX_S)
		life_s = LIFE_MAX_S;
	prompt->expires_in_s = (uint32_t)life_s;
	device->end_ns = b2b_now_ns() + (uint64_t)life_s * B2B_NS_PER_S;
	device->interval_s = interval_s < 1 ? 1 : interval_s > LIFE_MAX_S ? LIFE_MAX_S : (uint32_t)interval_s;
	device->device_code = strdup(device_code);
	return device->device_code != NULL;
}

static void begun(void *arg, const struct b2b_http_response *response)
{
	struct b2b_device *device = arg;
	struct b2b_device_prompt prompt;
	struct b2b_oauth oauth;

	device->call = NULL;
	b2b_oauth_read(response, &oauth);
	if (oauth.kind == B2B_OAUTH_TROUBLE) {
		finish(device, B2B_SERVICE_DOWN, NULL, oauth.text);
	} else if (oauth.kind == B2B_OAUTH_ERROR) {
		finish(device, B2B_AUTH_TOKEN, NULL, oauth.text);
	} else if (!read_code(device, oauth.body, &prompt)) {
		finish(device, B2B_AUTH_TOKEN, NULL, "the answer to the device authorization request lacks something or cannot be shown");
	} else {
		poll_later(device);
		device->handlers.prompt(device->arg, &prompt); /* DEVICE may be gone after this */
	}
	b2b_oauth_clear(&oauth);
}

int b2b_device_start(struct b2b_federation *federation, const char *login_hint, const struct b2b_device_handlers *handlers, void *arg,
                     struct b2b_device **ret_device)
{
	struct b2b_form form = { 0 };
	struct b2b_device *device;
	int r;

	if (!b2b_federation_ready(federation))
		return -EHOSTUNREACH;
	if (!federation->discovery.device_authorization_endpoint)
		return -EOPNOTSUPP;
	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->federation = federation;
	device->handlers = *handlers;
	device->arg = arg;
	b2b_form_add(&form, "scope", federation->conf->scope);
	b2b_form_add(&form, "login_hint", login_hint);
	r = post(device, federation->discovery.device_authorization_endpoint, &form, begun);
	if (r < 0)
		b2b_device_cancel(device);
	else
		*ret_device = device;
	return r;
}
