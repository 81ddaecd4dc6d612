/*
 * The first process, guard and agent as they really run: what the kernel says of them from outside, what the agent cannot do
 * from inside, and who starts whom again. The agent is played by this test; guard, sandbox and supervision are the shipped ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sysexits.h>

#include "b2bd/guard/prepare.h"
#include "b2bd/guard/supervise.h"
#include "common/index.h"
#include "common/snapshot.h"
#include "tests/unit/test_guard_harness.h"

#define AGENT_ID 991
#define REPORT "/run/report" /* written by the played agent, one line a fact */

static pid_t first;
static int report_fd = -1;

static void fact(const char *what, long result)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "%s %s\n", what, result < 0 ? strerrorname_np(errno) : "done");

	if (write(report_fd, line, (size_t)len) != len)
		_exit(90);
}

static void *thread(void *arg)
{
	return arg;
}

static void try_what_is_needed(void)
{
	pthread_t id;
	void *got = NULL;
	pid_t child;
	int status = -1, fd;

	fact("thread", pthread_create(&id, NULL, thread, &got) == 0 && pthread_join(id, &got) == 0 && got == &got ? 0 : -1);
	child = fork();
	if (child == 0)
		_exit(7);
	fact("fork", waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : -1);
	fact("tcp", fd = socket(AF_INET, SOCK_STREAM, 0));
	close(fd);
	fact("netlink", fd = socket(AF_NETLINK, SOCK_RAW, 0));
	close(fd);
	fact("memfd", fd = memfd_create("x", MFD_ALLOW_SEALING));
	fact("seal", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	close(fd);
}

static void try_what_is_refused(void)
{
	char *const none[] = { NULL };

	fact("execve", execve("/bin/true", none, none));
	fact("execveat", syscall(SYS_execveat, AT_FDCWD, "/bin/true", none, none, 0));
	fact("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	fact("setuid", setresuid(0, 0, 0));
	fact("setgid", setresgid(0, 0, 0));
	fact("unshare", unshare(CLONE_NEWUSER));
	fact("clone-user", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
	fact("mount", mount("x", "/run", "tmpfs", 0, NULL));
	fact("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	fact("bpf", syscall(SYS_bpf, 0, NULL, 0));
	fact("module", syscall(SYS_finit_module, 0, "", 0));
	fact("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
	fact("packet", socket(AF_PACKET, SOCK_RAW, 0));
	fact("chroot", chroot("/"));
	fact("io_uring", syscall(SYS_io_uring_setup, 1, NULL));
}

/* The words may be stored; the file that holds them may not be opened for writing. */
static void try_live(const struct b2b_agent_setup *setup)
{
	b2b_live_store(setup->lives[ACME], ALICE, B2B_LIVE_CLOSED, true);
	fact("live-open", open(WORLD_CACHE "/live/42c3e9", O_WRONLY));
	fact("live-truncate", truncate(WORLD_CACHE "/live/42c3e9", 0));
	fact("live-unlink", unlink(WORLD_CACHE "/live/42c3e9"));
}

static int played_agent(const struct b2b_agent_setup *setup)
{
	struct b2b_guard_message message = end_message(B2B_SCOPE_USER, ACME, ALICE);
	char packet[B2B_GUARD_PACKET] = { 0 };
	struct pollfd fd = { .fd = setup->guard_fd, .events = POLLIN };

	try_what_is_needed();
	try_what_is_refused();
	try_live(setup);
	memcpy(packet, &message, sizeof(message));
	if (send(setup->guard_fd, packet, sizeof(packet), 0) < 0 || poll(&fd, 1, 5000) != 1 ||
	    recv(setup->guard_fd, packet, sizeof(packet), 0) != B2B_GUARD_PACKET)
		return 91;
	memcpy(&message, packet, sizeof(message));
	errno = -message.result;
	fact("end", message.result);
	if (strcmp(setup->conf_path, "/wrong") == 0)
		return EX_CONFIG;
	for (;;) {
		if (recv(setup->guard_fd, packet, sizeof(packet), 0) < 0 && errno == EAGAIN)
			poll(&fd, 1, -1);
		memcpy(&message, packet, sizeof(message));
		if (message.type == B2B_GUARD_RELOAD)
			fact("reload", 0);
		message.type = 0;
		memcpy(packet, &message, sizeof(message));
	}
}

static int start_first(const char *conf_path)
{
	report_fd = open(REPORT, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0666);
	assert_true(report_fd >= 0);
	fflush(NULL);
	first = fork();
	if (first == 0) {
		struct b2b_supervise_setup setup = { .conf_path = conf_path, .cache_dir = WORLD_CACHE, .state_dir = "/run/b2b-state",
			                             .uid = AGENT_ID, .gid = AGENT_ID, .agent = played_agent };

		setup.lock_fd = b2b_prepare_lock();
		if (setup.lock_fd < 0 || b2b_prepare_dirs(setup.cache_dir, setup.state_dir, AGENT_ID, AGENT_ID) < 0 ||
		    b2b_index_read(WORLD_CACHE, &setup.policy) < 0 || (setup.listen_fd = b2b_prepare_socket()) < 0)
			_exit(92);
		_exit(b2b_supervise(&setup));
	}
	return 0;
}

static int start_plain(void **state)
{
	(void)state;
	assert_true(world_inside);
	return start_first("/conf");
}

static int stop_first(void **state)
{
	(void)state;
	if (first > 0) {
		kill(first, SIGTERM);
		waitpid(first, NULL, 0);
	}
	assert_true(world_inside);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(report_fd);
	return 0;
}

static void read_all(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, text, size - 1) : -1;

	text[got > 0 ? got : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

static bool reported(const char *line)
{
	char text[4096];

	read_all(REPORT, text, sizeof(text));
	return strstr(text, line) != NULL;
}

/* Field NAME of /proc/PID/status, as a hexadecimal or decimal number. */
static unsigned long long status_of(pid_t pid, const char *name, int base)
{
	char path[64], text[4096], *at;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	read_all(path, text, sizeof(text));
	at = strstr(text, name);
	return at ? strtoull(at + strlen(name), NULL, base) : ~0ull;
}

/* PARENT's child whose effective uid is UID, 0: there is none. */
static pid_t child_of(pid_t parent, uint32_t uid)
{
	struct b2b_processes list = { 0 };
	pid_t found = 0;

	b2b_processes_scan(&list, NULL, NULL);
	for (size_t i = 0; i < list.n && !found; i++) {
		if (list.items[i].ppid == parent && list.items[i].uids[1] == uid && list.items[i].uids[0] == uid)
			found = list.items[i].pid;
	}
	b2b_processes_free(&list);
	return found;
}

static pid_t child_with(uint32_t uid)
{
	return child_of(first, uid);
}

/* Has one come that is not FORMER? */
static bool another_with(uint32_t uid, pid_t former)
{
	pid_t found = child_with(uid);

	return found > 0 && found != former;
}

static void network_of(pid_t pid, char *buf, size_t size)
{
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	len = readlink(path, buf, size - 1);
	buf[len > 0 ? len : 0] = '\0';
}

static void assert_shut_in(pid_t pid)
{
	assert_int_equal(status_of(pid, "\nNoNewPrivs:\t", 10), 1);
	assert_int_equal(status_of(pid, "\nSeccomp:\t", 10), 2);
	assert_int_equal(status_of(pid, "\nCapInh:\t", 16), 0);
	assert_int_equal(status_of(pid, "\nCapAmb:\t", 16), 0);
}

/* Who tells a caching daemon to forget: root's uid and nothing else. */
static void assert_teller_shut_in(pid_t guard)
{
	pid_t teller = child_of(guard, 0);

	assert_true(teller > 0);
	assert_shut_in(teller);
	assert_int_equal(status_of(teller, "\nCapEff:\t", 16), 0);
	assert_int_equal(status_of(teller, "\nCapPrm:\t", 16), 0);
	assert_int_equal(status_of(teller, "\nCapBnd:\t", 16), 0);
}

static void test_from_outside(void **state)
{
	char mine[64], theirs[64];
	pid_t guard, agent;

	(void)state;
	WAIT_FOR(reported("end done"));
	agent = child_with(AGENT_ID);
	guard = child_with(0);
	assert_true(agent > 0 && guard > 0);
	assert_shut_in(first);
	assert_shut_in(guard);
	assert_shut_in(agent);
	assert_int_equal(status_of(guard, "\nCapEff:\t", 16), 1ull << 5 | 1ull << 1 | 1ull << 7); /* KILL, DAC_OVERRIDE, SETUID */
	assert_int_equal(status_of(guard, "\nCapPrm:\t", 16), 1ull << 5 | 1ull << 1 | 1ull << 7);
	assert_int_equal(status_of(guard, "\nCapBnd:\t", 16), 0);
	assert_teller_shut_in(guard);
	assert_int_equal(status_of(agent, "\nCapEff:\t", 16), 0);
	assert_int_equal(status_of(agent, "\nCapPrm:\t", 16), 0);
	assert_int_equal(status_of(agent, "\nCapBnd:\t", 16), 0);
	assert_int_equal(status_of(agent, "\nGid:\t", 10), AGENT_ID);
	assert_int_equal(status_of(agent, "\nGroups:\t", 10), 0); /* none */
	network_of(getpid(), mine, sizeof(mine));
	network_of(agent, theirs, sizeof(theirs));
	assert_string_equal(mine, theirs);
	network_of(guard, theirs, sizeof(theirs));
	assert_string_not_equal(theirs, "");
	assert_string_not_equal(mine, theirs);
}

static void test_from_inside(void **state)
{
	static const char *const refused[] = { "execve EPERM",  "execveat EPERM", "ptrace EPERM", "setuid EPERM", "setgid EPERM",
		                               "unshare EPERM", "clone-user EPERM", "mount EPERM", "keyctl EPERM", "bpf EPERM",
		                               "module EPERM",  "kexec EPERM",    "packet EPERM", "chroot EPERM", "io_uring EPERM",
		                               "live-open EACCES", "live-truncate EPERM", "live-unlink EACCES" };
	static const char *const done[] = { "thread done", "fork done", "tcp done", "netlink done", "memfd done", "seal done" };

	(void)state;
	WAIT_FOR(reported("end done"));
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		if (!reported(refused[i]))
			fail_msg("%s was not reported", refused[i]);
	}
	for (size_t i = 0; i < sizeof(done) / sizeof(*done); i++) {
		if (!reported(done[i]))
			fail_msg("%s was not reported", done[i]);
	}
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(lives[ACME], ALICE)), B2B_LIVE_CLOSED);
}

/* Forks and leaves for ever. */
static void run_away(void)
{
	signal(SIGCHLD, SIG_IGN);
	world_become(ALICE);
	setsid();
	for (;;) {
		if (fork() > 0)
			_exit(0);
	}
}

static bool anything_of(uint32_t uid)
{
	struct b2b_processes list = { 0 };
	bool found = false;

	b2b_processes_scan(&list, NULL, NULL);
	for (size_t i = 0; i < list.n; i++)
		found = found || list.items[i].uids[0] == uid;
	b2b_processes_free(&list);
	return found;
}

/* An END sent by the shut-in agent and done by the shut-in guard, terminal and all. */
static void test_guard_works_shut_in(void **state)
{
	pid_t alice = fork();

	(void)state;
	if (alice == 0) {
		world_become(ALICE);
		sleep_for_ever();
	}
	/* The agent's END may have come before her; closed she is, and the guard keeps looking. */
	WAIT_FOR(!world_alive(alice));
	for (int i = 0; i < 3; i++) {
		if (fork() == 0)
			run_away();
	}
	WAIT_FOR(!anything_of(ALICE) && waitpid(-1, NULL, WNOHANG) <= 0);
	assert_true(world_alive(first) && child_with(0) > 0 && child_with(AGENT_ID) > 0);
}

static void test_started_again(void **state)
{
	pid_t agent, guard;

	(void)state;
	WAIT_FOR(reported("end done"));
	agent = child_with(AGENT_ID);
	guard = child_with(0);
	kill(agent, SIGKILL);
	WAIT_FOR(another_with(AGENT_ID, agent));
	assert_int_equal(child_with(0), guard); /* goes on */
	agent = child_with(AGENT_ID);
	kill(guard, SIGKILL);
	WAIT_FOR(another_with(0, guard) && another_with(AGENT_ID, agent));
}

static void test_stops(void **state)
{
	int status = -1;
	pid_t agent, guard;

	(void)state;
	WAIT_FOR(reported("end done"));
	agent = child_with(AGENT_ID);
	guard = child_with(0);
	kill(first, SIGTERM);
	assert_int_equal(waitpid(first, &status, 0), first);
	first = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_false(world_alive(agent) || world_alive(guard));
}

static void test_all_die_with_the_first(void **state)
{
	pid_t agent, guard;

	(void)state;
	WAIT_FOR(reported("end done"));
	agent = child_with(AGENT_ID);
	guard = child_with(0);
	kill(first, SIGKILL);
	waitpid(first, NULL, 0);
	first = 0;
	WAIT_FOR(!world_alive(agent) && !world_alive(guard));
}

static void test_wrong_configuration(void **state)
{
	int status = -1;

	(void)state;
	start_first("/wrong");
	assert_int_equal(waitpid(first, &status, 0), first);
	first = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG);
}

/* The same policy: the agent reads its configuration again. Other grants: a new agent. Another organisation: both anew. */
static void test_reload(void **state)
{
	struct b2b_policy *other;
	pid_t agent, guard;

	(void)state;
	WAIT_FOR(reported("end done"));
	agent = child_with(AGENT_ID);
	guard = child_with(0);
	kill(first, SIGHUP);
	WAIT_FOR(reported("reload done"));
	assert_int_equal(child_with(AGENT_ID), agent);
	assert_int_equal(b2b_index_read(WORLD_CACHE, &other), 0);
	other->generation = 0;
	other->orgs[GLOBEX].session_s = 600;
	assert_int_equal(b2b_index_write(WORLD_CACHE, other), 0);
	kill(first, SIGHUP);
	WAIT_FOR(another_with(AGENT_ID, agent));
	assert_int_equal(child_with(0), guard);
	agent = child_with(AGENT_ID);
	other->generation = 0;
	other->n_orgs--; /* without globex */
	assert_int_equal(b2b_index_write(WORLD_CACHE, other), 0);
	kill(first, SIGHUP);
	WAIT_FOR(another_with(0, guard) && another_with(AGENT_ID, agent));
	other->n_orgs++;
	other->generation = 0;
	assert_int_equal(b2b_index_write(WORLD_CACHE, other), 0);
	b2b_policy_free(other);
}

static void test_one_at_a_time(void **state)
{
	(void)state;
	WAIT_FOR(reported("end done"));
	assert_int_equal(b2b_prepare_lock(), -EBUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_from_outside, start_plain, stop_first),
		cmocka_unit_test_setup_teardown(test_from_inside, start_plain, stop_first),
		cmocka_unit_test_setup_teardown(test_guard_works_shut_in, start_plain, stop_first),
		cmocka_unit_test_setup_teardown(test_started_again, start_plain, stop_first),
		cmocka_unit_test_setup_teardown(test_stops, start_plain, stop_first),
		cmocka_unit_test_setup_teardown(test_all_die_with_the_first, start_plain, stop_first),
		cmocka_unit_test_setup_teardown(test_wrong_configuration, NULL, stop_first),
		cmocka_unit_test_setup_teardown(test_reload, start_plain, stop_first),
		cmocka_unit_test_setup_teardown(test_one_at_a_time, start_plain, stop_first),
	};
	int r;

	world_needs_pidfds();
	make_world();
	if (mount("tmpfs", "/home", "tmpfs", 0, "mode=755") < 0 || b2b_index_write(WORLD_CACHE, policy) < 0) {
		puts("FAIL world: no index");
		return 1;
	}
	r = cmocka_run_group_tests(tests, NULL, NULL);
	drop_world();
	return r;
}
