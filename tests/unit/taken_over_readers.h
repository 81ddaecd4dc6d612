/*
 * Processes that look everybody up without a pause while somebody stores into the cache: one through common/cache.h, one
 * through the real libnss_b2b.so.2, each with threads. Whatever the bytes are, an answer keeps to what root's policy says
 * (world_policy, with what test_taken_over.c adds to it), or the process ends itself with a line that says what it was.
 */
#ifndef TAKEN_OVER_READERS_H
#define TAKEN_OVER_READERS_H

#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>

#include "common/cache.h"
#include "tests/support/nss_module.h"
#include "tests/unit/test_guard_harness.h"

#define READERS 2        /* processes */
#define READER_THREADS 2 /* of each */
#define LOCAL_GID 5002 /* of the role that acme and below have */

struct readers_shared {
	_Atomic bool stop;
	_Atomic uint64_t rounds[READERS], answers;
};

static struct readers_shared *readers;

/* Of the slower one. */
static inline uint64_t readers_rounds(void)
{
	uint64_t one = atomic_load(&readers->rounds[0]), other = atomic_load(&readers->rounds[1]);

	return one < other ? one : other;
}

/* Wait until each has gone through a whole round that began after this. False: not within a while. */
static inline bool readers_see(void)
{
	uint64_t began[READERS], until = b2b_now_ns() + 10 * B2B_NS_PER_S;

	for (int i = 0; i < READERS; i++)
		began[i] = atomic_load(&readers->rounds[i]);
	for (int i = 0; i < READERS; i++)
		while (atomic_load(&readers->rounds[i]) - began[i] <= READER_THREADS) {
			if (b2b_now_ns() > until)
				return false;
			world_pause();
		}
	return true;
}

_Noreturn static inline void broken(const char *rule, const char *text)
{
	fprintf(stderr, "FAIL reader: %s: %s\n", rule, text);
	_exit(95);
}

/* The organisation of NAME, which must have a valid local part before it. */
static inline const struct b2b_policy_org *org_of(const char *name)
{
	struct b2b_name split;
	int org;

	if (b2b_name_split(name, '@', &split) < 0)
		broken("no name of a partner", name);
	org = b2b_policy_org_by_alias(policy, split.alias);
	if (org < 0 || strncmp(name, split.local, strlen(split.local)) != 0)
		broken("no name of an organisation", name);
	return &policy->orgs[org];
}

static inline bool printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f || *text == ':')
			return false;
	return true;
}

static inline void check_user(const struct passwd *pw, uint32_t uid)
{
	const struct b2b_policy_org *org = org_of(pw->pw_name);

	if (pw->pw_uid <= org->range_lo || pw->pw_uid > org->range_hi || pw->pw_gid != pw->pw_uid || (uid && uid != pw->pw_uid))
		broken("uid", pw->pw_name);
	if (strcmp(pw->pw_shell, "/bin/bash") != 0 && strcmp(pw->pw_shell, "/usr/sbin/nologin") != 0)
		broken("shell", pw->pw_shell);
	if (strncmp(pw->pw_dir, "/home/", 6) != 0 || !printable(pw->pw_dir) || !printable(pw->pw_gecos))
		broken("text", pw->pw_name);
	atomic_fetch_add(&readers->answers, 1);
}

static inline void check_group(const struct group *gr, uint32_t gid)
{
	const struct b2b_policy_org *org;

	if (gid && gr->gr_gid != gid)
		broken("another gid", gr->gr_name);
	if (strcmp(gr->gr_name, B2B_GROUP_PARTNERS) == 0 && gr->gr_gid == B2B_PARTNERS_GID && !gr->gr_mem[0])
		return;
	org = org_of(gr->gr_name);
	if (gr->gr_gid < org->range_lo || gr->gr_gid > org->range_hi)
		broken("gid", gr->gr_name);
	for (char **member = gr->gr_mem; *member; member++)
		if (org_of(*member) != org)
			broken("a member of another organisation", *member);
	atomic_fetch_add(&readers->answers, 1);
}

static inline int check_gid_of(void *arg, uint32_t gid)
{
	const struct b2b_policy_org *org = org_of(arg);

	if (gid != B2B_PARTNERS_GID && (gid < org->range_lo || gid > org->range_hi) && !(gid == LOCAL_GID && (org->roles & 1)))
		broken("a group that root did not grant", arg);
	return 0;
}

/* How one of the two ways asks. */
struct asker {
	void (*by_name)(const char *name);
	void (*by_id)(uint32_t id);
	void (*all)(void);
	void (*groups)(const char *name);
};

static struct b2b_cache *reader_cache;
static struct nss_module reader_module;

static inline void cache_by_name(const char *name)
{
	struct b2b_standing standing;
	char buf[2048];
	struct passwd pw;
	struct group gr;

	if (b2b_cache_getpwnam(reader_cache, name, &pw, buf, sizeof(buf)) == 0)
		check_user(&pw, 0);
	if (b2b_cache_getgrnam(reader_cache, name, &gr, buf, sizeof(buf)) == 0)
		check_group(&gr, 0);
	if (b2b_cache_standing(reader_cache, name, "sshd", &standing) == 0 && strcmp(standing.name, name) != 0)
		broken("standing", name);
}

