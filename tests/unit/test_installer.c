/* The guard's installer: what waits is installed by one child, and one snapshot's trouble is not another's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "b2bd/guard/install.h"
#include "tests/support/fixture.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define JOBS (FIXTURE_ORGS + 1)

static struct fixture fixture;
static struct b2b_installer *installer;
static int results[JOBS]; /* by serial; 1: nothing was heard */
static unsigned heard;

static void done(void *arg, uint32_t serial, int result, uint64_t generation)
{
	(void)arg;
	(void)generation;
	results[serial] = result;
	heard++;
}

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, NULL);
	for (int i = 0; i < JOBS; i++)
		results[i] = 1;
	heard = 0;
	return b2b_installer_new(fixture.dir, fixture.lives, done, NULL, &installer);
}

static int stop(void **state)
{
	(void)state;
	b2b_installer_free(installer);
	fixture_stop(&fixture);
	return 0;
}

/* AHEAD of the one in place. */
static int snapshot_of(int org, uint64_t ahead)
{
	struct b2b_snapshot_builder *builder = NULL;
	int fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(b2b_snapshot_new(fixture.policy, org, b2b_live_generation(fixture.lives[org]) + ahead, &builder), 0);
	assert_int_equal(b2b_snapshot_write(builder, fd), 0);
	b2b_snapshot_free(builder);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	return fd;
}

static void add(uint32_t serial, int org, int fd)
{
	assert_int_equal(b2b_installer_add(installer, fixture.policy, serial, org, fd), 0);
}

/* Acme is begun at once and by itself; the others, and acme again, wait. One of them is WRONG (-1: none): another's. */
static void add_all(int wrong)
{
	add(0, FIXTURE_ACME, snapshot_of(FIXTURE_ACME, 1));
	for (int org = FIXTURE_APAC; org < FIXTURE_ORGS; org++)
		add((uint32_t)org, org, snapshot_of(org == wrong ? FIXTURE_ACME : org, 1));
	add(JOBS - 1, FIXTURE_ACME, snapshot_of(FIXTURE_ACME, 2));
}

static void next_child(void)
{
	struct pollfd ready = { .fd = b2b_installer_fd(installer), .events = POLLIN };

	assert_true(ready.fd >= 0);
	assert_int_equal(poll(&ready, 1, 20000), 1);
	b2b_installer_ready(installer);
}

static void expect_installed(uint64_t generations[FIXTURE_ORGS], int wrong)
{
	for (int org = 0; org < FIXTURE_ORGS; org++)
		assert_int_equal(b2b_live_generation(fixture.lives[org]), generations[org] + (org == wrong ? 0 : org == FIXTURE_ACME ? 2 : 1));
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(results[i], i == wrong ? -EBADMSG : 0);
}

static void note(uint64_t generations[FIXTURE_ORGS])
{
	for (int org = 0; org < FIXTURE_ORGS; org++)
		generations[org] = b2b_live_generation(fixture.lives[org]);
}

static void what_waits_is_installed_by_one_child(void **state)
{
	uint64_t before[FIXTURE_ORGS];

	(void)state;
	note(before);
	add_all(-1);
	next_child();
	assert_int_equal(heard, 1);
	next_child();
	assert_int_equal(heard, JOBS);
	expect_installed(before, -1);
	assert_int_equal(b2b_installer_fd(installer), -1);
}

static void one_that_is_refused_takes_no_other_with_it(void **state)
{
	uint64_t before[FIXTURE_ORGS];

	(void)state;
	note(before);
	add_all(FIXTURE_EMEA);
	next_child();
	next_child();
	assert_int_equal(heard, JOBS);
	expect_installed(before, FIXTURE_EMEA);
}

