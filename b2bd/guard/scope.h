/*
 * Whose processes an END is about: a judgement on one look into /proc, the session registry and root's policy.
 *
 *  1. by uid: any of a process's four uids is the person's (or lies in a range of the organisation or one below it);
 *  2. by registered session (common/session_record.h; written by root, so believed): the leader and all that descends
 *     from it, whatever its uid (a root shell by sudo), but not a session inside it that root registered for somebody else;
 *  3. by POSIX session (setsid), where its creator was found by 1 or 2: every member descends from him, also those whose
 *     parents between are gone;
 *  4. by audit login uid, where the process also shares the POSIX session of something found by 1 or 2 (su in an
 *     administrator's shell: the session's creator is the administrator), or lives in the person's logind slice.
 *     One that left both is a daemon, left behind: reported, and ended where root's policy says so (end_left_behind);
 *  5. by logind: whoever lives in the person's slice, or for one session in the scope that logind made for it, whatever
 *     became of uid, parents and login uid (root can change all three). It costs a file more of each process, so slices are
 *     looked at once nothing is left by the other rules.
 *
 * Never PID 1, a kernel thread, b2bd's own processes, or by 3 to 5 somebody with another partner's uid.
 */
#ifndef B2B_SCOPE_H
#define B2B_SCOPE_H

#include "b2bd/guard/guard_proto.h"
#include "b2bd/guard/proc.h"
#include "common/live.h"
#include "common/session_record.h"

#define B2B_SCOPE_CLOSED 100 /* inside the guard only: everybody whose word, or whose organisation's, is closed */

struct b2b_scope {
	const struct b2b_policy *policy;
	struct b2b_live *const *lives; /* one per slot */
	pid_t own;            /* b2bd's first process: nothing of its tree is ever touched */
	uint32_t kind;        /* enum b2b_guard_scope, or B2B_SCOPE_CLOSED */
	int org;
	uint32_t uid;
	pid_t pid;            /* session scope: the leader … */
	uint64_t start_ticks; /* … and when it started */
	/*
	 * Set once the scope was clear: only what is closed by its live word, or is older than the END, is in scope any more.
	 * Somebody who was reinstated, or logged in anew after session-revoked, is left alone.
	 */
	bool only_older;
	/*
	 * Set where a grace is given, in which people have time to come back: sessions that were registered after the END began, of somebody who is open, are not in
	 * scope, with all that descends from them. Those that the END found are, with whatever they begin meanwhile, and so is what cannot
	 * be told from that.
	 */
	bool spare_new;
	uint64_t began_ticks; /* in start_ticks */
	int64_t began_s;      /* wall clock */
};

struct b2b_registry {
	struct b2b_session_record *items;
	size_t n, size;
};

enum b2b_mark {
	B2B_MARK_NONE,
	B2B_MARK_TARGET, /* ended at once */
	B2B_MARK_RELAY,  /* carries the session's bytes to the client: lives until the reason is through */
	B2B_MARK_LEADER, /* exits by itself after the others, and closes the PAM session */
	B2B_MARK_LEFT,   /* left behind: reported */
};

/*
 * POSIX sessions of one END, kept from look to look: their members must be known for what they are when what was found
 * first is gone already. Zeroed at first.
 */
struct b2b_posix_session {
	pid_t sid;
	uint64_t start_ticks; /* of the creator, where he was found: all members are in scope; 0: only found in it */
};
struct b2b_posix_sessions {
	struct b2b_posix_session *items; /* by sid */
	size_t n, size;
	char logind[B2B_LOGIND_SIZE]; /* session scope: what logind calls the session that its leader began; "": not known */
};
void b2b_posix_sessions_free(struct b2b_posix_sessions *sessions);

/* posix_sessions.c, for scope.c. Find among the first N, which are merged; NULL: not there. Add behind them: 0 or -ENOMEM. */
struct b2b_posix_session *b2b_posix_sessions_find(const struct b2b_posix_sessions *sessions, size_t n, pid_t sid);
int b2b_posix_sessions_add(struct b2b_posix_sessions *sessions, pid_t sid, uint64_t start_ticks);
/* Sort, and make one entry of several members of a session: the one that knows the creator wins. */
void b2b_posix_sessions_merge(struct b2b_posix_sessions *sessions);

/* All valid records. REGISTRY is zeroed at first and reused later. Returns 0 or a negative errno. */
int b2b_registry_read(struct b2b_registry *registry);
void b2b_registry_free(struct b2b_registry *registry);

/* The record of exactly this process, or NULL. */
const struct b2b_session_record *b2b_registry_find(const struct b2b_registry *registry, pid_t pid, uint64_t start_ticks);
/* Is PID the number of some registered leader? */
bool b2b_registry_has_pid(const struct b2b_registry *registry, pid_t pid);

/* Is UID the scope's, by rule 1? */
bool b2b_scope_has_uid(const struct b2b_scope *scope, uint32_t uid);

/* Is there a session among REGISTRY's that the scope spares (spare_new)? */
bool b2b_scope_spares(const struct b2b_scope *scope, const struct b2b_registry *registry);

/* Is PROCESS the scope's by rule 1 alone? What a look need not be finished for. */
bool b2b_scope_has_process(const struct b2b_scope *scope, const struct b2b_process *process);

/* Is it a session of the scope's, by its record? */
bool b2b_scope_has_record(const struct b2b_scope *scope, const struct b2b_session_record *record);

/* One mark per process of LIST into *ret_marks (the caller frees); SESSIONS grows. Returns 0 or -ENOMEM. */
int b2b_scope_mark(const struct b2b_scope *scope, struct b2b_processes *list, const struct b2b_registry *registry,
                   struct b2b_posix_sessions *sessions, uint8_t **ret_marks);

/*
 * Remove the scope's records whose leader is not in LIST, which was scanned after REGISTRY was read. For a scope of which nothing
 * is left: a leader that was killed could not close its session by itself.
 */
void b2b_scope_forget_records(const struct b2b_scope *scope, const struct b2b_processes *list, const struct b2b_registry *registry);

/* Is UID closed by its live word, its organisation's, or that of one above? */
bool b2b_scope_closed(const struct b2b_scope *scope, uint32_t uid);

#endif
