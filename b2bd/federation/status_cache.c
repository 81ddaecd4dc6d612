#include "b2bd/federation/status_cache_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"

int b2b_status_cache_new(struct b2b_loop *loop, struct b2b_http *http, struct b2b_federation *federation, const struct b2b_conf *conf,
                         const struct b2b_status_handlers *handlers, void *arg, struct b2b_status_cache **ret_cache)
{
	struct b2b_status_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	*cache = (struct b2b_status_cache){ .loop = loop, .http = http, .federation = federation, .conf = &conf->federation,
		                            .handlers = *handlers, .arg = arg };
	*ret_cache = cache;
	return 0;
}

void b2b_status_entry_forget(struct b2b_status_entry *entry)
{
	b2b_status_list_clear(&entry->list);
	free(entry->etag);
	entry->etag = NULL;
}

void b2b_status_entry_free(struct b2b_status_entry *entry)
{
	struct b2b_status_entry **at = &entry->cache->entries;

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	entry->cache->n--;
	b2b_status_fetch_stop(entry);
	b2b_waiters_clear(&entry->waiters);
	b2b_status_entry_forget(entry);
	free(entry->uri);
	free(entry);
}

void b2b_status_cache_free(struct b2b_status_cache *cache)
{
	if (!cache)
		return;
	while (cache->entries)
		b2b_status_entry_free(cache->entries);
	free(cache);
}

/* "host:port" of an https URL, the usual port left out, with its length. */
static const char *authority(const char *url, size_t *ret_len)
{
	const char *at = url + strlen("https://");
	size_t len = strcspn(at, "/?#");

	if (len > 4 && strncmp(at + len - 4, ":443", 4) == 0)
		len -= 4;
	*ret_len = len;
	return at;
}

