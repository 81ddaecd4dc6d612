/* Live files: created once, never replaced; words, epochs, times; who may read them. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/live_map.h"
#include "common/org_dir.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/scratch.h"

#define LO FIXTURE_LO(FIXTURE_ACME)

static char dir[SCRATCH_SIZE];
static struct b2b_policy *policy;

static int start(void **state)
{
	(void)state;
	scratch_make(dir);
	policy = fixture_policy();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	b2b_policy_free(policy);
	scratch_remove(dir);
	return 0;
}

static struct b2b_live *create(int org)
{
	struct b2b_live *live = NULL;

	assert_int_equal(b2b_live_create(dir, policy, org, &live), 0);
	return live;
}

static void stores_show_in_every_mapping(void **state)
{
	struct b2b_live *writer = create(FIXTURE_ACME), *reader = NULL;

	(void)state;
	assert_int_equal(b2b_live_open(dir, "42c3e9", &reader), 0);
	assert_int_equal(b2b_live_load(reader, LO + 1), 0);
	assert_int_equal(b2b_live_store(writer, LO + 1, B2B_LIVE_OPEN, false), 0);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(reader, LO + 1)), B2B_LIVE_OPEN);
	assert_int_equal(B2B_LIVE_EPOCH(b2b_live_load(reader, LO + 1)), 0);
	assert_int_equal(b2b_live_store(writer, LO + 1, B2B_LIVE_CLOSED, true), 0);
	assert_int_equal(b2b_live_store(writer, LO + 1, B2B_LIVE_OPEN, false), 0);
	assert_int_equal(b2b_live_load(reader, LO + 1), 1u << 4 | B2B_LIVE_OPEN);
	assert_int_equal(b2b_live_load(reader, LO + 2), 0);
	b2b_live_store_org(writer, B2B_LIVE_CLOSED, true);
	assert_int_equal(b2b_live_load_org(reader), 1u << 4 | B2B_LIVE_CLOSED);
	b2b_live_set_generation(writer, 1ull << 40);
	assert_true(b2b_live_generation(reader) == 1ull << 40);
	b2b_live_beat(writer, 5);
	b2b_live_verified(writer, 6);
	assert_int_equal(b2b_live_heartbeat(reader), 5);
	assert_int_equal(b2b_live_verified_at(reader), 6);
	b2b_live_unmap(reader);
	b2b_live_unmap(writer);
}

static void the_range_is_the_bound(void **state)
{
	struct b2b_live *live = create(FIXTURE_ACME);
	uint32_t hi = LO + FIXTURE_RANGE - 1;

	(void)state;
	assert_int_equal(b2b_live_store(live, LO, B2B_LIVE_OPEN, false), 0);
	assert_int_equal(b2b_live_store(live, hi, B2B_LIVE_OPEN, false), 0);
	assert_int_equal(b2b_live_load(live, hi), B2B_LIVE_OPEN);
	assert_int_equal(b2b_live_store(live, LO - 1, B2B_LIVE_OPEN, false), -ERANGE);
	assert_int_equal(b2b_live_store(live, hi + 1, B2B_LIVE_OPEN, false), -ERANGE);
	assert_int_equal(b2b_live_load(live, LO - 1), 0);
	assert_int_equal(b2b_live_load(live, hi + 1), 0);
	assert_int_equal(b2b_live_load(live, 0), 0);
	b2b_live_unmap(live);
}

static void an_epoch_grows_beside_the_state(void **state)
{
	struct b2b_live *live = create(FIXTURE_ACME);
	uint32_t before;

	(void)state;
	for (int i = 0; i < 3; i++)
		b2b_live_store_org(live, B2B_LIVE_OPEN, true);
	before = b2b_live_load_org(live);
	b2b_live_store_org(live, B2B_LIVE_OPEN, true);
	assert_int_equal(B2B_LIVE_EPOCH(b2b_live_load_org(live)), B2B_LIVE_EPOCH(before) + 1);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load_org(live)), B2B_LIVE_OPEN);
	b2b_live_unmap(live);
}

static void words_outlive_the_agent_and_times_do_not(void **state)
{
	struct b2b_live *live = create(FIXTURE_ACME);
	struct stat before, after;
	char path[SCRATCH_SIZE];

	(void)state;
	scratch_path(path, dir, "live/42c3e9");
	assert_int_equal(stat(path, &before), 0);
	b2b_live_store(live, LO + 1, B2B_LIVE_CLOSED, true);
	b2b_live_store_org(live, B2B_LIVE_OPEN, true);
	b2b_live_set_generation(live, 9);
	b2b_live_beat(live, b2b_now_ns());
	b2b_live_verified(live, b2b_now_ns());
	b2b_live_unmap(live);
	live = create(FIXTURE_ACME);
	assert_int_equal(b2b_live_load(live, LO + 1), 1u << 4 | B2B_LIVE_CLOSED);
	assert_int_equal(b2b_live_load_org(live), 1u << 4 | B2B_LIVE_OPEN);
	assert_int_equal(b2b_live_generation(live), 9);
	assert_int_equal(b2b_live_heartbeat(live), 0);
	assert_int_equal(b2b_live_verified_at(live), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	b2b_live_unmap(live);
}

static void a_header_that_was_stored_over_is_mended(void **state)
{
	struct b2b_live *live = create(FIXTURE_ACME), *reader = NULL;

	(void)state;
	b2b_live_store_org(live, B2B_LIVE_OPEN, true);
	b2b_live_store(live, LO + 1, B2B_LIVE_CLOSED, true);
	b2b_live_set_generation(live, 7);
	b2b_live_beat(live, 5);
	assert_int_equal(b2b_live_mend(live, &policy->orgs[FIXTURE_ACME]), 0);
	assert_true(b2b_live_heartbeat(live) == 5);
	memset(live->file, 0xff, offsetof(struct b2b_format_live, org_word));
	assert_int_equal(b2b_live_open(dir, "42c3e9", &reader), -EBADMSG);
	assert_int_equal(b2b_live_mend(live, &policy->orgs[FIXTURE_ACME]), 1);
	assert_int_equal(b2b_live_open(dir, "42c3e9", &reader), 0);
	assert_int_equal(b2b_live_load_org(reader), 1u << 4 | B2B_LIVE_OPEN);
	assert_int_equal(b2b_live_load(reader, LO + 1), 1u << 4 | B2B_LIVE_CLOSED);
	assert_true(b2b_live_generation(reader) == 7);
	assert_true(b2b_live_heartbeat(reader) == 0);
	live->file->boot_id[3] ^= 1;
	assert_int_equal(b2b_live_mend(live, &policy->orgs[FIXTURE_ACME]), 1);
	assert_int_equal(b2b_live_mend(live, &policy->orgs[FIXTURE_ACME]), 0);
	b2b_live_unmap(reader);
	b2b_live_unmap(live);
}

static void the_file_is_allocated_whole(void **state)
{
	struct b2b_live *live = create(FIXTURE_ACME);
	char path[SCRATCH_SIZE];
	struct stat st;

	(void)state;
	scratch_path(path, dir, "live/42c3e9");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 4096 + FIXTURE_RANGE * 4);
	assert_true(st.st_blocks * 512 >= st.st_size);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, B2B_PARTNERS_GID);
	scratch_path(path, dir, "live/.new-42c3e9");
	assert_int_equal(access(path, F_OK), -1);
	b2b_live_unmap(live);
}

static void another_range_is_refused(void **state)
{
	struct b2b_live *live = create(FIXTURE_ACME);

	(void)state;
	b2b_live_unmap(live);
	live = NULL;
	policy->orgs[FIXTURE_ACME].range_hi++;
	assert_int_equal(b2b_live_create(dir, policy, FIXTURE_ACME, &live), -EEXIST);
	policy->orgs[FIXTURE_ACME].range_hi--;
	policy->orgs[FIXTURE_ACME].range_lo += 0x100000;
	policy->orgs[FIXTURE_ACME].range_hi += 0x100000;
	assert_int_equal(b2b_live_create(dir, policy, FIXTURE_ACME, &live), -EEXIST);
	assert_null(live);
}

static void what_is_not_trusted_is_not_mapped(void **state)
{
	struct b2b_live *live = create(FIXTURE_ACME);
	char path[SCRATCH_SIZE];

	(void)state;
	b2b_live_unmap(live);
	live = NULL;
	scratch_path(path, dir, "live/42c3e9");
	assert_int_equal(b2b_live_open(dir, "nobody", &live), -ENOENT);
	assert_int_equal(b2b_live_open(dir, "../live/42c3e9", &live), -ENOENT);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(b2b_live_open(dir, "42c3e9", &live), -EPERM);
	assert_int_equal(b2b_live_create(dir, policy, FIXTURE_ACME, &live), -EPERM);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(truncate(path, 4096), 0);
	assert_int_equal(b2b_live_open(dir, "42c3e9", &live), -EBADMSG);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(b2b_live_open(dir, "42c3e9", &live), -EBADMSG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(b2b_live_open(dir, "42c3e9", &live), -EPERM);
	assert_null(live);
}

struct reader {
	gid_t groups[2];
	size_t n_groups;
	bool live, roster;
};

/* Who in GROUPS, as nobody in particular, may read acme's live words and enter its directory. */
static int read_body(void *arg)
{
	const struct reader *reader = arg;
	char live[SCRATCH_SIZE], roster[SCRATCH_SIZE];

	scratch_path(live, dir, "live/42c3e9");
	scratch_path(roster, dir, "org/42c3e9");
	if (setgroups(reader->n_groups, reader->groups) < 0 || setresgid(4242, 4242, 4242) < 0 || setresuid(4242, 4242, 4242) < 0)
		return 1;
	return (access(live, R_OK) == 0) != reader->live || (access(roster, R_OK | X_OK) == 0) != reader->roster || access(live, W_OK) == 0 ||
	       access(roster, W_OK) == 0;
}

