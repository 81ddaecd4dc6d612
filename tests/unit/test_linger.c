/* Whose user manager may go on without a session. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "b2bd/guard/linger.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

static struct fixture fixture;
static struct b2b_cache *cache;
static char dir[SCRATCH_SIZE];

static const char *const names[] = { "alice@acme", "carol@acme", "bob@emea.acme", "nobody@emea.acme", "erin@globex", "lena", "x@initech", "@acme", NULL };
#define N_NAMES (sizeof(names) / sizeof(*names) - 1)

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, NULL);
	assert_int_equal(b2b_cache_new(fixture.dir, &cache), 0);
	scratch_make(dir);
	for (size_t i = 0; i < N_NAMES; i++) {
		char path[SCRATCH_SIZE];

		scratch_path(path, dir, names[i]);
		scratch_write(path, "", 0, 0644);
	}
	return 0;
}

static int stop(void **state)
{
	(void)state;
	scratch_remove(dir);
	b2b_cache_free(cache);
	fixture_stop(&fixture);
	return 0;
}

static int end(void)
{
	const struct b2b_scope scope = { .policy = fixture.policy, .lives = fixture.lives };

	return b2b_linger_end(dir, &scope, cache);
}

static void expect_left(const char *const *expected)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		char path[SCRATCH_SIZE];
		bool wanted = false;

		for (const char *const *name = expected; *name; name++)
			wanted = wanted || strcmp(*name, names[i]) == 0;
		scratch_path(path, dir, names[i]);
		if ((access(path, F_OK) == 0) != wanted)
			fail_msg("%s: expected it %s", names[i], wanted ? "to be there" : "to be gone");
	}
}

static void who_is_open_lingers_on(void **state)
{
	(void)state;
	assert_int_equal(end(), 0);
	expect_left(names);
}

static void a_closed_person_does_not(void **state)
{
	static const char *const left[] = { "carol@acme", "bob@emea.acme", "nobody@emea.acme", "erin@globex", "lena", "x@initech", "@acme", NULL };

	(void)state;
	b2b_live_store(fixture.lives[FIXTURE_ACME], FIXTURE_LO(FIXTURE_ACME) + 1, B2B_LIVE_CLOSED, true);
	assert_int_equal(end(), 1);
	expect_left(left);
	assert_int_equal(end(), 0);
}

/* Whoever is below it too, and whom the roster does not know. */
static void nobody_of_a_closed_organisation_does(void **state)
{
	static const char *const left[] = { "erin@globex", "lena", "x@initech", "@acme", NULL };

	(void)state;
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_CLOSED, true);
	assert_int_equal(end(), 4);
	expect_left(left);
}

static void without_logind_nothing_is_wrong(void **state)
{
	(void)state;
	scratch_remove(dir);
	assert_int_equal(end(), 0);
	scratch_make(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_is_open_lingers_on, start, stop),
		cmocka_unit_test_setup_teardown(a_closed_person_does_not, start, stop),
		cmocka_unit_test_setup_teardown(nobody_of_a_closed_organisation_does, start, stop),
		cmocka_unit_test_setup_teardown(without_logind_nothing_is_wrong, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
