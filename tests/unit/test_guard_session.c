/* Sessions as sshd, sudo and su make them: who is ended in what order, what the person sees, who closes the PAM session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/test_guard_harness.h"

/* A session like sshd's: root's monitor, which is registered; a relay with the person's uid; a shell on a terminal below it. */
struct session {
	pid_t leader, relay, shell, root_shell;
	int client; /* what the person at the other end sees; end of file when the relay is gone */
	int events; /* 'c': the leader closed the PAM session by itself */
};

enum { STUBBORN_RELAY = 1, STUBBORN_LEADER = 2, WITH_ROOT_SHELL = 4 };

struct pids {
	pid_t leader, relay, shell, root_shell;
};

static void be_shell(int slave, uint32_t uid, unsigned how, int out, struct pids pids)
{
	setsid();
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		_exit(95);
	pids.shell = getpid();
	if (how & WITH_ROOT_SHELL) { /* "sudo -s" */
		pids.root_shell = fork();
		if (pids.root_shell == 0)
			sleep_for_ever();
	}
	world_become(uid);
	if (write(out, &pids, sizeof(pids)) != (ssize_t)sizeof(pids))
		_exit(96);
	close(out);
	sleep_for_ever();
}

/* Bytes from the terminal to the client, until the terminal says that nobody has it open any more. */
static void be_relay(int master, int client, unsigned how)
{
	char bytes[256];
	ssize_t got;

	while ((got = read(master, bytes, sizeof(bytes))) > 0) {
		if (write(client, bytes, (size_t)got) != got)
			_exit(0);
	}
	if (how & STUBBORN_RELAY)
		sleep_for_ever();
	_exit(0);
}

static void start_relay(uint32_t uid, unsigned how, int out, int client, struct pids pids)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 || (slave = open(ptsname(master), O_RDWR | O_NOCTTY)) < 0)
		_exit(94);
	if (fchown(slave, uid, uid) < 0 || fchmod(slave, 0620) < 0)
		_exit(94);
	/* The shell becomes the person itself, so that root's shell below it can stay root. */
	if (fork() == 0) {
		close(master);
		close(client);
		be_shell(slave, uid, how, out, pids);
	}
	close(slave);
	close(out);
	world_become(uid);
	be_relay(master, client, how);
}

static void be_leader(uint32_t uid, unsigned how, int out, int client, int events)
{
	struct pids pids = { .leader = getpid() };
	uint64_t ticks = 0;

	setsid();
	b2b_start_ticks(getpid(), &ticks);
	world_register(getpid(), ticks, uid, b2b_wall_s());
	pids.relay = fork();
	if (pids.relay == 0) {
		pids.relay = getpid();
		close(events);
		start_relay(uid, how, out, client, pids);
	}
	close(out);
	close(client);
	while (waitpid(pids.relay, NULL, 0) < 0 && errno == EINTR)
		;
	if (how & STUBBORN_LEADER)
		sleep_for_ever();
	b2b_session_remove(getpid(), ticks);
	if (write(events, "c", 1) != 1)
		_exit(96);
	_exit(0);
}

static void open_session(uint32_t uid, unsigned how, struct session *session)
{
	int told[2], client[2], events[2];
	struct pids pids;

	assert_int_equal(pipe2(told, O_CLOEXEC) | pipe2(client, O_CLOEXEC) | pipe2(events, O_CLOEXEC), 0);
	if (fork() == 0) {
		close(agent_fd);
		close(order_fd);
		close(told[0]);
		close(client[0]);
		close(events[0]);
		be_leader(uid, how, told[1], client[1], events[1]);
	}
	close(told[1]);
	close(client[1]);
	close(events[1]);
	assert_int_equal(read(told[0], &pids, sizeof(pids)), sizeof(pids));
	close(told[0]);
	*session = (struct session){ .leader = pids.leader, .relay = pids.relay, .shell = pids.shell, .root_shell = pids.root_shell,
		                     .client = client[0], .events = events[0] };
}

