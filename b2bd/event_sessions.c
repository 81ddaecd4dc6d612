#include "b2bd/event_sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/session_items.h"
#include "common/clock.h"

struct sessions {
	struct b2b_core *core;
	const struct b2b_revocation *revocation; /* whose; NULL: by name */
	const char *name;                        /* jti or sid */
	int org;                                 /* by name: of that organisation, with all below it, alone; -1: any */
	uint32_t uid;                            /* by name: of that person alone; 0: anybody */
	struct b2b_session_items kept;
	size_t younger; /* of the same people, and not to be ended */
};

static int finish(struct b2b_core *core, int r)
{
	if (r < 0) {
		b2b_state_rollback(core->state);
		return r;
	}
	return b2b_state_commit(core->state);
}

int b2b_event_note_seen(struct b2b_core *core, const char *jti)
{
	return jti ? b2b_stream_seen(core->state, jti, b2b_wall_s()) : 0;
}

int b2b_event_cut_off(struct b2b_core *core, const struct b2b_revocation *revocation)
{
	int r = b2b_state_begin(core->state);

	if (r < 0)
		return r;
	r = revocation->scope == B2B_SCOPE_ORG
	            ? b2b_directory_cut_off_org(core->state, core->policy->orgs[revocation->org].id, revocation->event_ms)
	            : b2b_directory_cut_off(core->state, revocation->uid, revocation->event_ms);
	if (r == 0)
		r = b2b_event_note_seen(core, revocation->jti);
	return finish(core, r);
}

/*
 * auth_time is by the service's clock, as the event's time is, and has whole seconds (decide.c counts in the same way).
 * Without an authentication there is only our own clock, which may run ahead of the service's.
 */
static bool is_younger(const struct b2b_core *core, const struct b2b_session *session, int64_t event_ms)
{
	if (session->auth_time_s)
		return session->auth_time_s > event_ms / 1000;
	return session->opened_s > event_ms / 1000 + (int64_t)core->conf->federation.clock_skew_s;
}

static bool concerns(const struct sessions *sessions, const struct b2b_session *session)
{
	const struct b2b_revocation *revocation = sessions->revocation;
	const struct b2b_policy *policy = sessions->core->policy;
	int org;

	if (revocation->scope == B2B_SCOPE_USER)
		return session->uid == revocation->uid;
	org = b2b_policy_org_by_uid(policy, session->uid);
	return org >= 0 && b2b_policy_org_within(policy, org, revocation->org);
}

static int collect_before(void *arg, const struct b2b_session *session)
{
	struct sessions *sessions = arg;

	if (!concerns(sessions, session))
		return 0;
	if (!is_younger(sessions->core, session, sessions->revocation->event_ms))
		return b2b_session_keep(&sessions->kept, session);
	sessions->younger++;
	return 0;
}

static int end_each(struct sessions *sessions, struct b2b_revocation revocation)
{
	struct b2b_core *core = sessions->core;
	int r = 0, one;
	size_t i;

	revocation.scope = B2B_SCOPE_SESSION;
	revocation.close = false;
	revocation.jti = NULL; /* seen when all of them are through */
	for (i = 0; i < sessions->kept.n; i++) {
		revocation.session = &sessions->kept.list[i];
		revocation.uid = sessions->kept.list[i].uid;
		revocation.org = b2b_policy_org_by_uid(core->policy, revocation.uid);
		one = revocation.org < 0 ? 0 : b2b_revoke(core, &revocation);
		if (one < 0)
			r = one;
	}
	return r;
}

int b2b_end_before(struct b2b_core *core, const struct b2b_revocation *revocation)
{
	struct sessions sessions = { .core = core, .revocation = revocation };
	int r = b2b_session_list(core->state, revocation->scope == B2B_SCOPE_USER ? revocation->uid : 0, collect_before, &sessions);

	if (r < 0 || !sessions.younger) {
		/* also where it cannot be told: then all of it ends */
		r = b2b_revoke(core, revocation);
	} else {
		r = end_each(&sessions, *revocation);
		if (r == 0)
			r = b2b_event_cut_off(core, revocation);
	}
	free(sessions.kept.list);
	return r;
}

