/*
 * Old module, new files: the reader of format 1, as processes have it loaded that started before an upgrade, on what is
 * written now. tests/golden/reader-1 is that reader, in a library of its own; the questions are today's.
 */
#include <dlfcn.h>
#include <err.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/guard/install.h"
#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/golden.h"
#include "tests/support/machine.h"
#include "tests/support/questions.h"
#include "tests/support/scratch.h"

#define DAVE (FIXTURE_LO(FIXTURE_ACME) + 3)
#define CROWD 1000u

static struct {
	int (*open)(const char *dir, struct b2b_cache **ret_cache);
	void (*close)(struct b2b_cache *cache);
	int (*getgrnam)(struct b2b_cache *cache, const char *name, struct group *ret_gr, char *buf, size_t len);
	int (*right)(struct b2b_cache *cache, bool alive);
} old;

static struct fixture fixture;

static void find(void *handle, const char *name, void *function, size_t size)
{
	void *symbol = dlsym(handle, name);

	if (!symbol)
		errx(1, "%s: %s", name, dlerror());
	memcpy(function, &symbol, size);
}

static void load_old(void)
{
	char path[PATH_MAX];
	void *handle;

	machine_built(path, sizeof(path), "tests/tools/reader-1.so");
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		errx(1, "%s", dlerror());
	find(handle, "b2b_cache_new", &old.open, sizeof(old.open));
	find(handle, "b2b_cache_free", &old.close, sizeof(old.close));
	find(handle, "b2b_cache_getgrnam", &old.getgrnam, sizeof(old.getgrnam));
	find(handle, "questions_right", &old.right, sizeof(old.right));
	if ((void *)(uintptr_t)old.right == (void *)(uintptr_t)&questions_right)
		errx(1, "that is today's reader");
}

static struct b2b_cache *open_old(void)
{
	struct b2b_cache *cache = NULL;

	assert_int_equal(old.open(fixture.dir, &cache), 0);
	return cache;
}

static void expect_right(bool alive)
{
	struct b2b_cache *cache = open_old();

	assert_int_equal(old.right(cache, alive), 0);
	old.close(cache);
}

static void what_is_written_now_is_answered_right(void **state)
{
	(void)state;
	fixture_start(&fixture, NULL);
	b2b_live_store(fixture.lives[FIXTURE_ACME], DAVE, B2B_LIVE_CLOSED, true);
	expect_right(true);
	fixture_stop(&fixture);
}

/* What b2bd does when it starts, and publishes, where one of the version before has been. */
static void upgrade(void)
{
	assert_int_equal(b2b_index_read(fixture.dir, &fixture.policy), 0);
	assert_int_equal(b2b_index_write(fixture.dir, fixture.policy), 0);
	for (int org = 0; org < FIXTURE_ORGS; org++) {
		assert_int_equal(b2b_live_create(fixture.dir, fixture.policy, org, &fixture.lives[org]), 0);
		b2b_install_recover(fixture.dir, fixture.policy, org, fixture.lives[org]);
		fixture.generation[org] = b2b_live_generation(fixture.lives[org]);
		fixture_publish_org(&fixture, org);
	}
	fixture_beat(&fixture);
}

static void a_process_from_before_an_upgrade_reads_on(void **state)
{
	struct b2b_cache *cache;

	(void)state;
	memset(&fixture, 0, sizeof(fixture));
	scratch_make(fixture.dir);
	golden_copy(fixture.dir, "tests/golden/format-1");
	cache = open_old();
	assert_int_equal(old.right(cache, false), 0);
	upgrade();
	assert_int_equal(old.right(cache, true), 0);
	expect_right(true);
	/* A word of the new writer's, in what it has mapped. */
	b2b_live_store(fixture.lives[FIXTURE_ACME], DAVE - 1, B2B_LIVE_CLOSED, true);
	assert_int_not_equal(old.right(cache, true), 0);
	b2b_live_store(fixture.lives[FIXTURE_ACME], DAVE - 1, B2B_LIVE_OPEN, true);
	assert_int_equal(old.right(cache, true), 0);
	old.close(cache);
	fixture_stop(&fixture);
}

/* Its members are kept as one text too, which that reader knows nothing of. */
static void publish_crowd(void)
{
	struct b2b_snapshot_builder *builder = fixture_builder(&fixture, FIXTURE_GLOBEX, false);
	uint32_t members[CROWD];
	struct b2b_snapshot_group group = { .local = "crowd", .gid = FIXTURE_LO(FIXTURE_GLOBEX) + CROWD + 1, .members = members, .n_members = CROWD };
	char local[16];

	for (uint32_t i = 0; i < CROWD; i++) {
		struct b2b_snapshot_user user = { .local = local, .uid = FIXTURE_LO(FIXTURE_GLOBEX) + 1 + i };

		snprintf(local, sizeof(local), "one%u", i);
		members[i] = user.uid;
		assert_int_equal(b2b_snapshot_add_user(builder, &user), 0);
		b2b_live_store(fixture.lives[FIXTURE_GLOBEX], user.uid, B2B_LIVE_OPEN, false);
	}
	assert_int_equal(b2b_snapshot_add_group(builder, &group), 0);
	fixture_publish(&fixture, FIXTURE_GLOBEX, builder);
	b2b_snapshot_free(builder);
}

/* Everybody but number CLOSED (CROWD: nobody is), in order. */
static void expect_crowd(struct b2b_cache *cache, uint32_t closed)
{
	static char buf[64 << 10];
	struct group gr;
	char name[32];
	uint32_t n = 0;

	assert_int_equal(old.getgrnam(cache, "crowd@globex", &gr, buf, sizeof(buf)), 0);
	for (uint32_t i = 0; i < CROWD; i++) {
		if (i == closed)
			continue;
		snprintf(name, sizeof(name), "one%u@globex", i);
		assert_non_null(gr.gr_mem[n]);
		assert_string_equal(gr.gr_mem[n++], name);
	}
	assert_null(gr.gr_mem[n]);
}

static void a_large_group_lists_whoever_is_open(void **state)
{
	struct b2b_cache *cache;

	(void)state;
	fixture_start(&fixture, NULL);
	cache = open_old();
	publish_crowd();
	expect_crowd(cache, CROWD);
	b2b_live_store(fixture.lives[FIXTURE_GLOBEX], FIXTURE_LO(FIXTURE_GLOBEX) + 1 + 77, B2B_LIVE_CLOSED, true);
	expect_crowd(cache, 77);
	old.close(cache);
	fixture_stop(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_now_is_answered_right),
		cmocka_unit_test(a_process_from_before_an_upgrade_reads_on),
		cmocka_unit_test(a_large_group_lists_whoever_is_open),
	};

	load_old();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
