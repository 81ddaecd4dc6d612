/* Sessions whose time is over end, with the reason; before that their terminals are told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "b2bd/idle.h"
#include "b2bd/session_items.h"
#include "common/clock.h"
#include "common/log.h"

#define LOOK_MAX_S 60 /* the wall clock may jump: look at least once a minute */
#define SAME_END_S 10 /* a terminal's access time is that coarse */

struct sessions {
	int64_t proof; /* only those that rest on it; 0: all that come */
	struct b2b_session_items kept;
	bool idle; /* one has a limit for that */
};

struct end {
	int64_t at; /* 0: none */
	enum b2b_reason why;
};

static int keep(void *arg, const struct b2b_session *session)
{
	struct sessions *sessions = arg;

	if (sessions->proof && session->proof != sessions->proof)
		return 0;
	sessions->idle = sessions->idle || session->idle_s;
	return b2b_session_keep(&sessions->kept, session);
}

int b2b_session_end_for(struct b2b_core *core, const struct b2b_session *session, enum b2b_reason reason)
{
	struct b2b_revocation revocation = {
		.scope = B2B_SCOPE_SESSION,
		.org = b2b_policy_org_by_uid(core->policy, session->uid),
		.uid = session->uid,
		.session = session,
		.reason = reason,
	};
	int r;

	/* the pending end takes over from the session's row: a restart resumes it */
	r = b2b_revoke(core, &revocation);
	if (r == 0)
		b2b_session_drop(core->state, session->pid, session->start_ticks);
	return r;
}

int b2b_sessions_end_proof(struct b2b_core *core, int64_t proof, enum b2b_reason reason)
{
	struct sessions sessions = { .proof = proof };
	int r = b2b_session_list(core->state, 0, keep, &sessions), one;
	size_t i;

	for (i = 0; i < sessions.kept.n; i++) { /* all of them, also where one cannot be stored */
		one = b2b_session_end_for(core, &sessions.kept.list[i], reason);
		if (one < 0)
			r = one;
	}
	free(sessions.kept.list);
	return r;
}

/* Idleness is by the clock that the terminals' times are by, which may lie behind the highest time seen. */
static struct end end_of(const struct b2b_core *core, const struct b2b_session *session, const struct b2b_processes *processes)
{
	struct end end = { session->ends_s, (enum b2b_reason)session->why };
	int64_t since = session->idle_s ? b2b_idle_since(processes, session) : 0, wall = b2b_wall_s(), at;

	if (!since)
		return end;
	if (since < session->opened_s)
		since = session->opened_s;
	at = b2b_core_now(core) + session->idle_s - (wall > since ? wall - since : 0);
	return end.at && end.at <= at ? end : (struct end){ at, B2B_SESSION_IDLE };
}

static const char *cause(enum b2b_reason why)
{
	switch (why) {
	case B2B_SESSION_IDLE:
		return "nobody has typed for long; press a key to go on";
	case B2B_USER_WINDOW:
		return "your access ends then";
	case B2B_ORG_WINDOW:
		return "your organisation's contract ends then";
	case B2B_SESSION_TOKEN:
		return "the token that it was opened with ends then";
	case B2B_SESSION_UNVERIFIED:
		return "it could not be verified again at the federation service";
	default:
		return "it has lasted the longest that it may";
	}
}

/* "This session ends in 5 minutes: …." */
static void say(char *buf, size_t size, int64_t left_s, enum b2b_reason why)
{
	long long count = left_s >= 60 ? (left_s + 30) / 60 : left_s;

	snprintf(buf, size, "This session ends in %lld %s%s: %s.", count, left_s >= 60 ? "minute" : "second", count == 1 ? "" : "s", cause(why));
}

