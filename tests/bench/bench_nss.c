/*
 * bench_nss MODULE PEOPLE: what a look-up costs, beside a floor and a peer, as medians of interleaved rounds.
 *
 *   b2b    the real module, called as glibc calls it
 *   hash   the floor: an in-process hash table that copies the same bytes out
 *   files  glibc's own `files`, with the same people in /etc/passwd (up to 10,000: it reads the file each time)
 *
 * Run in a mount namespace of its own (tests/bench/run): it mounts a tmpfs over the cache's folder.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <nss.h>
#include <pwd.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/index.h"
#include "common/live.h"
#include "common/org_dir.h"
#include "common/snapshot.h"

#define ROUNDS 15
#define PEOPLE_PER_ORG 5000
#define HOT 2000
#define NAME_SIZE 64 /* more than any name of ours, so that nothing is cut silently */
#define FILES_MAX 10000
#define PASSWD "/etc/passwd"

typedef enum nss_status look_name(const char *, struct passwd *, char *, size_t, int *);
typedef enum nss_status look_uid(uid_t, struct passwd *, char *, size_t, int *);

static struct b2b_policy policy;
static size_t people;
static char (*names)[NAME_SIZE];
static struct passwd *floor_people;
static size_t *picks;

static void die(const char *what, int error)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static uint32_t uid_of(size_t person)
{
	return policy.orgs[person / PEOPLE_PER_ORG].range_lo + 1 + (uint32_t)(person % PEOPLE_PER_ORG);
}

static void make_policy(void)
{
	size_t i, n = (people + PEOPLE_PER_ORG - 1) / PEOPLE_PER_ORG;

	policy.separator = '@';
	policy.visibility = B2B_VISIBLE_EVERYONE;
	policy.partners_gid = B2B_PARTNERS_GID;
	policy.n_shells = 1;
	strncpy(policy.shells[0], "/bin/bash", B2B_PATH_SIZE - 1);
	strncpy(policy.home, "/home/%o/%u", B2B_PATH_SIZE - 1);
	policy.orgs = calloc(n, sizeof(*policy.orgs));
	policy.n_orgs = (uint32_t)n;
	for (i = 0; i < n; i++) {
		struct b2b_policy_org *org = &policy.orgs[i];

		snprintf(org->id, sizeof(org->id), "id%04zu", i);
		snprintf(org->alias, sizeof(org->alias), "org%04zu", i);
		org->parent = -1;
		org->range_lo = B2B_RANGE_FIRST + (uint32_t)i * 8192;
		org->range_hi = org->range_lo + 8191;
	}
}

static void publish_org(int org)
{
	struct b2b_snapshot_builder *builder = NULL;
	struct b2b_live *live = NULL;
	char path[256], local[NAME_SIZE];
	size_t i, last = (size_t)(org + 1) * PEOPLE_PER_ORG;
	int fd, r;

	r = b2b_live_create(B2B_CACHE_DIR, &policy, org, &live);
	if (r == 0)
		r = b2b_org_dir_create(B2B_CACHE_DIR, &policy, org);
	if (r == 0)
		r = b2b_snapshot_new(&policy, org, 1, &builder);
	if (r < 0)
		die("cache", r);
	b2b_live_store_org(live, B2B_LIVE_OPEN, false);
	for (i = (size_t)org * PEOPLE_PER_ORG; i < last && i < people; i++) {
		struct b2b_snapshot_user user = { .local = local, .gecos = "Somebody", .uid = uid_of(i) };

		snprintf(local, sizeof(local), "person%zu", i);
		r = b2b_snapshot_add_user(builder, &user);
		if (r < 0)
			die("snapshot", r);
		b2b_live_store(live, user.uid, B2B_LIVE_OPEN, false);
	}
	snprintf(path, sizeof(path), B2B_CACHE_DIR "/org/%s/snapshot", policy.orgs[org].id);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || (r = b2b_snapshot_write(builder, fd)) < 0)
		die(path, fd < 0 ? errno : r);
	close(fd);
	b2b_live_set_generation(live, 1);
	b2b_snapshot_free(builder);
	b2b_live_unmap(live);
}

