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

/* ---- on each of the three files that readers trust ---- */

static inline int file_write(const char *path) { return open_as(path, O_WRONLY); }
static inline int file_read_write(const char *path) { return open_as(path, O_RDWR); }
static inline int file_trunc(const char *path) { return open_as(path, O_RDONLY | O_TRUNC); }
static inline int file_truncate(const char *path) { return outcome(truncate(path, 0)); }
static inline int file_unlink(const char *path) { return outcome(unlink(path)); }
static inline int file_chmod(const char *path) { return outcome(chmod(path, 0666)); }
static inline int file_chown(const char *path) { return outcome(chown(path, geteuid(), (gid_t)-1)); }
static inline int file_link(const char *path) { return outcome(link(path, OWN_PATH ".link")); }
static inline int file_take_away(const char *path) { return outcome(rename(path, OWN_PATH ".taken")); }

static inline int beside(const char *path, char *ret_beside, size_t size)
{
	return snprintf(ret_beside, size, "%s.new", path) < (int)size ? 0 : ENOEXEC;
}

static inline int file_rename(const char *path)
{
	char new[128];

	return beside(path, new, sizeof(new)) ? ENOEXEC : outcome(rename(path, new));
}

static inline int file_create_beside(const char *path)
{
	char new[128];

	return beside(path, new, sizeof(new)) ? ENOEXEC : open_as(new, O_WRONLY | O_CREAT);
}

/* One of its own over it. */
static inline int file_replace(const char *path)
{
	int fd = open(OWN_PATH, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd < 0 ? ENOEXEC : outcome(rename(OWN_PATH, path));
}

static inline int read_only_fd(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		_exit(ENOEXEC); /* it may read it: no refusal of ours */
	return fd;
}

static inline int fd_truncate(const char *path) { return outcome(ftruncate(read_only_fd(path), 0)); }
static inline int fd_punch(const char *path) { return outcome(fallocate(read_only_fd(path), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096)); }
static inline int fd_chmod(const char *path) { return outcome(fchmod(read_only_fd(path), 0666)); }

static inline int fd_map(const char *path)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, read_only_fd(path), 0) == MAP_FAILED ? errno : 0;
}

/* Mapped for reading, and made writable then. */
static inline int fd_protect(const char *path)
{
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, read_only_fd(path), 0);

	return map == MAP_FAILED ? ENOEXEC : outcome(mprotect(map, 4096, PROT_READ | PROT_WRITE));
}

static inline int fd_reopen(const char *path)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", read_only_fd(path));
	return open_as(name, O_RDWR);
}

/* ---- on others, and on what it holds of these ---- */

static inline int session_create(void) { return open_as(B2B_SESSION_DIR "/2-1", O_WRONLY | O_CREAT); }
static inline int lock_write(void) { return open_as(B2B_RUN_DIR "/b2bd.lock", O_RDWR); }
static inline int socket_unlink(void) { return outcome(unlink(B2B_SOCKET_PATH)); }

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

static const struct {
	const char *name, *path;
} attempt_files[] = { { "live", LIVE_PATH }, { "snapshot", SNAPSHOT_PATH }, { "index", INDEX_PATH } };

/* FILTERED: ownership alone does not refuse it, and need not. */
#define ATTEMPT(name) { #name, name, false }
#define ATTEMPT_FILTERED(name) { #name, name, true }
static const struct {
	const char *name;
	int (*try)(const char *path);
	bool filtered;
} file_attempts[] = {
	ATTEMPT(file_write), ATTEMPT(file_read_write), ATTEMPT(file_trunc), ATTEMPT(file_truncate), ATTEMPT(file_unlink), ATTEMPT(file_chmod),
	ATTEMPT(file_chown), ATTEMPT_FILTERED(file_link) /* see proc(5), protected_hardlinks */, ATTEMPT(file_take_away), ATTEMPT(file_rename),
	ATTEMPT(file_create_beside), ATTEMPT(file_replace), ATTEMPT(fd_truncate), ATTEMPT(fd_punch), ATTEMPT(fd_chmod), ATTEMPT(fd_map),
	ATTEMPT(fd_protect), ATTEMPT(fd_reopen),
};
static const struct {
	const char *name;
	int (*try)(void);
	bool filtered;
} attempts[] = {
	ATTEMPT(session_create), ATTEMPT(lock_write), ATTEMPT(socket_unlink), ATTEMPT(map_reopen),
	ATTEMPT_FILTERED(map_remove) /* as storing zeros */, ATTEMPT_FILTERED(own_memory), ATTEMPT(guard_memory), ATTEMPT(guard_fd_0),
	ATTEMPT(guard_signal), ATTEMPT(guard_stop), ATTEMPT(first_signal), ATTEMPT(guard_ptrace), ATTEMPT(guard_limits), ATTEMPT(guard_write),
	ATTEMPT(guard_pidfd), ATTEMPT(guard_pidfd_signal),
};

#define N_FILES (sizeof(attempt_files) / sizeof(*attempt_files))
#define N_FILE_ATTEMPTS (sizeof(file_attempts) / sizeof(*file_attempts))
#define N_ATTEMPTS (sizeof(attempts) / sizeof(*attempts))
_Static_assert(N_FILES * N_FILE_ATTEMPTS + N_ATTEMPTS <= ATTEMPTS_MAX, "room for what comes of each");

/* What came of it in the CHILD that tried NAME on WHAT. */
static inline void note_attempt(const char *what, const char *name, pid_t child)
{
	struct attempt *attempt = &shared->attempts[shared->n_attempts];
	int status = 0;

	waitpid(child, &status, 0);
	snprintf(attempt->name, sizeof(attempt->name), "%s %s", what, name);
	attempt->error = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	shared->n_attempts++;
}

/* All of it, or what no filter of system calls is needed for. */
static inline void try_everything(struct b2b_live *const *lives_here, bool filter)
{
	pid_t child;

	attempt_lives = lives_here;
	shared->n_attempts = 0;
	for (size_t file = 0; file < N_FILES; file++)
		for (size_t i = 0; i < N_FILE_ATTEMPTS; i++) {
			if (file_attempts[i].filtered && !filter)
				continue;
			child = fork();
			if (child == 0)
				_exit(file_attempts[i].try(attempt_files[file].path));
			note_attempt(attempt_files[file].name, file_attempts[i].name, child);
		}
	for (size_t i = 0; i < N_ATTEMPTS; i++) {
		if (attempts[i].filtered && !filter)
			continue;
		child = fork();
		if (child == 0)
			_exit(attempts[i].try());
		note_attempt("agent", attempts[i].name, child);
	}
}

#endif
