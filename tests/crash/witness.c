#include "tests/crash/witness.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/cache.h"
#include "tests/support/nss_module.h"

#define GROUPS_MAX 8
#define LOOKS_OF_A_PROCESS 200

struct witness {
	struct witnesses *all;
	struct nss_module module;
	bool by_module;
	struct b2b_cache *cache;
	uint32_t *versions; /* that this process saw by the files it has mapped; NULL: it has nothing mapped yet */
};

struct answer {
	int error; /* 0, -ENOENT, or unavailable */
	struct passwd pw;
	char text[512];
};

struct gids {
	uint32_t list[GROUPS_MAX];
	size_t n;
};

struct witnesses *witnesses_new(void)
{
	struct witnesses *witnesses = mmap(NULL, sizeof(*witnesses), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (witnesses == MAP_FAILED)
		err(1, "mmap");
	return witnesses;
}

__attribute__((format(printf, 2, 3))) static void object(struct witness *witness, const char *format, ...)
{
	static const char by[2][16] = { "a new process", "the module" };
	char text[200];
	va_list args;

	if (atomic_exchange(&witness->all->failed, true))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(witness->all->why, sizeof(witness->all->why), "%s: %s", by[witness->by_module], text);
}

static int from_status(enum nss_status status, int error)
{
	return status == NSS_STATUS_SUCCESS ? 0 : status == NSS_STATUS_NOTFOUND ? -ENOENT : error > 0 ? -error : -EIO;
}

static void by_name(struct witness *witness, const char *name, struct answer *answer)
{
	int error = 0;

	if (witness->by_module)
		answer->error = from_status(witness->module.getpwnam_r(name, &answer->pw, answer->text, sizeof(answer->text), &error), error);
	else
		answer->error = b2b_cache_getpwnam(witness->cache, name, &answer->pw, answer->text, sizeof(answer->text));
	if (answer->error == -ESRCH)
		answer->error = -ENOENT;
}

static void by_uid(struct witness *witness, uint32_t uid, struct answer *answer)
{
	int error = 0;

	if (witness->by_module)
		answer->error = from_status(witness->module.getpwuid_r(uid, &answer->pw, answer->text, sizeof(answer->text), &error), error);
	else
		answer->error = b2b_cache_getpwuid(witness->cache, uid, &answer->pw, answer->text, sizeof(answer->text));
}

static int add_gid(void *arg, uint32_t gid)
{
	struct gids *gids = arg;

	if (gids->n < GROUPS_MAX)
		gids->list[gids->n++] = gid;
	return 0;
}

static int groups(struct witness *witness, const char *name, uint32_t uid, struct gids *gids)
{
	long start = 0, size = GROUPS_MAX;
	gid_t *list = calloc(GROUPS_MAX, sizeof(*list));
	int error = 0, r;

	gids->n = 0;
	if (!list)
		return -ENOMEM;
	if (!witness->by_module) {
		r = b2b_cache_initgroups(witness->cache, name, add_gid, gids);
	} else {
		r = from_status(witness->module.initgroups_dyn(name, uid, &start, &size, &list, GROUPS_MAX, &error), error);
		for (long i = 0; i < start; i++)
			add_gid(gids, list[i]);
	}
	free(list);
	return r;
}

static bool is_open(const struct answer *answer)
{
	return strcmp(answer->pw.pw_shell, "/usr/sbin/nologin") != 0;
}

/* "tI vK": K, or 0 where it is somebody else's. */
static uint32_t version_of(const struct answer *answer, uint32_t i)
{
	char tag[16];
	size_t len = (size_t)snprintf(tag, sizeof(tag), "t%u v", i);

	return strncmp(answer->pw.pw_gecos, tag, len) == 0 ? (uint32_t)strtoul(answer->pw.pw_gecos + len, NULL, 10) : 0;
}

/* An id is one person's for ever, and a person has one id for ever. */
static void judge_id(struct witness *witness, uint32_t i, const char *name, const struct answer *answer)
{
	struct witness_person *person = &witness->all->people[i];
	uint32_t uid = answer->pw.pw_uid, lo = witness->all->orgs[person->org].lo, none = 0, nobody = 0;

	if (uid <= lo || uid >= lo + WITNESS_RANGE || answer->pw.pw_gid != uid) {
		object(witness, "%s has uid %u, gid %u", name, uid, answer->pw.pw_gid);
		return;
	}
	if (!atomic_compare_exchange_strong(&person->uid, &none, uid) && none != uid)
		object(witness, "%s has uid %u, and had %u", name, uid, none);
	if (!atomic_compare_exchange_strong(&witness->all->owners[person->org * WITNESS_RANGE + uid - lo], &nobody, i + 1) && nobody != i + 1)
		object(witness, "uid %u is u%u's, and was u%u's", uid, i, nobody - 1);
}

static void raise_version(struct witness_person *person, uint32_t version)
{
	uint32_t seen = atomic_load(&person->version);

	while (seen < version && !atomic_compare_exchange_weak(&person->version, &seen, version))
		;
}

struct before {
	uint32_t version;
	bool closed;
};

/*
 * As it stood before the look began. A snapshot in place that the guard has not announced yet is seen by who comes new and not
 * by who has the one before mapped: who has something mapped is bound by what it saw itself, who comes new by what anybody saw.
 */
static struct before before(const struct witness *witness, uint32_t i)
{
	const struct witness_person *person = &witness->all->people[i];
	const struct witness_org *org = &witness->all->orgs[person->org];

