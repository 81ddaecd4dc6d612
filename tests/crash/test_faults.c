/*
 * The cache's writers with a fault at every system call: who reads sees the old or the new, the next attempt succeeds, and
 * nothing is left behind.
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
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "b2bd/guard/install.h"
#include "b2bd/guard/prepare.h"
#include "common/index.h"
#include "common/log.h"
#include "tests/crash/faults.h"
#include "tests/crash/published.h"
#include "tests/crash/tracer.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/scratch.h"

#define DIR "/run/cache" /* of a private machine: in memory */

struct stage {
	struct b2b_policy *policies[2]; /* versions 1 and 2 */
	int snapshots[3];               /* of policy 1, by version */
	int beside;                     /* one of the organisation below acme */
	struct b2b_live **lives;        /* of policy 1; NULL: the guard never ran */
	struct b2b_cache *primed;       /* a process that looks since before the writer */
	struct published_view from, to; /* before and after a run that succeeds */
};

static struct stage stage;

static void clear(void)
{
	b2b_cache_free(stage.primed);
	b2b_prepare_release(stage.lives, stage.policies[0]->n_orgs);
	stage.primed = NULL;
	stage.lives = NULL;
	if (access(DIR, F_OK) == 0)
		scratch_remove(DIR);
	assert_int_equal(mkdir(DIR, 0755), 0);
}

/* A host with policy 1 whose guard ran, and snapshot 1 of acme. */
static void publish_first(void)
{
	clear();
	assert_int_equal(b2b_index_write(DIR, stage.policies[0]), 0);
	assert_int_equal(b2b_prepare_orgs(DIR, stage.policies[0], &stage.lives), 0);
	published_open(stage.lives[FIXTURE_ACME], 3);
	assert_int_equal(published_install(DIR, stage.policies[0], stage.lives[FIXTURE_ACME], stage.snapshots[1]), 0);
	assert_int_equal(b2b_cache_new(DIR, &stage.primed), 0);
	stage.from = published_look(stage.primed);
	assert_string_equal(stage.from.wrong, "");
	assert_int_equal(stage.from.snapshot, 1);
}

static bool same(const struct published_view *a, const struct published_view *b)
{
	return a->policy == b->policy && a->snapshot == b->snapshot && a->unavailable == b->unavailable;
}

static void expect_view(const char *who, const struct published_view *view, bool old_will_do)
{
	if (*view->wrong)
		fail_msg("%s: %s: %s", faults_where(), who, view->wrong);
	if (!same(view, &stage.to) && !(old_will_do && same(view, &stage.from)))
		fail_msg("%s: %s sees policy %u, snapshot %u%s", faults_where(), who, view->policy, view->snapshot,
		         view->unavailable ? ", unavailable" : "");
}

static void expect_readers(bool old_will_do)
{
	struct published_view view = published_look(stage.primed);

	expect_view("who looked before", &view, old_will_do);
	view = published_look_fresh(DIR);
	expect_view("who comes now", &view, old_will_do);
}

static int count_temporary(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	if (path[at->base] == '.' || strcmp(path + at->base, "index.old") == 0)
		fail_msg("%s: %s is left behind", faults_where(), path);
	return 0;
}

/* ACT again, undisturbed. */
static void expect_next_attempt(int (*act)(void *arg), bool old_will_do)
{
	expect_readers(old_will_do);
	assert_int_equal(act(NULL), 0);
	expect_readers(false);
	nftw(DIR, count_temporary, 16, FTW_PHYS);
}

static void report(const char *what, struct faults_counts counts)
{
	print_message("%s: %u system calls, %u kills, %u errors\n", what, counts.calls, counts.kills, counts.errors);
}

/* ---- a policy is applied ---- */

static int apply(void *arg)
{
	(void)arg;
	return b2b_index_write(DIR, stage.policies[1]);
}

static void prepare_apply(void *arg)
{
	(void)arg;
	publish_first();
	stage.to = stage.from;
	stage.to.policy = 2;
}

static void check_apply(void *arg, int result)
{
	(void)arg;
	expect_next_attempt(apply, result != 0);
}

static void a_policy_is_applied_whole_or_not_at_all(void **state)
{
	const struct faults_scenario scenario = { .prepare = prepare_apply, .act = apply, .check = check_apply };

	(void)state;
	report("apply", faults_run(&scenario));
}

/* ---- a snapshot is installed ---- */

static int install(void *arg)
{
	int r = published_install(DIR, stage.policies[0], stage.lives[FIXTURE_ACME], stage.snapshots[2]);

	(void)arg;
	return r == -ESTALE ? 0 : r; /* it was announced before the fault */
}

