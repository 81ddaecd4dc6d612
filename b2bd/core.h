/*
 * The agent's parts, tied together; private to the files b2bd/agent*.c, requests.c, login*.c, sessions.c, revoke.c,
 * standing.c, control.c. Each of those has one question or event to answer; what they share stands here.
 */
#ifndef B2B_CORE_H
#define B2B_CORE_H

#include <jansson.h>

#include "b2bd/agent.h"
#include "b2bd/clock_watch.h"
#include "b2bd/decide.h"
#include "b2bd/directory/reservation.h"
#include "b2bd/directory/source.h"
#include "b2bd/federation/claims.h"
#include "b2bd/federation/federation.h"
#include "b2bd/federation/status_cache.h"
#include "b2bd/guard_link.h"
#include "b2bd/latency.h"
#include "b2bd/publish.h"
#include "b2bd/rate.h"
#include "b2bd/server.h"
#include "b2bd/signals/stream.h"
#include "b2bd/state/hand_state.h"
#include "b2bd/state/session_state.h"
#include "b2bd/tickets.h"
#include "common/conf.h"
#include "common/proto.h"

/* Names that the service denied a moment ago; the oldest makes room. */
#define B2B_ABSENT_MAX 256
struct b2b_absent {
	struct {
		char local[B2B_NAME_SIZE];
		int org;
		uint64_t until_ns;
	} names[B2B_ABSENT_MAX];
	size_t next;
};

/* Sessions whose PAM part has closed them, and whose rows go together (closed.c). */
#define B2B_CLOSED_MAX 256

struct b2b_closed {
	struct b2b_session_leader items[B2B_CLOSED_MAX];
	size_t n;
	struct b2b_timer timer;
};

/* Who may open a session of sudo's, because the plug-in asked and was told so; the oldest makes room. */
#define B2B_SUDO_NOTES_MAX 256
struct b2b_sudo_notes {
	struct b2b_sudo_note_of {
		uint32_t uid;
		pid_t sid;
		uint64_t until_ns;
	} notes[B2B_SUDO_NOTES_MAX];
	size_t next;
};

struct b2b_core;

/* reconcile.c: what is to be looked at in portions. */
struct b2b_round {
	struct b2b_timer timer;  /* set while anything is */
	bool due[B2B_ORGS_MAX], publish[B2B_ORGS_MAX]; /* by slot */
	int org;                 /* that is being looked at … */
	uint32_t from;           /* … from this id on; 0: none is */
	bool changed;            /* the last one had changed (publish) */
	bool awaited[B2B_ORGS_MAX]; /* those that THEN waits for: a look at each that began after it was set, or had nothing to come */
	bool too_early;          /* the look that is under way is no such */
	void (*then)(struct b2b_core *core); /* NULL: nobody waits */
};

/* Events that were to end sessions, and that nobody here could be told for; since the start. */
struct b2b_unplaced {
	uint64_t count;
	int64_t last_s;
	char jti[B2B_CLAIM_MAX + 1]; /* of the last */
};

enum { B2B_STAGE_DELIVERY, B2B_STAGE_CLOSED, B2B_STAGE_DURABLE, B2B_STAGE_GONE, B2B_STAGE_TOTAL, B2B_STAGES }; /* figures.c */

