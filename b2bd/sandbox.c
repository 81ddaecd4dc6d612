#include "b2bd/sandbox.h"

#include <asm/ioctls.h>
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "b2bd/sandbox_lists.h"
#include "common/log.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

const char *const b2b_calls_life[] = {
	"brk", "mmap", "munmap", "mremap", "mprotect", "membarrier",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "rt_sigtimedwait", "restart_syscall",
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
	"getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid",
	"futex", "set_robust_list", "rseq", "set_tid_address", "sched_yield", "sched_getaffinity", "getrandom", "sysinfo", "uname",
	"getrlimit", "getrusage", "wait4", "waitid", "exit", "exit_group",
	"read", "write", "readv", "writev", "close", "close_range", "lseek", "fstat", "newfstatat", "statx",
	"poll", "ppoll", "pipe", "pipe2", "dup", "dup3",
	NULL,
};

/* Refused to every process of b2bd: other programs, other processes' memory, the kernel itself, keys, mounts, the clock. */
static const char *const calls_never[] = {
	"execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "bpf", "perf_event_open",
	"add_key", "request_key", "keyctl",
	"mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
	"mount_setattr", "setns", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "nfsservctl",
	"settimeofday", "stime", "clock_settime", "clock_settime64", "adjtimex", "clock_adjtime", "clock_adjtime64",
	"sethostname", "setdomainname", "syslog", "vhangup", "iopl", "ioperm", "personality", "userfaultfd", "lookup_dcookie",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "open_by_handle_at", "name_to_handle_at", "mknod", "mknodat",
	"landlock_create_ruleset", "uselib", "modify_ldt", "fanotify_init",
	NULL,
};

int b2b_filter_names(scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
	for (; *names; names++) {
		int number = seccomp_syscall_resolve_name(*names), r;

		if (number == __NR_SCMP_ERROR)
			continue; /* this libseccomp does not know it: refused by the filter's default */
		r = seccomp_rule_add(filter, action, number, 0);
		if (r < 0 && r != -EDOM)
			return r;
	}
	return 0;
}

/*
 * What malloc, libc's threads and OpenSSL say about memory, but not MADV_REMOVE: it punches a hole into the file of a shared
 * mapping, for which no descriptor is needed, and a live file's blocks are there so that no store meets a full disk. The upper
 * half of an int argument is whatever was left there.
 */
static int allow_advice(scmp_filter_ctx filter)
{
	static const int advices[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, MADV_DONTFORK,
		                       MADV_DOFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP, MADV_WIPEONFORK, MADV_KEEPONFORK };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(advices) / sizeof(*advices); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1,
		                     SCMP_A2(SCMP_CMP_MASKED_EQ, 0xffffffffu, (scmp_datum_t)advices[i]));
	return r;
}

int b2b_filter_new(const char *const *calls, scmp_filter_ctx *ret_filter)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = filter ? b2b_filter_names(filter, SCMP_ACT_ALLOW, b2b_calls_life) : -ENOMEM;

	if (r == 0)
		r = allow_advice(filter);
	if (r == 0)
		r = b2b_filter_names(filter, SCMP_ACT_ALLOW, calls);
	if (r < 0)
		seccomp_release(filter);
	else
		*ret_filter = filter;
	return r;
}

int b2b_filter_processes(scmp_filter_ctx filter)
{
	static const char *const forks[] = { "fork", "vfork", NULL };
	int r;

	r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, B2B_CLONE_NAMESPACES, 0));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r < 0 ? r : b2b_filter_names(filter, SCMP_ACT_ALLOW, forks);
}

int b2b_filter_network(scmp_filter_ctx filter)
{
	/* Netlink is how libc's resolver finds out which address families the host has. */
	static const int families[] = { AF_INET, AF_INET6, AF_NETLINK };
	static const unsigned ioctls[] = { FIONBIO, FIONREAD, FIOCLEX, TCGETS };
	static const unsigned prctls[] = { PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_GET_DUMPABLE };
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));

	for (size_t i = 0; r == 0 && i < sizeof(families) / sizeof(*families); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	for (size_t i = 0; r == 0 && i < sizeof(ioctls) / sizeof(*ioctls); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, ioctls[i], 0));
	for (size_t i = 0; r == 0 && i < sizeof(prctls) / sizeof(*prctls); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, prctls[i], 0));
	/* Its own limits only: pid 0. */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_EQ, 0, 0));
	return r;
}

int b2b_filter_load(scmp_filter_ctx filter, int before)
{
	int r = filter || before < 0 ? before : -ENOMEM;

	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	if (r < 0)
		b2b_log(LOG_ERR, "event=sandbox-failed what=seccomp error=\"%s\"", strerror(-r));
	return r;
}

int b2b_sandbox_common(void)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0) {
		int r = -errno;

		b2b_log(LOG_ERR, "event=sandbox-failed what=process error=\"%s\"", strerror(-r));
		return r;
	}
	return 0;
}

/* The bounding set first: afterwards there is no CAP_SETPCAP to do it with. Leaving uid 0 clears the other sets. */
int b2b_sandbox_become(uid_t uid, gid_t gid)
{
	if (uid == 0 || gid == 0)
		return -EINVAL;
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
		b2b_log(LOG_ERR, "event=sandbox-failed what=capabilities-left");
		return -EPERM;
	}
	return 0;
}

/*
 * KILL, DAC_OVERRIDE, SYS_PTRACE: what the guard keeps. CHOWN, FOWNER: directories of organisations that a reload adds.
 * SETUID, SETGID, SETPCAP: the agent's way down. SYS_ADMIN: the guard's network namespace.
 */
static int keep_first_capabilities(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, CAP_KILL, CAP_DAC_OVERRIDE, CAP_SYS_PTRACE,
	                  CAP_CHOWN, CAP_FOWNER, CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_SYS_ADMIN, -1) < 0 ||
	    capng_apply(CAPNG_SELECT_BOTH) < 0) {
		b2b_log(LOG_ERR, "event=sandbox-failed what=capabilities; b2bd must be started as root");
		return -EPERM;
	}
	return 0;
}

int b2b_sandbox_first(void)
{
	scmp_filter_ctx filter;
	int r = keep_first_capabilities();

	if (r == 0)
		r = b2b_sandbox_common();
	if (r < 0)
		return r;
	filter = seccomp_init(SCMP_ACT_ALLOW);
	return b2b_filter_load(filter, filter ? b2b_filter_names(filter, SCMP_ACT_ERRNO(EPERM), calls_never) : -ENOMEM);
}
