/*
 * The reader on files of any content, and on files that change under it.
 *
 * A good cache stands in a scratch directory. An input damages it: its first byte says how, then either whole files are
 * replaced by input bytes, or words at places that the input names are stored into the good ones, before and, by a second
 * thread, while a fresh cache and one that has it mapped answer every kind of question. Truncation is not played: files
 * are root's. Answers may be anything but a crash, an endless walk, or an id outside the organisations' ranges.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cache.h"
#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

static const char *const names[] = { "index", "live/42c3e9", "live/7be10a", "org/42c3e9/snapshot", "org/7be10a/snapshot" };
#define FILES (sizeof(names) / sizeof(names[0]))

struct file {
	char path[SCRATCH_SIZE];
	unsigned char *map; /* writable */
	unsigned char *good;
	size_t size;
};

static struct fixture fixture;
static struct file files[FILES];

static void open_file(struct file *file)
{
	struct stat st;
	int fd = open(file->path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", file->path);
	file->size = (size_t)st.st_size;
	file->map = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file->map == MAP_FAILED)
		err(1, "map %s", file->path);
	close(fd);
}

static void clean_up(void)
{
	fixture_stop(&fixture);
}

static void prepare(void)
{
	fixture_start(&fixture, NULL);
	atexit(clean_up);
	fixture.policy->enumerate = true;
	if (b2b_index_write(fixture.dir, fixture.policy) < 0)
		errx(1, "index");
	for (size_t i = 0; i < FILES; i++) {
		scratch_path(files[i].path, fixture.dir, names[i]);
		open_file(&files[i]);
		files[i].good = malloc(files[i].size);
		if (!files[i].good)
			err(1, "copy");
		memcpy(files[i].good, files[i].map, files[i].size);
	}
}

/* ---- questions ---- */

static int take_gid(void *arg, uint32_t gid)
{
	(void)arg;
	(void)gid;
	return 0;
}

static void inside(const char *text, const char *buf, size_t len)
{
	if (text < buf || text >= buf + len || !memchr(text, 0, (size_t)(buf + len - text)))
		abort();
}

static void check_user(int r, const struct passwd *pw, const char *buf, size_t len)
{
	if (r != 0)
		return;
	inside(pw->pw_name, buf, len);
	inside(pw->pw_dir, buf, len);
	inside(pw->pw_shell, buf, len);
	inside(pw->pw_gecos, buf, len);
	if (pw->pw_uid < B2B_RANGE_FIRST || pw->pw_uid > B2B_RANGE_LAST || pw->pw_gid != pw->pw_uid || !b2b_name_candidate(pw->pw_name))
		abort();
}

static void check_group(int r, const struct group *gr, const char *buf, size_t len)
{
	if (r != 0)
		return;
	inside(gr->gr_name, buf, len);
	for (size_t i = 0; gr->gr_mem[i]; i++)
		inside(gr->gr_mem[i], buf, len);
}

static void enumerate(struct b2b_cache *cache)
{
	char buf[4096];
	struct passwd pw;
	struct group gr;
	uint64_t cursor = 0;
	int steps = 0;

	while (b2b_cache_nextpw(cache, &cursor, &pw, buf, sizeof(buf)) == 0)
		if (++steps > 100000)
			abort();
	cursor = 0;
	while (b2b_cache_nextgr(cache, &cursor, &gr, buf, sizeof(buf)) == 0)
		if (++steps > 200000)
			abort();
}