static void make_cache(void)
{
	uint32_t i;
	int r;

	if (mkdir("/var/lib/b2b", 0755) < 0 && errno != EEXIST)
		die("/var/lib/b2b", errno);
	if (mount("bench", "/var/lib/b2b", "tmpfs", 0, "mode=0755") < 0)
		die("tmpfs over /var/lib/b2b", errno);
	mkdir(B2B_CACHE_DIR, 0755);
	mkdir(B2B_CACHE_DIR "/org", 0755);
	mkdir(B2B_CACHE_DIR "/live", 0755);
	r = b2b_index_write(B2B_CACHE_DIR, &policy);
	if (r < 0)
		die("index", r);
	for (i = 0; i < policy.n_orgs; i++)
		publish_org((int)i);
}

/* The floor's table, and the same people as a passwd file. */
static void make_peers(void)
{
	FILE *file = people <= FILES_MAX ? fopen("/var/lib/b2b/passwd", "we") : NULL;
	size_t i;

	if (!hcreate(people * 2))
		die("hash table", errno);
	for (i = 0; i < people; i++) {
		struct passwd *pw = &floor_people[i];
		ENTRY entry = { .key = names[i], .data = pw };
		char home[128];

		snprintf(names[i], sizeof(names[i]), "person%zu@%s", i, policy.orgs[i / PEOPLE_PER_ORG].alias);
		snprintf(home, sizeof(home), "/home/%s/person%zu", policy.orgs[i / PEOPLE_PER_ORG].alias, i);
		*pw = (struct passwd){ .pw_name = names[i], .pw_passwd = strdup("*"), .pw_uid = uid_of(i), .pw_gid = uid_of(i),
			               .pw_gecos = strdup("Somebody"), .pw_dir = strdup(home), .pw_shell = strdup("/bin/bash") };
		hsearch(entry, ENTER);
		if (file)
			fprintf(file, "%s:*:%u:%u:Somebody:%s:/bin/bash\n", names[i], pw->pw_uid, pw->pw_gid, home);
	}
	if (file && fclose(file) == 0 && mount("/var/lib/b2b/passwd", PASSWD, NULL, MS_BIND, NULL) < 0)
		die(PASSWD, errno);
}

static char *copy(char **to, const char *text)
{
	size_t n = strlen(text) + 1;
	char *at = memcpy(*to, text, n);

	*to += n;
	return at;
}

static enum nss_status hash_name(const char *name, struct passwd *pw, char *buf, size_t len, int *error)
{
	ENTRY *found = hsearch((ENTRY){ .key = (char *)(uintptr_t)name }, FIND);
	const struct passwd *from;

	(void)len;
	(void)error;
	if (!found)
		return NSS_STATUS_NOTFOUND;
	from = found->data;
	*pw = *from;
	pw->pw_name = copy(&buf, from->pw_name);
	pw->pw_passwd = copy(&buf, from->pw_passwd);
	pw->pw_gecos = copy(&buf, from->pw_gecos);
	pw->pw_dir = copy(&buf, from->pw_dir);
	pw->pw_shell = copy(&buf, from->pw_shell);
	return NSS_STATUS_SUCCESS;
}

struct subject {
	const char *what, *who;
	look_name *by_name;
	look_uid *by_uid;
	size_t hot;    /* people that are asked for */
	bool absent;   /* a name of ours that nobody has */
	size_t times;
	double ns[ROUNDS];
};

