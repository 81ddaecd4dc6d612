#include "tests/crash/tracer.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/machine.h"

#define MARK_FD (-1000000) /* close() of such a descriptor is a mark */
#define STOP_AT_CALL (SIGTRAP | 0x80)
#define IDLE_MOMENTS 1500 /* of 200 us */

#ifdef __x86_64__
#define SUPPORTED true

/* Before the call: no call at all is executed; after it: RESULT is what the child sees. */
static void change(pid_t pid, bool skip, const uint64_t *third, const int64_t *result)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		err(1, "PTRACE_GETREGS");
	if (skip)
		regs.orig_rax = (unsigned long long)-1;
	if (third)
		regs.rdx = *third;
	if (result)
		regs.rax = (unsigned long long)*result;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) < 0)
		err(1, "PTRACE_SETREGS");
}
#else
#define SUPPORTED false

static void change(pid_t pid, bool skip, const uint64_t *third, const int64_t *result)
{
	(void)pid;
	(void)skip;
	(void)third;
	(void)result;
	errx(1, "the tracer does not know this machine's registers");
}
#endif

bool tracer_works(void)
{
	return SUPPORTED && !machine_valgrind();
}

void tracer_mark(int number)
{
	syscall(SYS_close, MARK_FD - number);
}

int tracer_copy(pid_t pid, void *to, uint64_t from, size_t size)
{
	struct iovec here = { .iov_base = to, .iov_len = size }, there = { .iov_base = (void *)(uintptr_t)from, .iov_len = size };

	return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

int tracer_fd_path(pid_t pid, int fd, char *path, size_t size)
{
	char link[64];
	ssize_t got;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)pid, fd);
	got = readlink(link, path, size - 1);
	if (got < 0)
		return -errno;
	path[got] = '\0';
	return 0;
}

struct run {
	const struct tracer_hooks *hooks;
	pid_t pid;
	struct tracer_call call;
	unsigned count;
	bool inside; /* between a call's two stops */
	bool marking;
	enum tracer_verdict verdict;
	int error;
};

/* The calls of the child's own end are no part of the body. */
static bool of_the_body(const struct tracer_call *call)
{
	return call->call != SYS_exit_group && call->call != SYS_exit;
}

static void before(struct run *run, const struct __ptrace_syscall_info *info)
{
	const int64_t fd = (int64_t)(int32_t)info->entry.args[0];
	uint64_t half;

	run->call = (struct tracer_call){ .pid = run->pid, .number = run->count, .call = (long)info->entry.nr };
	for (int i = 0; i < 6; i++)
		run->call.args[i] = info->entry.args[i];
	run->verdict = TRACER_PASS;
	run->marking = run->call.call == SYS_close && fd <= MARK_FD;
	if (run->marking && run->hooks->mark)
		run->hooks->mark(run->hooks->arg, (int)(MARK_FD - fd));
	if (run->marking || !of_the_body(&run->call))
		return;
	run->count++;
	run->verdict = run->hooks->enter(run->hooks->arg, &run->call, &run->error);
	if (run->verdict == TRACER_KILL)
		kill(run->pid, SIGKILL);
	if (run->verdict == TRACER_FAIL)
		change(run->pid, true, NULL, NULL);
	half = run->call.args[2] / 2;
	if (run->verdict == TRACER_SHORTEN)
		change(run->pid, false, &half, NULL);
}

static void after(struct run *run, const struct __ptrace_syscall_info *info)
{
	int64_t result = info->exit.rval;

	if (run->verdict == TRACER_FAIL) {
		result = -run->error;
		change(run->pid, false, NULL, &result);
	}
	if (!run->marking && of_the_body(&run->call) && run->hooks->leave)
		run->hooks->leave(run->hooks->arg, &run->call, result);
}

static void at_call(struct run *run)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, run->pid, sizeof(info), &info) <= 0)
		return; /* killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		before(run, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		after(run, &info);
}

/* Returns the status with which the child ended. */
static int follow(struct run *run)
{
	int status, signal = 0;

	for (;;) {
		ptrace(PTRACE_SYSCALL, run->pid, NULL, (long)signal);
		if (waitpid(run->pid, &status, 0) < 0)
			err(1, "waitpid");
		if (!WIFSTOPPED(status))
			return status;
		signal = 0;
		if (WSTOPSIG(status) == STOP_AT_CALL)
			at_call(run);
		else
			signal = WSTOPSIG(status);
	}
}

static pid_t spawn(int (*body)(void *), void *body_arg, int *result)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid > 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(1);
	raise(SIGSTOP);
	*result = body(body_arg);
	_exit(0);
}

/* Wait until PID has stopped, for as long as it may take or (IDLE) a while alone. Returns whether it has. */
static bool wait_stopped(pid_t pid, bool idle, int *ret_status)
{
	const struct timespec moment = { .tv_nsec = 200000 };

	for (unsigned i = 0; !idle || i < IDLE_MOMENTS; i++) {
		pid_t got = waitpid(pid, ret_status, __WALL | (idle ? WNOHANG : 0));

		if (got < 0 || (got == pid && !WIFSTOPPED(*ret_status)))
			errx(1, "%d ended", (int)pid);
		if (got == pid)
			return true;
		nanosleep(&moment, NULL);
	}
	return false;
}

/* Is the stopped PID about to make a call at which it is to stand? */
static bool stands(pid_t pid, int status, const struct tracer_place *place)
{
	struct __ptrace_syscall_info info;
	struct tracer_call call = { .pid = pid };

	if (WSTOPSIG(status) != STOP_AT_CALL || ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	call.call = (long)info.entry.nr;
	for (int i = 0; i < 6; i++)
		call.args[i] = info.entry.args[i];
	return place->at(place->arg, &call);
}

bool tracer_hold(pid_t pid, const struct tracer_place *place)
{
	int status, signal;

	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 ||
	    kill(pid, SIGCONT) < 0)
		err(1, "taking hold of %d", (int)pid);
	for (;;) {
		while (!wait_stopped(pid, place->over != NULL, &status)) {
			if (!place->over(place->arg))
				continue;
			if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
				err(1, "stopping %d", (int)pid);
			return !wait_stopped(pid, false, &status);
		}
		if (stands(pid, status, place))
			return true;
		signal = status >> 16 || WSTOPSIG(status) == STOP_AT_CALL ? 0 : WSTOPSIG(status);
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (long)signal) < 0)
			err(1, "following %d", (int)pid);
	}
}

void tracer_let_go(pid_t pid)
{
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0)
		err(1, "letting go of %d", (int)pid);
}

void tracer_kill(pid_t pid)
{
	int status = 0;

	if (kill(pid, SIGKILL) < 0)
		err(1, "killing %d", (int)pid);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		;
}

int tracer_run(const struct tracer_hooks *hooks, int (*body)(void *arg), void *body_arg)
{
	struct run run = { .hooks = hooks };
	int *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), status, result;

	if (shared == MAP_FAILED)
		err(1, "mmap");
	fflush(NULL);
	run.pid = spawn(body, body_arg, shared);
	if (waitpid(run.pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, run.pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0)
		err(1, "tracing a child");
	status = follow(&run);
	result = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? *shared : TRACER_CRASHED;
	munmap(shared, sizeof(*shared));
	return run.verdict == TRACER_KILL ? TRACER_KILLED : result;
}
