/* Fetching one status list: when, what is believed of what comes, and what follows when none does. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "b2bd/federation/status_cache_private.h"
#include "b2bd/jitter.h"
#include "common/clock.h"
#include "common/log.h"

#define MEDIA_TYPE "application/statuslist+jwt" /* section 8.2 */
#define TIMEOUT_MS 8000                         /* somebody may wait at a log-in */
#define BACKOFF_FIRST_S 1
#define BACKOFF_MAX_S 60

static void forget_answer(struct b2b_status_entry *entry)
{
	free(entry->jwt);
	free(entry->jwt_etag);
	entry->jwt = entry->jwt_etag = NULL;
}

void b2b_status_fetch_stop(struct b2b_status_entry *entry)
{
	b2b_http_cancel(entry->call);
	entry->call = NULL;
	b2b_timer_stop(&entry->timer);
	b2b_federation_forget(entry->cache->federation, entry);
	forget_answer(entry);
}

bool b2b_status_fetching(const struct b2b_status_entry *entry)
{
	return entry->call || entry->jwt;
}

static void answer_waiters(struct b2b_status_entry *entry, bool fetched)
{
	uint64_t until = entry->waiters.serial;
	struct b2b_waiter waiter;

	entry->serving = true;
	while (b2b_waiters_take(&entry->waiters, until, &waiter))
		waiter.keys(waiter.arg, fetched);
	entry->serving = false;
}

static void due(void *arg);

void b2b_status_fetch_in(struct b2b_status_entry *entry, uint64_t delay_ns)
{
	b2b_timer_set(entry->cache->loop, &entry->timer, delay_ns, due, entry);
}

static uint64_t backoff_ns(const struct b2b_status_entry *entry, long retry_after_s)
{
	uint64_t delay_s = BACKOFF_FIRST_S;
	unsigned i;

	for (i = 1; i < entry->failures && delay_s < BACKOFF_MAX_S; i++)
		delay_s *= 2;
	if (retry_after_s > (long)delay_s)
		delay_s = (uint64_t)retry_after_s;
	if (delay_s > BACKOFF_MAX_S)
		delay_s = BACKOFF_MAX_S;
	return b2b_jitter_ns(delay_s * B2B_NS_PER_S - 250 * B2B_NS_PER_MS, delay_s * B2B_NS_PER_S);
}

/* What is there stays in use until its time is over; sessions that depend on it go on, for this says nothing of them. */
static void failed(struct b2b_status_entry *entry, const char *why, long retry_after_s)
{
	uint64_t delay_ns;

	forget_answer(entry);
	entry->failures++;
	delay_ns = backoff_ns(entry, retry_after_s);
	entry->retry_ns = b2b_now_ns() + delay_ns;
	if (!entry->failing_since_s)
		entry->failing_since_s = b2b_wall_s();
	if (strncmp(entry->why, why, sizeof(entry->why) - 1) != 0 || entry->failures == 1)
		b2b_log(LOG_WARNING, "event=status-list-refused uri=%s why=\"%s\"", entry->uri, why);
	snprintf(entry->why, sizeof(entry->why), "%s", why);
	b2b_status_fetch_in(entry, delay_ns);
	answer_waiters(entry, false);
}

static void refused(struct b2b_status_entry *entry, enum b2b_token_fault fault)
{
	char why[B2B_STATUS_WHY_SIZE];

	snprintf(why, sizeof(why), "the status list is refused: %s", b2b_token_fault_text(fault));
	failed(entry, why, -1);
}

uint32_t b2b_status_bounded(const struct b2b_status_entry *entry, int64_t wait_s)
{
	int64_t longest = entry->cache->conf->status_interval_s;

	if (wait_s < B2B_STATUS_LEAST_S)
		wait_s = B2B_STATUS_LEAST_S;
	return (uint32_t)(wait_s < longest ? wait_s : longest);
}

/*
 * How long until the next fetch: what is left of its ttl, counted from when it was issued where it is not over yet (section 13.7: a
 * cache on the way may have kept it a while), within our bounds, and not past its end.
 */
static uint32_t interval_of(const struct b2b_status_entry *entry, int64_t now_s)
{
	const struct b2b_status_list *list = &entry->list;
	int64_t wait = list->ttl_s ? list->ttl_s : entry->cache->conf->status_interval_s;

	if (list->ttl_s && list->issued_at <= now_s && list->issued_at + list->ttl_s > now_s)
		wait = list->issued_at + list->ttl_s - now_s;
	if (list->expires_at && wait > list->expires_at - now_s)
		wait = list->expires_at - now_s;
	return b2b_status_bounded(entry, wait);
}

/* Up to a tenth later: hosts that fetched together do not come back together, and a cache's copy is over by then. */
static void succeeded(struct b2b_status_entry *entry)
{
	struct b2b_status_cache *cache = entry->cache;
	int64_t now_s = b2b_wall_s();
	uint64_t delay_ns;

	forget_answer(entry);
	if (entry->failing_since_s)
		b2b_log(LOG_NOTICE, "event=status-list-fetched uri=%s failing_s=%lld", entry->uri, (long long)(now_s - entry->failing_since_s));
	entry->failures = 0;
	entry->failing_since_s = 0;
	entry->retry_ns = 0;
	entry->why[0] = '\0';
	entry->fetched_s = now_s;
	entry->interval_s = interval_of(entry, now_s);
	delay_ns = b2b_jitter_ns(entry->interval_s * B2B_NS_PER_S, entry->interval_s * (B2B_NS_PER_S + B2B_NS_PER_S / 10));
	entry->used_until_ns = b2b_now_ns() + delay_ns + B2B_STATUS_SLACK_S * B2B_NS_PER_S;
	b2b_status_fetch_in(entry, delay_ns);
	cache->handlers.fetched(cache->arg, entry->uri, entry->list.issued_at);
	answer_waiters(entry, true);
}

