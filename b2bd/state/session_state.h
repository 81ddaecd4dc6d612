/* Sessions and pending ends in SQLite: what a restart of the agent must not forget. */
#ifndef B2B_SESSION_STATE_H
#define B2B_SESSION_STATE_H

#include "b2bd/state/state.h"
#include "common/proto.h"

struct b2b_session {
	int64_t pid;             /* leader, with start_ticks: one process of one boot */
	uint64_t start_ticks;
	uint32_t uid;
	struct b2b_origin origin;
	int64_t opened_s, ends_s; /* wall clock; ends_s 0: no limit */
	int32_t why;             /* enum b2b_reason: what is told at ends_s */
	int64_t proof;           /* on which it rests (proof_state.h); 0: none */
	uint32_t idle_s;         /* ends when nobody pressed a key for so long; 0: not */
	uint32_t warned_s;       /* its terminals were told so long before its end, last; 0: not yet … */
	int64_t warned_end_s;    /* … which was to be then */
	int64_t auth_time_s;     /* 0: not authenticated by the service (public key) */
	char acr[64], jti[64], sid[64];
	int64_t status_list;     /* its token's place (status_state.h); 0: none */
	int64_t status_index;
	char audit_id[B2B_AUDIT_ID_SIZE];
};

/*
 * Each is one transaction of its own, relaxed: sessions are processes of this boot, and what a power cut undoes of their rows it ends
 * itself. Return 0 or a negative errno.
 */
int b2b_session_store(struct b2b_state *state, const struct b2b_session *session);
int b2b_session_drop(struct b2b_state *state, int64_t pid, uint64_t start_ticks);

/* Whose session it is among those of this boot: its leader. */
struct b2b_session_leader {
	int64_t pid;
	uint64_t start_ticks;
};
/* Of N leaders in one transaction. Returns 0 or a negative errno: then none was dropped. */
int b2b_sessions_drop(struct b2b_state *state, const struct b2b_session_leader *leaders, size_t n);
/* EACH gets every session, UID's only where UID is not 0; returns 0 to go on. */
int b2b_session_list(struct b2b_state *state, uint32_t uid, int (*each)(void *arg, const struct b2b_session *session), void *arg);
/* Note what its terminals were told. */
int b2b_session_warned(struct b2b_state *state, const struct b2b_session *session);
/* What rests on PROOF ends at ENDS_S, because of WHY, where it would not end sooner. */
int b2b_session_bound(struct b2b_state *state, int64_t proof, int64_t ends_s, int32_t why);
/*
 * Sessions whose ends_s lies at or before NOW, and all with a limit for idleness, go through EACH; *ret_next is the earliest later end, 0: none.
 */
int b2b_session_due(struct b2b_state *state, int64_t now_s, int (*each)(void *arg, const struct b2b_session *session), void *arg,
                    int64_t *ret_next);

/*
 * The session NAME (a token's jti, or a sid) is withdrawn: of SUBJECT alone and in ORG_ID alone, where these are not NULL.
 * In the caller's transaction. Returns 0 or a negative errno.
 */
int b2b_session_void_note(struct b2b_state *state, const char *name, const char *subject, const char *org_id, int64_t now_s);
/* Is NAME withdrawn for SUBJECT in ORG_ID? 1, 0 (always for ""), or a negative errno. */
int b2b_session_void_has(struct b2b_state *state, const char *name, const char *subject, const char *org_id);
#define B2B_SESSION_VOID_KEPT_S (30 * 86400) /* what was authenticated before that cannot be told to stand by them */
/* Forget at most LIMIT of those noted before BEFORE_S; a transaction of its own. Returns 0 or a negative errno. */
int b2b_session_void_prune(struct b2b_state *state, int64_t before_s, uint32_t limit);

/* An end that was decided and is not seen through yet. */
struct b2b_pending_end {
	int64_t id;
	uint32_t scope;          /* enum b2b_guard_scope */
	char org_id[B2B_ID_SIZE];
	uint32_t uid;            /* user and session scope */
	int64_t pid;             /* session scope */
	uint64_t start_ticks;
	int32_t reason;
	char audit_id[B2B_AUDIT_ID_SIZE];
	char message[B2B_MESSAGE_SIZE];
	int64_t event_ms;        /* when the service committed it; 0: decided here */
	int64_t received_ms;
	int64_t closed_us, durable_us; /* from the receipt until the words were stored, and it was on disk; -1: not known */
};

/* In the caller's transaction; *ret_id names it. */
int b2b_pending_add(struct b2b_state *state, const struct b2b_pending_end *end, int64_t *ret_id);
/*
 * Seen through at CLEAR_MS (wall clock), on disk since DURABLE_US: the pending row becomes a row of the revocations' record.
 * One transaction, relaxed: what a power cut undoes is an end that is looked for again, and found to be through.
 */
int b2b_pending_done(struct b2b_state *state, int64_t id, int64_t durable_us, int64_t clear_ms);
/* Seen through, and no revocation of its own: the pending row goes, and nothing is recorded. One transaction, as relaxed. */
int b2b_pending_drop(struct b2b_state *state, int64_t id);
/* The last LIMIT of that record, the newest first; of END the times are filled in. EACH returns 0 to go on. */
int b2b_revocation_recent(struct b2b_state *state, uint32_t limit, int (*each)(void *arg, const struct b2b_pending_end *end, int64_t clear_ms),
                          void *arg);
int b2b_pending_list(struct b2b_state *state, int (*each)(void *arg, const struct b2b_pending_end *end), void *arg);

struct b2b_revocation_figures {
	uint64_t count, pending;
	int64_t p50_ms, p99_ms, max_ms; /* from the service's commit to nothing left, of the last 1,000; 0 where there are none */
};
int b2b_revocation_figures(struct b2b_state *state, struct b2b_revocation_figures *ret_figures);

/* The highest wall-clock time seen, so that a clock turned back does not reopen a window. */
int64_t b2b_clock_floor(struct b2b_state *state);
int b2b_clock_raise(struct b2b_state *state, int64_t now_s);
int b2b_clock_accept(struct b2b_state *state, int64_t now_s); /* root says that what was seen beyond it was wrong */

#endif
