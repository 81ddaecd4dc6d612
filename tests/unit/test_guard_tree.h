/* A session of alice's for a guard to end, and what is left of a test's processes. */
#ifndef TEST_GUARD_TREE_H
#define TEST_GUARD_TREE_H

#include "tests/unit/test_guard_harness.h"

struct tree {
	pid_t leader, relay, shell, command;
};

static inline void tell(int out, pid_t pid)
{
	if (write(out, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		_exit(96);
}

/* As sshd does: each below the one before, and the command in a POSIX session of its own. */
static inline void be_session(int out)
{
	setsid();
	tell(out, getpid());
	if (fork() != 0)
		sleep_for_ever();
	world_become(ALICE);
	tell(out, getpid());
	if (fork() != 0)
		sleep_for_ever();
	setsid();
	tell(out, getpid());
	if (fork() != 0)
		sleep_for_ever();
	setsid();
	tell(out, getpid());
	sleep_for_ever();
}

static inline struct tree start_session(void)
{
	struct tree tree;
	pid_t *const pids[] = { &tree.leader, &tree.relay, &tree.shell, &tree.command };
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	if (fork() == 0)
		be_session(ends[1]);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(read(ends[0], pids[i], sizeof(pid_t)), sizeof(pid_t));
	close(ends[0]);
	close(ends[1]);
	return tree;
}

static inline uint64_t ticks_of(pid_t pid)
{
	struct b2b_process process;

	assert_int_equal(b2b_process_read(pid, &process), 0);
	return process.start_ticks;
}

static inline size_t living(void)
{
	struct b2b_processes list = { 0 };
	size_t n;

	b2b_processes_scan(&list, NULL, NULL);
	n = list.n;
	b2b_processes_free(&list);
	return n;
}

/* Until nobody is left but the world's first process and this one: orphans are not waited for by their kind. */
static inline int end_all(void **state)
{
	(void)state;
	assert_true(world_inside);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	WAIT_FOR(living() == 2);
	return 0;
}

#endif
