/*
 * A policy and a published cache for tests.
 *
 *   slot  alias       id      range                     people (uid offset)                 groups
 *   0     acme        42c3e9  0x78000000 + 1024         alice 1, carol 2, dave 3            dba 100, web 101
 *   1     apac.acme   7be10b  0x78010000 + 1024         heidi 1
 *   2     emea.acme   7be10a  0x78020000 + 1024         bob 1
 *   3     globex      9d01f2  0x78030000 + 1024         erin 1, grace 2                     ops 100
 *
 * Roles: operator (gids 5000, 5001), dba (gid 5002). acme and below: both; globex: operator. alice has both roles,
 * erin has both delegated and one granted. Services: sshd (staleness 300 s), sudo (120 s); globex: sshd alone.
 * dba@acme: alice, carol; web@acme: alice, dave; ops@globex: erin.
 */
#ifndef B2B_TEST_FIXTURE_H
#define B2B_TEST_FIXTURE_H

#include "common/live.h"
#include "common/policy.h"
#include "common/snapshot.h"

enum { FIXTURE_ACME, FIXTURE_APAC, FIXTURE_EMEA, FIXTURE_GLOBEX, FIXTURE_ORGS };
#define FIXTURE_RANGE 1024u
#define FIXTURE_LO(org) (B2B_RANGE_FIRST + (uint32_t)(org) * 0x10000u)

/* The policy alone. Caller frees with b2b_policy_free. Exits the test on failure, as all of these do. */
struct b2b_policy *fixture_policy(void);

struct fixture {
	char dir[256];              /* the cache directory, in scratch */
	struct b2b_policy *policy;
	struct b2b_live *lives[FIXTURE_ORGS];
	uint64_t generation[FIXTURE_ORGS];
};

/*
 * Write index, live files and snapshots below DIR (NULL: a scratch directory); everybody open, agent alive. fixture_stop
 * removes the scratch directory, and leaves DIR empty.
 */
void fixture_start(struct fixture *fixture, const char *dir);
void fixture_start_visible(struct fixture *fixture, const char *dir, enum b2b_visibility visibility);
void fixture_stop(struct fixture *fixture);

/* Publish ORG as BUILDER has it: rename into place, generation stored after. */
void fixture_publish(struct fixture *fixture, int org, struct b2b_snapshot_builder *builder);
/* The same for the people and groups of the table above. */
void fixture_publish_org(struct fixture *fixture, int org);

/* A builder for ORG with the next generation, already holding the table's people and groups where FILLED. */
struct b2b_snapshot_builder *fixture_builder(struct fixture *fixture, int org, bool filled);

/* Heartbeat and lease as of now. */
void fixture_beat(struct fixture *fixture);

#endif