static void close_session(struct session *session)
{
	close(session->client);
	close(session->events);
}

/* All that the client got until its end, and whether the leader closed the PAM session by itself. */
static void assert_told(struct session *session, bool closed)
{
	char bytes[1024];
	size_t have = 0;
	ssize_t got;
	char event;

	while ((got = read(session->client, bytes + have, sizeof(bytes) - 1 - have)) > 0)
		have += (size_t)got;
	bytes[have] = '\0';
	assert_non_null(strstr(bytes, "*** " TEXT " (00000000deadbeef) ***\r"));
	assert_int_equal(read(session->events, &event, 1), closed ? 1 : 0);
}

static bool session_gone(const struct session *session)
{
	return !world_alive(session->leader) && !world_alive(session->relay) && !world_alive(session->shell);
}

static bool session_lives(const struct session *session)
{
	return world_alive(session->leader) && world_alive(session->relay) && world_alive(session->shell);
}

static void test_sshd(void **state)
{
	struct session alice, erin;
	struct b2b_guard_message answer;

	(void)state;
	open_session(ALICE, WITH_ROOT_SHELL, &alice);
	open_session(ERIN, WITH_ROOT_SHELL, &erin);
	answer = ask_end(B2B_SCOPE_USER, ACME, ALICE);
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.terminals, 1);
	assert_true(answer.ended >= 2); /* shell and root's shell; relay and leader end by themselves, on a busy machine too late */
	assert_true(session_gone(&alice));
	assert_false(world_alive(alice.root_shell));
	assert_told(&alice, true);
	assert_true(session_lives(&erin) && world_alive(erin.root_shell));
	print_message("# a session with a root shell: %.1f ms\n", ms(answer.began_ns, answer.clear_ns));
	close_session(&alice);
	close_session(&erin);
}

/* Two sessions of one person and one of somebody else: the one that is named reads it, and all go on. */
static void test_warning(void **state)
{
	struct session alice, other, erin;
	struct b2b_guard_message message = end_message(B2B_SCOPE_SESSION, ACME, ALICE), answer;
	struct pollfd quiet[2];
	char bytes[256] = "";

	(void)state;
	open_session(ALICE, WITH_ROOT_SHELL, &alice);
	open_session(ALICE, 0, &other);
	open_session(ERIN, 0, &erin);
	message.type = B2B_GUARD_TELL;
	message.pid = alice.leader;
	assert_int_equal(b2b_start_ticks(alice.leader, &message.start_ticks), 0);
	send_message(&message, -1);
	answer = take_answer(10000);
	assert_int_equal(answer.serial, serial);
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.terminals, 1);
	assert_int_equal(answer.ended, 0);
	assert_true(read(alice.client, bytes, sizeof(bytes) - 1) > 0);
	assert_non_null(strstr(bytes, "*** " TEXT " (00000000deadbeef) ***\r"));
	assert_true(session_lives(&alice) && session_lives(&other) && session_lives(&erin) && world_alive(alice.root_shell));
	quiet[0] = (struct pollfd){ .fd = other.client, .events = POLLIN };
	quiet[1] = (struct pollfd){ .fd = erin.client, .events = POLLIN };
	assert_int_equal(poll(quiet, 2, 100), 0);
	message.start_ticks++; /* another process of that number */
	message.uid = ALICE;
	send_message(&message, -1);
	answer = take_answer(10000);
	assert_int_equal(answer.terminals, 0);
	close_session(&alice);
	close_session(&other);
	close_session(&erin);
}

static void test_stubborn_relay(void **state)
{
	struct session alice;
	struct b2b_guard_message answer;
	double took;

	(void)state;
	open_session(ALICE, STUBBORN_RELAY, &alice);
	answer = ask_end(B2B_SCOPE_USER, ACME, ALICE);
	took = ms(answer.began_ns, answer.clear_ns);
	assert_int_equal(answer.result, 0);
	assert_true(took >= 100.0);
	assert_true(session_gone(&alice));
	assert_told(&alice, true);
	print_message("# a relay that stays: %.1f ms\n", took);
	close_session(&alice);
}

