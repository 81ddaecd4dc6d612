/*
 * A power cut at every instant of the cache's writers: of the operations that were not synced, all subsets of up to N are there
 * or not (N: 12, with LONG=1 16), and of more a random choice of subsets. Whoever reads what is left sees what was
 * published last or what was about to be; and the next start of the guard makes a working cache of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "b2bd/guard/prepare.h"
#include "common/cache_format.h"
#include "common/index.h"
#include "common/log.h"
#include "tests/crash/cuts.h"
#include "tests/crash/published.h"
#include "tests/crash/recorder.h"
#include "tests/crash/tracer.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/scratch.h"

#define DIR "/run/cache" /* of a private machine: in memory */
#define LATEST 9u        /* the version that is published after the cut */
#define WHOLE_LEAST 19 /* of 28 cuts; cuts.h says what becomes of the others */

static struct b2b_policy *policies[4];
static int snapshots[LATEST + 1], beside[LATEST + 1];

/* ---- the writers ---- */

/* MARK(n): policy and snapshot of a number are published, and whoever ordered them was told so. */
enum { MARK_POLICY_1 = 1, MARK_SNAPSHOT_1, MARK_SNAPSHOT_2, MARK_POLICY_2, MARK_SNAPSHOT_3, MARK_POLICY_3, MARKS };

static const struct {
	unsigned policy, snapshot;
} published[MARKS] = { { 0, 0 }, { 1, 0 }, { 1, 1 }, { 1, 2 }, { 2, 2 }, { 2, 3 }, { 3, 3 } };

static int apply(unsigned version, int mark)
{
	int r = b2b_index_write(DIR, policies[version]);

	if (r == 0)
		tracer_mark(mark);
	return r;
}

static int install(struct b2b_live *live, unsigned version, int mark)
{
	int r = published_install(DIR, policies[1], live, snapshots[version]);

	if (r == 0)
		tracer_mark(mark);
	return r;
}

static int install_both(struct b2b_live *const lives[2], unsigned version, int mark)
{
	int r = published_install_both(DIR, policies[1], lives, snapshots[version], beside[version]);

	if (r == 0)
		tracer_mark(mark);
	return r;
}

/* Everything for the first time. */
static int first_time(void)
{
	struct b2b_live **lives = NULL;
	int r = apply(1, MARK_POLICY_1);

	if (r == 0)
		r = b2b_prepare_orgs(DIR, policies[1], &lives);
	if (r < 0)
		return r;
	published_open(lives[FIXTURE_ACME], 1);
	r = install(lives[FIXTURE_ACME], 1, MARK_SNAPSHOT_1);
	b2b_prepare_release(lives, policies[1]->n_orgs);
	return r;
}

/* And from a disk that has all of that: a word stored, a snapshot, a policy, two snapshots at once, a policy. */
static int write_cache(void *arg)
{
	struct b2b_live **lives = NULL;
	int r = first_time();

	(void)arg;
	tracer_mark(0);
	if (r == 0)
		r = b2b_prepare_orgs(DIR, policies[1], &lives);
	if (r < 0)
		return r;
	b2b_live_store(lives[FIXTURE_ACME], FIXTURE_LO(FIXTURE_ACME) + PUBLISHED_ALICE, B2B_LIVE_CLOSED, true);
	r = install(lives[FIXTURE_ACME], 2, MARK_SNAPSHOT_2);
	if (r == 0)
		r = apply(2, MARK_POLICY_2);
	if (r == 0)
		r = install_both(lives, 3, MARK_SNAPSHOT_3);
	if (r == 0)
		r = apply(3, MARK_POLICY_3);
	b2b_prepare_release(lives, policies[1]->n_orgs);
	return r;
}

/* ---- what is left ---- */

static bool acceptable(const struct published_view *view, int mark)
{
	unsigned next = mark + 1 < MARKS ? (unsigned)mark + 1 : (unsigned)mark;

	if (view->policy == 0 && view->snapshot == 0) /* nobody there: only while nobody was published */
		return published[mark].snapshot == 0;
	return (view->policy == published[mark].policy || view->policy == published[next].policy) &&
	       (view->snapshot == published[mark].snapshot || view->snapshot == published[next].snapshot);
}

