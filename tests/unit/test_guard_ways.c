/* How gently root wants it, and what cannot be ended: SIGHUP and grace, processes that the kernel holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/fuse.h>

#include "tests/unit/test_guard_harness.h"

static int start_with_grace(void **state, uint32_t seconds)
{
	policy->ending_grace_s = seconds; /* the guard gets it by fork */
	return start_guard(state);
}

static int start_short(void **state)
{
	return start_with_grace(state, 1);
}

static int start_long(void **state)
{
	return start_with_grace(state, 60);
}

static int stop_graced(void **state)
{
	policy->ending_grace_s = 0;
	return stop_guard(state);
}

static volatile sig_atomic_t hung_up;

static void on_hup(int number)
{
	(void)number;
	hung_up++;
}

/* Puts its things in order when its terminal goes away: takes a moment, hears a second SIGHUP if there is one. */
static void polite(uint32_t uid, int out)
{
	const struct timespec moment = { .tv_nsec = 300000000 };

	signal(SIGHUP, on_hup);
	world_become(uid);
	ready(out);
	while (!hung_up)
		pause();
	nanosleep(&moment, NULL);
	_exit(0);
}

static void stopped(uint32_t uid, int out)
{
	world_become(uid);
	ready(out);
	raise(SIGSTOP);
	sleep_for_ever();
}

static void deaf(uint32_t uid, int out)
{
	signal(SIGHUP, SIG_IGN);
	plain(uid, out);
}

static void test_who_heeds_is_not_waited_for(void **state)
{
	pid_t alice = spawn(polite, ALICE), frozen = spawn(stopped, ALICE), erin = spawn(plain, ERIN);
	struct b2b_guard_message answer;
	double took;

	(void)state;
	WAIT_FOR(world_stopped(frozen));
	answer = ask_end(B2B_SCOPE_USER, ACME, ALICE);
	took = ms(answer.began_ns, answer.clear_ns);
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.found, 2);
	assert_int_equal(answer.ended, 0); /* by SIGKILL: none */
	assert_true(took >= 300.0 && took < 30000.0);
	assert_false(world_alive(alice) || world_alive(frozen));
	assert_true(world_alive(erin));
	print_message("# two that heed SIGHUP: %.1f ms of a grace of 60 s\n", took);
}

static void test_grace_is_over(void **state)
{
	pid_t alice = spawn(deaf, ALICE), late;
	struct b2b_guard_message message = end_message(B2B_SCOPE_USER, ACME, ALICE), answer;
	double took;

	(void)state;
	b2b_live_store(lives[ACME], ALICE, B2B_LIVE_CLOSED, true);
	send_message(&message, -1);
	late = spawn(deaf, ALICE); /* whoever begins meanwhile gets what is left of it */
	answer = take_answer(10000);
	took = ms(answer.began_ns, answer.clear_ns);
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.ended, 2);
	assert_true(took >= 1000.0);
	assert_false(world_alive(alice) || world_alive(late));
	late = spawn(deaf, ALICE);
	WAIT_FOR(!world_alive(late)); /* by the tombstone: no grace any more */
}

/* A session's leader as sshd is: root's; below it a shell that does not heed SIGHUP. */
static void leader_since(int64_t opened_s, uint32_t uid, int out)
{
	uint64_t ticks = 0;

	setsid();
	b2b_start_ticks(getpid(), &ticks);
	world_register(getpid(), ticks, uid, opened_s);
	if (fork() == 0) {
		deaf(uid, out);
		_exit(1);
	}
	sleep_for_ever();
}

static void old_session(uint32_t uid, int out)
{
	leader_since(b2b_wall_s() - 60, uid, out);
}

static void new_session(uint32_t uid, int out)
{
	leader_since(b2b_wall_s() + 1, uid, out); /* as the clock counts whole seconds */
}

/* Sessions were ended, and she may come in anew: what she then opens is none of those. */
static void test_new_session_in_the_grace_is_kept(void **state)
{
	pid_t old = spawn(old_session, ALICE), new, stray;
	struct b2b_guard_message message = end_message(B2B_SCOPE_USER, ACME, ALICE), answer;

	(void)state;
	b2b_live_store(lives[ACME], ALICE, B2B_LIVE_OPEN, true);
	send_message(&message, -1);
	new = spawn(new_session, ALICE);
	stray = spawn(deaf, ALICE); /* of no session: who knows from where */
	answer = take_answer(10000);
	assert_int_equal(answer.result, 0);
	assert_true(ms(answer.began_ns, answer.clear_ns) >= 1000.0);
	assert_int_equal(answer.ended, 3); /* old shell and leader, and the stray */
	assert_false(world_alive(old) || world_alive(stray));
	assert_true(world_alive(new));
	assert_int_equal(answer.found, 3);
	/* Closed meanwhile, it is ended as all is. */
	b2b_live_store(lives[ACME], ALICE, B2B_LIVE_CLOSED, true);
	assert_int_equal(ask_end(B2B_SCOPE_USER, ACME, ALICE).result, 0);
	assert_false(world_alive(new));
	b2b_live_store(lives[ACME], ALICE, B2B_LIVE_OPEN, false);
}

