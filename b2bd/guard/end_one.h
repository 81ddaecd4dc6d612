/* One END: its state, and what it makes of one look. Private to end.c and end_one.c. */
#ifndef B2B_END_ONE_H
#define B2B_END_ONE_H

#include "b2bd/guard/end.h"
#include "b2bd/guard/tell.h"
#include "b2bd/guard/terminals.h"

#define B2B_NEVER UINT64_MAX
#define B2B_END_DOUBTS_MAX 2 /* looks in a row that found nothing and may have missed somebody */

struct b2b_end {
	struct b2b_end *next;
	struct b2b_scope scope;
	uint32_t serial;
	bool owed;                      /* the agent waits for DONE */
	bool begun;                     /* its registered sessions were looked at */
	bool breath;                    /* they were ended, and its first look waits until they are gone */
	bool tombstone;                 /* clear; watched until expires_ns */
	bool hunting;                   /* told: kill what is met while looking */
	bool held;                      /* -EBUSY was reported, or would have been */
	bool fresh;                     /* the last look found something that was not there before */
	uint64_t began_ns, clear_ns, expires_ns, due_ns;
	uint64_t busy_ns;               /* since when something was there, 0: nothing */
	uint64_t grace_ns;              /* SIGKILL from then on; 0: no grace has begun */
	uint64_t relay_ns, leader_ns;   /* their deadlines, 0: not running */
	uint64_t held_pace_ns;
	unsigned quick, pace, doubts;   /* looks without a pause; step of the pause; looks that found nothing, but may have missed some */
	uint32_t found, root, ended, left, left_behind, terminals;
	pid_t hidden_pid;               /* all that is left is this, whosever it is (struct b2b_processes); 0: not so */
	struct b2b_processes seen;      /* in scope at the last look, by pid */
	struct b2b_processes signalled; /* by the last look, by pid */
	struct b2b_processes met;       /* killed during this look */
	struct b2b_processes relayed;   /* leaders that were seen with a relay, by pid: they end by themselves */
	struct b2b_posix_sessions sessions;
	struct b2b_terminals told;
	int watch_fd;                   /* pidfd of one that is waited for, -1 */
	char audit_id[B2B_AUDIT_ID_SIZE];
	char line[B2B_TELL_SIZE];
	size_t line_len;
};

/* A look met PROCESS. REGISTRY was read before it began. */
void b2b_end_met(struct b2b_end *end, const struct b2b_process *process, const struct b2b_registry *registry);

/*
 * A look is over. SCANNED: what b2b_processes_scan said of it, negative also where the registry could not be read. FIRST: of
 * all ENDs, for b2b_end_under_way. Kills, and says when to look again (due_ns) and whom to wait for (*ret_watch: index in
 * LIST, -1). Returns 1 when nothing is left, 0 when something is, or a negative errno.
 */
int b2b_end_looked(struct b2b_end *end, struct b2b_processes *list, const struct b2b_registry *registry, int scanned,
                   const struct b2b_end *first, ssize_t *ret_watch);

/*
 * Before the first look: end the scope's registered sessions at once, as far as their records and the kernel lead to their
 * processes. That takes no longer on a host with many others. LIST is scratch. The first look then goes as if this had not been.
 * Nothing is done where the scope is one session. Returns whom a first look had better wait for, who may end after all the
 * others: index in LIST, -1: there was nobody.
 */
ssize_t b2b_end_registered(struct b2b_end *end, struct b2b_processes *list, const struct b2b_registry *registry, const struct b2b_end *first);

/* Is PROCESS in the hands of an END that is under way, of the list from FIRST on? It may have grace there: not a tombstone's to end. */
bool b2b_end_under_way(const struct b2b_end *first, const struct b2b_process *process);

/* end_answer.c: DONE of END with RESULT, 0 or what the guard answers while something is left. */
void b2b_end_describe(const struct b2b_end *end, int result, struct b2b_guard_message *ret_message);
/* Name to the log what of END is left, now that it has held out for too long. */
void b2b_end_report_held(const struct b2b_end *end);

#endif
