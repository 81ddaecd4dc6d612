#include "tests/crash/published.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "b2bd/guard/install.h"
#include "common/snapshot.h"
#include "tests/support/fixture.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define LO FIXTURE_LO(FIXTURE_ACME)
#define GROUPS_MAX 16

static uint64_t roles_of(unsigned version)
{
	return version % 2 ? 3 : 0;
}

static uint32_t role_gid(unsigned policy, uint32_t number)
{
	return 1000 * policy + number;
}

struct b2b_policy *published_policy(unsigned version)
{
	struct b2b_policy *policy = fixture_policy();

	/* No part of its own for an organisation: the guard makes no homes then. */
	snprintf(policy->home, sizeof(policy->home), "/srv%u/%%u", version);
	policy->enumerate = true;
	policy->n_orgs = 2; /* acme and one below it */
	policy->n_roles = 2;
	for (uint32_t i = 0; i < 2; i++) {
		policy->roles[i].n_gids = 1;
		policy->roles[i].gids[0] = role_gid(version, i);
	}
	return policy;
}

static void add_user(struct b2b_snapshot_builder *builder, const char *local, uint32_t offset, unsigned version)
{
	char gecos[32];
	struct b2b_snapshot_user user = { .local = local, .gecos = gecos, .uid = LO + offset, .roles = roles_of(version) };

	snprintf(gecos, sizeof(gecos), "v%u", version);
	if (b2b_snapshot_add_user(builder, &user) < 0)
		errx(1, "add user %s", local);
}