struct b2b_core {
	const struct b2b_agent_setup *setup;
	const struct b2b_policy *policy; /* setup's */
	struct b2b_live **lives;
	struct b2b_conf *conf;
	struct b2b_loop *loop;
	struct b2b_http *http;
	struct b2b_state *state;
	struct b2b_guard_link *guard;
	struct b2b_publish *publish;
	struct b2b_federation *federation;
	struct b2b_source *source;
	struct b2b_reservations *reservations; /* NULL: there is a directory */
	struct b2b_stream *stream; /* NULL: the service has no signals */
	struct b2b_server *server;
	struct b2b_tickets *tickets;
	struct b2b_status_cache *status; /* lists that tokens name */
	struct b2b_rate name_rate; /* first-time names, by peer uid: see name_ask.c */
	struct b2b_rate auth_rate; /* log-ins begun, by the person's uid */
	struct b2b_rate push_rate; /* requests to their approval devices that nobody approved, likewise */
	struct b2b_rate command_rate; /* the same of others' commands: who wears approvers out must not keep them from logging in */
	struct b2b_name_ask *asks; /* first-time names under way */
	size_t n_asks;
	struct b2b_ending *endings;    /* ends that the guard is working on */
	struct b2b_closed closed;
	struct b2b_recheck *rechecks;  /* log-ins that the service is being asked about again */
	size_t n_rechecks;
	unsigned char seal_key[B2B_SEAL_KEY_SIZE]; /* setup's; for what is kept of tokens */
	struct b2b_absent absent;
	struct b2b_sudo_notes sudo_notes;
	struct b2b_round round;
	uint64_t shown_ns;         /* when the last directory pass that came to its end began: what it showed is being put in force */
	struct b2b_timer beat, window, limit, again, pins, reverify;
	bool roles_moved;          /* since the snapshots were made */
	struct b2b_clock_watch *clock_watch;
	bool lapsed[B2B_ORGS_MAX]; /* by slot: its sessions were ended because the service was silent; until the lease is renewed */
	uint32_t withheld;         /* organisations whose lease was not renewed the last time (b2b_lease_renew) */
	bool must_pass;            /* events may have been missed: the lease rests on complete directory passes until one began after that */
	uint64_t owed_ns;          /* when that pass was last found to be owed; it must begin after that */
	bool published_all;        /* every organisation was published by this agent */
	bool keys_due;             /* which keys root does not trust is stored, and could not be applied yet */
	uint64_t passed_ns;        /* when the last pass of this agent's began that is in force as a whole; 0: none */
	uint64_t leased_ns;        /* up to when the leases were renewed; 0: not by this agent */
	uint64_t heard_ns;         /* revocations up to then are known: the last completed poll or, without signals, pass; 0: none */
	int64_t floor_s;           /* highest wall-clock time seen */
	int64_t started_s;
	size_t pins_seen, pins_broken; /* of root's pins: compared with the ledger so far, and not in accord with it */
	struct b2b_latency latency[B2B_STAGES]; /* since the start */
	struct b2b_unplaced unplaced;
	unsigned rereads;          /* questions for single people under way that events asked for */
	unsigned failed_commits;   /* revocations that are in force but not on disk yet */
};

/* standing.c: gathering what b2b_decide wants */
struct b2b_gathered {
	struct b2b_decision_facts facts;
	struct b2b_principal principal;
	struct b2b_authentication authentication; /* facts.authentication, where there is one */
	struct b2b_org_record chain[B2B_DEPTH_MAX + 1];
	size_t n_chain;
	bool org_open;      /* the live words of the organisation and all above it alone */
};
/* By name; always fills *ret (an unknown person leaves facts.principal NULL). Caller clears. */
void b2b_gather(struct b2b_core *core, const char *name, const char *service, struct b2b_gathered *ret);
void b2b_gather_uid(struct b2b_core *core, uint32_t uid, const char *service, struct b2b_gathered *ret);
void b2b_gathered_clear(struct b2b_gathered *gathered);
/* What a session of SERVICE may last by the level that root demands for it. */
const struct b2b_conf_limits *b2b_service_limits(const struct b2b_core *core, const char *service);
/* Wall clock, never behind the highest time seen. */
int64_t b2b_core_now(const struct b2b_core *core);
/* A window has closed by the clock: remember the time, so that turning the clock back does not open it. */
void b2b_core_note_time(struct b2b_core *core);
/* Is the organisation, with all above it, open by directory, events and words? B2B_OK or why not. */
enum b2b_reason b2b_org_chain_standing(struct b2b_core *core, int org);
/* Is it right to tell this peer about people of ORG? The visibility rule of the cache, applied to the socket. */
bool b2b_visible_to(const struct b2b_core *core, uid_t peer, int org);

/* name_ask.c, login.c, sessions.c, closed.c, control.c: the requests */
void b2b_on_ask_name(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_name *ask);
void b2b_on_ask_auth(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_auth *ask);
void b2b_on_ask_result(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_result *ask);
void b2b_on_ask_answer(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_answer *ask);
void b2b_on_ask_account(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_account *ask);
void b2b_on_ask_open(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_open *ask);
void b2b_on_ask_open_ssh(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_open_ssh *ask);
void b2b_on_ask_close(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_close *ask);
void b2b_on_ask_command(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_command *ask); /* sudo_approval.c */
void b2b_on_ask_control(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask);
/* recent.c */
void b2b_on_ask_recent(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_recent *ask);
/* ssh_keys.c */
void b2b_on_ask_ssh_keys(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_keys *ask);
struct b2b_rate b2b_name_rate(void); /* how fast a peer's questions for first-time names are answered */
void b2b_name_asks_cancel(struct b2b_core *core); /* at the end */

/* closed.c */
void b2b_closed_drop(struct b2b_core *core); /* the rows of what was closed: now, where somebody wants to read them, and at the end */
void b2b_closed_keep(struct b2b_core *core, int64_t pid, uint64_t start_ticks); /* the same process opens another */
/*
 * sudo_note.c: may a session of FACTS' service be opened for FACTS' person by the process PID? Where their organisation's commands need
 * an approval, only if sudo's plug-in asked: a sudo that does not load it must not open anything.
 */
