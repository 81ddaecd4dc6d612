/* What a taken-over agent tries on files and processes that are not its own; each in a child, for some would end it. */
#ifndef TAKEN_OVER_ATTEMPTS_H
#define TAKEN_OVER_ATTEMPTS_H

#include <sys/inotify.h>
#include <sys/uio.h>

#include "tests/unit/taken_over_agent.h"

#define LIVE_PATH WORLD_CACHE "/live/42c3e9"
#define SNAPSHOT_PATH WORLD_CACHE "/org/42c3e9/snapshot"
#define INDEX_PATH WORLD_CACHE "/index"
#define OWN_PATH "/run/b2b-state/own"

static struct b2b_live *const *attempt_lives;

static inline int outcome(long r)
{
	return r < 0 ? errno : 0;
}

static inline int open_as(const char *path, int flags)
{
	return outcome(open(path, flags | O_CLOEXEC, 0600));
}

static inline int live_write(void) { return open_as(LIVE_PATH, O_WRONLY); }
static inline int live_trunc(void) { return open_as(LIVE_PATH, O_RDONLY | O_TRUNC); }
static inline int live_create_beside(void) { return open_as(WORLD_CACHE "/live/new", O_WRONLY | O_CREAT); }
static inline int live_truncate(void) { return outcome(truncate(LIVE_PATH, 0)); }
static inline int live_unlink(void) { return outcome(unlink(LIVE_PATH)); }
static inline int live_rename(void) { return outcome(rename(LIVE_PATH, LIVE_PATH ".gone")); }
static inline int live_chmod(void) { return outcome(chmod(LIVE_PATH, 0666)); }
static inline int live_link(void) { return outcome(link(LIVE_PATH, "/run/b2b-state/link")); }
static inline int snapshot_write(void) { return open_as(SNAPSHOT_PATH, O_WRONLY); }
static inline int snapshot_unlink(void) { return outcome(unlink(SNAPSHOT_PATH)); }
static inline int index_write(void) { return open_as(INDEX_PATH, O_RDWR); }
static inline int index_rename(void) { return outcome(rename(INDEX_PATH, "/run/b2b-state/index")); }
static inline int session_create(void) { return open_as(B2B_SESSION_DIR "/2-1", O_WRONLY | O_CREAT); }
static inline int lock_write(void) { return open_as(B2B_RUN_DIR "/b2bd.lock", O_RDWR); }
static inline int socket_unlink(void) { return outcome(unlink(B2B_SOCKET_PATH)); }

/* One of its own over the live file. */
static inline int live_replace(void)
{
	int fd = open(OWN_PATH, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd < 0 ? ENOEXEC : outcome(rename(OWN_PATH, LIVE_PATH));
}

static inline int read_only_fd(void)
{
	int fd = open(LIVE_PATH, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		_exit(ENOEXEC); /* it may read it: no refusal of ours */
	return fd;
}

static inline int fd_truncate(void) { return outcome(ftruncate(read_only_fd(), 0)); }
static inline int fd_punch(void) { return outcome(fallocate(read_only_fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096)); }
static inline int fd_chmod(void) { return outcome(fchmod(read_only_fd(), 0666)); }

static inline int fd_map(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, read_only_fd(), 0) == MAP_FAILED ? errno : 0;
}

static inline int fd_reopen(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", read_only_fd());
	return open_as(path, O_RDWR);
}

/* The mapping's file, by the name that the kernel gives it. */
static inline int map_reopen(void)
{
	const struct b2b_live *live = attempt_lives[ACME];
	char path[96];

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)live->file,
	         ((unsigned long)live->file + live->size + 4095) & ~4095ul);
	return open_as(path, O_RDWR);
}

static inline int map_remove(void) { return outcome(madvise(attempt_lives[ACME]->file, 4096, MADV_REMOVE)); }
static inline int own_memory(void) { return open_as("/proc/self/mem", O_RDWR); }

static inline int guard_path(const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)shared->guard, name);
	return open_as(path, flags);
}

static inline int guard_memory(void) { return guard_path("mem", O_RDWR); }
static inline int guard_fd_0(void) { return guard_path("fd/0", O_RDONLY); }
static inline int guard_signal(void) { return outcome(kill(shared->guard, SIGKILL)); }
static inline int guard_stop(void) { return outcome(kill(shared->guard, SIGSTOP)); }
static inline int first_signal(void) { return outcome(kill(getppid() > 1 ? shared->bystanders[0] : 1, SIGKILL)); }
static inline int guard_ptrace(void) { return outcome(ptrace(PTRACE_ATTACH, shared->guard, NULL, NULL)); }
static inline int guard_limits(void)
{
	const struct rlimit none = { 0, 0 };

	return outcome(prlimit(shared->guard, RLIMIT_NOFILE, &none, NULL));
}

static inline int guard_write(void)
{
	char byte = 0;
	struct iovec here = { &byte, 1 }, there = { (void *)(uintptr_t)attempt_lives[ACME]->file, 1 };

	return outcome(process_vm_writev(shared->guard, &here, 1, &there, 1, 0));
}

static inline int guard_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, shared->guard, 0);

	return fd < 0 ? errno : outcome(syscall(SYS_pidfd_getfd, fd, 0, 0));
}

static inline int guard_pidfd_signal(void)
{
	int fd = (int)syscall(SYS_pidfd_open, shared->guard, 0);

	return fd < 0 ? errno : outcome(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
}

#define ATTEMPT(name) { #name, name }
static const struct {
	const char *name;
	int (*try)(void);
} attempts[] = {
	ATTEMPT(live_write), ATTEMPT(live_trunc), ATTEMPT(live_create_beside), ATTEMPT(live_truncate), ATTEMPT(live_unlink), ATTEMPT(live_rename),
	ATTEMPT(live_chmod), ATTEMPT(live_link), ATTEMPT(live_replace), ATTEMPT(snapshot_write), ATTEMPT(snapshot_unlink), ATTEMPT(index_write),
	ATTEMPT(index_rename), ATTEMPT(session_create), ATTEMPT(lock_write), ATTEMPT(socket_unlink), ATTEMPT(fd_truncate), ATTEMPT(fd_punch),
	ATTEMPT(fd_chmod), ATTEMPT(fd_map), ATTEMPT(fd_reopen), ATTEMPT(map_reopen), ATTEMPT(map_remove), ATTEMPT(own_memory),
	ATTEMPT(guard_memory), ATTEMPT(guard_fd_0), ATTEMPT(guard_signal), ATTEMPT(guard_stop), ATTEMPT(first_signal), ATTEMPT(guard_ptrace),
	ATTEMPT(guard_limits), ATTEMPT(guard_write), ATTEMPT(guard_pidfd), ATTEMPT(guard_pidfd_signal),
};

static inline void try_everything(struct b2b_live *const *lives_here)
{
	attempt_lives = lives_here;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
		struct attempt *attempt = &shared->attempts[shared->n_attempts];
		int status = 0;
		pid_t child = fork();

		if (child == 0)
			_exit(attempts[i].try());
		waitpid(child, &status, 0);
		snprintf(attempt->name, sizeof(attempt->name), "%s", attempts[i].name);
		attempt->error = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		shared->n_attempts++;
	}
}

#endif
