#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/bench/first.h"

#define PATH_SIZE 4096
#define NOT_FOUND 3

int bench_beside(const char *program, char *path, unsigned size)
{
	char self[PATH_SIZE];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		return -errno;
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	len = snprintf(path, size, "%s/%s", self, program);
	return len >= (ssize_t)size ? -ENAMETOOLONG : 0;
}

static int found(int status)
{
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != NOT_FOUND))
		return -ECHILD;
	return WEXITSTATUS(status) == 0;
}

int bench_first_run(const char *service, const char *name, uint64_t *ret_ns)
{
	char path[PATH_SIZE];
	char *argv[] = { path, (char *)(uintptr_t)service, (char *)(uintptr_t)name, NULL };
	uint64_t began;
	int status, r;
	pid_t pid;

	r = bench_beside("first", path, sizeof(path));
	if (r < 0)
		return r;
	began = b2b_now_ns();
	r = posix_spawn(&pid, path, NULL, NULL, argv, environ);
	if (r != 0)
		return -r;
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	*ret_ns = b2b_now_ns() - began;
	return found(status);
}

/* From mark to mark; what comes before the first and after the last is nobody's look-up. */
struct count {
	unsigned marks;
	uint64_t calls[2];
};

static void count_entry(const struct __ptrace_syscall_info *info, struct count *count)
{
	if (info->entry.nr == SYS_getpgid && (int)info->entry.args[0] == BENCH_MARK)
		count->marks++;
	else if (count->marks == 1 || count->marks == 2)
		count->calls[count->marks - 1]++;
}

static int follow(pid_t pid, struct count *count)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0)
		return -ECHILD;
	for (;;) {
		struct __ptrace_syscall_info info;

		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) != pid)
			return -ECHILD;
		if (WIFEXITED(status) || WIFSIGNALED(status))
			return count->marks == 3 ? found(status) : -ECHILD;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY)
			count_entry(&info, count);
	}
}

int bench_first_count(const char *service, const char *name, unsigned times, uint64_t *ret_first, uint64_t *ret_more)
{
	char path[PATH_SIZE], number[16];
	struct count count = { .marks = 0 };
	pid_t pid;
	int r;

	r = bench_beside("first", path, sizeof(path));
	if (r < 0)
		return r;
	snprintf(number, sizeof(number), "%u", times);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execl(path, path, service, name, number, (char *)NULL);
		_exit(127);
	}
	r = follow(pid, &count);
	if (r < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return r;
	}
	*ret_first = count.calls[0];
	*ret_more = count.calls[1];
	return r;
}