bool b2b_sudo_may_open(struct b2b_core *core, const struct b2b_decision_facts *facts, pid_t pid);

/* sessions.c */
void b2b_sessions_forget_gone(struct b2b_core *core); /* those whose leader was killed and could not close them */
void b2b_sessions_start(struct b2b_core *core);     /* after a restart: forget what is gone, arm the limit's timer */

/* End SESSION alone, for REASON, and forget it once that is durable. Returns 0 then, or a negative errno. */
int b2b_session_end_for(struct b2b_core *core, const struct b2b_session *session, enum b2b_reason reason);

/* status_check.c: what status lists say of log-ins and sessions */
int b2b_status_start(struct b2b_core *core); /* the cache of them, following those that open sessions name; 0 or a negative errno */
/* May a token with PLACE be believed? B2B_OK also where it names none; *ret_fault as b2b_status_cache_standing has it. */
enum b2b_reason b2b_status_of_place(struct b2b_core *core, const struct b2b_status_place *place, const char **ret_fault);
/* The same of what was authenticated before. */
enum b2b_reason b2b_status_of_authentication(struct b2b_core *core, const struct b2b_authentication *authentication);
/* Keep PLACE with AUTHENTICATION. Returns 0 or a negative errno. */
int b2b_status_note(struct b2b_core *core, const struct b2b_status_place *place, struct b2b_authentication *authentication);
json_t *b2b_status_lists_json(struct b2b_core *core); /* for status */

/* Look at once whether a session is to be ended: a limit has come nearer. */
void b2b_sessions_look(struct b2b_core *core);
/* End every session that rests on PROOF. Returns 0 when that is durable, or a negative errno. */
int b2b_sessions_end_proof(struct b2b_core *core, int64_t proof, enum b2b_reason reason);

/* reverify.c */
void b2b_reverify_look(struct b2b_core *core); /* ask about what is due, now and from now on */
void b2b_reverify_stop(struct b2b_core *core); /* at the end, before what it uses */

/* revoke.c */
struct b2b_revocation {
	enum b2b_guard_scope scope;
	int org;                  /* slot */
	uint32_t uid;             /* user and session scope */
	const struct b2b_session *session; /* session scope */
	bool close;               /* the account or organisation is closed; else only sessions end */
	bool follows;             /* the account acts for one that is closed now, and is closed with it: nothing is recorded of that but a cut-off */
	bool by_event;            /* recorded as an event's closing or cut-off; else it follows from the directory, with a cut-off, or a limit */
	const struct b2b_hand *hand; /* root's order, whose audit id it has; a closing is recorded with it. NULL: none */
	enum b2b_reason reason;
	const char *text;         /* what the person is told; NULL: the reason's sentence */
	const char *jti;          /* of the event, noted as seen in the same transaction; NULL: none */
	int64_t event_ms;         /* when the service committed it; 0: decided here */
	uint64_t received_ns;     /* b2b_now_ns when it came; 0: with this call */
};
/*
 * Close at once, store, then end: the order of the blueprint (words, durable with a pending end, told, ended, looked again).
 * Returns 0 when it is durable, or a negative errno: closed and being ended all the same, but it must be told again.
 */
int b2b_revoke(struct b2b_core *core, const struct b2b_revocation *revocation);
/* The same of N, whose org is a slot each: all words first, then one transaction for all. */
int b2b_revoke_each(struct b2b_core *core, const struct b2b_revocation *revocations, size_t n);
/* owned.c: the same of the person with the directory's ID, who is closed, with everything that acts for that person. */
int b2b_revoke_owner(struct b2b_core *core, const struct b2b_revocation *revocation, const char *id);
/* b2b_end_before (event_sessions.h) of that person, likewise: a closing that is past already. */
int b2b_end_before_owner(struct b2b_core *core, const struct b2b_revocation *revocation, const char *id);
/* The name of whom UID acts for into BUF; left alone where that is nobody who is known. */
void b2b_audit_owner(struct b2b_core *core, uint32_t uid, char *buf, size_t size);
int b2b_on_event(struct b2b_core *core, const struct b2b_event *event);
/* reconcile.c: end what stands open in words but no longer by directory or window, then open what may be; ORG -1: all. */
void b2b_reconcile(struct b2b_core *core, int org);
/* The same in portions, from the next turns of the loop on; PUBLISH: and then ask for a snapshot of it. */
void b2b_reconcile_soon(struct b2b_core *core, int org, bool publish);
/* Call THEN once nothing that was to be published afterwards is left to be done, which may be now; it replaces one that waits. */
void b2b_reconcile_then(struct b2b_core *core, void (*then)(struct b2b_core *core));
/* The ends that the guard cannot finish, each with one of the processes that are left, for status. */
json_t *b2b_held_ends_json(const struct b2b_core *core);
/* Resume the pending ends that the guard is not working on, and those that it could not take on. */
void b2b_revocations_start(struct b2b_core *core);
/* Forget who waits for the guard's answers, once the link to it is gone; what is pending stays so on disk. */
void b2b_revocations_stop(struct b2b_core *core);