static void test_stubborn_leader(void **state)
{
	struct session alice;
	struct b2b_guard_message answer;
	double took;

	(void)state;
	open_session(ALICE, STUBBORN_LEADER, &alice);
	answer = ask_end(B2B_SCOPE_USER, ACME, ALICE);
	took = ms(answer.began_ns, answer.clear_ns);
	assert_int_equal(answer.result, 0);
	assert_true(took >= 1000.0);
	assert_true(session_gone(&alice));
	assert_told(&alice, false);
	print_message("# a leader that stays: %.1f ms\n", took);
	close_session(&alice);
}

/* A stopped leader closes nothing: waiting for it would be in vain. */
static void test_stopped_leader(void **state)
{
	struct session alice;
	struct b2b_guard_message answer;

	(void)state;
	open_session(ALICE, 0, &alice);
	kill(alice.leader, SIGSTOP);
	answer = ask_end(B2B_SCOPE_USER, ACME, ALICE);
	assert_int_equal(answer.result, 0);
	assert_true(ms(answer.began_ns, answer.clear_ns) < 900.0);
	assert_true(session_gone(&alice));
	close_session(&alice);
}

static void test_one_session(void **state)
{
	struct session first, second;
	struct b2b_guard_message message = end_message(B2B_SCOPE_SESSION, ACME, ALICE), answer;

	(void)state;
	open_session(ALICE, WITH_ROOT_SHELL, &first);
	open_session(ALICE, 0, &second);
	message.pid = first.leader;
	assert_int_equal(b2b_start_ticks(first.leader, &message.start_ticks), 0);
	message.start_ticks++; /* not that process */
	send_message(&message, -1);
	assert_int_equal(take_answer(5000).ended, 0);
	assert_true(session_lives(&first));
	message.start_ticks--;
	message.uid = ALICE + 1; /* not that person's */
	send_message(&message, -1);
	assert_int_equal(take_answer(5000).ended, 0);
	assert_true(session_lives(&first));
	message.uid = ALICE;
	send_message(&message, -1);
	answer = take_answer(5000);
	assert_int_equal(answer.result, 0);
	assert_true(session_gone(&first));
	assert_false(world_alive(first.root_shell));
	assert_told(&first, true);
	assert_true(session_lives(&second));
	close_session(&first);
	close_session(&second);
}

/* erin's session was opened from within alice's terminal: root registered it for erin. */
static void nested(uint32_t uid, int out)
{
	uint64_t ticks = 0;
	pid_t inner;

	(void)uid;
	setsid();
	b2b_start_ticks(getpid(), &ticks);
	world_register(getpid(), ticks, ALICE, b2b_wall_s());
	inner = fork();
	if (inner == 0) {
		setsid();
		b2b_start_ticks(getpid(), &ticks);
		world_register(getpid(), ticks, ERIN, b2b_wall_s());
		if (fork() == 0) {
			world_become(ERIN);
			ready(out);
			sleep_for_ever();
		}
		sleep_for_ever();
	}
	sleep_for_ever();
}

static void test_nested(void **state)
{
	pid_t erin = spawn(nested, 0);
	struct b2b_guard_message answer;

	(void)state;
	answer = ask_end(B2B_SCOPE_USER, ACME, ALICE);
	assert_int_equal(answer.result, 0);
	assert_true(world_alive(erin));
	assert_int_equal(ask_end(B2B_SCOPE_USER, GLOBEX, ERIN).result, 0);
	assert_false(world_alive(erin));
}

static bool set_loginuid(uint32_t uid)
{
	char text[16];
	int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC), len = snprintf(text, sizeof(text), "%u", uid);
	bool done = fd >= 0 && write(fd, text, (size_t)len) == len;

	if (fd >= 0)
		close(fd);
	return done;
}