static void two_of_one_organisation_are_installed_one_after_the_other(void **state)
{
	uint64_t before = b2b_live_generation(fixture.lives[FIXTURE_APAC]);

	(void)state;
	add(0, FIXTURE_ACME, snapshot_of(FIXTURE_ACME, 1));
	for (uint32_t i = 1; i < JOBS; i++)
		add(i, FIXTURE_APAC, snapshot_of(FIXTURE_APAC, i));
	for (uint32_t i = 0; i < JOBS; i++) {
		next_child();
		assert_int_equal(heard, i + 1);
		assert_int_equal(results[i], 0);
	}
	assert_int_equal(b2b_live_generation(fixture.lives[FIXTURE_APAC]), before + JOBS - 1);
}

/* As bytes would that were made to crash their checker: the signal comes with the first byte of a file. */
static void let_children_die(bool die)
{
	static struct rlimit before;
	struct rlimit none = { .rlim_cur = 0 };

	if (die) {
		getrlimit(RLIMIT_FSIZE, &before);
		none.rlim_max = before.rlim_max;
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, die ? &none : &before), 0);
}

static void a_child_that_dies_over_several_is_followed_by_one_for_each(void **state)
{
	uint64_t before[FIXTURE_ORGS];

	(void)state;
	note(before);
	add_all(-1);
	let_children_die(true);
	next_child();
	let_children_die(false);
	next_child();
	assert_int_equal(heard, 1);
	for (int i = 1; i < JOBS; i++) {
		next_child();
		assert_int_equal(heard, 1 + i);
	}
	expect_installed(before, -1);
}

static void one_alone_whose_child_dies_is_refused(void **state)
{
	uint64_t before = b2b_live_generation(fixture.lives[FIXTURE_ACME]);

	int fd = snapshot_of(FIXTURE_ACME, 1);

	(void)state;
	let_children_die(true);
	add(0, FIXTURE_ACME, fd);
	let_children_die(false);
	next_child();
	assert_int_equal(results[0], -EBADMSG);
	assert_int_equal(b2b_live_generation(fixture.lives[FIXTURE_ACME]), before);
}

static void those_under_way_are_announced_when_the_agent_is_gone(void **state)
{
	uint64_t before[FIXTURE_ORGS];

	(void)state;
	note(before);
	add_all(-1);
	next_child();
	b2b_installer_forget(installer);
	next_child();
	assert_int_equal(heard, 1);
	for (int org = 0; org < FIXTURE_ORGS; org++)
		assert_int_equal(b2b_live_generation(fixture.lives[org]), before[org] + (org == FIXTURE_ACME ? 2 : 1));
	add(0, FIXTURE_ACME, snapshot_of(FIXTURE_ACME, 1));
	next_child();
	assert_int_equal(heard, 2);
}

static void the_next_agents_wait_through_the_crash_of_the_last_ones(void **state)
{
	uint64_t before = b2b_live_generation(fixture.lives[FIXTURE_ACME]);

	(void)state;
	add_all(-1);
	let_children_die(true);
	next_child();
	let_children_die(false);
	b2b_installer_forget(installer);
	assert_int_equal(heard, 1);
	add(0, FIXTURE_ACME, snapshot_of(FIXTURE_ACME, b2b_live_generation(fixture.lives[FIXTURE_ACME]) - before + 1));
	next_child();
	next_child();
	assert_int_equal(heard, 2);
	assert_int_equal(results[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_waits_is_installed_by_one_child, start, stop),
		cmocka_unit_test_setup_teardown(one_that_is_refused_takes_no_other_with_it, start, stop),
		cmocka_unit_test_setup_teardown(two_of_one_organisation_are_installed_one_after_the_other, start, stop),
		cmocka_unit_test_setup_teardown(a_child_that_dies_over_several_is_followed_by_one_for_each, start, stop),
		cmocka_unit_test_setup_teardown(one_alone_whose_child_dies_is_refused, start, stop),
		cmocka_unit_test_setup_teardown(those_under_way_are_announced_when_the_agent_is_gone, start, stop),
		cmocka_unit_test_setup_teardown(the_next_agents_wait_through_the_crash_of_the_last_ones, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