static inline void cache_by_id(uint32_t id)
{
	char buf[2048];
	struct passwd pw;
	struct group gr;

	if (b2b_cache_getpwuid(reader_cache, id, &pw, buf, sizeof(buf)) == 0)
		check_user(&pw, id);
	if (b2b_cache_getgrgid(reader_cache, id, &gr, buf, sizeof(buf)) == 0)
		check_group(&gr, id);
}

static inline void cache_all(void)
{
	uint64_t cursor = 0;
	char buf[2048];
	struct passwd pw;
	struct group gr;

	while (b2b_cache_nextpw(reader_cache, &cursor, &pw, buf, sizeof(buf)) == 0)
		check_user(&pw, 0);
	cursor = 0;
	while (b2b_cache_nextgr(reader_cache, &cursor, &gr, buf, sizeof(buf)) == 0)
		check_group(&gr, 0);
}

static inline void cache_groups(const char *name)
{
	char copy[B2B_NAME_SIZE];

	snprintf(copy, sizeof(copy), "%s", name);
	b2b_cache_initgroups(reader_cache, name, check_gid_of, copy);
}

static inline void module_by_name(const char *name)
{
	char buf[2048];
	struct passwd pw;
	struct group gr;
	int error;

	if (reader_module.getpwnam_r(name, &pw, buf, sizeof(buf), &error) == NSS_STATUS_SUCCESS)
		check_user(&pw, 0);
	if (reader_module.getgrnam_r(name, &gr, buf, sizeof(buf), &error) == NSS_STATUS_SUCCESS)
		check_group(&gr, 0);
}

static inline void module_by_id(uint32_t id)
{
	char buf[2048];
	struct passwd pw;
	struct group gr;
	int error;

	if (reader_module.getpwuid_r(id, &pw, buf, sizeof(buf), &error) == NSS_STATUS_SUCCESS)
		check_user(&pw, id);
	if (reader_module.getgrgid_r(id, &gr, buf, sizeof(buf), &error) == NSS_STATUS_SUCCESS)
		check_group(&gr, id);
}

static inline void module_all(void)
{
	char buf[2048];
	struct passwd pw;
	struct group gr;
	int error;

	reader_module.setpwent(0);
	while (reader_module.getpwent_r(&pw, buf, sizeof(buf), &error) == NSS_STATUS_SUCCESS)
		check_user(&pw, 0);
	reader_module.endpwent();
	reader_module.setgrent(0);
	while (reader_module.getgrent_r(&gr, buf, sizeof(buf), &error) == NSS_STATUS_SUCCESS)
		check_group(&gr, 0);
	reader_module.endgrent();
}

static inline void module_groups(const char *name)
{
	long int n = 0, size = 4;
	gid_t *gids = malloc(sizeof(*gids) * (size_t)size);
	char copy[B2B_NAME_SIZE];
	int error;

	snprintf(copy, sizeof(copy), "%s", name);
	if (gids && reader_module.initgroups_dyn(name, 0, &n, &size, &gids, -1, &error) == NSS_STATUS_SUCCESS)
		for (long int i = 0; i < n; i++)
			check_gid_of(copy, gids[i]);
	free(gids);
}

enum { READER_CACHE, READER_MODULE };
static const struct asker askers[READERS] = {
	[READER_CACHE] = { cache_by_name, cache_by_id, cache_all, cache_groups },
	[READER_MODULE] = { module_by_name, module_by_id, module_all, module_groups },
};

static inline void *read_on(void *arg)
{
	static const char *const names[] = { "alice@acme", "carol@acme", "dba@acme", "members@acme", "bob@emea.acme", "erin@globex" };
	const struct asker *asker = arg;

	while (!atomic_load(&readers->stop)) {
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
			asker->by_name(names[i]);
			asker->groups(names[i]);
		}
		for (int org = 0; org < WORLD_ORGS; org++)
			for (uint32_t offset = 0; offset < 4; offset++)
				asker->by_id(policy->orgs[org].range_lo + offset);
		asker->by_id(ACME_LO + 100);
		asker->all();
		atomic_fetch_add(&readers->rounds[asker - askers], 1);
	}
	return NULL;
}

_Noreturn static inline void run_reader(int number)
{
	pthread_t threads[READER_THREADS];

	if (number == READER_MODULE)
		nss_module_load(&reader_module);
	else if (b2b_cache_new(WORLD_CACHE, &reader_cache) < 0)
		_exit(94);
	for (int i = 0; i < READER_THREADS; i++)
		if (pthread_create(&threads[i], NULL, read_on, (void *)(uintptr_t)&askers[number]) != 0)
			_exit(94);
	for (int i = 0; i < READER_THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

static inline pid_t start_reader(int number)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_reader(number);
	return pid;
}

#endif
