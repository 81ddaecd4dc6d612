/*
 * An errand as it really runs, which has the agent's uid: what it cannot do to the agent's files and processes from inside, what
 * the kernel says of it from outside, that it still does what it is for, and that it ends with who started it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "b2bd/errand/errand.h"
#include "b2bd/sandbox.h"
#include "tests/support/tls_server.h"
#include "tests/unit/test_guard_world.h"

#define AGENT_ID 991
#define STATE "/run/agent"
#define DATABASE STATE "/state.db"
#define AGENT_SOCKET STATE "/socket"
#define HELD "what the agent holds"

static pid_t agent; /* whatever an errand does, it lives on */

static void become_agent(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(AGENT_ID, AGENT_ID, AGENT_ID) < 0 || setresuid(AGENT_ID, AGENT_ID, AGENT_ID) < 0)
		_exit(90);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 4) == 0 ? fd : -1;
}

/* The agent's directory, database, socket and process, all of its uid. */
static int set_up(void **state)
{
	int fd;

	(void)state;
	assert_true(world_inside);
	assert_int_equal(mkdir(STATE, 0700), 0);
	assert_int_equal(chown(STATE, AGENT_ID, AGENT_ID), 0);
	agent = fork();
	if (agent == 0) {
		become_agent();
		fd = open(DATABASE, O_WRONLY | O_CREAT, 0600);
		if (write(fd, HELD, sizeof(HELD)) != sizeof(HELD) || close(fd) < 0 || listen_at(AGENT_SOCKET) < 0)
			_exit(91);
		for (;;)
			pause();
	}
	WAIT_FOR(access(AGENT_SOCKET, F_OK) == 0);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const left[] = { DATABASE, AGENT_SOCKET, STATE "/new", STATE "/other" }; /* the last two by an errand that could */

	(void)state;
	kill(agent, SIGKILL);
	waitpid(agent, NULL, 0);
	for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++)
		unlink(left[i]);
	rmdir(STATE "/new");
	return rmdir(STATE);
}

/* ---- from inside ---- */

static void fact(const char *what, long result)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "%s %s\n", what, result < 0 ? strerrorname_np(errno) : "done");

	if (write(STDOUT_FILENO, line, (size_t)len) != len)
		_exit(92);
}

static void *look_up(void *arg)
{
	struct addrinfo *found = NULL;

	if (getaddrinfo("localhost", "443", NULL, &found) == 0)
		freeaddrinfo(found);
	return arg;
}

