/* What /proc says of processes, and signals that cannot hit another process which took the number meanwhile. */
#ifndef B2B_PROC_H
#define B2B_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define B2B_NO_AUDIT UINT32_MAX /* loginuid or audit session that was never set */
#define B2B_PROCESS_NAME_SIZE 16 /* the kernel's TASK_COMM_LEN */
#define B2B_LOGIND_SIZE 32       /* "session-12.scope" */

struct b2b_process {
	pid_t pid, ppid;
	pid_t sid;            /* POSIX session */
	uint32_t tty;         /* controlling terminal as field 7 of stat has it, 0: none */
	uint32_t uids[4];     /* real, effective, saved, file system */
	uint64_t start_ticks; /* with pid it names one process of this boot */
	char state;           /* R S D T t Z X … */
	bool kernel;          /* a kernel thread */
	char name[B2B_PROCESS_NAME_SIZE]; /* as it calls itself; what a log line should not hold is '?' */
	/* Read when somebody asks, once a look, however many ask. */
	bool knows_login, knows_slice;
	uint32_t login, slice;
};

struct b2b_processes {
	struct b2b_process *items; /* by ascending pid */
	size_t n, size;
	bool whole;       /* the look was not cut short, and came to everybody who is not hidden and lived on */
	unsigned hidden;  /* alive, but something is mounted over what /proc says of them, by whoever has root: nobody can tell whose they are */
	pid_t hidden_pid; /* the first of those */
};

/*
 * Parse /proc/PID/stat (all but uids) and /proc/PID/status (uids). TEXT is NUL-terminated.
 * Return 0, or -EBADMSG and *ret untouched.
 */
int b2b_process_parse_stat(const char *text, struct b2b_process *ret);
int b2b_process_parse_uids(const char *text, uint32_t ret_uids[4]);

/*
 * One process. Returns 0; -ESRCH where there is none, or where it is dead and only waits for its parent
 * (a dead main thread whose other threads live is not dead); -EBADMSG where /proc tells of another; or a negative errno.
 */
int b2b_process_read(pid_t pid, struct b2b_process *ret);

/*
 * Every living process into LIST (zeroed at first, reused later; freed by b2b_processes_free). SEEN (or NULL) gets each at
 * the moment it was read: whoever forks faster than a whole look takes is met only there. A look that it answers false to
 * is given up (-ECANCELED).
 * The look is bounded, in entries and in time. Returns 0; 1 when some were gone before they could be read, whose children
 * may have been missed; -EAGAIN when it was cut short, or when numbers began again from below meanwhile, so that a child may
 * stand where the look had passed; or a negative errno.
 */
int b2b_processes_scan(struct b2b_processes *list, bool (*seen)(void *arg, const struct b2b_process *process), void *arg);
void b2b_processes_free(struct b2b_processes *list);

/*
 * The process PID that started at START_TICKS and what descends from it, as far as parents of one thread tell of their children,
 * appended to LIST; never a part of them alone: where there would be more than MOST in LIST, or memory is short, LIST stays as it
 * was. Costs as much as they are many, however many others there are. b2b_processes_sort afterwards.
 */
void b2b_processes_add_tree(struct b2b_processes *list, pid_t pid, uint64_t start_ticks, size_t most);
/* As b2b_processes_find wants it, each once. */
void b2b_processes_sort(struct b2b_processes *list);

/* Index in LIST, or -1. */
ssize_t b2b_processes_find(const struct b2b_processes *list, pid_t pid);

/* Who logged in, and which audit session that began; kept through sudo, su and daemonizing. B2B_NO_AUDIT where there is none. */
uint32_t b2b_process_loginuid(struct b2b_process *process);
uint32_t b2b_process_audit_session(pid_t pid);

/* The uid of the logind slice (user-UID.slice) that the process lives in, or B2B_NO_AUDIT; also for what the system runs in it. */
uint32_t b2b_process_slice(struct b2b_process *process);
uint32_t b2b_process_parse_slice(const char *cgroup);

/* The session of logind (session-N.scope, in the slice of UID) that the process lives in. Returns 0, or -ENOENT: in none of UID's. */
int b2b_process_logind(pid_t pid, uint32_t uid, char ret_session[B2B_LOGIND_SIZE]);
int b2b_process_parse_logind(const char *cgroup, uint32_t uid, char ret_session[B2B_LOGIND_SIZE]);

/*
 * A CLOEXEC pidfd of exactly PROCESS (number and start time agree), or -ESRCH, or a negative errno.
 * The start time is read after the descriptor was opened: had the number passed on by then, it would differ.
 */
int b2b_process_open(const struct b2b_process *process);

/* Send SIGNAL_NUMBER to exactly PROCESS. Returns 0, -ESRCH (it is gone), or a negative errno. */
int b2b_process_signal(const struct b2b_process *process, int signal_number);

#endif
