#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "b2bd/sandbox.h"
#include "b2bd/sandbox_lists.h"
#include "common/log.h"

/* Beside what keeps a process alive. No socket: the two that it has came by fork, further ones only as messages. */
static const char *const calls[] = {
	/* /proc, terminals, snapshots */
	"open", "openat", "getdents64", "pread64", "pwrite64", "fsync", "fdatasync", "syncfs", "sync_file_range",
	"ftruncate", "fallocate", "fchmod", "fcntl",
	"rename", "renameat", "renameat2", "unlink", "unlinkat", "umask",
	/* agent and first process: send is sendto, recv is recvfrom */
	"recvmsg", "sendmsg", "sendto", "recvfrom",
	/* the heart */
	"pidfd_open", "pidfd_send_signal", "tgkill",
	/* the child that ends everything of one uid at a stroke (guard/strike.c); kill itself is judged below */
	"setresuid", "capset", "capget",
	/* waiting */
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "inotify_init1", "inotify_add_watch",
	NULL,
};

#define DESCRIPTORS 16384 /* one pidfd per END under way, one memfd per snapshot that waits */

/* With hidepid other people's processes are seen only with CAP_SYS_PTRACE; ptrace itself stays refused by the filter. */
static bool proc_hides(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent entry, *found;
	bool hides = false;
	char text[4096];

	if (!mounts)
		return true;
	while ((found = getmntent_r(mounts, &entry, text, sizeof(text)))) {
		const char *option;

		if (strcmp(found->mnt_dir, "/proc") != 0)
			continue;
		option = hasmntopt(found, "hidepid");
		hides = option && strncmp(option, "hidepid=0", strlen("hidepid=0")) != 0 && strncmp(option, "hidepid=off", strlen("hidepid=off")) != 0;
	}
	endmntent(mounts);
	return hides;
}

/*
 * CAP_SETUID is for the child that strikes (guard/strike.c). It gives the guard nothing that root's uid with CAP_DAC_OVERRIDE
 * could not take anyway; what keeps the guard whole is that it has so little to read.
 */
static int keep_capabilities(void)
{
	bool hides = proc_hides();

	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_KILL, CAP_DAC_OVERRIDE, CAP_SETUID, -1) < 0 ||
	    (hides && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_PTRACE) < 0) ||
	    capng_apply(CAPNG_SELECT_BOTH) < 0) {
		b2b_log(LOG_ERR, "event=sandbox-failed what=guard-capabilities");
		return -EPERM;
	}
	return 0;
}

static int leave_network(bool shared)
{
	int r;

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	r = -errno;
	if (shared) {
		b2b_log(LOG_WARNING, "event=sandbox-weaker what=network-namespace error=\"%s\"", strerror(-r));
		return 0;
	}
	b2b_log(LOG_ERR,
	        "event=sandbox-failed what=network-namespace error=\"%s\"; where a container refuses one, start b2bd with --shared-network",
	        strerror(-r));
	return r;
}

int b2b_sandbox_guard(bool shared_network)
{
	const struct rlimit descriptors = { DESCRIPTORS, DESCRIPTORS };
	scmp_filter_ctx filter = NULL;
	int r = leave_network(shared_network);

	if (r < 0)
		return r;
	setrlimit(RLIMIT_NOFILE, &descriptors); /* fewer are enough for all but the largest organisations */
	r = keep_capabilities();
	if (r == 0)
		r = b2b_sandbox_common();
	if (r < 0)
		return r;
	r = b2b_filter_new(calls, &filter);
	if (r == 0)
		r = b2b_filter_processes(filter); /* installs run in children */
	if (r == 0) /* installs end with the guard */
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_PDEATHSIG, 0));
	if (r == 0) /* kill(-1, SIGKILL) only; the upper half of the first argument is whatever the compiler left there */
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 2, SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, 0xffffffffu),
		                     SCMP_A1(SCMP_CMP_EQ, SIGKILL, 0));
	return b2b_filter_load(filter, r);
}