enum { SHELL, ORPHAN, DAEMON, ROLES };

struct role {
	int role;
	pid_t pid; /* 0: the kernel keeps no login uid */
};

static void tell_role(int out, int role, bool audited)
{
	const struct role told = { role, audited ? getpid() : 0 };

	if (write(out, &told, sizeof(told)) != (ssize_t)sizeof(told))
		_exit(96);
	close(out);
	sleep_for_ever();
}

/* By sudo, then orphaned: root's, nobody's child, but in the POSIX session that it was started in; and one that left it too. */
static void sudoer(bool own_session, int out, uint32_t uid)
{
	bool audited = set_loginuid(uid);

	if (own_session)
		setsid();
	for (int role = ORPHAN; role <= DAEMON; role++) {
		if (fork() == 0) {
			if (fork() != 0)
				_exit(0);
			if (role == DAEMON)
				setsid();
			tell_role(out, role, audited);
		}
		wait(NULL);
	}
	world_become(uid);
	tell_role(out, SHELL, audited);
}

/* BE tells N roles. */
static void start_roles(void (*be)(uint32_t uid, int out), uint32_t uid, pid_t *pids, int n)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	if (fork() == 0) {
		close(agent_fd);
		close(order_fd);
		close(ends[0]);
		be(uid, ends[1]);
		sleep_for_ever();
	}
	close(ends[1]);
	for (int i = 0; i < n; i++) {
		struct role told;

		assert_int_equal(read(ends[0], &told, sizeof(told)), sizeof(told));
		pids[told.role] = told.pid;
	}
	close(ends[0]);
}

static void by_sudo(uint32_t uid, int out)
{
	sudoer(true, out, uid);
}

static void by_su(uint32_t uid, int out)
{
	setsid(); /* an administrator's shell … */
	if (fork() == 0) /* … in which su runs */
		sudoer(false, out, uid);
}

static void test_login_uid(void **state)
{
	struct b2b_guard_message answer;
	pid_t pids[ROLES];

	(void)state;
	start_roles(by_sudo, ALICE, pids, ROLES);
	if (!pids[DAEMON])
		skip();
	answer = ask_end(B2B_SCOPE_USER, ACME, ALICE);
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.left_behind, 1);
	assert_int_equal(answer.found, 2);
	assert_false(world_alive(pids[SHELL]) || world_alive(pids[ORPHAN]));
	assert_true(world_alive(pids[DAEMON])); /* reported, not ended */
}

static int start_thorough(void **state)
{
	policy->end_left_behind = true; /* the guard gets it by fork */
	return start_guard(state);
}

static int stop_thorough(void **state)
{
	policy->end_left_behind = false;
	return stop_guard(state);
}

static void test_left_behind_is_ended(void **state)
{
	pid_t pids[ROLES], erin[ROLES];
	struct b2b_guard_message answer;

	(void)state;
	start_roles(by_sudo, ALICE, pids, ROLES);
	start_roles(by_sudo, ERIN, erin, ROLES);
	if (!pids[DAEMON])
		skip();
	answer = ask_end(B2B_SCOPE_USER, ACME, ALICE);
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.left_behind, 0);
	assert_false(world_alive(pids[SHELL]) || world_alive(pids[ORPHAN]) || world_alive(pids[DAEMON]));
	assert_true(world_alive(erin[SHELL]) && world_alive(erin[ORPHAN]) && world_alive(erin[DAEMON]));
}

static void test_login_uid_in_anothers_session(void **state)
{
	pid_t pids[ROLES], administrator;

	(void)state;
	start_roles(by_su, ALICE, pids, ROLES);
	if (!pids[DAEMON])
		skip();
	administrator = getsid(pids[SHELL]);
	assert_int_equal(ask_end(B2B_SCOPE_USER, ACME, ALICE).result, 0);
	assert_false(world_alive(pids[SHELL]) || world_alive(pids[ORPHAN]));
	assert_true(world_alive(pids[DAEMON]) && world_alive(administrator));
}