static void ask(struct b2b_cache *cache)
{
	static const char *const users[] = { "alice@acme", "dave@acme", "bob@emea.acme", "absent@acme", "erin@globex", "root" };
	static const char *const groups[] = { "dba@acme", "members@acme", "partners", "bob@emea.acme", "none@acme" };
	struct b2b_standing standing;
	char buf[2048];
	struct passwd pw;
	struct group gr;

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		check_user(b2b_cache_getpwnam(cache, users[i], &pw, buf, sizeof(buf)), &pw, buf, sizeof(buf));
		b2b_cache_initgroups(cache, users[i], take_gid, NULL);
		b2b_cache_ours(cache, users[i]);
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		check_group(b2b_cache_getgrnam(cache, groups[i], &gr, buf, sizeof(buf)), &gr, buf, sizeof(buf));
	for (uint32_t id = 0; id < 4; id++) {
		check_user(b2b_cache_getpwuid(cache, FIXTURE_LO(FIXTURE_ACME) + id, &pw, buf, sizeof(buf)), &pw, buf, sizeof(buf));
		check_group(b2b_cache_getgrgid(cache, FIXTURE_LO(FIXTURE_ACME) + 99 + id, &gr, buf, 200), &gr, buf, 200);
		check_group(b2b_cache_getgrgid(cache, FIXTURE_LO(FIXTURE_EMEA) + id, &gr, buf, sizeof(buf)), &gr, buf, sizeof(buf));
	}
	b2b_cache_standing(cache, "bob@emea.acme", "sshd", &standing);
	enumerate(cache);
}

/* ---- damage ---- */

/* Eight bytes: which file, how wide, where, what. */
#define STORE 8

static void store(const uint8_t *how)
{
	struct file *file = &files[how[0] % FILES];
	size_t at = (size_t)(how[2] | how[3] << 8) % (file->size - 8);
	size_t width = 1u << (how[1] & 3);

	/* Words are stored as a writer would, aligned; single bytes wherever. */
	at &= ~(width - 1);
	for (size_t i = 0; i < width; i++)
		__atomic_store_n(file->map + at + i, how[4 + (i & 3)], __ATOMIC_RELAXED);
}

static void mend(void)
{
	for (size_t i = 0; i < FILES; i++)
		memcpy(files[i].map, files[i].good, files[i].size);
}

struct storm {
	const uint8_t *data;
	size_t size;
	_Atomic bool over;
};

static void *storm_main(void *arg)
{
	struct storm *storm = arg;

	while (!storm->over)
		for (size_t at = 0; at + STORE <= storm->size; at += STORE)
			store(storm->data + at);
	return NULL;
}

static void ask_fresh(void)
{
	struct b2b_cache *cache = NULL;

	if (b2b_cache_new(fixture.dir, &cache) < 0)
		return;
	ask(cache);
	b2b_cache_free(cache);
}

/* Stored before the questions, and, where STORMY, again and again while they are asked. */
static void damaged_words(const uint8_t *data, size_t size, bool stormy)
{
	struct storm storm = { .data = data, .size = size };
	struct b2b_cache *mapped = NULL;
	pthread_t thread;

	if (b2b_cache_new(fixture.dir, &mapped) < 0)
		return;
	ask(mapped);
	for (size_t at = 0; at + STORE <= size; at += STORE)
		store(data + at);
	if (stormy && pthread_create(&thread, NULL, storm_main, &storm) != 0)
		err(1, "thread");
	ask(mapped);
	ask_fresh();
	if (stormy) {
		mend();
		sched_yield();
		ask(mapped);
		storm.over = true;
		pthread_join(thread, NULL);
	}
	mend();
	b2b_cache_free(mapped);
}

/* The file is another inode then: the good one keeps its mapping and comes back by its name. */
static void whole_file(const uint8_t *data, size_t size, struct file *file)
{
	char kept[SCRATCH_SIZE];

	scratch_path(kept, fixture.dir, "kept");
	if (rename(file->path, kept) < 0)
		err(1, "%s", file->path);
	scratch_write(file->path, data, size, 0644);
	ask_fresh();
	if (rename(kept, file->path) < 0)
		err(1, "%s", file->path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!fixture.policy)
		prepare();
	if (size < 2)
		return 0;
	if (data[0] < 0x40)
		whole_file(data + 2, size - 2, &files[data[1] % FILES]);
	else
		damaged_words(data + 2, size - 2, data[0] >= 0xf0);
	return 0;
}