static void one_round(struct subject *subject, int round)
{
	char buf[1024], absent[NAME_SIZE];
	struct passwd pw;
	uint64_t began;
	size_t i, right = 0;
	int error;

	snprintf(absent, sizeof(absent), "nobody@%s", policy.orgs[0].alias);
	began = b2b_now_ns();
	for (i = 0; i < subject->times; i++) {
		size_t person = picks[i % people] % subject->hot;
		enum nss_status status;

		if (subject->absent)
			status = subject->by_name(absent, &pw, buf, sizeof(buf), &error);
		else if (subject->by_uid)
			status = subject->by_uid(floor_people[person].pw_uid, &pw, buf, sizeof(buf), &error);
		else
			status = subject->by_name(names[person], &pw, buf, sizeof(buf), &error);
		right += subject->absent ? status == NSS_STATUS_NOTFOUND
		                         : status == NSS_STATUS_SUCCESS && pw.pw_uid == floor_people[person].pw_uid;
	}
	subject->ns[round] = (double)(b2b_now_ns() - began) / (double)subject->times;
	if (right != subject->times) {
		fprintf(stderr, "bench: %s %s gave %zu wrong answers\n", subject->what, subject->who, subject->times - right);
		exit(1);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void *symbol(void *module, const char *name)
{
	void *found = dlsym(module, name);

	if (!found)
		die(name, ENOENT);
	return found;
}

static void measure(struct subject *subjects, size_t n)
{
	size_t i;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < n; i++)
			one_round(&subjects[i], round);
	}
	printf("\n%zu people in %u organisations, %d interleaved rounds\n\n", people, policy.n_orgs, ROUNDS);
	printf("| look-up | through | median ns | quartiles | times b2b |\n|---|---|---|---|---|\n");
	for (i = 0; i < n; i++) {
		double *ns = subjects[i].ns, base;
		size_t first = i;

		qsort(ns, ROUNDS, sizeof(*ns), by_value);
		while (strcmp(subjects[first].who, "b2b") != 0)
			first--;
		base = subjects[first].ns[ROUNDS / 2];
		printf("| %s | %s | %.0f | %.0f-%.0f | %.2f |\n", subjects[i].what, subjects[i].who, ns[ROUNDS / 2], ns[ROUNDS / 4],
		       ns[ROUNDS - 1 - ROUNDS / 4], ns[ROUNDS / 2] / base);
	}
}

int main(int argc, char **argv)
{
	void *module = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
	size_t i, n = 0, hot;
	struct subject subjects[16];

	if (!module) {
		fprintf(stderr, "usage: bench_nss MODULE PEOPLE%s%s\n", argc == 3 ? ": " : "", argc == 3 ? dlerror() : "");
		return 2;
	}
	people = strtoul(argv[2], NULL, 10);
	names = calloc(people, sizeof(*names));
	floor_people = calloc(people, sizeof(*floor_people));
	picks = calloc(people, sizeof(*picks));
	if (people < HOT / 2 || !names || !floor_people || !picks)
		die("people", people < HOT / 2 ? EINVAL : ENOMEM);
	for (i = 0; i < people; i++)
		picks[i] = (size_t)random();
	make_policy();
	make_cache();
	make_peers();
	hot = people < HOT ? people : HOT;
#define ROW(...) subjects[n++] = (struct subject){ __VA_ARGS__ }
	ROW(.what = "name, hot", .who = "b2b", .by_name = symbol(module, "_nss_b2b_getpwnam_r"), .hot = hot, .times = 100000);
	ROW(.what = "name, hot", .who = "hash", .by_name = hash_name, .hot = hot, .times = 100000);
	if (people <= FILES_MAX)
		ROW(.what = "name, hot", .who = "files", .by_name = symbol(RTLD_DEFAULT, "_nss_files_getpwnam_r"), .hot = hot, .times = 200);
	ROW(.what = "name, random", .who = "b2b", .by_name = symbol(module, "_nss_b2b_getpwnam_r"), .hot = people, .times = 100000);
	ROW(.what = "name, random", .who = "hash", .by_name = hash_name, .hot = people, .times = 100000);
	ROW(.what = "uid, random", .who = "b2b", .by_uid = symbol(module, "_nss_b2b_getpwuid_r"), .hot = people, .times = 100000);
	ROW(.what = "absent name", .who = "b2b", .by_name = symbol(module, "_nss_b2b_getpwnam_r"), .hot = 1, .absent = true, .times = 100000);
	measure(subjects, n);
	return 0;
}
