/*
 * A tracer for writers under test: runs one in a child and stands at each of its system calls, before and after. It can let a
 * call pass, make it fail, cut a write short, or kill the child before the call is executed. What is traced is the shipped
 * code as it is; nothing in it knows of this.
 */
#ifndef B2B_CRASH_TRACER_H
#define B2B_CRASH_TRACER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TRACER_KILLED INT32_MIN
#define TRACER_CRASHED (INT32_MIN + 1) /* by a signal that nobody here sent, or an exit of its own */

struct tracer_call {
	pid_t pid;
	unsigned number;  /* 0 for the first call of the body */
	long call;        /* SYS_x */
	uint64_t args[6];
};

enum tracer_verdict { TRACER_PASS, TRACER_KILL, TRACER_FAIL, TRACER_SHORTEN };

struct tracer_hooks {
	/* Before a call. TRACER_FAIL: with *error, an errno. TRACER_SHORTEN: its third argument, a count, is halved. */
	enum tracer_verdict (*enter)(void *arg, const struct tracer_call *call, int *error);
	void (*leave)(void *arg, const struct tracer_call *call, int64_t result); /* NULL is legal */
	void (*mark)(void *arg, int number);                                      /* NULL is legal */
	void *arg;
};

/* Can this process trace a child here (architecture, no valgrind)? */
bool tracer_works(void);

/* Run BODY traced. Returns what it returned, TRACER_KILLED after a TRACER_KILL, or TRACER_CRASHED. Exits the test on failure. */
int tracer_run(const struct tracer_hooks *hooks, int (*body)(void *arg), void *body_arg);

/* In a body: tell the tracer NUMBER (0 or more). Costs a system call that does nothing; it is not counted. */
void tracer_mark(int number);

/*
 * Take hold of the process PID, which runs or is stopped: it goes on until it is about to make a call for which AT is true, and stands there;
 * or until it has made no call for a while, and OVER is true: it stands then wherever it is. Returns whether it was AT.
 * The caller kills it, or lets it go. Exits the test when it ends before.
 */
struct tracer_place {
	bool (*at)(void *arg, const struct tracer_call *call);
	bool (*over)(void *arg); /* NULL: wait until AT is */
	void *arg;
};
bool tracer_hold(pid_t pid, const struct tracer_place *place);
void tracer_let_go(pid_t pid);
void tracer_kill(pid_t pid); /* SIGKILL; returns when it is dead and its parent may know */

/* SIZE bytes at FROM of the stopped child into TO. Returns 0 or a negative errno. */
int tracer_copy(pid_t pid, void *to, uint64_t from, size_t size);

/* What descriptor FD of the stopped child names, into PATH. Returns 0 or a negative errno. */
int tracer_fd_path(pid_t pid, int fd, char *path, size_t size);

#endif