static size_t bytes_kept(const struct b2b_status_cache *cache)
{
	size_t sum = 0;

	for (const struct b2b_status_entry *entry = cache->entries; entry; entry = entry->next)
		sum += entry->list.n_bytes;
	return sum;
}

static void make_room(struct b2b_status_entry *kept)
{
	struct b2b_status_cache *cache = kept->cache;
	struct b2b_status_entry *entry, *oldest;

	while (bytes_kept(cache) > B2B_STATUS_ALL_BYTES_MAX) {
		oldest = NULL;
		for (entry = cache->entries; entry; entry = entry->next) {
			if (entry != kept && entry->list.bytes && (!oldest || entry->used_until_ns < oldest->used_until_ns))
				oldest = entry;
		}
		if (!oldest)
			return;
		b2b_status_entry_forget(oldest);
	}
}

static void take(struct b2b_status_entry *entry, const struct b2b_status_list *list)
{
	b2b_status_entry_forget(entry);
	entry->list = *list;
	entry->newest = list->issued_at;
	entry->etag = entry->jwt_etag;
	entry->jwt_etag = NULL;
	make_room(entry);
	succeeded(entry);
}

static void judge(struct b2b_status_entry *entry);

static void keys_refetched(void *arg, bool fetched)
{
	(void)fetched; /* a refresh may have come in between */
	judge(arg);
}

static void judge(struct b2b_status_entry *entry)
{
	struct b2b_status_cache *cache = entry->cache;
	const struct b2b_token_expect expect = { .issuer = cache->conf->issuer, .now = b2b_wall_s(), .skew_s = cache->conf->clock_skew_s };
	struct b2b_status_list list = { 0 };
	enum b2b_token_fault fault;

	if (!b2b_federation_ready(cache->federation)) {
		failed(entry, "the federation service's keys are not known", -1);
		return;
	}
	fault = b2b_status_list_verify(entry->jwt, entry->jwt_len, b2b_federation_jwks(cache->federation), &expect, entry->uri, &list);
	if (fault == B2B_TOKEN_KEY_UNKNOWN && !entry->refetched) {
		entry->refetched = true;
		b2b_federation_refetch_keys(cache->federation, keys_refetched, entry);
		return;
	}
	if (fault == B2B_TOKEN_OK && list.issued_at < entry->newest)
		fault = B2B_TOKEN_LIST_OLD;
	if (fault == B2B_TOKEN_OK) {
		take(entry, &list);
		return;
	}
	b2b_status_list_clear(&list);
	refused(entry, fault);
}

static bool is_list(const char *content_type)
{
	size_t len = strlen(MEDIA_TYPE);

	return strncasecmp(content_type, MEDIA_TYPE, len) == 0 && (!content_type[len] || strchr("; \t", content_type[len]));
}

static void keep_answer(struct b2b_status_entry *entry, const struct b2b_http_response *response)
{
	entry->jwt = strndup(response->body, response->body_len);
	entry->jwt_len = entry->jwt ? strlen(entry->jwt) : 0;
	entry->jwt_etag = response->etag ? strdup(response->etag) : NULL;
	entry->refetched = false;
	if (entry->jwt)
		judge(entry);
	else
		failed(entry, strerror(ENOMEM), -1);
}

static void answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_status_entry *entry = arg;
	char why[B2B_STATUS_WHY_SIZE];

	entry->call = NULL;
	if (response->error < 0) {
		failed(entry, response->error == -EFBIG ? "the status list is refused: larger than one may be" : response->error_text, -1);
	} else if (response->status == 304 && entry->list.bytes) {
		succeeded(entry);
	} else if (response->status != 200) {
		snprintf(why, sizeof(why), "the status list was not given (HTTP status %ld)", response->status);
		failed(entry, why, response->retry_after_s);
	} else if (!is_list(response->content_type)) {
		failed(entry, "the status list is refused: its content type is not " MEDIA_TYPE, -1);
	} else {
		keep_answer(entry, response);
	}
}

/* One that is over is not asked about: not changed, it would still be over. */
static const char *etag_to_send(const struct b2b_status_entry *entry)
{
	return entry->list.bytes && (!entry->list.expires_at || b2b_wall_s() < entry->list.expires_at) ? entry->etag : NULL;
}

static void fetch(struct b2b_status_entry *entry)
{
	const struct b2b_http_request request = { .method = "GET", .url = entry->uri, .accept = MEDIA_TYPE, .timeout_ms = TIMEOUT_MS,
		                                  .max_body = B2B_STATUS_LIST_MAX, .if_none_match = etag_to_send(entry) };
	int r;

	if (b2b_status_fetching(entry))
		return;
	b2b_timer_stop(&entry->timer);
	r = b2b_http_start(entry->cache->http, &request, answered, entry, &entry->call);
	if (r == 0)
		return;
	entry->call = NULL;
	failed(entry, strerror(-r), -1);
}

/* Whoever depended on it is gone: what was fetched may serve until its time is over. */
static void due(void *arg)
{
	struct b2b_status_entry *entry = arg;

	if (entry->waiters.first || entry->cache->handlers.needed(entry->cache->arg, entry->uri))
		fetch(entry);
	else
		b2b_status_entry_free(entry);
}

