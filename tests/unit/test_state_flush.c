/* What waits for the disk, and what does not: whoever waits keeps the agent's one thread, and the next event, waiting as well. */
#include <errno.h>
#include <sys/syscall.h>

#include "b2bd/state/session_state.h"
#include "common/reason.h"
#include "tests/unit/state_fixture.h"

#define LEADER 4711
#define TICKS 42u

static unsigned flushes;

/* SQLite's calls, too: it must be seen outside of the program. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
	flushes++;
	return (int)syscall(SYS_fdatasync, fd);
}

static unsigned flushes_since(unsigned before)
{
	return flushes - before;
}

static int64_t add_pending(struct b2b_state *state)
{
	const struct b2b_pending_end end = { .org_id = "42c3e9", .uid = ACME_LO, .audit_id = "0123456789abcdef" };
	int64_t id = 0;

	assert_int_equal(b2b_state_begin(state), 0);
	assert_int_equal(b2b_pending_add(state, &end, &id), 0);
	assert_int_equal(b2b_state_commit(state), 0);
	return id;
}

static int count_session(void *arg, const struct b2b_session *session)
{
	assert_int_equal(session->pid, LEADER);
	++*(unsigned *)arg;
	return 0;
}

static int count_pending(void *arg, const struct b2b_pending_end *end)
{
	(void)end;
	++*(unsigned *)arg;
	return 0;
}

/* By another connection, as the next agent has after this one was killed. */
static unsigned sessions_elsewhere(struct state_fixture *fixture)
{
	struct b2b_state *other = NULL;
	unsigned n = 0;

	assert_int_equal(b2b_state_open(fixture->dir, &other), 0);
	assert_int_equal(b2b_session_list(other, 0, count_session, &n), 0);
	b2b_state_close(other);
	return n;
}

static void what_concerns_processes_of_this_boot_does_not_wait_for_the_disk(void **arg)
{
	struct state_fixture *fixture = *arg;
	struct b2b_session session = { .pid = LEADER, .start_ticks = TICKS, .uid = ACME_LO, .proof = 9 };
	const struct b2b_session_leader leader = { LEADER, TICKS };
	int64_t pending = add_pending(fixture->state);
	unsigned before = flushes, left = 0;

	assert_int_equal(b2b_session_store(fixture->state, &session), 0);
	assert_int_equal(b2b_session_warned(fixture->state, &session), 0);
	assert_int_equal(b2b_session_bound(fixture->state, 9, 1, B2B_SESSION_TOKEN), 0);
	assert_int_equal(flushes_since(before), 0);
	assert_int_equal(sessions_elsewhere(fixture), 1);
	before = flushes;
	assert_int_equal(b2b_sessions_drop(fixture->state, &leader, 1), 0);
	assert_int_equal(b2b_session_store(fixture->state, &session), 0);
	assert_int_equal(b2b_session_drop(fixture->state, LEADER, TICKS), 0);
	assert_int_equal(b2b_pending_done(fixture->state, pending, 1, 2), 0);
	assert_int_equal(flushes_since(before), 0);
	assert_int_equal(sessions_elsewhere(fixture), 0);
	assert_int_equal(b2b_pending_list(fixture->state, count_pending, &left), 0);
	assert_int_equal(left, 0);
}

static void everything_else_does(void **arg)
{
	struct state_fixture *fixture = *arg;
	int64_t floor = b2b_clock_floor(fixture->state);
	unsigned before = flushes;

	assert_int_equal(b2b_clock_raise(fixture->state, floor + 1), 0);
	assert_true(flushes_since(before) > 0);
	before = flushes;
	add_pending(fixture->state);
	assert_true(flushes_since(before) > 0);
}

static void everything_else_does_after_it_as_well(void **arg)
{
	struct state_fixture *fixture = *arg;

	assert_int_equal(b2b_session_drop(fixture->state, LEADER, TICKS), 0);
	everything_else_does(arg);
	assert_int_equal(b2b_state_begin_relaxed(fixture->state), 0);
	assert_int_equal(b2b_state_begin_relaxed(fixture->state), -EBUSY);
	assert_int_equal(b2b_state_begin(fixture->state), -EBUSY);
	b2b_state_rollback(fixture->state);
	everything_else_does(arg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_concerns_processes_of_this_boot_does_not_wait_for_the_disk, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(everything_else_does, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(everything_else_does_after_it_as_well, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("state_flush", tests, NULL, NULL);
}