static void try_what_is_needed(void)
{
	pthread_t id;
	void *got = NULL;
	char byte;
	int fd;

	fact("thread", pthread_create(&id, NULL, look_up, &got) == 0 && pthread_join(id, &got) == 0 && got == &got ? 0 : -1);
	fact("tcp", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	fact("udp6", socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	fact("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
	fact("own-thread", pthread_kill(pthread_self(), 0));
	fact("no-block", fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL)));
	fd = open(DATABASE, O_RDONLY | O_CLOEXEC);
	fact("read", fd < 0 ? -1 : read(fd, &byte, 1));
}

static void try_files(void)
{
	int fd = open(DATABASE, O_RDONLY | O_CLOEXEC);
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	fact("create", open(STATE "/new", O_RDONLY | O_CREAT, 0600));
	fact("creat", creat(STATE "/new", 0600));
	fact("write", open(DATABASE, O_WRONLY));
	fact("read-write", open(DATABASE, O_RDWR));
	fact("old-open", syscall(SYS_open, DATABASE, O_WRONLY, 0));
	fact("cut-open", open(DATABASE, O_RDONLY | O_TRUNC));
	fact("nameless", open(STATE, O_TMPFILE | O_RDWR, 0600));
	fact("openat2", syscall(SYS_openat2, AT_FDCWD, DATABASE, NULL, 0));
	fact("truncate", truncate(DATABASE, 0));
	fact("ftruncate", ftruncate(fd, 0));
	fact("rename", rename(DATABASE, STATE "/other"));
	fact("unlink", unlink(DATABASE));
	fact("rmdir", rmdir(STATE));
	fact("mkdir", mkdir(STATE "/new", 0700));
	fact("link", link(DATABASE, STATE "/other"));
	fact("symlink", symlink("/etc", STATE "/other"));
	fact("fifo", mkfifo(STATE "/new", 0600));
	fact("chmod", chmod(DATABASE, 0666));
	fact("fchmod", fchmod(fd, 0666));
	fact("chown", chown(DATABASE, AGENT_ID, AGENT_ID));
	fact("times", utimensat(AT_FDCWD, DATABASE, NULL, 0));
	fact("attribute", setxattr(DATABASE, "user.x", "x", 1, 0));
	fact("lock", fcntl(fd, F_SETLK, &lock));
	fact("open-lock", fcntl(fd, F_OFD_SETLK, &lock));
	fact("flock", flock(fd, LOCK_SH | LOCK_NB));
	fact("lease", fcntl(fd, F_SETLEASE, F_RDLCK));
	fact("memfd", memfd_create("x", 0));
}

static void try_processes(void)
{
	char *const none[] = { NULL };
	siginfo_t info = { .si_code = SI_QUEUE };

	fact("kill", kill(agent, SIGKILL));
	fact("kill-all", kill(-1, SIGKILL));
	fact("tgkill", syscall(SYS_tgkill, agent, agent, SIGKILL));
	fact("tkill", syscall(SYS_tkill, agent, SIGKILL));
	fact("sigqueue", syscall(SYS_rt_sigqueueinfo, agent, SIGTERM, &info));
	fact("pidfd", syscall(SYS_pidfd_open, agent, 0));
	fact("owner", fcntl(STDIN_FILENO, F_SETOWN, agent));
	fact("owner-signal", fcntl(STDIN_FILENO, F_SETSIG, SIGKILL));
	fact("priority", setpriority(PRIO_PROCESS, (id_t)agent, 19));
	fact("limits", prlimit(agent, RLIMIT_CORE, NULL, &(struct rlimit){ 0, 0 }));
	fact("ptrace", ptrace(PTRACE_ATTACH, agent, NULL, NULL));
	fact("memory", syscall(SYS_process_vm_readv, agent, NULL, 0, NULL, 0, 0));
	fact("outlive", prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
	fact("group", setpgid(0, agent));
	fact("fork", syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
	fact("vfork-like", syscall(SYS_fork));
	fact("namespace", unshare(CLONE_NEWUSER));
	fact("execve", execve("/bin/true", none, none));
	fact("setuid", setresuid(0, 0, 0));
}

static void try_sockets(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), pair[2];

	fact("agent-socket", socket(AF_UNIX, SOCK_STREAM, 0));
	fact("packet", socket(AF_PACKET, SOCK_RAW, 0));
	fact("listen", bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ? 0 : listen(fd, 1));
	fact("accept", accept(fd, NULL, NULL));
	fact("type-terminal", ioctl(STDIN_FILENO, TIOCSTI, "x"));
	fact("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

struct errand {
	pid_t pid;
	int order, answer; /* the other ends of its standard input and output */
};

/* With a secret in its environment and an open database among its descriptors, as one that forgot O_CLOEXEC leaves behind. */
static struct errand start(void (*run)(void))
{
	int order[2], answer[2];
	struct errand errand;

	assert_int_equal(pipe2(order, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
	fflush(NULL);
	errand.pid = fork();
	if (errand.pid == 0) {
		setenv("B2B_SECRET", "x", 1);
		if (dup2(order[0], STDIN_FILENO) < 0 || dup2(answer[1], STDOUT_FILENO) < 0 || open(DATABASE, O_RDWR) < 0)
			_exit(93);
		run();
		_exit(94);
	}
	close(order[0]);
	close(answer[1]);
	errand.order = order[1];
	errand.answer = answer[0];
	return errand;
}

static void stop(struct errand *errand)
{
	close(errand->order);
	close(errand->answer);
	kill(errand->pid, SIGKILL);
	waitpid(errand->pid, NULL, 0);
}

/* Up to the end of it, and that it ended well. */
static void read_answer(const struct errand *errand, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int status = -1;

	while ((n = read(errand->answer, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	assert_int_equal(waitpid(errand->pid, &status, 0), errand->pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("it ended with %x, having said: %s", (unsigned)status, text);
}

static void try_all(void)
{
	struct rlimit limit;

	if (b2b_sandbox_errand(AGENT_ID, AGENT_ID) < 0)
		_exit(95);
	fact("environment", environ && *environ ? 0 : (errno = ENOENT, -1));
	fact("descriptor", fcntl(STDERR_FILENO + 1, F_GETFD));
	try_what_is_needed();
	try_files();
	try_processes();
	try_sockets();
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max += 1;
	fact("more-descriptors", setrlimit(RLIMIT_NOFILE, &limit));
	_exit(0);
}

static const char *const refused[] = {
	"create", "creat", "write", "read-write", "old-open", "cut-open", "nameless", "openat2", "truncate", "ftruncate", "rename", "unlink",
	"rmdir", "mkdir", "link", "symlink", "fifo", "chmod", "fchmod", "chown", "times", "attribute", "lock", "open-lock", "flock", "lease", "memfd",
	"kill", "kill-all", "tgkill", "tkill", "sigqueue", "pidfd", "owner", "owner-signal", "priority", "limits", "ptrace", "memory", "outlive", "group",
	"fork", "vfork-like", "namespace", "execve", "setuid",
	"agent-socket", "packet", "listen", "accept", "type-terminal", "more-descriptors",
};
static const char *const done[] = { "thread", "tcp", "udp6", "netlink", "own-thread", "no-block", "read", "pair" };

/* Says which fact is another, all of them. */
static int count_missing(const char *text, const char *what, const char *outcome)
{
	char line[64];

	snprintf(line, sizeof(line), "\n%s %s\n", what, outcome);
	if (strstr(text, line))
		return 0;
	print_message("not so: %s %s\n", what, outcome);
	return 1;
}

static void test_from_inside(void **state)
{
	char text[8192] = "\n";
	struct errand errand = start(try_all);
	int missing = 0, fd;

	(void)state;
	read_answer(&errand, text + 1, sizeof(text) - 1);
	missing += count_missing(text, "environment", "ENOENT") + count_missing(text, "descriptor", "EBADF");
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		missing += count_missing(text, refused[i], "EPERM");
	for (size_t i = 0; i < sizeof(done) / sizeof(*done); i++)
		missing += count_missing(text, done[i], "done");
	assert_int_equal(missing, 0);
	assert_true(world_alive(agent));
	fd = open(DATABASE, O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), sizeof(HELD));
	assert_string_equal(text, HELD);
	close(fd);
	close(errand.order);
	close(errand.answer);
}

/* ---- from outside ---- */

static void run_errand(void)
{
	_exit(b2b_errand_main(AGENT_ID, AGENT_ID));
}

static void read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	got = read(fd, text, size - 1);
	text[got > 0 ? got : 0] = '\0';
	close(fd);
}

static bool shut_in(pid_t pid)
{
	char text[4096];

	read_proc(pid, "status", text, sizeof(text));
	return strstr(text, "\nSeccomp:\t2\n");
}

static void assert_proc(pid_t pid, const char *name, const char *line)
{
	char text[4096];

	read_proc(pid, name, text, sizeof(text));
	if (!strstr(text, line))
		fail_msg("%s has no line %s in: %s", name, line, text);
}

static int count_descriptors(pid_t pid)
{
	char path[64];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void test_from_outside(void **state)
{
	struct errand errand = start(run_errand);

	(void)state;
	WAIT_FOR(shut_in(errand.pid));
	assert_proc(errand.pid, "status", "\nNoNewPrivs:\t1\n");
	assert_proc(errand.pid, "status", "\nUid:\t991\t991\t991\t991\n");
	assert_proc(errand.pid, "status", "\nGid:\t991\t991\t991\t991\n");
	assert_proc(errand.pid, "status", "\nCapPrm:\t0000000000000000\n");
	assert_proc(errand.pid, "status", "\nCapBnd:\t0000000000000000\n");
	assert_proc(errand.pid, "limits", "Max core file size        0                    0 ");
	assert_proc(errand.pid, "limits", "Max open files            64                   64 ");
	assert_proc(errand.pid, "limits", "Max cpu time              60                   60 ");
#if !defined(__SANITIZE_ADDRESS__)
	assert_proc(errand.pid, "limits", "Max address space         1073741824           1073741824 ");
#endif
	assert_int_equal(getsid(errand.pid), errand.pid);
	assert_int_equal(getpgid(errand.pid), errand.pid);
	assert_int_equal(count_descriptors(errand.pid), 3);
	stop(&errand);
}

/* Killed where no handler could have told the errand. */
static void test_dies_with_who_started_it(void **state)
{
	int told[2];
	pid_t starter, errand = 0;

	(void)state;
	assert_int_equal(pipe(told), 0);
	starter = fork();
	if (starter == 0) {
		struct errand started = start(run_errand);

		if (write(told[1], &started.pid, sizeof(started.pid)) < 0)
			_exit(96);
		for (;;)
			pause();
	}
	assert_int_equal(read(told[0], &errand, sizeof(errand)), sizeof(errand));
	WAIT_FOR(shut_in(errand));
	assert_int_equal(kill(starter, SIGKILL), 0);
	assert_int_equal(waitpid(starter, NULL, 0), starter);
	WAIT_FOR(!world_alive(errand));
	close(told[0]);
	close(told[1]);
}

/* ---- what it is for ---- */

static void give_order(struct errand *errand, const char *order)
{
	assert_int_equal(write(errand->order, order, strlen(order)), (ssize_t)strlen(order));
	close(errand->order);
}

static void test_makes_a_key(void **state)
{
	struct errand errand = start(run_errand);
	char text[8192];

	(void)state;
	give_order(&errand, "do key\nkind EC\nname web9\n");
	read_answer(&errand, text, sizeof(text));
	assert_non_null(strstr(text, "key -----BEGIN PRIVATE KEY-----"));
	assert_non_null(strstr(text, "certificate -----BEGIN CERTIFICATE-----"));
	close(errand.answer);
}

static void take_deletion(void *arg, const struct tls_request *request, struct tls_reply *reply)
{
	(void)arg;
	reply->status = strcmp(request->method, "DELETE") == 0 && strstr(request->headers, "Bearer of-the-order") ? 204 : 403;
}

static void test_talks_tls(void **state)
{
	struct tls_server *server = tls_server_start(TLS_SERVER_SOUND, take_deletion, NULL);
	struct errand errand = start(run_errand);
	char text[8192], order[1024];

	(void)state;
	assert_int_equal(chmod(tls_server_folder(server), 0755), 0); /* the authority's certificate is for everybody to read */
	snprintf(order, sizeof(order), "do delete\nuri %s/registration\ntoken of-the-order\nca_file %s\n", tls_server_url(server), tls_server_ca(server));
	give_order(&errand, order);
	read_answer(&errand, text, sizeof(text));
	assert_string_equal(text, "");
	close(errand.answer);
	tls_server_stop(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_from_inside), TEST(test_from_outside), TEST(test_dies_with_who_started_it), TEST(test_makes_a_key), TEST(test_talks_tls),
	};

	world_needs_pidfds();
	world_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
