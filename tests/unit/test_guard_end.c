/* Ending, on real processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "b2bd/guard/strike.h"
#include "tests/unit/test_guard_harness.h"

/* Only the saved uid is the person's: a process that will come back. */
static void saved_only(uint32_t uid, int out)
{
	if (setresuid(0, 0, uid) < 0)
		_exit(98);
	ready(out);
	sleep_for_ever();
}

/* Forks and leaves, for ever: no look sees it twice under the same number. */
static void runner(uint32_t uid, int out)
{
	const struct rlimit many = { 4000, 4000 };

	setrlimit(RLIMIT_NPROC, &many);
	signal(SIGCHLD, SIG_IGN);
	world_become(uid);
	setsid();
	ready(out);
	for (;;) {
		pid_t child = fork();

		if (child > 0)
			_exit(0);
	}
}

/* Fills up to its limit, and every free place again at once. */
static void bomb(uint32_t uid, int out)
{
	const struct rlimit few = { 60, 60 };

	signal(SIGCHLD, SIG_IGN);
	setrlimit(RLIMIT_NPROC, &few);
	world_become(uid);
	ready(out);
	for (;;) {
		if (fork() < 0)
			world_pause();
	}
}

static int count_of(uint32_t uid)
{
	struct b2b_processes list = { 0 };
	int n = 0;

	b2b_processes_scan(&list, NULL, NULL);
	for (size_t i = 0; i < list.n; i++)
		n += list.items[i].uids[0] == uid || list.items[i].uids[2] == uid;
	b2b_processes_free(&list);
	return n;
}

static void test_person(void **state)
{
	pid_t mine[40], bob, erin, root;
	struct b2b_guard_message answer;

	(void)state;
	for (int i = 0; i < 40; i += 4) {
		mine[i] = spawn(plain, ALICE);
		mine[i + 1] = spawn(detached, ALICE);
		mine[i + 2] = spawn(saved_only, ALICE);
		mine[i + 3] = spawn(plain, ALICE);
	}
	bob = spawn(plain, BOB);
	erin = spawn(detached, ERIN);
	root = spawn(plain, 0);
	answer = ask_end(B2B_SCOPE_USER, ACME, ALICE);
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.left, 0);
	assert_int_equal(answer.ended, 40);
	assert_true(answer.clear_ns > answer.began_ns);
	for (int i = 0; i < 40; i++)
		assert_false(world_alive(mine[i]));
	assert_true(world_alive(bob) && world_alive(erin) && world_alive(root));
	print_message("# a person with 40 processes: %.1f ms\n", ms(answer.began_ns, answer.clear_ns));
}

static void test_organisation(void **state)
{
	pid_t alice = spawn(plain, ALICE), bob = spawn(detached, BOB), erin = spawn(plain, ERIN);
	struct b2b_guard_message answer = ask_end(B2B_SCOPE_ORG, EMEA, 0);

	(void)state;
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.ended, 1);
	assert_false(world_alive(bob));
	assert_true(world_alive(alice) && world_alive(erin)); /* a subsidiary is not its parent */
	bob = spawn(plain, BOB);
	answer = ask_end(B2B_SCOPE_ORG, ACME, 0);
	assert_int_equal(answer.result, 0);
	assert_false(world_alive(alice) || world_alive(bob));
	assert_true(world_alive(erin));
}

static void test_forkers(void **state)
{
	struct b2b_guard_message answer;

	(void)state;
	for (uint32_t i = 0; i < 150; i++)
		spawn(plain, ERIN); /* so that a look takes longer than a runner stays under one number */
	spawn(runner, ALICE);
	spawn(runner, ALICE);
	spawn(bomb, ALICE);
	WAIT_FOR(count_of(ALICE) > 30);
	answer = ask_end(B2B_SCOPE_USER, ACME, ALICE);
	assert_int_equal(answer.result, 0);
	assert_int_equal(count_of(ALICE), 0);
	assert_int_equal(count_of(ERIN), 150);
	print_message("# two runners and a fork bomb of 60: %u processes, %.1f ms\n", answer.ended, ms(answer.began_ns, answer.clear_ns));
}

