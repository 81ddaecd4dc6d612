#include <asm/ioctls.h>
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "b2bd/sandbox.h"
#include "b2bd/sandbox_lists.h"
#include "common/log.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/*
 * Beside what keeps a process alive: SQLite's files and locks, libcurl with its resolver's threads, OpenSSL, memfds for
 * snapshots, and children that build them. Not here, though harmless to most programs: listen (the socket is inherited),
 * setuid and its kin, ptrace, unshare, mount, keyctl, bpf, execve.
 */
static const char *const calls[] = {
	/* files */
	"open", "openat", "openat2", "access", "faccessat", "faccessat2", "stat", "lstat", "fstatfs", "statfs", "readlink", "readlinkat",
	"getcwd", "getdents64", "pread64", "pwrite64", "preadv", "pwritev", "ftruncate", "fallocate", "fsync", "fdatasync", "flock",
	"fchmod", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "umask", "utimensat", "fadvise64",
	"msync", "mincore", "dup2", "memfd_create", "copy_file_range", "sendfile", "eventfd2",
	/* network; the families are judged below */
	"connect", "bind", "accept", "accept4", "shutdown", "getsockname", "getpeername", "setsockopt", "getsockopt",
	"sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
	/* waiting, its own children, its own threads */
	"select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "signalfd4", "timerfd_create", "timerfd_settime",
	"timerfd_gettime", "kill", "get_robust_list", "setpriority", "getpriority", "ioprio_set", "sched_getparam", "sched_getscheduler",
	"pidfd_open", "getsid",
	NULL,
};

static int allow_sockets(scmp_filter_ctx filter)
{
	/* Netlink is how libc's resolver finds out which address families the host has. */
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	int r;

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
		if (r < 0)
			return r;
	}
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
}

static int allow_requests(scmp_filter_ctx filter)
{
	static const unsigned ioctls[] = { FIONBIO, FIONREAD, FIOCLEX, TCGETS };
	static const unsigned prctls[] = { PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_SET_PDEATHSIG, PR_GET_DUMPABLE };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(ioctls) / sizeof(*ioctls); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, ioctls[i], 0));
	for (size_t i = 0; r == 0 && i < sizeof(prctls) / sizeof(*prctls); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, prctls[i], 0));
	/* Its own limits only: pid 0. */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_EQ, 0, 0));
	return r;
}

/* The bounding set first: afterwards there is no CAP_SETPCAP to do it with. Leaving uid 0 clears the other sets. */
static int become(uid_t uid, gid_t gid)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOUNDS) < 0) {
		b2b_log(LOG_ERR, "event=sandbox-failed what=bounding-set");
		return -EPERM;
	}
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0) {
		int r = -errno;

		b2b_log(LOG_ERR, "event=sandbox-failed what=user error=\"%s\"", strerror(-r));
		return r;
	}
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 || capng_get_caps_process() < 0 || capng_have_capabilities(CAPNG_SELECT_BOTH) != CAPNG_NONE ||
	    setresuid(0, 0, 0) == 0) {
		b2b_log(LOG_ERR, "event=sandbox-failed what=agent-capabilities");
		return -EPERM;
	}
	return 0;
}

int b2b_sandbox_agent(uid_t uid, gid_t gid)
{
	scmp_filter_ctx filter = NULL;
	int r = uid == 0 || gid == 0 ? -EINVAL : become(uid, gid);

	if (r == 0)
		r = b2b_sandbox_common();
	if (r < 0)
		return r;
	r = b2b_filter_new(calls, &filter);
	if (r == 0)
		r = b2b_filter_processes(filter);
	if (r == 0)
		r = allow_sockets(filter);
	if (r == 0)
		r = allow_requests(filter);
	return b2b_filter_load(filter, r);
}