	return (struct before){ .version = witness->versions ? witness->versions[i] : atomic_load(&person->version),
		                .closed = atomic_load(&person->closed) || atomic_load(&org->closed) };
}

static bool is_ordered(const struct witnesses *all, uint32_t i)
{
	return atomic_load(&all->people[i].ordered) || atomic_load(&all->orgs[all->people[i].org].ordered);
}

static void judge(struct witness *witness, uint32_t i, const char *name, const struct before *was, const struct answer *answer)
{
	struct witness_person *person = &witness->all->people[i];
	uint32_t version = version_of(answer, i);

	judge_id(witness, i, name, answer);
	if (version == 0 || strcmp(answer->pw.pw_name, name) != 0)
		object(witness, "%s is %s, \"%s\"", name, answer->pw.pw_name, answer->pw.pw_gecos);
	if (version < was->version)
		object(witness, "%s is at version %u again, was at %u", name, version, was->version);
	if (is_open(answer) && was->closed)
		object(witness, "%s is open again", name);
	if (!is_open(answer) && !is_ordered(witness->all, i))
		object(witness, "%s is closed, and nobody ordered it", name);
	raise_version(person, version);
	if (witness->versions)
		witness->versions[i] = version;
	if (is_open(answer))
		return;
	/* An organisation's end is told from a person's by what was ordered. */
	if (!atomic_load(&witness->all->orgs[person->org].ordered))
		atomic_store(&person->closed, true);
	else if (!atomic_load(&person->ordered))
		atomic_store(&witness->all->orgs[person->org].closed, true);
}

static bool has_gid(const struct gids *gids, uint32_t gid)
{
	for (size_t i = 0; i < gids->n; i++) {
		if (gids->list[i] == gid)
			return true;
	}
	return false;
}

/*
 * Between two looks that saw the same version, open: what the person is in is that version's. Of somebody who is to go the
 * roles may go first.
 */
static void judge_groups(struct witness *witness, const char *name, const struct answer *first, uint32_t i)
{
	const struct witness_org *org = &witness->all->orgs[witness->all->people[i].org];
	struct answer again;
	struct gids gids;
	bool odd = version_of(first, i) % 2;

	if (groups(witness, name, first->pw.pw_uid, &gids) < 0) {
		object(witness, "%s has no groups", name);
		return;
	}
	by_name(witness, name, &again);
	if (again.error || version_of(&again, i) != version_of(first, i) || !is_open(first) || !is_open(&again) || is_ordered(witness->all, i))
		return;
	if (!has_gid(&gids, org->lo) || has_gid(&gids, org->role_gid) != odd || gids.n != 2u + odd)
		object(witness, "%s at version %u is in %zu groups, %s the role's", name, version_of(first, i), gids.n,
		       has_gid(&gids, org->role_gid) ? "with" : "without");
}

static void judge_uid(struct witness *witness, uint32_t i, const char *name, uint32_t uid)
{
	struct before was = before(witness, i);
	struct answer answer;

	by_uid(witness, uid, &answer);
	if (answer.error)
		object(witness, "uid %u of %s is not there (%d)", uid, name, answer.error);
	else
		judge(witness, i, name, &was, &answer);
}

static uint32_t look(struct witness *witness, uint32_t i, bool *ret_open)
{
	struct before was = before(witness, i);
	struct answer answer;
	char name[64];

	snprintf(name, sizeof(name), "u%u@%s", i, witness->all->orgs[witness->all->people[i].org].alias);
	by_name(witness, name, &answer);
	atomic_fetch_add(&witness->all->looks, 1);
	if (answer.error) {
		if (was.version)
			object(witness, "%s is not there (%d), and was at version %u", name, answer.error, was.version);
		return 0;
	}
	atomic_fetch_add(&witness->all->found, 1);
	judge(witness, i, name, &was, &answer);
	judge_groups(witness, name, &answer, i);
	judge_uid(witness, i, name, answer.pw.pw_uid);
	*ret_open = is_open(&answer);
	return version_of(&answer, i);
}

static void renew(struct witness *witness)
{
	b2b_cache_free(witness->cache);
	if (b2b_cache_new(NULL, &witness->cache) < 0)
		err(1, "cache");
	if (witness->versions)
		memset(witness->versions, 0, WITNESS_PEOPLE * sizeof(*witness->versions));
}

/* The module asks the agent for a name that it does not know, and may wait for it: seldom enough that it goes on looking. */
static bool worth_a_look(const struct witness *witness, uint32_t i)
{
	return !witness->by_module || atomic_load(&witness->all->people[i].version) || random() % 100 == 0;
}

_Noreturn static void run(struct witness *witness, unsigned seed)
{
	bool open;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpriority(PRIO_PROCESS, 0, 10); /* the writer is to come to its turn, and die */
	srandom(seed);
	witness->versions = calloc(WITNESS_PEOPLE, sizeof(*witness->versions));
	if (!witness->versions)
		err(1, "witness");
	while (!atomic_load(&witness->all->stop)) {
		uint32_t n = atomic_load(&witness->all->n_people), i = n ? (uint32_t)random() % n : 0;

		if (!witness->by_module && (!witness->cache || random() % LOOKS_OF_A_PROCESS == 0))
			renew(witness);
		if (n && worth_a_look(witness, i))
			look(witness, i, &open);
	}
	_exit(0);
}

pid_t witness_start(struct witnesses *witnesses, bool module, unsigned seed)
{
	struct witness witness = { .all = witnesses, .by_module = module };
	pid_t pid;

	if (module)
		nss_module_load(&witness.module);
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		run(&witness, seed);
	return pid;
}

uint32_t witness_look(struct witnesses *witnesses, uint32_t i, bool *ret_open)
{
	struct witness witness = { .all = witnesses };
	uint32_t version;

	renew(&witness);
	version = look(&witness, i, ret_open);
	b2b_cache_free(witness.cache);
	return version;
}
