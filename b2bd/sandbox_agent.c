#include <sys/prctl.h>
#include <sys/socket.h>

#include "b2bd/sandbox.h"
#include "b2bd/sandbox_lists.h"

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
	"timerfd_gettime", "kill", "tgkill", "get_robust_list", "setpriority", "getpriority", "ioprio_set", "sched_getparam", "sched_getscheduler",
	"pidfd_open", "getsid", "fcntl",
	NULL,
};

int b2b_sandbox_agent(uid_t uid, gid_t gid)
{
	scmp_filter_ctx filter = NULL;
	int r = b2b_sandbox_become(uid, gid);

	if (r == 0)
		r = b2b_sandbox_common();
	if (r < 0)
		return r;
	r = b2b_filter_new(calls, &filter);
	if (r == 0)
		r = b2b_filter_processes(filter);
	if (r == 0)
		r = b2b_filter_network(filter);
	if (r == 0) /* its own socket; name services of the host that libc asks for a server's address */
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	if (r == 0) /* children that build snapshots end with it */
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_PDEATHSIG, 0));
	return b2b_filter_load(filter, r);
}