/* One uid and nobody else, whatever it is asked for. */
static void test_stroke(void **state)
{
	pid_t alice = spawn(plain, ALICE), saved = spawn(saved_only, ALICE), bob = spawn(plain, BOB), root = spawn(plain, 0);

	(void)state;
	assert_int_equal(b2b_strike(policy, 0), -EPERM);
	assert_int_equal(b2b_strike(policy, 1000), -EPERM);
	assert_int_equal(b2b_strike(policy, ACME_LO), -EPERM); /* a group's id */
	assert_int_equal(b2b_strike(policy, UINT32_MAX), -EPERM);
	assert_true(world_alive(alice) && world_alive(bob) && world_alive(root) && world_alive(guard_pid));
	assert_int_equal(b2b_strike(policy, ALICE), 0);
	WAIT_FOR(!world_alive(alice) && !world_alive(saved));
	assert_true(world_alive(bob) && world_alive(root) && world_alive(guard_pid));
}

static void test_nobody_there(void **state)
{
	pid_t erin = spawn(plain, ERIN);
	struct b2b_guard_message answer = ask_end(B2B_SCOPE_USER, ACME, ALICE);

	(void)state;
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.ended, 0);
	assert_true(world_alive(erin));
}

static void test_number_passed_on(void **state)
{
	struct b2b_process process;
	pid_t pid = spawn(plain, 0);

	(void)state;
	assert_int_equal(b2b_process_read(pid, &process), 0);
	process.start_ticks++; /* as if the number belonged to somebody else now */
	assert_int_equal(b2b_process_signal(&process, SIGKILL), -ESRCH);
	assert_true(world_alive(pid));
	/* The same for a record: its leader is gone, its number is an innocent's. */
	world_register(pid, process.start_ticks, ALICE, b2b_wall_s() - 10);
	assert_int_equal(ask_end(B2B_SCOPE_USER, ACME, ALICE).ended, 0);
	assert_true(world_alive(pid));
	b2b_session_remove(pid, process.start_ticks);
	process.start_ticks--;
	assert_int_equal(b2b_process_signal(&process, SIGKILL), 0);
	WAIT_FOR(!world_alive(pid));
	assert_int_equal(b2b_process_signal(&process, SIGKILL), -ESRCH);
}

/* What a hostile agent may try. Everybody lives, the guard answers on. */
static void test_hostile_agent(void **state)
{
	pid_t erin = spawn(plain, ERIN), root = spawn(plain, 0), alice = spawn(plain, ALICE);
	struct b2b_guard_message messages[] = {
		end_message(B2B_SCOPE_USER, ACME, 0),       end_message(B2B_SCOPE_USER, ACME, ERIN),   end_message(B2B_SCOPE_ORG, WORLD_ORGS, 0),
		end_message(B2B_SCOPE_ORG, -1, 0),          end_message(B2B_SCOPE_SESSION, ACME, ALICE), end_message(B2B_SCOPE_CLOSED, ACME, ALICE),
		end_message(B2B_SCOPE_USER, ACME, ACME_LO), end_message(B2B_SCOPE_USER, 77777, ALICE),
	};
	struct b2b_guard_message message;

	(void)state;
	messages[4].pid = 1;
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		send_message(&messages[i], -1);
		assert_true(take_answer(5000).result < 0);
	}
	message = end_message(B2B_SCOPE_USER, ACME, ALICE);
	memset(message.message, 'x', sizeof(message.message));
	send_message(&message, -1);
	assert_int_equal(take_answer(5000).result, -EBADMSG);
	/* A leader that root never registered: not believed, though the uid is right. */
	message = end_message(B2B_SCOPE_SESSION, ACME, ALICE);
	message.pid = root;
	assert_int_equal(b2b_start_ticks(root, &message.start_ticks), 0);
	send_message(&message, -1);
	message = take_answer(5000);
	assert_int_equal(message.result, 0);
	assert_int_equal(message.ended, 0);
	/* Too short, and empty. */
	assert_int_equal(send(agent_fd, "x", 1, 0), 1);
	assert_true(take_answer(5000).result < 0);
	assert_true(world_alive(erin) && world_alive(root) && world_alive(alice) && world_alive(guard_pid));
	assert_int_equal(ask_end(B2B_SCOPE_USER, ACME, ALICE).ended, 1);
}

