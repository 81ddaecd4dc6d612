/*
 * Old files with this reader, and files of the next version: the golden cache of every version that was ever written is
 * answered right; what a newer writer makes is read where it may be, and refused cleanly where not; and nothing of that
 * loses a revocation.
 *
 * test_cache_versions --write DIR writes a golden cache (tests/golden/README);
 * test_cache_versions --next DIR ORG_ID WHICH same|only makes files of the next version (tests/support/next_version.h).
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "b2bctl/ctl.h"
#include "b2bd/guard/install.h"
#include "common/cache_format.h"
#include "common/index.h"
#include "common/org_dir.h"
#include "tests/support/ctl_run.h"
#include "tests/support/fixture.h"
#include "tests/support/golden.h"
#include "tests/support/next_version.h"
#include "tests/support/questions.h"
#include "tests/support/scratch.h"

#define WORD(text) ((char *)(uintptr_t)(text))
#define DAVE (FIXTURE_LO(FIXTURE_ACME) + 3)

static const char *const org_ids[FIXTURE_ORGS] = { "42c3e9", "7be10b", "7be10a", "9d01f2" };
static struct fixture fixture;
static struct b2b_cache *cache; /* a long-running process's: it has mapped what was there first */

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, NULL);
	b2b_live_store(fixture.lives[FIXTURE_ACME], DAVE, B2B_LIVE_CLOSED, true);
	return b2b_cache_new(fixture.dir, &cache);
}

static int stop(void **state)
{
	(void)state;
	b2b_cache_free(cache);
	fixture_stop(&fixture);
	return 0;
}

static void expect_right(const char *dir, bool alive)
{
	struct b2b_cache *fresh;

	assert_int_equal(b2b_cache_new(dir, &fresh), 0);
	assert_int_equal(questions_right(fresh, alive), 0);
	b2b_cache_free(fresh);
}

static void expect_refused(const char *dir, bool all)
{
	struct b2b_cache *fresh;

	assert_int_equal(b2b_cache_new(dir, &fresh), 0);
	assert_int_equal(questions_refused(fresh, all), 0);
	b2b_cache_free(fresh);
}

/* ---- the golden cache ---- */

static void the_golden_cache_of_every_version_is_answered_right(void **state)
{
	char dir[SCRATCH_SIZE], from[64];

	(void)state;
	for (int version = 1; version <= B2B_FORMAT_VERSION; version++) {
		scratch_make(dir);
		snprintf(from, sizeof(from), "tests/golden/format-%d", version);
		golden_copy(dir, from);
		expect_right(dir, false);
		scratch_remove(dir);
	}
}

/* What a new b2bd does first where the old one was: words, and so revocations, stay as they are. */
static void an_upgrade_keeps_what_was_closed(void **state)
{
	struct b2b_policy *policy = NULL;
	struct b2b_live *live = NULL;
	char dir[SCRATCH_SIZE];

	(void)state;
	scratch_make(dir);
	golden_copy(dir, "tests/golden/format-1");
	assert_int_equal(b2b_index_read(dir, &policy), 0);
	for (int org = 0; org < FIXTURE_ORGS; org++) {
		assert_int_equal(b2b_live_create(dir, policy, org, &live), 0);
		b2b_install_recover(dir, policy, org, live);
		assert_int_equal(b2b_live_generation(live), 1);
		if (org == FIXTURE_ACME)
			assert_int_equal(b2b_live_load(live, DAVE), 1 << 4 | B2B_LIVE_CLOSED);
		b2b_live_unmap(live);
	}
	b2b_policy_free(policy);
	expect_right(dir, false);
	scratch_remove(dir);
}

static void golden_live(const char *dir, int org)
{
	static const uint8_t no_boot[16];
	char path[SCRATCH_SIZE], name[64];
	int fd;

	b2b_live_beat(fixture.lives[org], 0);
	b2b_live_verified(fixture.lives[org], 0);
	snprintf(name, sizeof(name), "live/%s", org_ids[org]);
	scratch_path(path, dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, no_boot, sizeof(no_boot), offsetof(struct b2b_format_live, boot_id)) != sizeof(no_boot))
		err(1, "%s", path);
	close(fd);
}

static int write_golden(const char *dir)
{
	fixture_start(&fixture, dir);
	b2b_live_store(fixture.lives[FIXTURE_ACME], DAVE, B2B_LIVE_CLOSED, true);
	for (int org = 0; org < FIXTURE_ORGS; org++)
		golden_live(dir, org);
	fixture_stop(&fixture);
	return 0;
}