static void expect_acceptable(const char *when, const struct published_view *view, int mark)
{
	if (*view->wrong)
		fail_msg("%s: %s: %s", cuts_where(), when, view->wrong);
	if (!acceptable(view, mark))
		fail_msg("%s: %s: policy %u, snapshot %u%s, after mark %d", cuts_where(), when, view->policy, view->snapshot,
		         view->unavailable ? ", unavailable" : "", mark);
}

/* A superseded index is right and slow: every look-up would open it again. */
static void expect_in_force(void)
{
	struct b2b_format_index index;
	int fd = open(DIR "/index", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &index, sizeof(index), 0), sizeof(index));
	close(fd);
	if (index.superseded)
		fail_msg("%s: the index is marked as superseded", cuts_where());
}

static int expect_no_temporary(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	if (path[at->base] == '.' || strcmp(path + at->base, "index.old") == 0)
		fail_msg("%s: %s is left behind", cuts_where(), path);
	return 0;
}

static int apply_latest(void *arg)
{
	(void)arg;
	return b2b_index_write(DIR, policies[1]);
}

/* The machine comes up: b2bd starts (or root applies the policy first, where there is none), and publishes. */
static void expect_recovery(int mark)
{
	struct b2b_policy *policy = NULL;
	struct b2b_live **lives = NULL;
	struct published_view view;
	int r = b2b_index_recover(DIR);

	assert_int_equal(r, 0);
	r = b2b_index_read(DIR, &policy);
	if (r == -ENOENT && mark == 0) {
		assert_int_equal(apply_latest(NULL), 0);
		r = b2b_index_read(DIR, &policy);
	}
	if (r < 0)
		fail_msg("%s: the index cannot be read: %s", cuts_where(), strerror(-r));
	expect_in_force();
	if (b2b_prepare_orgs(DIR, policy, &lives) < 0)
		fail_msg("%s: the guard does not start", cuts_where());
	view = published_look_fresh(DIR);
	expect_acceptable("after the start", &view, mark);
	if (b2b_live_generation(lives[FIXTURE_ACME]) != view.snapshot)
		fail_msg("%s: generation %llu is announced, snapshot %u is there", cuts_where(),
		         (unsigned long long)b2b_live_generation(lives[FIXTURE_ACME]), view.snapshot);
	published_open(lives[FIXTURE_ACME], LATEST);
	assert_int_equal(b2b_index_write(DIR, policies[1]), 0);
	assert_int_equal(published_install_both(DIR, policies[1], lives, snapshots[LATEST], beside[LATEST]), 0);
	view = published_look_fresh(DIR);
	assert_string_equal(view.wrong, "");
	assert_true(view.snapshot == LATEST && view.policy == 1 && view.alice_open);
	nftw(DIR, expect_no_temporary, 16, FTW_PHYS);
	b2b_prepare_release(lives, policy->n_orgs);
	b2b_policy_free(policy);
}

static void check(void *arg, const char *dir, int mark)
{
	struct published_view view = published_look_fresh(dir);

	(void)arg;
	expect_acceptable("before the start", &view, mark);
	expect_recovery(mark);
}

static void clear(void)
{
	if (access(DIR, F_OK) == 0)
		scratch_remove(DIR);
	assert_int_equal(mkdir(DIR, 0755), 0);
}

static void the_old_or_the_new_is_there_and_the_guard_starts(void **state)
{
	struct disk_log *log;

	(void)state;
	clear();
	log = recorder_run(DIR, "live", DISK_SECTOR, write_cache, NULL);
	assert_true(cuts_run("cache", log, DIR, check, NULL) >= WHOLE_LEAST);
	disk_log_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_old_or_the_new_is_there_and_the_guard_starts),
	};
	int r;

	if (!tracer_works()) {
		puts("skip power: takes a tracer, which this machine or valgrind does not allow");
		return 0;
	}
	b2b_log_open("test", LOG_EMERG);
	machine_private();
	for (unsigned i = 1; i <= 3; i++)
		policies[i] = published_policy(i);
	for (unsigned i = 1; i <= LATEST; i++) {
		snapshots[i] = published_snapshot(policies[1], i);
		beside[i] = published_beside(policies[1], i);
	}
	r = cmocka_run_group_tests(tests, NULL, NULL);
	for (unsigned i = 1; i <= 3; i++)
		b2b_policy_free(policies[i]);
	return r;
}