static void prepare_install(void *arg)
{
	(void)arg;
	publish_first();
	stage.to = stage.from;
	stage.to.snapshot = 2;
}

static void check_install(void *arg, int result)
{
	(void)arg;
	expect_next_attempt(install, result != 0);
}

static void a_snapshot_is_installed_whole_or_not_at_all(void **state)
{
	const struct faults_scenario scenario = { .prepare = prepare_install, .act = install, .check = check_install };

	(void)state;
	report("install", faults_run(&scenario));
}

/* ---- two snapshots are installed at once ---- */

static int install_both(void *arg)
{
	(void)arg;
	return published_install_both(DIR, stage.policies[0], stage.lives, stage.snapshots[2], stage.beside);
}

static void check_both(void *arg, int result)
{
	(void)arg;
	expect_next_attempt(install_both, result != 0);
}

static void of_several_at_once_each_is_installed_whole_or_not_at_all(void **state)
{
	const struct faults_scenario scenario = { .prepare = prepare_install, .act = install_both, .check = check_both };

	(void)state;
	report("install at once", faults_run(&scenario));
}

/* ---- the guard starts ---- */

static int start_guard(void *arg)
{
	struct b2b_live **lives = NULL;
	int r = b2b_index_recover(DIR);

	(void)arg;
	if (r == 0)
		r = b2b_prepare_orgs(DIR, stage.policies[0], &lives);
	b2b_prepare_release(lives, stage.policies[0]->n_orgs);
	return r;
}

/* Renamed into place by a guard that died before it announced it. */
static void prepare_restart(void *arg)
{
	uint64_t generation = 0;

	(void)arg;
	publish_first();
	assert_int_equal(b2b_install(DIR, stage.policies[0], FIXTURE_ACME, stage.snapshots[2], &generation), 0);
	stage.to = stage.from;
	stage.to.snapshot = 2;
}

/* A guard that cannot read the snapshot starts all the same: the agent publishes anew. */
static void check_restart(void *arg, int result)
{
	(void)arg;
	(void)result;
	expect_next_attempt(start_guard, true);
}

static void a_restart_announces_what_is_installed(void **state)
{
	const struct faults_scenario scenario = { .prepare = prepare_restart, .act = start_guard, .check = check_restart };

	(void)state;
	report("restart", faults_run(&scenario));
}

/* Before it no organisation has a file: nobody is there, and that is all a reader may be told. */
static void prepare_first_start(void *arg)
{
	(void)arg;
	clear();
	assert_int_equal(b2b_index_write(DIR, stage.policies[0]), 0);
	assert_int_equal(b2b_cache_new(DIR, &stage.primed), 0);
	stage.from = published_look(stage.primed);
	assert_true(stage.from.unavailable);
	stage.to = (struct published_view){ .snapshot = PUBLISHED_ABSENT };
}

static void check_first_start(void *arg, int result)
{
	struct published_view view;

	(void)arg;
	expect_next_attempt(start_guard, result != 0);
	assert_int_equal(b2b_prepare_orgs(DIR, stage.policies[0], &stage.lives), 0);
	published_open(stage.lives[FIXTURE_ACME], 1);
	assert_int_equal(published_install(DIR, stage.policies[0], stage.lives[FIXTURE_ACME], stage.snapshots[1]), 0);
	view = published_look(stage.primed);
	assert_string_equal(view.wrong, "");
	assert_int_equal(view.snapshot, 1);
}

static void a_first_start_leads_to_a_working_cache(void **state)
{
	const struct faults_scenario scenario = { .prepare = prepare_first_start, .act = start_guard, .check = check_first_start };

	(void)state;
	report("first start", faults_run(&scenario));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_applied_whole_or_not_at_all),
		cmocka_unit_test(a_snapshot_is_installed_whole_or_not_at_all),
		cmocka_unit_test(of_several_at_once_each_is_installed_whole_or_not_at_all),
		cmocka_unit_test(a_restart_announces_what_is_installed),
		cmocka_unit_test(a_first_start_leads_to_a_working_cache),
	};
	int r;

	if (!tracer_works()) {
		puts("skip faults: takes a tracer, which this machine or valgrind does not allow");
		return 0;
	}
	b2b_log_open("test", LOG_EMERG);
	machine_private();
	stage.policies[0] = published_policy(1);
	stage.policies[1] = published_policy(2);
	for (unsigned version = 1; version <= 2; version++)
		stage.snapshots[version] = published_snapshot(stage.policies[0], version);
	stage.beside = published_beside(stage.policies[0], 1);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	clear();
	b2b_policy_free(stage.policies[0]);
	b2b_policy_free(stage.policies[1]);
	return r;
}
