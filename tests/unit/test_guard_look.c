/* What waits for a look, and what a look waits for: registered sessions, tombstones, and ENDs that come while one goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/test_guard_tree.h"

#define CROWD 100 /* more than a look takes in before it asks whether an END waits */

static bool heard(void *arg)
{
	++*(unsigned *)arg;
	return true;
}

static void no_answer(void *arg, const struct b2b_guard_message *message)
{
	(void)arg;
	(void)message;
}

static void test_look_at_tombstones_waits_once(void **state)
{
	unsigned asked = 0;
	const struct b2b_ends_setup setup = { .policy = policy, .lives = lives, .own = -1, .answer = no_answer, .hear = heard, .arg = &asked };
	struct b2b_ends *ends = NULL;
	pid_t alice = 0;

	(void)state;
	for (int i = 0; i < CROWD; i++)
		alice = spawn(plain, ALICE);
	b2b_live_store(lives[ACME], ALICE, B2B_LIVE_CLOSED, false);
	assert_int_equal(b2b_ends_new(&setup, &ends), 0);
	b2b_ends_registered(ends); /* the tombstone of a guard that begins is due now */
	b2b_ends_run(ends);
	assert_int_equal(asked, 1);
	assert_true(world_alive(alice));
	assert_true(b2b_ends_due(ends) <= b2b_now_ns());
	b2b_ends_run(ends); /* however many there are that come */
	WAIT_FOR(!world_alive(alice));
	b2b_ends_free(ends);
	b2b_live_store(lives[ACME], ALICE, B2B_LIVE_OPEN, false);
}

static bool nobody(void *arg)
{
	(void)arg;
	return false;
}

static void test_first_look_waits_for_the_registered(void **state)
{
	const struct b2b_ends_setup setup = { .policy = policy, .lives = lives, .own = -1, .answer = no_answer, .hear = nobody };
	struct b2b_guard_message message = { .type = B2B_GUARD_END, .scope = B2B_SCOPE_USER, .org = ACME, .uid = ALICE };
	struct tree tree = start_session();
	pid_t unknown = spawn(plain, ALICE);
	struct b2b_ends *ends = NULL;
	uint64_t began_ns;

	(void)state;
	world_register(tree.leader, ticks_of(tree.leader), ALICE, b2b_wall_s());
	assert_int_equal(b2b_ends_new(&setup, &ends), 0);
	assert_int_equal(b2b_ends_add(ends, &message), 0);
	b2b_ends_registered(ends); /* and a tombstone is due */
	began_ns = b2b_now_ns();
	b2b_ends_run(ends);
	WAIT_FOR(!world_alive(tree.shell) && !world_alive(tree.command));
	assert_true(world_alive(unknown)); /* nobody was looked for yet */
	assert_true(b2b_ends_due(ends) > began_ns && b2b_ends_due(ends) <= b2b_now_ns() + B2B_END_BREATH_NS);
	WAIT_FOR(b2b_ends_due(ends) <= b2b_now_ns()); /* the leader does not go */
	b2b_ends_run(ends);
	WAIT_FOR(!world_alive(unknown));
	b2b_ends_free(ends);
	b2b_session_remove(tree.leader, ticks_of(tree.leader));
}

/* The guard's look stops where it reads this file of PID's, until the test lets it go on. */
struct gate {
	char fifo[32], path[64], text[4096];
	int fd;
};

static struct gate gates[3];

static void gate_before(pid_t pid, struct gate *gate)
{
	int fd;

	gate->fd = -1;
	snprintf(gate->fifo, sizeof(gate->fifo), "/run/gate-%d", (int)pid);
	snprintf(gate->path, sizeof(gate->path), "/proc/%d/status", (int)pid);
	fd = open(gate->path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	gate->text[read(fd, gate->text, sizeof(gate->text) - 1)] = '\0';
	close(fd);
	assert_int_equal(mkfifo(gate->fifo, 0600), 0);
	assert_int_equal(mount(gate->fifo, gate->path, NULL, MS_BIND, NULL), 0);
}

/* The next look finds no gate. */
static void gate_reached(struct gate *gate)
{
	WAIT_FOR((gate->fd = open(gate->fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0);
	assert_int_equal(umount2(gate->path, MNT_DETACH), 0);
}

static void gate_open(struct gate *gate)
{
	assert_int_equal(write(gate->fd, gate->text, strlen(gate->text)), strlen(gate->text));
	close(gate->fd);
	gate->fd = -1;
	unlink(gate->fifo);
}

/* A test that failed may have left the guard before one. */
static int leave_gates(void **state)
{
	for (size_t i = 0; i < 3 && *gates[i].path; i++) {
		umount2(gates[i].path, MNT_DETACH);
		close(gates[i].fd);
		close(open(gates[i].fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC));
	}
	return stop_guard(state);
}

static void send_end(uint32_t uid, int org)
{
	struct b2b_guard_message end = { .type = B2B_GUARD_END, .scope = B2B_SCOPE_USER, .org = org, .uid = uid };

	snprintf(end.audit_id, sizeof(end.audit_id), "0123456789abcdef");
	send_message(&end, -1);
}

static void test_session_is_ended_in_the_middle_of_a_look_for_others(void **state)
{
	pid_t first = spawn(plain, ERIN), second = spawn(plain, ERIN), last = 0;
	struct gate *watch = &gates[0], *begin = &gates[1], *end = &gates[2];
	struct tree tree = start_session();

	(void)state;
	world_register(tree.leader, ticks_of(tree.leader), ALICE, b2b_wall_s());
	for (int i = 0; i < CROWD; i++)
		last = spawn(plain, ERIN);
	gate_before(second, watch);
	gate_reached(watch); /* by the look at the tombstone of a guard that begins, which is put off for an END */
	send_end(BOB, EMEA);
	gate_before(first, begin);
	gate_open(watch);
	gate_reached(begin); /* by the look for bob */
	gate_before(last, end);
	send_end(ALICE, ACME);
	gate_open(begin);
	gate_reached(end);
	WAIT_FOR(!world_alive(tree.shell) && !world_alive(tree.command));
	assert_true(world_alive(tree.leader));
	gate_open(end);
	assert_int_equal(take_answer(5000).uid, BOB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_look_at_tombstones_waits_once, end_all),
		cmocka_unit_test_teardown(test_first_look_waits_for_the_registered, end_all),
		cmocka_unit_test_setup_teardown(test_session_is_ended_in_the_middle_of_a_look_for_others, start_guard, leave_gates),
	};
	int failed;

	world_needs_pidfds();
	make_world();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	drop_world();
	return failed;
}