static bool same_origin(const char *a, const char *b)
{
	size_t a_len, b_len;

	a = authority(a, &a_len);
	b = authority(b, &b_len);
	return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

bool b2b_status_uri_allowed(const struct b2b_conf_federation *conf, const char *uri)
{
	if (strncmp(uri, "https://", 8) != 0)
		return false;
	for (size_t i = 0; i < conf->status_origins.n; i++) {
		if (same_origin(conf->status_origins.words[i], uri))
			return true;
	}
	return same_origin(conf->issuer, uri);
}

static struct b2b_status_entry *find(const struct b2b_status_cache *cache, const char *uri)
{
	struct b2b_status_entry *entry = cache->entries;

	while (entry && strcmp(entry->uri, uri) != 0)
		entry = entry->next;
	return entry;
}

static bool idle(const struct b2b_status_entry *entry)
{
	return !entry->serving && !b2b_status_fetching(entry) && !entry->waiters.first && !entry->cache->handlers.needed(entry->cache->arg, entry->uri);
}

/* Of what nobody waits for or depends on one makes room. */
static bool make_place(struct b2b_status_cache *cache)
{
	struct b2b_status_entry *entry = cache->entries;

	if (cache->n < B2B_STATUS_LISTS_MAX)
		return true;
	while (entry && !idle(entry))
		entry = entry->next;
	if (entry)
		b2b_status_entry_free(entry);
	return entry != NULL;
}

static int find_or_add(struct b2b_status_cache *cache, const char *uri, struct b2b_status_entry **ret_entry)
{
	struct b2b_status_entry *entry = find(cache, uri);

	if (!entry) {
		if (!b2b_status_uri_allowed(cache->conf, uri))
			return -EPERM;
		if (!make_place(cache))
			return -ENOSPC;
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		entry->uri = strdup(uri);
		if (!entry->uri) {
			free(entry);
			return -ENOMEM;
		}
		entry->cache = cache;
		entry->next = cache->entries;
		cache->entries = entry;
		cache->n++;
	}
	*ret_entry = entry;
	return 0;
}

static bool usable(const struct b2b_status_entry *entry)
{
	return entry->list.bytes && b2b_now_ns() < entry->used_until_ns &&
	       (!entry->list.expires_at || b2b_wall_s() < entry->list.expires_at + (int64_t)entry->cache->conf->clock_skew_s);
}

static enum b2b_reason standing_of(int status, const char **ret_fault)
{
	switch (status) {
	case B2B_STATUS_VALID:
		return B2B_OK;
	case B2B_STATUS_SUSPENDED:
		*ret_fault = "suspended by its status list";
		return B2B_AUTH_SUSPENDED;
	case -ERANGE:
		*ret_fault = "its status list has no such place";
		return B2B_AUTH_UNKNOWN;
	default: /* the issuer's own, too: it is something, and not valid */
		*ret_fault = "invalid by its status list";
		return B2B_AUTH_INVALID;
	}
}

enum b2b_reason b2b_status_cache_standing(struct b2b_status_cache *cache, const char *uri, uint64_t index, const char **ret_fault)
{
	const struct b2b_status_entry *entry = find(cache, uri);

	if (entry && usable(entry))
		return standing_of(b2b_status_list_get(&entry->list, index), ret_fault);
	if (!b2b_status_uri_allowed(cache->conf, uri)) {
		*ret_fault = "its status list lies where this host fetches none (status_origins)";
		return B2B_AUTH_TOKEN;
	}
	if (!entry)
		*ret_fault = cache->n < B2B_STATUS_LISTS_MAX ? "its status list was not fetched" : "this host follows too many status lists already";
	else
		*ret_fault = *entry->why ? entry->why : "its status list is too old";
	return B2B_AUTH_UNKNOWN;
}

int b2b_status_cache_want(struct b2b_status_cache *cache, const char *uri, void (*done)(void *arg, bool fetched), void *arg)
{
	const struct b2b_waiter waiter = { .keys = done, .arg = arg };
	struct b2b_status_entry *entry;
	int r = find_or_add(cache, uri, &entry);

	if (r < 0)
		return r;
	if (!b2b_status_fetching(entry) && b2b_now_ns() < entry->retry_ns)
		return -EAGAIN;
	r = b2b_waiters_add(&entry->waiters, &waiter);
	if (r == 0 && !b2b_status_fetching(entry))
		b2b_status_fetch_in(entry, 0); /* not now: no callback may come from within */
	return r;
}

void b2b_status_cache_drop(struct b2b_status_cache *cache, const void *arg)
{
	for (struct b2b_status_entry *entry = cache->entries; entry; entry = entry->next)
		b2b_waiters_forget(&entry->waiters, arg);
}

int b2b_status_cache_follow(struct b2b_status_cache *cache, const char *uri, int64_t issued_at)
{
	struct b2b_status_entry *entry;
	int r = find_or_add(cache, uri, &entry);

	if (r < 0)
		return r;
	if (issued_at > entry->newest)
		entry->newest = issued_at;
	if (!entry->timer.loop && !b2b_status_fetching(entry))
		b2b_status_fetch_in(entry, 0);
	return 0;
}

void b2b_status_cache_forget(struct b2b_status_cache *cache)
{
	for (struct b2b_status_entry *entry = cache ? cache->entries : NULL; entry; entry = entry->next) {
		b2b_status_fetch_stop(entry);
		b2b_status_entry_forget(entry);
		entry->newest = 0; /* who has a stolen key may have made one of the future */
		b2b_status_fetch_in(entry, 0);
	}
}

/* Its ttl, and the tenth by which a fetch may be late. */
static uint32_t within_of(const struct b2b_status_entry *entry)
{
	uint32_t wait_s = b2b_status_bounded(entry, entry->list.ttl_s ? entry->list.ttl_s : entry->cache->conf->status_interval_s);

	return entry->list.bytes ? wait_s + wait_s / 10 + 1 : 0;
}

void b2b_status_cache_each(const struct b2b_status_cache *cache, void (*each)(void *arg, const struct b2b_status_figures *figures), void *arg)
{
	uint64_t now = b2b_now_ns();

	for (const struct b2b_status_entry *entry = cache ? cache->entries : NULL; entry; entry = entry->next) {
		const struct b2b_status_figures figures = {
			.uri = entry->uri, .fetched_s = entry->fetched_s, .issued_at = entry->list.issued_at, .expires_at = entry->list.expires_at,
			.ttl_s = entry->list.ttl_s, .interval_s = entry->interval_s, .within_s = within_of(entry),
			.next_ns = entry->timer.loop && entry->timer.due_ns > now ? entry->timer.due_ns - now : 0,
			.failing_since_s = entry->failing_since_s, .why = entry->why,
		};

		each(arg, &figures);
	}
}
