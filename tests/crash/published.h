/*
 * What the writers under test publish, in numbered versions, and what a reader makes of it. Everything in a version names its
 * number, so that a reader's answers can be told to be one version's, and a mixture of two can not pass for either.
 *
 * Policy N: acme and apac.acme, homes below /srvN, role gids 1000 * N and up. Snapshot N of acme: alice and carol with "vN" as their display name,
 * roles by N's parity, a person pN whom no other version has, dba@acme with alice (odd) or carol (even).
 */
#ifndef B2B_CRASH_PUBLISHED_H
#define B2B_CRASH_PUBLISHED_H

#include "common/cache.h"
#include "common/live.h"
#include "common/policy.h"

#define PUBLISHED_ALICE 1u
#define PUBLISHED_CAROL 2u
#define PUBLISHED_NEWEST 10u /* + N: pN */
#define PUBLISHED_DBA 100u

struct b2b_policy *published_policy(unsigned version); /* b2b_policy_free */

/* Snapshot VERSION of acme, generation VERSION, as the agent hands it to the guard: a sealed memfd. Exits the test on failure. */
int published_snapshot(const struct b2b_policy *policy, unsigned version);

/* Install the snapshot FD (the caller's) and announce it, as the guard does. Returns 0 or a negative errno. */
int published_install(const char *dir, const struct b2b_policy *policy, struct b2b_live *live, int fd);

/* A snapshot of the organisation below acme, in which nobody is; and both installed at once and announced, acme's last: 0 where they are in place, too. */
int published_beside(const struct b2b_policy *policy, uint64_t generation);
int published_install_both(const char *dir, const struct b2b_policy *policy, struct b2b_live *const lives[2], int fd, int beside);

/* Open the words of acme's people of all versions up to VERSION, and acme's own. */
void published_open(struct b2b_live *live, unsigned version);

#define PUBLISHED_ABSENT 0u

struct published_view {
	unsigned policy;   /* PUBLISHED_ABSENT: no cache (UNAVAIL) */
	unsigned snapshot; /* PUBLISHED_ABSENT: nobody of acme is known, or acme cannot be read (UNAVAIL is set then) */
	bool unavailable;  /* acme's files cannot be read */
	bool alice_open;
	char wrong[256];   /* "" or what no version has */
};

/* Every kind of look-up, by CACHE. */
struct published_view published_look(struct b2b_cache *cache);
/* The same by a process that has nothing mapped yet. */
struct published_view published_look_fresh(const char *dir);

#endif