static void warn(struct b2b_core *core, struct b2b_session *session, struct end end, uint32_t lead_s)
{
	struct b2b_guard_message message = { .type = B2B_GUARD_TELL, .scope = B2B_SCOPE_SESSION, .org = b2b_policy_org_by_uid(core->policy, session->uid),
		                             .uid = session->uid, .pid = (int32_t)session->pid, .start_ticks = session->start_ticks };
	int64_t left_s = end.at - b2b_core_now(core);

	if (message.org < 0)
		return;
	memcpy(message.audit_id, session->audit_id, sizeof(message.audit_id));
	say(message.message, sizeof(message.message), left_s, end.why);
	session->warned_s = lead_s;
	session->warned_end_s = end.at;
	if (b2b_session_warned(core->state, session) < 0) /* it would be told at every look */
		return;
	b2b_log(LOG_INFO, "event=session-warned user=%s service=%s reason=%s left_s=%lld id=%s", session->origin.user, session->origin.service,
	        b2b_reason_code(end.why), (long long)left_s, session->audit_id);
	b2b_guard_send(core->guard, &message, -1, NULL, NULL);
}

/* That of idleness is inexact; beside it another may come, which no key puts off, and is told for itself. */
static bool was_warned(const struct b2b_session *session, struct end end, uint32_t lead_s)
{
	int64_t apart = end.why == B2B_SESSION_IDLE ? SAME_END_S : 0;

	return session->warned_s && session->warned_s <= lead_s && llabs(end.at - session->warned_end_s) <= apart;
}

/* Warn where it is time. Returns when to look again at SESSION. What is shorter than a warning is not told of it when it opens. */
static int64_t approach(struct b2b_core *core, struct b2b_session *session, struct end end)
{
	const struct b2b_conf_host *host = &core->conf->host;
	int64_t left = end.at - b2b_core_now(core);
	size_t n = 0; /* warnings that are due, or were */

	while (n < host->n_warnings && (int64_t)host->warnings_s[n] >= left)
		n++;
	if (n && end.at - (int64_t)host->warnings_s[n - 1] >= session->opened_s && !was_warned(session, end, host->warnings_s[n - 1]))
		warn(core, session, end, host->warnings_s[n - 1]);
	return n < host->n_warnings ? end.at - host->warnings_s[n] : end.at;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* Returns when to look again, 0: at nothing that is known. */
static int64_t look_at_each(struct b2b_core *core, struct sessions *sessions)
{
	struct b2b_processes processes = { 0 };
	int64_t next = 0;
	size_t i;

	if (sessions->idle)
		b2b_processes_scan(&processes, NULL, NULL); /* whom it does not show is not idle */
	for (i = 0; i < sessions->kept.n; i++) {
		struct end end = end_of(core, &sessions->kept.list[i], &processes);

		if (!end.at)
			continue;
		if (end.at <= b2b_core_now(core))
			b2b_session_end_for(core, &sessions->kept.list[i], end.why);
		else
			next = earlier(next, approach(core, &sessions->kept.list[i], end));
	}
	b2b_processes_free(&processes);
	return next;
}

static void look(void *arg);

static void look_in(struct b2b_core *core, int64_t seconds)
{
	seconds = seconds < 0 ? 0 : seconds > LOOK_MAX_S ? LOOK_MAX_S : seconds;
	b2b_timer_set(core->loop, &core->limit, (uint64_t)seconds * B2B_NS_PER_S, look, core);
}

static void look(void *arg)
{
	struct b2b_core *core = arg;
	struct sessions sessions = { 0 };
	int64_t longest = core->conf->host.n_warnings ? core->conf->host.warnings_s[0] : 0, now, later = 0, next;

	b2b_sessions_forget_gone(core);
	now = b2b_core_now(core);
	if (b2b_session_due(core->state, now + longest, keep, &sessions, &later) < 0)
		later = 0; /* what came is looked at; the rest in a minute */
	next = look_at_each(core, &sessions);
	if (later)
		next = earlier(next, later - longest);
	look_in(core, next ? next - now : LOOK_MAX_S);
	free(sessions.kept.list);
}

void b2b_sessions_look(struct b2b_core *core)
{
	look_in(core, 0);
}