/*
 * A file system in which nothing is ever answered. Whoever has asked it for something waits in the kernel, and SIGKILL
 * does not reach him there before the server is gone.
 */
_Noreturn static void serve_nothing(int fuse, int ready_fd)
{
	static char request[FUSE_MIN_READ_BUFFER + 65536];

	for (;;) {
		const struct fuse_in_header *in = (const void *)request;
		struct {
			struct fuse_out_header head;
			struct fuse_init_out init;
		} out = { .head = { .len = sizeof(out), .unique = 0 }, .init = { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096 } };

		if (read(fuse, request, sizeof(request)) <= 0)
			_exit(0);
		out.head.unique = in->unique;
		if (in->opcode == FUSE_INIT && write(fuse, &out, sizeof(out)) < 0)
			_exit(94);
		if (in->opcode == FUSE_LOOKUP && write(ready_fd, "", 1) != 1)
			_exit(96);
	}
}

/* Returns the server, or 0 where the kernel has no FUSE. *RET_ASKED is readable when somebody has asked. */
static pid_t mount_nothing(int *ret_asked)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC), ends[2];
	char options[128];
	pid_t server;

	if (fuse < 0)
		return 0;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse);
	mkdir("/run/nothing", 0755);
	if (mount("nothing", "/run/nothing", "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
		close(fuse);
		return 0;
	}
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	server = fork();
	if (server == 0) {
		close(agent_fd);
		close(order_fd);
		serve_nothing(fuse, ends[1]);
	}
	close(ends[1]);
	close(fuse); /* the server has the last one: its end is the mount's */
	*ret_asked = ends[0];
	return server;
}

static void stuck(uint32_t uid, int out)
{
	struct stat st;

	world_become(uid);
	prctl(PR_SET_NAME, "stuck \"=\n");
	ready(out);
	stat("/run/nothing/x", &st);
	sleep_for_ever();
}

static void test_what_the_kernel_holds_is_named_and_tried_again(void **state)
{
	int asked = -1;
	pid_t server = mount_nothing(&asked), alice, other;
	struct b2b_guard_message message = end_message(B2B_SCOPE_USER, ACME, ALICE), answer;
	char byte;

	(void)state;
	if (!server)
		skip();
	alice = spawn(stuck, ALICE);
	other = spawn(plain, ALICE);
	assert_int_equal(read(asked, &byte, 1), 1);
	send_message(&message, -1);
	answer = take_answer(10000);
	assert_int_equal(answer.result, -EBUSY);
	assert_int_equal(answer.found, 2);
	assert_int_equal(answer.left, 1);
	assert_int_equal(answer.held_pid, alice);
	assert_int_equal(answer.held_uid, ALICE);
	assert_int_equal(answer.held_state, 'D');
	assert_string_equal(answer.held_name, "stuck????");
	assert_int_equal(answer.clear_ns, 0);
	assert_true(world_alive(alice) && !world_alive(other));
	kill(server, SIGKILL);
	answer = take_answer(10000); /* told again, by itself */
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.left, 0);
	assert_true(answer.clear_ns > answer.began_ns);
	assert_false(world_alive(alice));
	close(asked);
	umount2("/run/nothing", MNT_DETACH);
}

/* Root's way to hide: nothing of the process is in /proc but its number. */
static void test_who_hides_from_proc_is_not_called_gone(void **state)
{
	pid_t alice = spawn(plain, ALICE), other = spawn(plain, ALICE);
	struct b2b_guard_message message = end_message(B2B_SCOPE_USER, ACME, ALICE), answer;
	struct b2b_process process;
	char path[64];

	(void)state;
	/* Older than the END by the clock of start times: who is not counts as come anew, once an END has been held. */
	assert_int_equal(b2b_process_read(alice, &process), 0);
	WAIT_FOR(b2b_now_ns() / (B2B_NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK)) > process.start_ticks + 1);
	snprintf(path, sizeof(path), "/proc/%d", (int)alice);
	assert_int_equal(mount("/proc/1", path, NULL, MS_BIND, NULL), 0);
	send_message(&message, -1);
	answer = take_answer(10000);
	assert_int_equal(answer.result, -EBUSY);
	assert_int_equal(answer.left, 1);
	assert_int_equal(answer.held_pid, alice);
	assert_string_equal(answer.held_name, "hidden");
	assert_false(world_alive(other));
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_true(world_alive(alice));
	answer = take_answer(10000);
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.ended, 2);
	assert_false(world_alive(alice));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_who_heeds_is_not_waited_for, start_long, stop_graced),
		cmocka_unit_test_setup_teardown(test_grace_is_over, start_short, stop_graced),
		cmocka_unit_test_setup_teardown(test_new_session_in_the_grace_is_kept, start_short, stop_graced),
		cmocka_unit_test_setup_teardown(test_who_hides_from_proc_is_not_called_gone, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_what_the_kernel_holds_is_named_and_tried_again, start_guard, stop_guard),
	};
	int r;

	world_needs_pidfds();
	make_world();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	drop_world();
	return r;
}