enum { LOG_IN_SHELL, LOG_IN_DETACHED, SUDO, SUDO_COMMAND, LOG_IN_ROLES };

/* sudo in the background: registered, nobody's child, in the audit session of the log-in around it. */
static void sudo_in_background(int out, uint32_t uid, bool audited)
{
	uint64_t ticks = 0;

	if (fork() != 0)
		_exit(0);
	setsid();
	while (getppid() != 1)
		world_pause();
	b2b_start_ticks(getpid(), &ticks);
	world_register(getpid(), ticks, uid, b2b_wall_s());
	if (fork() == 0)
		tell_role(out, SUDO_COMMAND, audited);
	tell_role(out, SUDO, audited);
}

static void log_in_with_sudo(uint32_t uid, int out)
{
	bool audited = set_loginuid(uid);
	uint64_t until = b2b_now_ns() + 30 * B2B_NS_PER_MS; /* /proc counts in hundredths: what follows is younger there too */

	for (int role = LOG_IN_SHELL; role <= LOG_IN_DETACHED; role++) {
		if (fork() == 0) {
			setsid();
			world_become(uid);
			tell_role(out, role, audited);
		}
	}
	while (b2b_now_ns() < until)
		world_pause();
	if (fork() == 0)
		sudo_in_background(out, uid, audited);
	wait(NULL);
	sleep_for_ever();
}

/* The end of sudo's session is the end of what sudo started, and of nothing else in the log-in. */
static void test_sudo_in_background(void **state)
{
	struct b2b_guard_message message = end_message(B2B_SCOPE_SESSION, ACME, ALICE);
	pid_t pids[LOG_IN_ROLES];

	(void)state;
	start_roles(log_in_with_sudo, ALICE, pids, LOG_IN_ROLES);
	if (!pids[SUDO])
		skip();
	message.pid = pids[SUDO];
	assert_int_equal(b2b_start_ticks(pids[SUDO], &message.start_ticks), 0);
	send_message(&message, -1);
	assert_int_equal(take_answer(5000).result, 0);
	assert_false(world_alive(pids[SUDO]) || world_alive(pids[SUDO_COMMAND]));
	assert_true(world_alive(pids[LOG_IN_SHELL]) && world_alive(pids[LOG_IN_DETACHED]));
}

/* The whole of an organisation with 200 sessions, among 200 processes of others. */
static void test_two_hundred(void **state)
{
	enum { N = 200 };
	static struct session sessions[N];
	struct session erin;
	struct b2b_guard_message answer;
	double took;

	(void)state;
	for (uint32_t i = 0; i < N; i++)
		open_session(ACME_LO + 1 + i, 0, &sessions[i]);
	open_session(ERIN, 0, &erin);
	for (uint32_t i = 0; i < N; i++)
		spawn(plain, GLOBEX_LO + 2 + i);
	answer = ask_end(B2B_SCOPE_ORG, ACME, 0);
	took = ms(answer.began_ns, answer.clear_ns);
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.terminals, N);
	for (uint32_t i = 0; i < N; i++) {
		assert_true(session_gone(&sessions[i]));
		assert_told(&sessions[i], true);
		close_session(&sessions[i]);
	}
	assert_true(session_lives(&erin));
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(ask_end(B2B_SCOPE_USER, GLOBEX, GLOBEX_LO + 2 + i).ended, 1); /* all of them lived */
	print_message("# an organisation with 200 sessions of 3 processes: %.1f ms\n", took);
	close_session(&erin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sshd, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_warning, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_stubborn_relay, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_stubborn_leader, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_stopped_leader, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_one_session, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_nested, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_login_uid, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_left_behind_is_ended, start_thorough, stop_thorough),
		cmocka_unit_test_setup_teardown(test_login_uid_in_anothers_session, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_sudo_in_background, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_two_hundred, start_guard, stop_guard),
	};
	int r;

	world_needs_pidfds();
	make_world();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	drop_world();
	return r;
}