/*
 * owed_pass.c: let the lease rest on directory passes until a complete one that begins after this call, also in a later agent; the
 * caller sees to it that one begins. JTI: of the event that asks for it, noted as seen in the same transaction; NULL: none.
 * Returns 0 when that is durable, or a negative errno: held back all the same, by this agent.
 */
int b2b_owe_pass(struct b2b_core *core, const char *jti);
void b2b_pass_complete(struct b2b_core *core, uint64_t began_ns); /* one that began then was */
void b2b_owed_pass_start(struct b2b_core *core); /* what the agent before this one owed; in doubt a pass */

/* figures.c: how long the stages of revocations took */
void b2b_figures_add(struct b2b_core *core, const struct b2b_pending_end *end, int64_t clear_ms);
json_t *b2b_figures_json(struct b2b_core *core); /* a list: of each stage the last 1,000, and all since the start */

/* control_clock.c: the clock, for status; and root's word that it is right. False: the verb is another's. */
json_t *b2b_clock_json(const struct b2b_core *core);
bool b2b_on_ask_clock(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask);

/*
 * control_verify.c, for status: the ways to log in by service, and whether the issuer offers them; how what is open is verified again; and what
 * somebody at the host should reckon with when a person is offboarded now. SIGNALS NULL: the service has none by configuration.
 */
json_t *b2b_methods_json(const struct b2b_core *core);
json_t *b2b_verification_json(const struct b2b_core *core);
json_t *b2b_worst_case_json(const struct b2b_core *core, const struct b2b_stream_status *signals, const struct b2b_source_status *directory);

/*
 * lapse.c: renew the leases by what was heard last: a completed poll or, without signals, a completed pass; while events may
 * have been missed no further than to where the last completed pass began. Where the pass is all that revokes, and a removal of
 * an organisation or of one above it waits for an administrator's word, it is not known to be right here whom it is about, and the
 * lease is left as it is.
 */
void b2b_lease_renew(struct b2b_core *core);
/* End the sessions of organisations whose service was silent for longer than root allows; cheap otherwise. */
void b2b_lapse_check(struct b2b_core *core);

/* control_hand.c, control_keys.c: what root closes and opens by hand, and keys. False: the verb is another's. */
bool b2b_on_ask_hand(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask);
bool b2b_on_ask_keys(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask);
/*
 * Begin an order by CLIENT's "NAME\nREASON": reason (made printable: the people are told), who, when and a new audit id.
 * *ret_name: how long NAME is.
 */
void b2b_hand_begin(struct b2b_hand *hand, struct b2b_client *client, const char *argument, size_t *ret_name);
json_t *b2b_by_hand_json(struct b2b_core *core); /* all that is closed by hand, for status */
/* Refuse the keys that root does not trust, from now on; also what was authenticated with the help of any key before. */
int b2b_distrust_apply(struct b2b_core *core);

/* control_approve.c: mass removals that wait. False: the verb is another's. */
bool b2b_on_ask_approve(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask);
json_t *b2b_approvals_json(struct b2b_core *core, bool names); /* NAMES: with who it is about, at most 1,000 each */

/* control_ids.c: the verbs about the id ledger. False: the verb is another's. */
bool b2b_on_ask_ids(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask);
json_t *b2b_ids_trouble_json(struct b2b_core *core); /* organisations in which somebody could get no id, for status */

/* control_stream.c: the verb about the signals' stream. False: the verb is another's. */
bool b2b_on_ask_stream(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask);

/* pins.c */
void b2b_pins_start(struct b2b_core *core); /* compare root's pins with the ledger, and tell what does not agree */

/* audit.c */
void b2b_audit(struct b2b_core *core, const char *event, int org, const char *user, enum b2b_reason reason, const char *id,
               const char *extra);
/* Who among this host's people is behind the process PID: its audit login uid (pam_loginuid), UINT32_MAX where none is set. */
uint32_t b2b_audit_login_uid(pid_t pid);
/* "by=UID" or "by=unset" of such a one. */
void b2b_audit_by(uint32_t by, char *buf, size_t size);
/* The name that UID has on this host into BUF; its number where the directory's copy does not know it. */
void b2b_audit_name(struct b2b_core *core, uint32_t uid, char *buf, size_t size);
void b2b_answer(struct b2b_core *core, struct b2b_client *client, const char *event, const struct b2b_origin *origin, int org,
                enum b2b_reason reason, uint32_t uid, const char *ticket);

#endif
