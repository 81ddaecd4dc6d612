/* Metadata and key set: fetched at the start, again before they are old, and when a token names a key that is not known. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/client_proof.h"
#include "b2bd/federation/federation_private.h"
#include "b2bd/federation/jwks.h"
#include "b2bd/jitter.h"
#include "common/clock.h"
#include "common/log.h"

#define KEYS_MIN_S 300        /* Cache-Control is followed between these */
#define KEYS_MAX_S 86400
#define KEYS_DEFAULT_S 3600   /* where it says nothing */
#define KEYS_HARD_S (2 * KEYS_MAX_S) /* without a successful fetch for so long, a key may have been withdrawn long ago */
#define DISCOVERY_S 86400
#define REFETCH_S 60
#define FOLLOW_S 5
#define BACKOFF_FIRST_S 1
#define BACKOFF_MAX_S 60
#define RETRY_AFTER_MAX_S 300
#define KEYS_BODY_MAX (256 * 1024)

static void fetch(struct b2b_federation *federation);

static void timer_fired(void *arg)
{
	struct b2b_federation *federation = arg;

	if (!federation->refresh.call)
		fetch(federation);
}

static void again_in(struct b2b_federation *federation, uint64_t delay_ns)
{
	b2b_timer_set(federation->loop, &federation->refresh.timer, delay_ns, timer_fired, federation);
}

static void answer_waiters(struct b2b_federation *federation, uint64_t until, bool fetched)
{
	struct b2b_waiter waiter;

	while (b2b_waiters_take(&federation->refresh.waiters, until, &waiter))
		waiter.keys(waiter.arg, fetched);
}

static uint64_t backoff_ns(const struct b2b_refresh *refresh, long retry_after_s)
{
	uint64_t delay_s = BACKOFF_FIRST_S;
	unsigned i;

	for (i = 1; i < refresh->failures && delay_s < BACKOFF_MAX_S; i++)
		delay_s *= 2;
	if (delay_s > BACKOFF_MAX_S)
		delay_s = BACKOFF_MAX_S;
	if (retry_after_s > (long)delay_s) /* everybody was told the same */
		return (uint64_t)(retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s : RETRY_AFTER_MAX_S) * B2B_NS_PER_S +
		       b2b_jitter_ns(0, delay_s * B2B_NS_PER_S);
	return b2b_jitter_ns(delay_s * B2B_NS_PER_S / 2, delay_s * B2B_NS_PER_S);
}

/* What is there stays in use until it is too old. */
static void failed(struct b2b_federation *federation, const char *why, long retry_after_s)
{
	struct b2b_refresh *refresh = &federation->refresh;
	bool keep = federation->jwks && b2b_now_ns() < refresh->keys_end_ns;

	refresh->failures++;
	again_in(federation, backoff_ns(refresh, retry_after_s));
	if (federation->jwks && refresh->failures == 1)
		b2b_log(LOG_WARNING, "event=federation-keys-not-refreshed error=\"%s\"", why);
	b2b_federation_state(federation, keep ? federation->jwks : NULL, why);
	answer_waiters(federation, refresh->waiters.serial, false);
}

static void failed_at(struct b2b_federation *federation, const struct b2b_http_response *response, const char *what)
{
	char why[B2B_WHY_SIZE];

	if (response->error < 0)
		snprintf(why, sizeof(why), "%s", response->error_text);
	else
		snprintf(why, sizeof(why), "%s: %s (HTTP status %ld)", federation->refresh.url, what, response->status);
	failed(federation, why, response->retry_after_s);
}

static uint64_t keys_life_ns(long max_age_s)
{
	uint64_t life_s = max_age_s < 0 ? KEYS_DEFAULT_S : (uint64_t)max_age_s;

	if (life_s < KEYS_MIN_S)
		life_s = KEYS_MIN_S;
	return (life_s > KEYS_MAX_S ? KEYS_MAX_S : life_s) * B2B_NS_PER_S;
}

static void succeeded(struct b2b_federation *federation, struct b2b_jwks *jwks, long max_age_s)
{
	struct b2b_refresh *refresh = &federation->refresh;
	uint64_t life_ns = keys_life_ns(max_age_s);

	refresh->failures = 0;
	refresh->keys_end_ns = b2b_now_ns() + KEYS_HARD_S * B2B_NS_PER_S;
	again_in(federation, b2b_jitter_ns(life_ns - life_ns / 20, life_ns));
	b2b_federation_state(federation, jwks, NULL);
	answer_waiters(federation, refresh->waiters.serial, true);
}

static void keys_fetched(void *arg, const struct b2b_http_response *response)
{
	struct b2b_federation *federation = arg;
	struct b2b_jwks *jwks = NULL;

	federation->refresh.call = NULL;
	if (response->error < 0 || response->status != 200) {
		failed_at(federation, response, "the keys were not given");
		return;
	}
	if (b2b_jwks_parse(response->body, response->body_len, &jwks) < 0) {
		failed_at(federation, response, "not a key set");
		return;
	}
	if (federation->conf->algorithms)
		b2b_jwks_allow(jwks, federation->conf->algorithms);
	if (b2b_jwks_count(jwks) == 0) {
		b2b_jwks_free(jwks);
		failed_at(federation, response, "no key in it that can be used");
		return;
	}
	succeeded(federation, jwks, response->max_age_s);
}