int published_snapshot(const struct b2b_policy *policy, unsigned version)
{
	const uint32_t member = LO + (version % 2 ? PUBLISHED_ALICE : PUBLISHED_CAROL);
	const struct b2b_snapshot_group dba = { .local = "dba", .gid = LO + PUBLISHED_DBA, .members = &member, .n_members = 1 };
	struct b2b_snapshot_builder *builder = NULL;
	int fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char newest[16];

	snprintf(newest, sizeof(newest), "p%u", version);
	if (fd < 0 || b2b_snapshot_new(policy, FIXTURE_ACME, version, &builder) < 0)
		err(1, "snapshot");
	add_user(builder, "alice", PUBLISHED_ALICE, version);
	add_user(builder, "carol", PUBLISHED_CAROL, version);
	add_user(builder, newest, PUBLISHED_NEWEST + version, version);
	if (b2b_snapshot_add_group(builder, &dba) < 0 || b2b_snapshot_write(builder, fd) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		err(1, "snapshot");
	b2b_snapshot_free(builder);
	return fd;
}

int published_install(const char *dir, const struct b2b_policy *policy, struct b2b_live *live, int fd)
{
	uint64_t generation = 0;
	int r = b2b_install(dir, policy, FIXTURE_ACME, fd, &generation);

	/* as the guard does: what is in place is announced, also where an earlier attempt put it there */
	if (r == 0 || r == -ESTALE)
		b2b_live_set_generation(live, generation);
	return r;
}

int published_beside(const struct b2b_policy *policy, uint64_t generation)
{
	struct b2b_snapshot_builder *builder = NULL;
	int fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || b2b_snapshot_new(policy, FIXTURE_APAC, generation, &builder) < 0 || b2b_snapshot_write(builder, fd) < 0 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		err(1, "snapshot");
	b2b_snapshot_free(builder);
	return fd;
}

int published_install_both(const char *dir, const struct b2b_policy *policy, struct b2b_live *const lives[2], int fd, int beside)
{
	struct b2b_install_item items[] = { { .org = FIXTURE_APAC, .fd = beside }, { .org = FIXTURE_ACME, .fd = fd } };
	int r = 0;

	b2b_install_all(dir, policy, items, 2);
	for (size_t i = 0; i < 2; i++) {
		if (items[i].result == 0 || items[i].result == -ESTALE)
			b2b_live_set_generation(lives[items[i].org], items[i].generation);
		if (items[i].result < 0 && items[i].result != -ESTALE)
			r = items[i].result;
	}
	return r;
}

void published_open(struct b2b_live *live, unsigned version)
{
	b2b_live_store_org(live, B2B_LIVE_OPEN, false);
	b2b_live_store(live, LO + PUBLISHED_ALICE, B2B_LIVE_OPEN, false);
	b2b_live_store(live, LO + PUBLISHED_CAROL, B2B_LIVE_OPEN, false);
	for (unsigned i = 1; i <= version; i++)
		b2b_live_store(live, LO + PUBLISHED_NEWEST + i, B2B_LIVE_OPEN, false);
}

__attribute__((format(printf, 2, 3))) static void wrong(struct published_view *view, const char *format, ...)
{
	va_list args;

	if (*view->wrong)
		return;
	va_start(args, format);
	vsnprintf(view->wrong, sizeof(view->wrong), format, args);
	va_end(args);
}

/* PREFIX and a number, then END. */
static unsigned number_after(const char *text, const char *prefix, char end)
{
	size_t len = strlen(prefix);
	unsigned long number;
	char *rest;

	if (strncmp(text, prefix, len) != 0)
		return 0;
	number = strtoul(text + len, &rest, 10);
	return *rest == end ? (unsigned)number : 0;
}

struct gids {
	uint32_t list[GROUPS_MAX];
	size_t n;
};

static int add_gid(void *arg, uint32_t gid)
{
	struct gids *gids = arg;

	if (gids->n < GROUPS_MAX)
		gids->list[gids->n++] = gid;
	return 0;
}

static bool has_gid(const struct gids *gids, uint32_t gid)
{
	for (size_t i = 0; i < gids->n; i++) {
		if (gids->list[i] == gid)
			return true;
	}
	return false;
}

/* The groups of an open user are members@acme, partners, dba@acme where it belongs there, and its roles'; of a closed one none. */
static void look_groups(struct b2b_cache *cache, struct published_view *view, const char *name, bool open, bool dba)
{
	struct gids gids = { .n = 0 };
	size_t wanted = open ? 2u + dba + (roles_of(view->snapshot) ? 2 : 0) : 0;
	int r = b2b_cache_initgroups(cache, name, add_gid, &gids);

	if (r < 0 || gids.n != wanted)
		wrong(view, "%s has %zu groups (%d), not %zu, in snapshot %u", name, gids.n, r, wanted, view->snapshot);
	if (dba && open && !has_gid(&gids, LO + PUBLISHED_DBA))
		wrong(view, "%s is not in dba", name);
	for (uint32_t i = 0; i < 2 && open && roles_of(view->snapshot); i++) {
		if (!has_gid(&gids, role_gid(view->policy, i)))
			wrong(view, "%s has not the gid of role %u in policy %u", name, i, view->policy);
	}
}

static void look_user(struct b2b_cache *cache, struct published_view *view, const char *local, uint32_t offset, bool dba)
{
	char name[64], gecos[32], home[64], buf[512], other[512];
	struct passwd by_name, by_uid;
	bool open;

	snprintf(name, sizeof(name), "%s@acme", local);
	snprintf(gecos, sizeof(gecos), "v%u", view->snapshot);
	snprintf(home, sizeof(home), "/srv%u/%s", view->policy, local);
	if (b2b_cache_getpwnam(cache, name, &by_name, buf, sizeof(buf)) < 0 ||
	    b2b_cache_getpwuid(cache, LO + offset, &by_uid, other, sizeof(other)) < 0) {
		wrong(view, "%s is not there by name and uid", name);
		return;
	}
	open = strcmp(by_name.pw_shell, "/bin/bash") == 0;
	if (by_name.pw_uid != LO + offset || by_name.pw_gid != LO + offset || strcmp(by_name.pw_gecos, gecos) != 0 ||
	    strcmp(by_name.pw_dir, home) != 0 || (!open && strcmp(by_name.pw_shell, "/usr/sbin/nologin") != 0))
		wrong(view, "%s is %u %s %s %s", name, by_name.pw_uid, by_name.pw_gecos, by_name.pw_dir, by_name.pw_shell);
	if (strcmp(by_uid.pw_name, name) != 0 || strcmp(by_uid.pw_gecos, gecos) != 0 || strcmp(by_uid.pw_shell, by_name.pw_shell) != 0)
		wrong(view, "uid %u is %s %s %s", LO + offset, by_uid.pw_name, by_uid.pw_gecos, by_uid.pw_shell);
	look_groups(cache, view, name, open, dba);
	if (offset == PUBLISHED_ALICE)
		view->alice_open = open;
}

static void look_dba(struct b2b_cache *cache, struct published_view *view)
{
	const char *wanted = view->snapshot % 2 ? "alice@acme" : "carol@acme";
	struct group group;
	char buf[512];

	if (b2b_cache_getgrgid(cache, LO + PUBLISHED_DBA, &group, buf, sizeof(buf)) < 0 || strcmp(group.gr_name, "dba@acme") != 0)
		wrong(view, "dba@acme is not there");
	else if (group.gr_mem[0] && (strcmp(group.gr_mem[0], wanted) != 0 || group.gr_mem[1]))
		wrong(view, "dba@acme has %s in snapshot %u", group.gr_mem[0], view->snapshot);
}

/* acme has three people, whoever else the cache holds. */
static void look_all(struct b2b_cache *cache, struct published_view *view)
{
	char newest[32], buf[512];
	struct passwd pw;
	uint64_t cursor = 0;
	unsigned found = 0;
	int r;

	snprintf(newest, sizeof(newest), "p%u", view->snapshot);
	look_user(cache, view, newest, PUBLISHED_NEWEST + view->snapshot, false);
	while ((r = b2b_cache_nextpw(cache, &cursor, &pw, buf, sizeof(buf))) == 0)
		found += strstr(pw.pw_name, "@acme") && !strchr(pw.pw_name, '.');
	if (found != 3 || r != -ENOENT)
		wrong(view, "%u people are listed in snapshot %u (%d)", found, view->snapshot, r);
}

struct published_view published_look(struct b2b_cache *cache)
{
	struct published_view view = { .snapshot = PUBLISHED_ABSENT };
	struct passwd pw;
	char buf[512];
	int r = b2b_cache_getpwnam(cache, "alice@acme", &pw, buf, sizeof(buf));

	if (r < 0) {
		view.unavailable = r != -ENOENT && r != -ESRCH;
		return view;
	}
	view.policy = number_after(pw.pw_dir, "/srv", '/');
	view.snapshot = number_after(pw.pw_gecos, "v", '\0');
	look_user(cache, &view, "alice", PUBLISHED_ALICE, view.snapshot % 2);
	look_user(cache, &view, "carol", PUBLISHED_CAROL, view.snapshot % 2 == 0);
	look_dba(cache, &view);
	look_all(cache, &view);
	return view;
}

struct published_view published_look_fresh(const char *dir)
{
	struct published_view view;
	struct b2b_cache *cache = NULL;

	if (b2b_cache_new(dir, &cache) < 0)
		err(1, "cache");
	view = published_look(cache);
	b2b_cache_free(cache);
	return view;
}
