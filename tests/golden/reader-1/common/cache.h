/*
 * The cache, as both modules read it: index, live words and snapshots below
 * one directory, mapped read-only. Needs nothing but libc.
 *
 * Thread-safe; survives fork, closed descriptors (none are kept open) and any
 * bytes in the files, also bytes that change while they are read: every value
 * is copied, then checked, then used. A steady-state look-up makes no system
 * call and takes no lock.
 *
 * Rules that every look-up follows:
 *  - a name is open while its word, its organisation's and every ancestor's are B2B_LIVE_OPEN;
 *  - a closed user keeps name, uid, gid and home, with shell /usr/sbin/nologin and no groups but the private one;
 *  - a file that this process may not read (another partner's roster) is -ENOENT.
 *
 * Errors: -ENOENT no such entry; -ESRCH ours by name, absent, and the agent might know it (only by-name
 * look-ups, only with a fresh heartbeat); -ERANGE the buffer is too small, nothing else changed;
 * -ENODATA no cache, or one that cannot be trusted or read (UNAVAIL).
 */
#ifndef B2B_CACHE_H
#define B2B_CACHE_H

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/policy.h"

struct b2b_cache; /* opaque */

/*
 * A handle on the cache below DIR (a string that outlives it; NULL: B2B_CACHE_DIR). Maps nothing yet.
 * Returns 0 or -ENOMEM. The NSS module keeps one per process for ever.
 */
int b2b_cache_new(const char *dir, struct b2b_cache **ret_cache);
void b2b_cache_free(struct b2b_cache *cache); /* no other thread may be inside; NULL is legal */

int b2b_cache_getpwnam(struct b2b_cache *cache, const char *name, struct passwd *ret_pw, char *buf, size_t len);
int b2b_cache_getpwuid(struct b2b_cache *cache, uint32_t uid, struct passwd *ret_pw, char *buf, size_t len);
int b2b_cache_getgrnam(struct b2b_cache *cache, const char *name, struct group *ret_gr, char *buf, size_t len);
int b2b_cache_getgrgid(struct b2b_cache *cache, uint32_t gid, struct group *ret_gr, char *buf, size_t len);

/*
 * Supplementary groups of NAME (organisation groups, members@org, partners, local groups of its roles), each
 * handed to ADD, which returns 0 to go on or a negative errno to stop. Returns 0, ADD's error, or as above.
 */
int b2b_cache_initgroups(struct b2b_cache *cache, const char *name, int (*add)(void *arg, uint32_t gid), void *arg);

/* Enumeration: *CURSOR starts at 0 and is opaque; -ENOENT at the end. -ERANGE leaves it where it was. */
int b2b_cache_nextpw(struct b2b_cache *cache, uint64_t *cursor, struct passwd *ret_pw, char *buf, size_t len);
int b2b_cache_nextgr(struct b2b_cache *cache, uint64_t *cursor, struct group *ret_gr, char *buf, size_t len);

/*
 * How a user stands right now: what pam_b2b checks itself, as a second lock beside the agent's decision.
 * `word` and `org_word` change when a revocation passes between two calls.
 */
struct b2b_standing {
	uint32_t uid;
	char name[B2B_NAME_SIZE];  /* canonical */
	char alias[B2B_NAME_SIZE];
	char org_id[B2B_ID_SIZE];
	bool user_open;            /* its own word */
	bool org_open;             /* its organisation's and all ancestors' words */
	bool service_granted;      /* SERVICE is in the organisation's grant */
	bool agent_alive;          /* heartbeat fresh, of this boot */
	bool lease_valid;          /* last completed signal poll within the service's staleness, of this boot */
	uint32_t word;
	uint64_t org_words;        /* the epochs of organisation and ancestors, folded: compare for equality only */
};

/* Returns 0 or as above; *ret_standing is untouched on failure. Reads the boot id: not for hot paths. */
int b2b_cache_standing(struct b2b_cache *cache, const char *name, const char *service, struct b2b_standing *ret_standing);

/*
 * Is NAME a partner's? 1 yes: it carries the separator and an organisation of the index, or the index cannot be
 * read and the name could be one (b2b_name_candidate). 0 no.
 */
int b2b_cache_ours(struct b2b_cache *cache, const char *name);

#endif