/* ---- the next version ---- */

static void make_next(unsigned which, uint16_t min_reader)
{
	for (int org = 0; org < FIXTURE_ORGS; org++)
		next_version(fixture.dir, org_ids[org], which & ~NEXT_INDEX, min_reader);
	if (which & NEXT_INDEX)
		next_version(fixture.dir, org_ids[0], NEXT_INDEX, min_reader);
}

static void the_next_version_is_read_where_it_may_be(void **state)
{
	for (unsigned which = 1; which <= NEXT_ALL; which++) {
		assert_int_equal(questions_right(cache, true), 0);
		make_next(which, NEXT_SAME_READER);
		expect_right(fixture.dir, true);
		assert_int_equal(questions_right(cache, true), 0);
		/* Revocations still go both ways between the versions. */
		b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_CLOSED, true);
		assert_int_not_equal(questions_right(cache, true), 0);
		stop(state);
		start(state);
	}
}

/* A process that mapped it before goes on with a live file for as long as it lives: its header is not looked at again. */
static void what_only_the_next_version_reads_is_refused(void **state)
{
	static const unsigned files[] = { NEXT_INDEX, NEXT_LIVE, NEXT_SNAPSHOT };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		assert_int_equal(questions_right(cache, true), 0);
		next_version(fixture.dir, "42c3e9", files[i], NEXT_ONLY_READER);
		expect_refused(fixture.dir, files[i] == NEXT_INDEX);
		if (files[i] != NEXT_LIVE)
			assert_int_equal(questions_refused(cache, files[i] == NEXT_INDEX), 0);
		stop(state);
		start(state);
	}
}

/* A newer package that was taken back: what it left is refused as its own, not as damaged. */
static void what_is_newer_is_told_from_what_is_damaged(void **state)
{
	struct b2b_policy *policy = NULL;
	struct b2b_live *live = NULL;

	(void)state;
	make_next(NEXT_INDEX | NEXT_LIVE, NEXT_ONLY_READER);
	assert_int_equal(b2b_index_read(fixture.dir, &policy), -EPROTONOSUPPORT);
	assert_int_equal(b2b_live_open(fixture.dir, "42c3e9", &live), -EPROTONOSUPPORT);
	assert_int_equal(b2b_live_create(fixture.dir, fixture.policy, FIXTURE_ACME, &live), -EPROTONOSUPPORT);
	assert_null(policy);
	assert_null(live);
}

static int sealed_snapshot(uint64_t generation)
{
	struct b2b_snapshot_builder *builder;
	int fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(b2b_snapshot_new(fixture.policy, FIXTURE_ACME, generation, &builder), 0);
	assert_int_equal(b2b_snapshot_write(builder, fd), 0);
	b2b_snapshot_free(builder);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
	return fd;
}

/* The guard of this version where the next one was: it keeps the words and the bytes it does not know, and publishes over it. */
static void a_downgrade_keeps_what_was_closed(void **state)
{
	unsigned char before[B2B_LIVE_WORDS_AT], after[B2B_LIVE_WORDS_AT];
	struct b2b_live *live = NULL;
	char path[SCRATCH_SIZE];
	uint64_t generation, found = 0;
	int fd, snapshot;

	(void)state;
	make_next(NEXT_ALL, NEXT_SAME_READER);
	scratch_path(path, fixture.dir, "live/42c3e9");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, before, sizeof(before), 0), sizeof(before));
	assert_int_equal(b2b_live_create(fixture.dir, fixture.policy, FIXTURE_ACME, &live), 0);
	assert_int_equal(pread(fd, after, sizeof(after), 0), sizeof(after));
	close(fd);
	assert_memory_equal(before, after, offsetof(struct b2b_format_live, heartbeat_ns));
	assert_memory_equal(before + sizeof(struct b2b_format_live), after + sizeof(struct b2b_format_live), sizeof(before) - sizeof(struct b2b_format_live));
	assert_int_equal(b2b_live_load(live, DAVE), 1 << 4 | B2B_LIVE_CLOSED);
	generation = b2b_live_generation(live);
	b2b_live_set_generation(live, generation - 1); /* it crashed before it announced */
	b2b_install_recover(fixture.dir, fixture.policy, FIXTURE_ACME, live);
	assert_int_equal(b2b_live_generation(live), generation - 1);
	snapshot = sealed_snapshot(generation); /* as an agent counts that knows nothing of the one in place */
	assert_int_equal(b2b_install(fixture.dir, fixture.policy, FIXTURE_ACME, snapshot, &found), -ESTALE);
	close(snapshot);
	assert_int_equal(found, generation);
	snapshot = sealed_snapshot(generation + 1);
	assert_int_equal(b2b_install(fixture.dir, fixture.policy, FIXTURE_ACME, snapshot, &found), 0);
	close(snapshot);
	b2b_live_unmap(live);
}

