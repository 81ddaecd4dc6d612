/*
 * A world of its own for tests that end processes: private mounts, a private pid namespace in which nothing of the machine
 * exists, a private /run. Whatever a broken guard did would hit this world only, and all of it dies with its first process.
 */
#ifndef TEST_GUARD_WORLD_H
#define TEST_GUARD_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/live.h"
#include "common/session_record.h"

#define WORLD_CACHE "/run/b2b-cache"

#define ACME_LO 0x78000000u
#define EMEA_LO 0x78010000u
#define GLOBEX_LO 0x78020000u
enum { ACME, EMEA, GLOBEX, WORLD_ORGS };

/* acme, emea.acme below it, globex. */
static inline struct b2b_policy *world_policy(void)
{
	static const struct {
		const char *id, *alias;
		int parent;
		uint32_t lo;
	} orgs[WORLD_ORGS] = { { "42c3e9", "acme", -1, ACME_LO }, { "7be10a", "emea.acme", ACME, EMEA_LO }, { "9d01f2", "globex", -1, GLOBEX_LO } };
	struct b2b_policy *policy = calloc(1, sizeof(*policy));

	policy->generation = 1;
	policy->separator = '@';
	policy->partners_gid = B2B_PARTNERS_GID;
	policy->group_members = true;
	snprintf(policy->home, sizeof(policy->home), "/home/%%o/%%u");
	snprintf(policy->shells[0], sizeof(policy->shells[0]), "/bin/bash");
	policy->n_shells = 1;
	policy->n_orgs = WORLD_ORGS;
	policy->orgs = calloc(WORLD_ORGS, sizeof(*policy->orgs));
	for (int i = 0; i < WORLD_ORGS; i++) {
		snprintf(policy->orgs[i].id, sizeof(policy->orgs[i].id), "%s", orgs[i].id);
		snprintf(policy->orgs[i].alias, sizeof(policy->orgs[i].alias), "%s", orgs[i].alias);
		policy->orgs[i].parent = orgs[i].parent;
		policy->orgs[i].range_lo = orgs[i].lo;
		policy->orgs[i].range_hi = orgs[i].lo + 1023;
	}
	return policy;
}

static bool world_inside; /* only then may anything be ended */

/* The world's first process takes in orphans, so that they do not fill it up as zombies, and ends as the test ended. */
_Noreturn static inline void world_init(pid_t test)
{
	int status = 0;
	pid_t gone;

	while ((gone = wait(&status)) != test) {
		if (gone < 0)
			_exit(99);
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

/*
 * Go there: returns in a process of the new world; the caller's process waits for it and ends as it ended.
 * Where the machine allows no namespaces the test says that it was skipped, and ends.
 */
static inline void world_enter(void)
{
	pid_t child;
	int status;

	if (geteuid() != 0 || unshare(CLONE_NEWNS | CLONE_NEWPID) < 0) {
		puts("skip world: takes root and namespaces");
		exit(0);
	}
	fflush(NULL);
	child = fork();
	if (child != 0) {
		waitpid(child, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	child = fork();
	if (child != 0)
		world_init(child);
	world_inside = getpid() == 2;
	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 || mount("proc", "/proc", "proc", 0, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=755") < 0 || mkdir(B2B_RUN_DIR, 0755) < 0 || mkdir(B2B_SESSION_DIR, 0750) < 0 ||
	    mkdir(WORLD_CACHE, 0755) < 0) {
		perror("world");
		_exit(99);
	}
}

/* Valgrind knows pidfd_open no more than execve that fails: what ends processes can only be tested without it. */
static inline bool world_has_pidfds(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static inline void world_needs_pidfds(void)
{
	if (world_has_pidfds())
		return;
	puts("skip world: takes pidfd_open, which the kernel or valgrind does not have");
	exit(0);
}

static inline void world_pause(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	nanosleep(&ms, NULL);
}

/* Until CONDITION holds, at most 10 s. */
#define WAIT_FOR(condition)                                                     \
	do {                                                                    \
		uint64_t until_ = b2b_now_ns() + 10 * B2B_NS_PER_S;             \
		bool holds_ = (condition);                                      \
		while (!holds_ && b2b_now_ns() < until_) {                      \
			world_pause();                                          \
			holds_ = (condition);                                   \
		}                                                               \
		assert_true(holds_);                                            \
	} while (0)

/* The letter that /proc has for the state of PID; 'X': it is not there. */
static inline char world_state(pid_t pid)
{
	char path[64], text[512], *name_end;
	ssize_t got = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (got <= 0)
		return 'X';
	text[got] = '\0';
	name_end = strrchr(text, ')');
	return name_end && name_end[1] ? name_end[2] : 'X';
}

/* Is PID there and not dead? */
static inline bool world_alive(pid_t pid)
{
	char state = world_state(pid);

	return state != 'Z' && state != 'X';
}

static inline bool world_stopped(pid_t pid)
{
	return world_state(pid) == 'T';
}

static inline void world_become(uint32_t uid)
{
	if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		_exit(98);
}

static inline void world_register(pid_t pid, uint64_t start_ticks, uint32_t uid, int64_t opened_s)
{
	struct b2b_session_record record = { .magic = B2B_SESSION_MAGIC, .uid = uid, .pid = pid, .start_ticks = start_ticks, .opened_s = opened_s };

	snprintf(record.origin.service, sizeof(record.origin.service), "sshd");
	if (b2b_session_put(&record) < 0)
		_exit(97);
}

#endif