static int collect_named(void *arg, const struct b2b_session *session)
{
	struct sessions *sessions = arg;
	const struct b2b_policy *policy = sessions->core->policy;
	bool named = !strcmp(session->jti, sessions->name) || !strcmp(session->sid, sessions->name);
	int org = b2b_policy_org_by_uid(policy, session->uid);

	if (!named || (sessions->uid && session->uid != sessions->uid) ||
	    (sessions->org >= 0 && (org < 0 || !b2b_policy_org_within(policy, org, sessions->org))))
		return 0;
	return b2b_session_keep(&sessions->kept, session);
}

static int note_void(struct b2b_core *core, const struct b2b_event *event, const char *subject)
{
	int r = b2b_state_begin(core->state);

	if (r < 0)
		return r;
	r = b2b_session_void_note(core->state, event->session, subject, event->tenant, b2b_wall_s());
	if (r == 0)
		r = b2b_event_note_seen(core, event->jti);
	return finish(core, r);
}

static bool before(const struct b2b_session_items *items, size_t i)
{
	size_t earlier;

	for (earlier = 0; earlier < i; earlier++) {
		if (items->list[earlier].uid == items->list[i].uid)
			return true;
	}
	return false;
}

int b2b_event_each_named(struct b2b_core *core, const struct b2b_event *event, int (*each)(void *arg, uint32_t uid), void *arg)
{
	struct sessions sessions = { .core = core, .name = event->session,
		                     .org = event->tenant ? b2b_policy_org_by_id(core->policy, event->tenant) : -1 };
	size_t i;
	int r = b2b_session_list(core->state, 0, collect_named, &sessions);

	for (i = 0; r == 0 && i < sessions.kept.n; i++) {
		if (!before(&sessions.kept, i))
			r = each(arg, sessions.kept.list[i].uid);
	}
	free(sessions.kept.list);
	return r;
}

/* SUBJECT: of the person whom the event names; NULL: none. UID likewise. */
static int end_named(struct b2b_core *core, const struct b2b_event *event, const char *subject, uint32_t uid)
{
	struct b2b_revocation revocation = { .by_event = true, .reason = B2B_REVOKED, .text = event->reason, .event_ms = event->time_ms,
		                             .received_ns = event->received_ns };
	struct sessions sessions = { .core = core, .name = event->session, .uid = uid, .org = -1 };
	int r = 0;

	if (event->tenant)
		sessions.org = b2b_policy_org_by_id(core->policy, event->tenant);
	if (event->kind == B2B_EVENT_SESSION_REVOKED && (!subject || uid))
		r = b2b_session_list(core->state, uid, collect_named, &sessions);
	if (r == 0)
		r = end_each(&sessions, revocation);
	if (r == 0)
		r = note_void(core, event, subject);
	free(sessions.kept.list);
	return r;
}

/* A session has one name in all the service: who is named beside it narrows it only where that is certain. */
int b2b_on_session_event(struct b2b_core *core, const struct b2b_event *event)
{
	struct b2b_principal person;
	int r;

	if (!*event->session || (event->tenant && b2b_policy_org_by_id(core->policy, event->tenant) < 0))
		return b2b_event_note_seen(core, event->jti);
	if (event->vague || (!event->subject && !event->person_id))
		return end_named(core, event, NULL, 0);
	r = event->person_id ? b2b_directory_by_id(core->state, event->person_id, &person)
	                     : b2b_directory_by_subject(core->state, event->subject, &person);
	if (r == -ENOENT) /* whose id it is is not known: should they come, or another of that name be about to, a new log-in is asked for */
		return event->subject ? end_named(core, event, event->subject, 0) : note_void(core, event, NULL);
	if (r < 0)
		return r;
	r = end_named(core, event, person.subject, person.uid);
	b2b_principal_clear(&person);
	return r;
}

/* The event may have been faster than the session; an organisation's is about those below it, too. */
bool b2b_log_in_withdrawn(struct b2b_core *core, const struct b2b_authentication *authentication, const char *subject, int org)
{
	const struct b2b_policy *policy = core->policy;

	for (; org >= 0; org = policy->orgs[org].parent) {
		if (b2b_session_void_has(core->state, authentication->jti, subject, policy->orgs[org].id) ||
		    b2b_session_void_has(core->state, authentication->sid, subject, policy->orgs[org].id))
			return true;
	}
	return false;
}
