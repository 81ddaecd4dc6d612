/* The inside of a status cache, for status_cache.c and status_fetch.c. */
#ifndef B2B_STATUS_CACHE_PRIVATE_H
#define B2B_STATUS_CACHE_PRIVATE_H

#include "b2bd/federation/status_cache.h"
#include "b2bd/federation/waiters.h"

#define B2B_STATUS_WHY_SIZE 512

/* One list, and who waits for it. */
struct b2b_status_entry {
	struct b2b_status_entry *next;
	struct b2b_status_cache *cache;
	char *uri;
	struct b2b_status_list list; /* without bytes: none */
	char *etag;                  /* of it; NULL: none */
	int64_t newest;              /* iat of the newest that was believed */
	struct b2b_http_call *call;
	struct b2b_timer timer;      /* the next fetch, or the next try */
	struct b2b_waiters waiters;
	char *jwt;                   /* what came, while keys are fetched for it */
	size_t jwt_len;
	char *jwt_etag;
	bool refetched;              /* keys were, for this one */
	bool serving;                /* who asked is being told: it must stay */
	uint32_t interval_s;
	uint64_t used_until_ns;
	int64_t fetched_s;
	unsigned failures;           /* in a row */
	uint64_t retry_ns;           /* not before then, after a failure */
	int64_t failing_since_s;
	char why[B2B_STATUS_WHY_SIZE];
};

struct b2b_status_cache {
	struct b2b_loop *loop;
	struct b2b_http *http;
	struct b2b_federation *federation;
	const struct b2b_conf_federation *conf;
	struct b2b_status_handlers handlers;
	void *arg;
	struct b2b_status_entry *entries;
	size_t n;
};

/* status_cache.c */
void b2b_status_entry_free(struct b2b_status_entry *entry);
void b2b_status_entry_forget(struct b2b_status_entry *entry); /* its list */

/* status_fetch.c */
void b2b_status_fetch_in(struct b2b_status_entry *entry, uint64_t delay_ns);
uint32_t b2b_status_bounded(const struct b2b_status_entry *entry, int64_t wait_s); /* WAIT_S within what may lie between two fetches */
bool b2b_status_fetching(const struct b2b_status_entry *entry);
void b2b_status_fetch_stop(struct b2b_status_entry *entry); /* also one that is due */

#endif
