#include "tests/support/fixture.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/index.h"
#include "common/org_dir.h"
#include "tests/support/scratch.h"

struct person {
	int org;
	uint32_t offset;
	const char *local, *gecos;
	uint64_t roles;
};

struct team {
	int org;
	uint32_t offset;
	const char *local;
	uint32_t members[4]; /* offsets, 0 ends */
};

static const struct person people[] = {
	{ FIXTURE_ACME, 1, "alice", "Alice Example", 3 },
	{ FIXTURE_ACME, 2, "carol", "Carol", 0 },
	{ FIXTURE_ACME, 3, "dave", NULL, 0 },
	{ FIXTURE_APAC, 1, "heidi", "Heidi", 0 },
	{ FIXTURE_EMEA, 1, "bob", "Bob \xc3\x84rmel", 0 },
	{ FIXTURE_GLOBEX, 1, "erin", "Erin", 3 },
	{ FIXTURE_GLOBEX, 2, "grace", "Grace", 0 },
};

static const struct team teams[] = {
	{ FIXTURE_ACME, 100, "dba", { 1, 2 } },
	{ FIXTURE_ACME, 101, "web", { 3, 1 } },
	{ FIXTURE_GLOBEX, 100, "ops", { 1 } },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void set_org(struct b2b_policy *policy, int slot, const char *alias, const char *id, int parent, uint64_t roles, uint64_t services)
{
	struct b2b_policy_org *org = &policy->orgs[slot];

	snprintf(org->alias, sizeof(org->alias), "%s", alias);
	snprintf(org->id, sizeof(org->id), "%s", id);
	org->parent = parent;
	org->range_lo = FIXTURE_LO(slot);
	org->range_hi = FIXTURE_LO(slot) + FIXTURE_RANGE - 1;
	org->roles = roles;
	org->services = services;
	org->session_s = 28800;
}

static void set_grants(struct b2b_policy *policy)
{
	policy->n_roles = 2;
	policy->roles[0] = (struct b2b_policy_role){ .name = "operator", .gids = { 5000, 5001 }, .n_gids = 2 };
	policy->roles[1] = (struct b2b_policy_role){ .name = "dba", .gids = { 5002 }, .n_gids = 1 };
	policy->n_services = 2;
	policy->services[0] = (struct b2b_policy_service){ .name = "sshd", .methods = { B2B_METHOD_DEVICE }, .staleness_s = 300 };
	policy->services[1] = (struct b2b_policy_service){ .name = "sudo", .methods = { B2B_METHOD_DEVICE }, .assurance = B2B_AAL2, .staleness_s = 120 };
}

struct b2b_policy *fixture_policy(void)
{
	struct b2b_policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		err(1, "policy");
	policy->orgs = calloc(FIXTURE_ORGS, sizeof(*policy->orgs));
	if (!policy->orgs)
		err(1, "policy");
	policy->separator = '@';
	policy->group_members = true;
	policy->partners_gid = B2B_PARTNERS_GID;
	policy->n_shells = 2;
	snprintf(policy->home, sizeof(policy->home), "/home/%%o/%%u");
	snprintf(policy->shells[0], sizeof(policy->shells[0]), "/bin/bash");
	snprintf(policy->shells[1], sizeof(policy->shells[1]), "/bin/sh");
	set_grants(policy);
	policy->n_orgs = FIXTURE_ORGS;
	set_org(policy, FIXTURE_ACME, "acme", "42c3e9", -1, 3, 3);
	set_org(policy, FIXTURE_APAC, "apac.acme", "7be10b", FIXTURE_ACME, 3, 3);
	set_org(policy, FIXTURE_EMEA, "emea.acme", "7be10a", FIXTURE_ACME, 3, 3);
	set_org(policy, FIXTURE_GLOBEX, "globex", "9d01f2", -1, 1, 1);
	return policy;
}

static void add_person(struct b2b_snapshot_builder *builder, const struct person *person)
{
	struct b2b_snapshot_user user = { .local = person->local, .gecos = person->gecos, .roles = person->roles };

	user.uid = FIXTURE_LO(person->org) + person->offset;
	if (b2b_snapshot_add_user(builder, &user) < 0)
		errx(1, "add user %s", person->local);
}

static void add_team(struct b2b_snapshot_builder *builder, const struct team *team)
{
	struct b2b_snapshot_group group = { .local = team->local, .gid = FIXTURE_LO(team->org) + team->offset };
	uint32_t members[COUNT(team->members)];

	while (group.n_members < COUNT(members) && team->members[group.n_members]) {
		members[group.n_members] = FIXTURE_LO(team->org) + team->members[group.n_members];
		group.n_members++;
	}
	group.members = members;
	if (b2b_snapshot_add_group(builder, &group) < 0)
		errx(1, "add group %s", team->local);
}

struct b2b_snapshot_builder *fixture_builder(struct fixture *fixture, int org, bool filled)
{
	struct b2b_snapshot_builder *builder = NULL;

	if (b2b_snapshot_new(fixture->policy, org, ++fixture->generation[org], &builder) < 0)
		errx(1, "snapshot builder");
	for (size_t i = 0; filled && i < COUNT(people); i++)
		if (people[i].org == org)
			add_person(builder, &people[i]);
	for (size_t i = 0; filled && i < COUNT(teams); i++)
		if (teams[i].org == org)
			add_team(builder, &teams[i]);
	return builder;
}

void fixture_publish(struct fixture *fixture, int org, struct b2b_snapshot_builder *builder)
{
	char new[600], path[600];
	int fd, r;

	snprintf(new, sizeof(new), "%s/org/%s/.new", fixture->dir, fixture->policy->orgs[org].id);
	snprintf(path, sizeof(path), "%s/org/%s/snapshot", fixture->dir, fixture->policy->orgs[org].id);
	fd = open(new, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	r = fd < 0 ? -1 : b2b_snapshot_write(builder, fd);
	if (r < 0 || fchmod(fd, 0644) < 0 || rename(new, path) < 0)
		err(1, "publish %s", path);
	close(fd);
	b2b_live_set_generation(fixture->lives[org], fixture->generation[org]);
}

void fixture_publish_org(struct fixture *fixture, int org)
{
	struct b2b_snapshot_builder *builder = fixture_builder(fixture, org, true);

	fixture_publish(fixture, org, builder);
	b2b_snapshot_free(builder);
}

void fixture_beat(struct fixture *fixture)
{
	for (int org = 0; org < FIXTURE_ORGS; org++) {
		b2b_live_beat(fixture->lives[org], b2b_now_ns());
		b2b_live_verified(fixture->lives[org], b2b_now_ns());
	}
}

void fixture_start(struct fixture *fixture, const char *dir)
{
	fixture_start_visible(fixture, dir, B2B_VISIBLE_ORGANISATION);
}

void fixture_start_visible(struct fixture *fixture, const char *dir, enum b2b_visibility visibility)
{
	memset(fixture, 0, sizeof(*fixture));
	if (dir)
		snprintf(fixture->dir, sizeof(fixture->dir), "%s", dir);
	else
		scratch_make(fixture->dir);
	fixture->policy = fixture_policy();
	fixture->policy->visibility = visibility;
	if (b2b_index_write(fixture->dir, fixture->policy) < 0)
		errx(1, "index below %s", fixture->dir);
	for (int org = 0; org < FIXTURE_ORGS; org++) {
		int r = b2b_live_create(fixture->dir, fixture->policy, org, &fixture->lives[org]);

		if (r == 0)
			r = b2b_org_dir_create(fixture->dir, fixture->policy, org);
		if (r < 0)
			errx(1, "live file or directory of %s: %s", fixture->policy->orgs[org].alias, strerror(-r));
		b2b_live_store_org(fixture->lives[org], B2B_LIVE_OPEN, false);
		fixture_publish_org(fixture, org);
	}
	for (size_t i = 0; i < COUNT(people); i++)
		b2b_live_store(fixture->lives[people[i].org], FIXTURE_LO(people[i].org) + people[i].offset, B2B_LIVE_OPEN, false);
	fixture_beat(fixture);
}

void fixture_stop(struct fixture *fixture)
{
	for (int org = 0; org < FIXTURE_ORGS; org++)
		b2b_live_unmap(fixture->lives[org]);
	b2b_policy_free(fixture->policy);
	scratch_remove(fixture->dir);
	if (!strstr(fixture->dir, "b2b-test.") && mkdir(fixture->dir, 0755) < 0)
		err(1, "%s", fixture->dir);
}