static void get(struct b2b_federation *federation, char *url, void (*done)(void *arg, const struct b2b_http_response *response))
{
	struct b2b_refresh *refresh = &federation->refresh;
	struct b2b_http_request request = { .method = "GET", .url = url, .max_body = KEYS_BODY_MAX };
	int r = url ? b2b_http_start(federation->http, &request, done, federation, &refresh->call) : -ENOMEM;

	free(refresh->url);
	refresh->url = url;
	if (r < 0) {
		refresh->call = NULL;
		failed(federation, strerror(-r), -1);
	}
}

static void fetch_keys(struct b2b_federation *federation)
{
	get(federation, strdup(federation->discovery.jwks_uri), keys_fetched);
}

static void discovered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_federation *federation = arg;
	struct b2b_refresh *refresh = &federation->refresh;
	struct b2b_discovery found;
	const char *what;
	char fault[128];
	int r;

	refresh->call = NULL;
	if (response->error == 0 && response->status == 404 && !refresh->oauth_place) {
		refresh->oauth_place = true;
		get(federation, b2b_discovery_url(federation->conf->issuer, 1), discovered);
		return;
	}
	if (response->error < 0 || response->status != 200) {
		failed_at(federation, response, "the metadata was not given");
		return;
	}
	r = b2b_discovery_parse(response->body, response->body_len, federation->conf->issuer,
	                        b2b_client_auth_tls(federation->conf->client_auth), &found, &what);
	if (r < 0) {
		failed_at(federation, response, b2b_discovery_fault(r, what, fault, sizeof(fault)));
		return;
	}
	b2b_discovery_clear(&federation->discovery);
	federation->discovery = found;
	refresh->discovered_ns = b2b_now_ns();
	fetch_keys(federation);
}

static void fetch(struct b2b_federation *federation)
{
	struct b2b_refresh *refresh = &federation->refresh;

	b2b_timer_stop(&refresh->timer);
	refresh->refetching = false;
	if (refresh->discovered_ns && b2b_now_ns() - refresh->discovered_ns < DISCOVERY_S * B2B_NS_PER_S) {
		fetch_keys(federation);
		return;
	}
	refresh->oauth_place = false;
	get(federation, b2b_discovery_url(federation->conf->issuer, 0), discovered);
}

static void answer_refused(void *arg)
{
	struct b2b_federation *federation = arg;

	answer_waiters(federation, federation->refresh.answer_until, false);
}

/* DONE once there is something newer, which is asked for unless it was within LEAST_S. */
static void refetch(struct b2b_federation *federation, unsigned least_s, void (*done)(void *arg, bool fetched), void *arg)
{
	struct b2b_refresh *refresh = &federation->refresh;
	struct b2b_waiter waiter = { .keys = done, .arg = arg };
	uint64_t now = b2b_now_ns();

	if (b2b_waiters_add(&refresh->waiters, &waiter) < 0) {
		b2b_log(LOG_ERR, "event=out-of-memory where=keys");
		return;
	}
	if (refresh->call || refresh->refetching)
		return; /* under way already */
	if (federation->jwks && (!refresh->refetched_ns || now - refresh->refetched_ns >= least_s * B2B_NS_PER_S)) {
		refresh->refetched_ns = now;
		refresh->refetching = true;
		b2b_timer_set(federation->loop, &refresh->timer, 0, timer_fired, federation);
		return;
	}
	refresh->answer_until = refresh->waiters.serial;
	b2b_timer_set(federation->loop, &refresh->answer, 0, answer_refused, federation);
}

void b2b_federation_refetch_keys(struct b2b_federation *federation, void (*done)(void *arg, bool fetched), void *arg)
{
	refetch(federation, REFETCH_S, done, arg);
}

void b2b_federation_follow_keys(struct b2b_federation *federation, void (*done)(void *arg, bool fetched), void *arg)
{
	refetch(federation, FOLLOW_S, done, arg);
}

int b2b_federation_renew_keys(struct b2b_federation *federation, void (*done)(void *arg, bool fetched), void *arg)
{
	struct b2b_refresh *refresh = &federation->refresh;
	struct b2b_waiter waiter = { .keys = done, .arg = arg };
	int r = b2b_waiters_add(&refresh->waiters, &waiter);

	if (r == 0 && !refresh->call && !refresh->refetching) {
		refresh->refetching = true;
		again_in(federation, 0);
	}
	return r;
}

/* Not at once: whoever makes a federation has yet to say whom to tell. */
void b2b_refresh_begin(struct b2b_federation *federation)
{
	again_in(federation, 0);
}

void b2b_refresh_stop(struct b2b_federation *federation)
{
	struct b2b_refresh *refresh = &federation->refresh;

	b2b_http_cancel(refresh->call);
	b2b_timer_stop(&refresh->timer);
	b2b_timer_stop(&refresh->answer);
	b2b_waiters_clear(&refresh->waiters);
	free(refresh->url);
}
