/*
 * Status lists as this host keeps them (draft-ietf-oauth-status-list, sections 8 and 13.7): each is fetched once for all who wait, and
 * again for as long as something that is open here depends on it. What was fetched is used until it is due to be fetched again, and a
 * little longer; a list that cannot be had says nothing.
 */
#ifndef B2B_STATUS_CACHE_H
#define B2B_STATUS_CACHE_H

#include "b2bd/federation/federation.h"
#include "b2bd/federation/status_list.h"
#include "common/reason.h"

#define B2B_STATUS_LISTS_MAX 64                   /* that are followed at once */
#define B2B_STATUS_ALL_BYTES_MAX (16 * 1024 * 1024) /* of all lists, unpacked; the oldest makes room and is fetched again when it is asked for */
#define B2B_STATUS_LEAST_S 5                      /* between two fetches of a list, whatever its ttl says (section 11.5) */
#define B2B_STATUS_SLACK_S 15                     /* how long past its time a list is used, while the next is being fetched */

struct b2b_status_cache; /* opaque */

struct b2b_status_handlers {
	/* The list at URI was fetched, or found not to have changed: what depends on it is to be looked at again. */
	void (*fetched)(void *arg, const char *uri, int64_t issued_at);
	/* Does anything that is open here depend on the list at URI? */
	bool (*needed)(void *arg, const char *uri);
};

/* CONF, HTTP and FEDERATION must outlive it. Returns 0 or -ENOMEM. */
int b2b_status_cache_new(struct b2b_loop *loop, struct b2b_http *http, struct b2b_federation *federation, const struct b2b_conf *conf,
                         const struct b2b_status_handlers *handlers, void *arg, struct b2b_status_cache **ret_cache);
void b2b_status_cache_free(struct b2b_status_cache *cache); /* NULL is legal */

/* May a list be fetched from URI: of the issuer's own origin, or of one that root allows (status_origins)? */
bool b2b_status_uri_allowed(const struct b2b_conf_federation *conf, const char *uri);

/*
 * How does the token stand whose place is INDEX in the list at URI? B2B_OK; B2B_AUTH_INVALID or B2B_AUTH_SUSPENDED by the list;
 * B2B_AUTH_UNKNOWN where the list is not there, too old or has no such place (section 8.3: then the token is to be rejected);
 * B2B_AUTH_TOKEN where it may not be fetched. *ret_fault says why, for the log; it lives until the loop's next turn.
 */
enum b2b_reason b2b_status_cache_standing(struct b2b_status_cache *cache, const char *uri, uint64_t index, const char **ret_fault);

/*
 * Fetch the list at URI for who was told B2B_AUTH_UNKNOWN; one fetch serves all. DONE is called once, from the loop, with whether it came; not
 * after b2b_status_cache_drop. Returns 0; or, with no call to come, -EPERM it may not be fetched, -ENOSPC too many lists,
 * -EAGAIN it could not be had a moment ago, -ENOMEM.
 */
int b2b_status_cache_want(struct b2b_status_cache *cache, const char *uri, void (*done)(void *arg, bool fetched), void *arg);
void b2b_status_cache_drop(struct b2b_status_cache *cache, const void *arg); /* ARG's calls do not come any more */

/*
 * Fetch the list at URI soon, and again while it is needed. ISSUED_AT: none older is believed any more; 0: not known.
 * Returns as b2b_status_cache_want.
 */
int b2b_status_cache_follow(struct b2b_status_cache *cache, const char *uri, int64_t issued_at);

/* Keys are trusted no more: forget every list, and fetch again those that are needed. NULL is legal. */
void b2b_status_cache_forget(struct b2b_status_cache *cache);

struct b2b_status_figures {
	const char *uri;
	int64_t fetched_s;       /* wall clock; 0: never */
	int64_t issued_at, expires_at; /* as the list says; 0: not said, or there is none */
	int64_t ttl_s;           /* the same */
	uint32_t interval_s;     /* to the next fetch, from the last one, at the most; 0: none was fetched */
	uint32_t within_s;       /* what is withdrawn in it shows within that time; 0: none was fetched */
	uint64_t next_ns;        /* until it; 0: now, or none is due */
	int64_t failing_since_s; /* 0: it is not */
	const char *why;         /* it is failing; "" */
};
/* NULL is legal: there are none. */
void b2b_status_cache_each(const struct b2b_status_cache *cache, void (*each)(void *arg, const struct b2b_status_figures *figures), void *arg);

#endif