/* ---- what root is told ---- */

static void assert_has(const char *text, const char *needle)
{
	if (!strstr(text, needle))
		fail_msg("\nexpected \"%s\" in\n%s", needle, text);
}

static void b2bctl_tells_of_another_version(void **state)
{
	struct ctl_result result;
	char told[64];

	(void)state;
	make_next(NEXT_ALL, NEXT_SAME_READER);
	result = CTL_RUN(WORD("cache"), WORD("verify"), WORD("--dir"), fixture.dir);
	assert_int_equal(result.code, B2B_CTL_OK);
	assert_has(result.out, "note: index at byte 12: another version made it");
	assert_has(result.out, "note: live/42c3e9 at byte 12: another version made it");
	assert_has(result.out, "note: org/42c3e9/snapshot at byte 12: another version made it");
	assert_null(strstr(result.out, "fault: "));
	ctl_result_free(&result);
	result = CTL_RUN(WORD("cache"), WORD("dump"), WORD("--dir"), fixture.dir);
	assert_int_equal(result.code, B2B_CTL_OK);
	snprintf(told, sizeof(told), "snapshot      version %d, for readers from %d on; ", B2B_FORMAT_VERSION + 1, B2B_FORMAT_VERSION);
	assert_has(result.out, told);
	assert_has(result.out, "grace  2013462530  open");
	ctl_result_free(&result);
}

static void b2bctl_says_what_to_do_about_what_it_cannot_read(void **state)
{
	static const struct { unsigned which; const char *told; } cases[] = {
		{ NEXT_INDEX, "fault: index at byte 14: min_reader: a newer version made it, and this one cannot read it; install the newer b2b again" },
		{ NEXT_LIVE, "fault: live/42c3e9 at byte 14: min_reader: a newer version made it, and this one cannot read it; install the newer b2b again" },
		{ NEXT_SNAPSHOT, "fault: org/42c3e9/snapshot at byte 14: min_reader: a newer version made it, and this one cannot read it; install the newer b2b again" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ctl_result result;

		next_version(fixture.dir, "42c3e9", cases[i].which, NEXT_ONLY_READER);
		result = CTL_RUN(WORD("cache"), WORD("verify"), WORD("--dir"), fixture.dir);
		assert_int_equal(result.code, B2B_CTL_FAILED);
		assert_has(result.out, cases[i].told);
		ctl_result_free(&result);
		result = CTL_RUN(WORD("cache"), WORD("dump"), WORD("--dir"), fixture.dir);
		assert_int_equal(result.code, B2B_CTL_FAILED);
		assert_has(result.out, "grace  2013462530  open"); /* the rest is shown */
		ctl_result_free(&result);
		stop(state);
		start(state);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_golden_cache_of_every_version_is_answered_right),
		cmocka_unit_test(an_upgrade_keeps_what_was_closed),
		cmocka_unit_test_setup_teardown(the_next_version_is_read_where_it_may_be, start, stop),
		cmocka_unit_test_setup_teardown(what_only_the_next_version_reads_is_refused, start, stop),
		cmocka_unit_test_setup_teardown(what_is_newer_is_told_from_what_is_damaged, start, stop),
		cmocka_unit_test_setup_teardown(a_downgrade_keeps_what_was_closed, start, stop),
		cmocka_unit_test_setup_teardown(b2bctl_tells_of_another_version, start, stop),
		cmocka_unit_test_setup_teardown(b2bctl_says_what_to_do_about_what_it_cannot_read, start, stop),
	};

	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return write_golden(argv[2]);
	if (argc == 6 && strcmp(argv[1], "--next") == 0) {
		next_version(argv[2], argv[3], (unsigned)strtoul(argv[4], NULL, 10), strcmp(argv[5], "same") == 0 ? NEXT_SAME_READER : NEXT_ONLY_READER);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