static void expect_access(enum b2b_visibility visibility, bool foreign, bool local)
{
	struct reader readers[] = {
		{ { B2B_PARTNERS_GID, FIXTURE_LO(FIXTURE_ACME) }, 2, true, true },
		{ { B2B_PARTNERS_GID, FIXTURE_LO(FIXTURE_EMEA) }, 2, true, foreign }, /* readers of emea walk up to acme */
		{ { B2B_PARTNERS_GID, FIXTURE_LO(FIXTURE_GLOBEX) }, 2, foreign, foreign },
		{ { B2B_PARTNERS_GID, 0 }, 1, foreign, foreign },
		{ { 0, 0 }, 0, local, local },
	};

	policy->visibility = visibility;
	b2b_live_unmap(create(FIXTURE_ACME));
	assert_int_equal(b2b_org_dir_create(dir, policy, FIXTURE_ACME), 0);
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (machine_child(read_body, &readers[i]) != 0)
			fail_msg("visibility %d, reader %zu", visibility, i);
}

/* Each after each other, on the same files: a change of policy changes them. */
static void visibility_is_kept_by_the_file_system(void **state)
{
	(void)state;
	expect_access(B2B_VISIBLE_ORGANISATION, false, true);
	expect_access(B2B_VISIBLE_STRICT, false, false);
	expect_access(B2B_VISIBLE_EVERYONE, true, true);
	expect_access(B2B_VISIBLE_ORGANISATION, false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(stores_show_in_every_mapping, start, stop),
		cmocka_unit_test_setup_teardown(the_range_is_the_bound, start, stop),
		cmocka_unit_test_setup_teardown(an_epoch_grows_beside_the_state, start, stop),
		cmocka_unit_test_setup_teardown(words_outlive_the_agent_and_times_do_not, start, stop),
		cmocka_unit_test_setup_teardown(a_header_that_was_stored_over_is_mended, start, stop),
		cmocka_unit_test_setup_teardown(the_file_is_allocated_whole, start, stop),
		cmocka_unit_test_setup_teardown(another_range_is_refused, start, stop),
		cmocka_unit_test_setup_teardown(what_is_not_trusted_is_not_mapped, start, stop),
		cmocka_unit_test_setup_teardown(visibility_is_kept_by_the_file_system, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
