#include "tests/bench/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "b2bd/guard/install.h"
#include "common/index.h"
#include "common/live.h"
#include "common/org_dir.h"
#include "common/snapshot.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static struct b2b_policy *make_policy(const struct bench_population *population)
{
	struct b2b_policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	policy->orgs = calloc(BENCH_ORGS, sizeof(*policy->orgs));
	if (!policy->orgs) {
		free(policy);
		return NULL;
	}
	policy->separator = '@';
	policy->visibility = B2B_VISIBLE_ORGANISATION;
	policy->enumerate = true;
	policy->group_members = true;
	policy->partners_gid = B2B_PARTNERS_GID;
	policy->n_shells = 1;
	snprintf(policy->shells[0], B2B_PATH_SIZE, "/bin/bash");
	snprintf(policy->home, B2B_PATH_SIZE, "/home/%%o/%%u");
	policy->n_orgs = BENCH_ORGS;
	for (uint32_t i = 0; i < BENCH_ORGS; i++) {
		struct b2b_policy_org *org = &policy->orgs[i];

		snprintf(org->id, sizeof(org->id), "id%04u", i);
		snprintf(org->alias, sizeof(org->alias), "org%04u", i);
		org->parent = -1;
		org->range_lo = bench_org_lo(population, i);
		org->range_hi = org->range_lo + population->range - 1;
	}
	return policy;
}

static int prepare_org(const struct b2b_policy *policy, int org)
{
	struct b2b_live *live = NULL;
	int r;

	r = b2b_live_create(B2B_CACHE_DIR, policy, org, &live);
	if (r == 0)
		r = b2b_org_dir_create(B2B_CACHE_DIR, policy, org);
	if (r == 0)
		b2b_live_store_org(live, B2B_LIVE_OPEN, false);
	b2b_live_unmap(live);
	return r;
}

int bench_prepare(const struct bench_population *population)
{
	struct b2b_policy *policy = make_policy(population);
	int r;

	if (!policy)
		return -ENOMEM;
	if ((mkdir("/var/lib/b2b", 0755) < 0 && errno != EEXIST) || (mkdir(B2B_CACHE_DIR, 0755) < 0 && errno != EEXIST))
		r = -errno;
	else
		r = b2b_index_write(B2B_CACHE_DIR, policy);
	for (int org = 0; r == 0 && org < (int)BENCH_ORGS; org++)
		r = prepare_org(policy, org);
	b2b_policy_free(policy);
	return r;
}

/* The local part of NAME, which the organisation's alias follows; what is longer than a name can be is cut. */
static void local_part(const char *name, char ret_local[B2B_NAME_SIZE])
{
	size_t len = 0;

	for (; len < B2B_NAME_SIZE - 1 && name[len] != '\0' && name[len] != '@'; len++)
		ret_local[len] = name[len];
	ret_local[len] = '\0';
}

/* Users and groups stand in the source by organisation, as their ids do: *AT moves on behind those of ORG. */
static int add_users(struct b2b_snapshot_builder *builder, const struct source *source, const struct b2b_policy_org *org, struct b2b_live *live,
                     uint32_t *at)
{
	int r = 0;

	for (; r == 0 && *at < source->n_users && source->users[*at].uid <= org->range_hi; (*at)++) {
		const struct source_user *from = &source->users[*at];
		struct b2b_snapshot_user user = { .gecos = from->gecos, .uid = from->uid };
		char local[B2B_NAME_SIZE];

		if (user.uid < org->range_lo)
			continue;
		local_part(from->name, local);
		user.local = local;
		r = b2b_snapshot_add_user(builder, &user);
		if (r == 0)
			r = b2b_live_store(live, user.uid, B2B_LIVE_OPEN, false);
	}
	return r;
}

static int add_group(struct b2b_snapshot_builder *builder, const struct source *source, const struct source_group *from)
{
	struct b2b_snapshot_group group = { .gid = from->gid, .n_members = from->n_members };
	uint32_t *members = calloc(from->n_members + 1, sizeof(*members));
	char local[B2B_NAME_SIZE];
	int r;

	if (!members)
		return -ENOMEM;
	for (uint32_t i = 0; i < from->n_members; i++)
		members[i] = source->users[source->members[from->members + i]].uid;
	local_part(from->name, local);
	group.local = local;
	group.members = members;
	r = b2b_snapshot_add_group(builder, &group);
	free(members);
	return r;
}

