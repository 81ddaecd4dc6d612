/* A policy of two organisations and a database in a folder of its own, for the tests of the agent's state. */
#ifndef B2B_TESTS_STATE_FIXTURE_H
#define B2B_TESTS_STATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "b2bd/state/alias_state.h"
#include "b2bd/state/directory_state.h"
#include "b2bd/state/ledger.h"
#include "b2bd/state/state.h"

#define ACME_LO 0x78000000u
#define GLOBEX_LO 0x78010000u

struct state_fixture {
	char dir[64];
	struct b2b_state *state;
	struct b2b_policy policy;
	struct b2b_policy_org orgs[2];
};

static int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void fixture_policy(struct state_fixture *fixture)
{
	static const char *const roles[] = { "operator", "dba", "auditor" };
	struct b2b_policy *policy = &fixture->policy;
	size_t i;

	policy->separator = '@';
	policy->partners_gid = B2B_PARTNERS_GID;
	policy->n_roles = 3;
	for (i = 0; i < 3; i++)
		snprintf(policy->roles[i].name, sizeof(policy->roles[i].name), "%s", roles[i]);
	policy->n_shells = 1;
	snprintf(policy->shells[0], sizeof(policy->shells[0]), "/bin/bash");
	snprintf(policy->home, sizeof(policy->home), "/home/%%o/%%u");
	policy->orgs = fixture->orgs;
	policy->n_orgs = 2;
	fixture->orgs[0] = (struct b2b_policy_org){ .id = "42c3e9", .alias = "acme", .parent = -1, .range_lo = ACME_LO, .range_hi = ACME_LO + 0xffff, .roles = 7 };
	fixture->orgs[1] = (struct b2b_policy_org){ .id = "9d01f2", .alias = "globex", .parent = -1, .range_lo = GLOBEX_LO, .range_hi = GLOBEX_LO + 63, .roles = 7 };
}

static inline int fixture_setup(void **ret)
{
	struct state_fixture *fixture = calloc(1, sizeof(*fixture));
	const char *base = secure_getenv("TMPDIR");

	assert_non_null(fixture);
	fixture_policy(fixture);
	snprintf(fixture->dir, sizeof(fixture->dir), "%s/b2b-state-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(fixture->dir));
	assert_int_equal(b2b_state_open(fixture->dir, &fixture->state), 0);
	assert_int_equal(b2b_directory_adopt_policy(fixture->state, &fixture->policy), 0);
	*ret = fixture;
	return 0;
}

static inline int fixture_teardown(void **ret)
{
	struct state_fixture *fixture = *ret;

	b2b_state_close(fixture->state);
	nftw(fixture->dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(fixture);
	return 0;
}

/* The id that somebody of organisation ORG (slot) has in the ledger, 0: none. */
static inline uint32_t fixture_id(struct state_fixture *fixture, int org, enum b2b_id_kind kind, const char *owner)
{
	uint32_t id = 0;

	return b2b_ledger_find(fixture->state, fixture->orgs[org].id, kind, owner, &id) == 0 ? id : 0;
}

static inline int fixture_note_alias(void *arg, uint32_t uid)
{
	*(uint32_t *)arg = uid;
	return 0;
}

/* The uid of somebody who goes by TEXT; 0: nobody. */
static inline uint32_t fixture_alias(struct state_fixture *fixture, enum b2b_alias_kind kind, const char *text)
{
	struct b2b_aliases aliases = { .n = 0 };
	uint32_t uid = 0;

	b2b_alias_add(&aliases, kind, text);
	return b2b_alias_each(fixture->state, &aliases, fixture_note_alias, &uid) == 0 ? uid : 0;
}

/* An active person of acme; tests change what they are about. */
static inline struct b2b_principal fixture_person(const char *id, const char *local)
{
	struct b2b_principal person = { .id = (char *)id, .subject = (char *)id, .org_id = (char *)"42c3e9", .display = (char *)"",
		                            .shell = (char *)"", .state = B2B_ACTIVE, .modified_ms = 1000000 };

	snprintf(person.local, sizeof(person.local), "%s", local);
	return person;
}

#endif
