#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "b2bd/sandbox.h"
#include "b2bd/sandbox_lists.h"
#include "common/log.h"

/*
 * Beside what keeps a process alive: files to read, connections to make, and threads for libc's resolver. It has the agent's
 * uid, so whatever that may do to the agent's database, its processes and its socket is missing here: every way to change a
 * file or a directory, to lock one, to signal a process, to listen, and UNIX sockets.
 */
static const char *const calls[] = {
	/* files; opening is judged below */
	"access", "faccessat", "faccessat2", "stat", "lstat", "readlink", "readlinkat", "pread64",
	/* network; the families are judged elsewhere */
	"connect", "bind", "shutdown", "getsockname", "getpeername", "setsockopt", "getsockopt",
	"sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
	/* waiting */
	"select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2", "get_robust_list",
	NULL,
};

static const struct {
	int what;
	rlim_t most;
} limits[] = {
	{ RLIMIT_NOFILE, 64 },
	{ RLIMIT_CPU, 60 }, /* seconds: an RSA key on a slow machine takes a few */
	{ RLIMIT_MSGQUEUE, 0 },
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* their shadow takes terabytes of it */
	{ RLIMIT_AS, 1ul << 30 },
#endif
};

/* None is raised: a container may have given less, and refuse more. */
static int limit(void)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct rlimit now, wanted = { limits[i].most, limits[i].most };

		if (getrlimit(limits[i].what, &now) < 0)
			return -errno;
		if (now.rlim_max < limits[i].most)
			wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
		if (setrlimit(limits[i].what, &wanted) < 0)
			return -errno;
	}
	return 0;
}

/* Nothing of who started it but descriptors 0 to 2. Who leads a group of processes, started so by a shell, has one of its own. */
static int part(void)
{
	if (clearenv() != 0)
		return -ENOMEM;
	if (chdir("/") < 0 || close_range(STDERR_FILENO + 1, ~0u, 0) < 0 || (getpgrp() != getpid() && setsid() < 0))
		return -errno;
	return limit();
}

/* Only to read: the lower two bits tell what for, and O_TRUNC and O_TMPFILE change the file whatever they say. */
static int allow_reading(scmp_filter_ctx filter)
{
	const scmp_datum_t changes = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, changes, 0));

	return r < 0 ? r : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, changes, 0));
}

/* Neither locks (a lock for reading holds up the agent's database) nor leases nor F_SETOWN, which sends signals. */
static int allow_descriptors(scmp_filter_ctx filter)
{
	static const unsigned requests[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(requests) / sizeof(*requests); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, requests[i]));
	return r;
}

/* Threads and no processes, see b2b_filter_processes; and signals to its own threads, as abort() sends one. */
static int allow_threads(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	                         SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | B2B_CLONE_NAMESPACES, CLONE_THREAD));

	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, (scmp_datum_t)getpid()));
	return r;
}

int b2b_sandbox_errand(uid_t uid, gid_t gid)
{
	scmp_filter_ctx filter = NULL;
	pid_t parent = getppid();
	int r = part();

	if (r < 0)
		b2b_log(LOG_ERR, "event=sandbox-failed what=errand error=\"%s\"", strerror(-r));
	if (r == 0)
		r = b2b_sandbox_become(uid, gid);
	if (r == 0)
		r = b2b_sandbox_common();
	if (r < 0)
		return r;
	/* Cleared when the credentials change, so after them; who started it may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		return -ESRCH;
	r = b2b_filter_new(calls, &filter);
	if (r == 0)
		r = b2b_filter_network(filter);
	if (r == 0)
		r = allow_reading(filter);
	if (r == 0)
		r = allow_descriptors(filter);
	if (r == 0)
		r = allow_threads(filter);
	return b2b_filter_load(filter, r);
}