/* members@ORG, at the first id, comes by itself. */
static int add_groups(struct b2b_snapshot_builder *builder, const struct source *source, const struct b2b_policy_org *org, uint32_t *at)
{
	int r = 0;

	for (; r == 0 && *at < source->n_groups && source->groups[*at].gid <= org->range_hi; (*at)++)
		if (source->groups[*at].gid > org->range_lo)
			r = add_group(builder, source, &source->groups[*at]);
	return r;
}

/* Snapshots that are built and wait for the guard. */
struct waiting {
	struct b2b_install_item items[B2B_INSTALL_MOST];
	struct b2b_live *lives[B2B_INSTALL_MOST];
	size_t n;
};

static int seal(struct b2b_snapshot_builder *builder, int fd, uint64_t *bytes)
{
	int r = b2b_snapshot_write(builder, fd);
	struct stat st;

	if (r == 0 && (fcntl(fd, F_ADD_SEALS, SEALS) < 0 || fstat(fd, &st) < 0))
		r = -errno;
	if (r == 0)
		*bytes += (uint64_t)st.st_size;
	return r;
}

static int build_org(const struct b2b_policy *policy, int org, const struct source *source, struct b2b_live *live, uint32_t *user, uint32_t *group,
                     int fd, uint64_t *bytes)
{
	struct b2b_snapshot_builder *builder = NULL;
	int r = b2b_snapshot_new(policy, org, b2b_live_generation(live) + 1, &builder);

	if (r == 0)
		r = add_users(builder, source, &policy->orgs[org], live, user);
	if (r == 0)
		r = add_groups(builder, source, &policy->orgs[org], group);
	if (r == 0)
		r = seal(builder, fd, bytes);
	b2b_snapshot_free(builder);
	return r;
}

static int wait_for_guard(struct waiting *waiting, const struct b2b_policy *policy, int org, const struct source *source, struct b2b_live *live,
                          uint32_t *user, uint32_t *group, uint64_t *bytes)
{
	int fd = memfd_create("bench-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	waiting->items[waiting->n] = (struct b2b_install_item){ .org = org, .fd = fd };
	waiting->lives[waiting->n++] = live;
	return build_org(policy, org, source, live, user, group, fd, bytes);
}

/* As the guard does: one by itself, or all at once. */
static int install(const struct b2b_policy *policy, struct waiting *waiting)
{
	struct b2b_install_item *first = &waiting->items[0];
	int r = 0;

	if (waiting->n == 1)
		first->result = b2b_install(B2B_CACHE_DIR, policy, first->org, first->fd, &first->generation);
	else
		b2b_install_all(B2B_CACHE_DIR, policy, waiting->items, waiting->n);
	for (size_t i = 0; i < waiting->n; i++) {
		if (waiting->items[i].result < 0)
			r = waiting->items[i].result;
		else
			b2b_live_set_generation(waiting->lives[i], waiting->items[i].generation);
	}
	return r;
}

static void clear(struct waiting *waiting)
{
	for (size_t i = 0; i < waiting->n; i++)
		close(waiting->items[i].fd);
	waiting->n = 0;
}

int bench_guard_start(const struct bench_population *population, struct bench_guard *ret_guard)
{
	struct bench_guard guard = { .policy = make_policy(population) };
	int r = guard.policy ? 0 : -ENOMEM;

	for (int org = 0; r == 0 && org < (int)BENCH_ORGS; org++)
		r = b2b_live_create(B2B_CACHE_DIR, guard.policy, org, &guard.lives[org]);
	if (r < 0) {
		bench_guard_stop(&guard);
		return r;
	}
	*ret_guard = guard;
	return 0;
}

void bench_guard_stop(struct bench_guard *guard)
{
	for (size_t i = 0; i < BENCH_ORGS; i++)
		b2b_live_unmap(guard->lives[i]);
	b2b_policy_free(guard->policy);
}

int bench_publish(const struct bench_guard *guard, const struct source *source, uint32_t first, uint32_t last, uint64_t *ret_bytes)
{
	struct waiting waiting = { .n = 0 };
	uint32_t user = 0, group = 0;
	uint64_t bytes = 0;
	int r = 0;

	for (uint32_t org = first; r == 0 && org <= last; org++) {
		r = wait_for_guard(&waiting, guard->policy, (int)org, source, guard->lives[org], &user, &group, &bytes);
		if (r == 0 && waiting.n < B2B_INSTALL_MOST && org < last)
			continue;
		if (r == 0)
			r = install(guard->policy, &waiting);
		clear(&waiting);
	}
	if (r == 0)
		*ret_bytes = bytes;
	return r;
}