static void test_many_at_once(void **state)
{
	enum { N = 100 };
	pid_t pids[N], erin = spawn(plain, ERIN);
	uint32_t first = serial + 1, seen = 0;

	(void)state;
	for (uint32_t i = 0; i < N; i++)
		pids[i] = spawn(i % 2 ? plain : detached, ACME_LO + 10 + i);
	for (uint32_t i = 0; i < N; i++) {
		struct b2b_guard_message message = end_message(B2B_SCOPE_USER, ACME, ACME_LO + 10 + i);

		send_message(&message, -1);
	}
	for (uint32_t i = 0; i < N; i++) {
		struct b2b_guard_message answer = take_answer(10000);

		assert_int_equal(answer.result, 0);
		assert_int_equal(answer.ended, 1);
		seen += answer.serial - first;
	}
	assert_int_equal(seen, N * (N - 1) / 2); /* each once */
	for (uint32_t i = 0; i < N; i++)
		assert_false(world_alive(pids[i]));
	assert_true(world_alive(erin));
}

/* The agent is gone in the midst of it: what was begun is seen through, and a new agent is served. */
static void test_agent_goes(void **state)
{
	struct b2b_guard_message message = end_message(B2B_SCOPE_USER, ACME, ALICE);
	pid_t alice = spawn(plain, ALICE), bob = spawn(plain, BOB);
	int ends[2];

	(void)state;
	send_message(&message, -1);
	close(agent_fd);
	WAIT_FOR(!world_alive(alice));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	agent_fd = ends[0];
	give_agent(ends[1]);
	close(ends[1]);
	assert_int_equal(ask_end(B2B_SCOPE_USER, EMEA, BOB).ended, 1);
	assert_false(world_alive(bob));
}

/* Closed: whoever comes late is ended. Open (only sessions were ended, or reinstated): nobody new is touched. */
static void test_tombstone(void **state)
{
	pid_t late, fresh, bob;

	(void)state;
	b2b_live_store(lives[ACME], ALICE, B2B_LIVE_CLOSED, true);
	assert_int_equal(ask_end(B2B_SCOPE_USER, ACME, ALICE).result, 0);
	late = spawn(plain, ALICE);
	WAIT_FOR(!world_alive(late));
	b2b_live_store(lives[ACME], ALICE, B2B_LIVE_OPEN, false);
	fresh = spawn(plain, ALICE);
	bob = spawn(plain, BOB);
	b2b_live_store(lives[EMEA], BOB, B2B_LIVE_CLOSED, true);
	world_register(fresh, 1, ALICE, b2b_wall_s()); /* makes it look */
	WAIT_FOR(!world_alive(bob));                   /* it has looked, and at her too */
	assert_true(world_alive(fresh));
	b2b_live_store(lives[EMEA], BOB, B2B_LIVE_OPEN, false);
	/* The organisation above closes: the person's own word is open still. */
	b2b_live_store_org(lives[ACME], B2B_LIVE_CLOSED, true);
	WAIT_FOR(!world_alive(fresh));
	b2b_session_remove(fresh, 1);
}

static void old_leader(uint32_t uid, int out)
{
	uint64_t ticks = 0;

	(void)uid;
	setsid();
	b2b_start_ticks(getpid(), &ticks);
	ready(out); /* before it can be ended for what follows */
	world_register(getpid(), ticks, ALICE, b2b_wall_s() - 60);
	sleep_for_ever();
}

static void new_leader(uint32_t uid, int out)
{
	uint64_t ticks = 0;

	(void)uid;
	setsid();
	b2b_start_ticks(getpid(), &ticks);
	world_register(getpid(), ticks, ALICE, b2b_wall_s());
	ready(out);
	sleep_for_ever();
}

/* Decided before the END, registered after it was clear; against one of a log-in after it. */
static void test_registers_late(void **state)
{
	pid_t old, new;

	(void)state;
	assert_int_equal(ask_end(B2B_SCOPE_USER, ACME, ALICE).result, 0);
	old = spawn(old_leader, 0);
	new = spawn(new_leader, 0);
	WAIT_FOR(!world_alive(old));
	assert_true(world_alive(new));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_person, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_organisation, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_forkers, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_stroke, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_nobody_there, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_number_passed_on, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_hostile_agent, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_many_at_once, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_agent_goes, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_tombstone, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_registers_late, start_guard, stop_guard),
	};
	int r;

	world_needs_pidfds();
	make_world();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	drop_world();
	return r;
}
