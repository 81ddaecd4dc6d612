/*
 * What a Shared Signals event means for this host, and what follows when the directory's word changes.
 * CAEP session-revoked ends sessions and voids older authentications; RISC account-disabled closes until
 * account-enabled or a newer directory record (SSF 1.0, CAEP, RISC; the profile for a whole organisation is a
 * complex subject that holds only `tenant`).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "common/clock.h"
#include "common/log.h"

#define SESSIONS_AT_ONCE 64
#define CLOSED_AT_ONCE 64

/* Nothing more to do than to remember it. */
static int note_seen(struct b2b_core *core, const char *jti)
{
	int r = b2b_state_begin(core->state);

	if (r < 0)
		return r;
	r = b2b_stream_seen(core->state, jti, b2b_wall_s());
	if (r < 0) {
		b2b_state_rollback(core->state);
		return r;
	}
	return b2b_state_commit(core->state);
}

struct named_sessions {
	const char *name; /* jti or sid */
	struct b2b_session found[SESSIONS_AT_ONCE];
	size_t n;
};

static int collect_named(void *arg, const struct b2b_session *session)
{
	struct named_sessions *named = arg;

	if (named->n < SESSIONS_AT_ONCE && (strcmp(session->jti, named->name) == 0 || strcmp(session->sid, named->name) == 0))
		named->found[named->n++] = *session;
	return 0;
}

static int revoke_sessions(struct b2b_core *core, const struct b2b_event *event)
{
	struct named_sessions named = { .name = event->session };
	struct b2b_revocation revocation = { .scope = B2B_SCOPE_SESSION, .by_event = true, .reason = B2B_REVOKED, .text = event->reason,
		                             .event_ms = event->time_ms, .received_ns = event->received_ns };
	size_t i;
	int r = 0, one;

	if (!*event->session)
		return note_seen(core, event->jti);
	b2b_session_list(core->state, 0, collect_named, &named);
	for (i = 0; i < named.n; i++) {
		revocation.uid = named.found[i].uid;
		revocation.org = b2b_policy_org_by_uid(core->policy, revocation.uid);
		revocation.session = &named.found[i];
		one = b2b_revoke(core, &revocation);
		if (one < 0)
			r = one;
	}
	return r < 0 ? r : note_seen(core, event->jti);
}

/*
 * Did the directory speak after this event, and say active? A time in whole seconds may lie anywhere within its second:
 * in doubt the event counts.
 */
static bool overtaken(const struct b2b_event *event, bool active, int64_t modified_ms)
{
	int64_t latest = event->time_ms % 1000 ? event->time_ms : event->time_ms + 999;

	return active && modified_ms > latest;
}

static bool closes(const struct b2b_event *event)
{
	return event->kind != B2B_EVENT_SESSION_REVOKED;
}

static int apply_person(struct b2b_core *core, const struct b2b_event *event, const struct b2b_principal *person, int org)
{
	struct b2b_revocation revocation = { .scope = B2B_SCOPE_USER, .org = org, .uid = person->uid, .close = closes(event), .by_event = true,
		                             .reason = event->kind == B2B_EVENT_ACCOUNT_PURGED ? B2B_USER_REMOVED
		                                       : closes(event)                         ? B2B_USER_SUSPENDED
		                                                                               : B2B_REVOKED,
		                             .text = event->reason, .jti = event->jti, .event_ms = event->time_ms, .received_ns = event->received_ns };

	if (closes(event) && overtaken(event, person->state == B2B_ACTIVE, person->modified_ms))
		return note_seen(core, event->jti);
	return b2b_revoke(core, &revocation);
}

static int enable(struct b2b_core *core, const struct b2b_event *event, uint32_t uid, int org)
{
	int r = b2b_state_begin(core->state);

	if (r < 0)
		return r;
	r = uid ? b2b_directory_enable(core->state, uid, event->time_ms)
	        : b2b_directory_enable_org(core->state, core->policy->orgs[org].id, event->time_ms);
	if (r == 0)
		r = b2b_stream_seen(core->state, event->jti, b2b_wall_s());
	if (r < 0) {
		b2b_state_rollback(core->state);
		return r;
	}
	r = b2b_state_commit(core->state);
	if (r == 0)
		b2b_publish_words(core->publish, org);
	b2b_source_sync(core->source); /* the record may have changed too; the event alone does not say how */
	return r;
}

static int on_person(struct b2b_core *core, const struct b2b_event *event)
{
	struct b2b_principal person;
	int org, r;

	if (b2b_directory_by_subject(core->state, event->subject, &person) < 0) {
		b2b_log(LOG_INFO, "event=signal-unknown-subject id=%s", event->jti);
		return note_seen(core, event->jti);
	}
	org = b2b_policy_org_by_id(core->policy, person.org_id);
	if (org < 0 || (event->tenant && strcmp(event->tenant, person.org_id) != 0)) {
		b2b_log(LOG_NOTICE, "event=signal-other-organisation id=%s", event->jti);
		r = note_seen(core, event->jti);
	} else if (event->kind == B2B_EVENT_ACCOUNT_ENABLED) {
		r = enable(core, event, person.uid, org);
	} else {
		r = apply_person(core, event, &person, org);
	}
	b2b_principal_clear(&person);
	return r;
}

static bool org_overtaken(struct b2b_core *core, const struct b2b_event *event)
{
	struct b2b_org_record record;
	bool over;

	if (!closes(event) || b2b_directory_org(core->state, event->tenant, &record) < 0)
		return false;
	over = overtaken(event, record.state == B2B_ORG_IS_ACTIVE, record.modified_ms);
	b2b_org_record_clear(&record);
	return over;
}

static int on_organisation(struct b2b_core *core, const struct b2b_event *event)
{
	struct b2b_revocation revocation = { .scope = B2B_SCOPE_ORG, .close = closes(event), .by_event = true,
		                             .reason = closes(event) ? B2B_ORG_SUSPENDED : B2B_REVOKED, .text = event->reason,
		                             .jti = event->jti, .event_ms = event->time_ms, .received_ns = event->received_ns };
	int org = b2b_policy_org_by_id(core->policy, event->tenant);

	if (org < 0 || org_overtaken(core, event))
		return note_seen(core, event->jti);
	if (event->kind == B2B_EVENT_ACCOUNT_ENABLED)
		return enable(core, event, 0, org);
	revocation.org = org;
	return b2b_revoke(core, &revocation);
}

int b2b_on_event(struct b2b_core *core, const struct b2b_event *event)
{
	switch (event->kind) {
	case B2B_EVENT_SESSION_REVOKED:
		if (event->session)
			return revoke_sessions(core, event);
		break;
	case B2B_EVENT_ACCOUNT_DISABLED:
	case B2B_EVENT_ACCOUNT_ENABLED:
	case B2B_EVENT_ACCOUNT_PURGED:
		break;
	case B2B_EVENT_OTHER:
	case B2B_EVENT_VERIFICATION:
	case B2B_EVENT_STREAM_UPDATED:
		return note_seen(core, event->jti);
	}
	if (event->subject)
		return on_person(core, event);
	return event->tenant ? on_organisation(core, event) : note_seen(core, event->jti);
}

struct closing {
	struct b2b_core *core;
	int org;
	struct {
		uint32_t uid;
		enum b2b_reason reason;
	} *people;
	size_t n, room;
};

static int collect_closed(void *arg, const struct b2b_principal *person)
{
	struct closing *closing = arg;
	int standing = b2b_principal_standing(person, b2b_core_now(closing->core));
	void *bigger;

	if (standing == B2B_OK || B2B_LIVE_STATE(b2b_live_load(closing->core->lives[closing->org], person->uid)) != B2B_LIVE_OPEN)
		return 0;
	if (closing->n == closing->room) {
		closing->room = closing->room ? closing->room * 2 : 64;
		bigger = reallocarray(closing->people, closing->room, sizeof(*closing->people));
		if (!bigger)
			return -ENOMEM;
		closing->people = bigger;
	}
	closing->people[closing->n].uid = person->uid;
	closing->people[closing->n++].reason = (enum b2b_reason)standing;
	return 0;
}

static void close_people(struct b2b_core *core, int org)
{
	struct closing closing = { .core = core, .org = org };
	struct b2b_revocation list[CLOSED_AT_ONCE];
	bool by_clock = false;
	size_t i, n;

	b2b_directory_each(core->state, core->policy->orgs[org].id, collect_closed, &closing);
	for (i = 0; i < closing.n; i += n) { /* in portions: a transaction for each person would take long where there are many */
		for (n = 0; n < CLOSED_AT_ONCE && i + n < closing.n; n++) {
			list[n] = (struct b2b_revocation){ .scope = B2B_SCOPE_USER, .org = org, .uid = closing.people[i + n].uid, .close = true,
				                           .reason = closing.people[i + n].reason };
			by_clock = by_clock || list[n].reason == B2B_USER_WINDOW;
		}
		b2b_revoke_each(core, list, n);
	}
	if (by_clock)
		b2b_core_note_time(core);
	free(closing.people);
}

static void close_organisation(struct b2b_core *core, int org)
{
	struct b2b_revocation revocation = { .scope = B2B_SCOPE_ORG, .org = org, .close = true };
	struct b2b_org_record record;

	if (B2B_LIVE_STATE(b2b_live_load_org(core->lives[org])) != B2B_LIVE_OPEN ||
	    b2b_directory_org(core->state, core->policy->orgs[org].id, &record) < 0)
		return;
	revocation.reason = (enum b2b_reason)b2b_org_standing(&record, b2b_core_now(core));
	b2b_org_record_clear(&record);
	if (revocation.reason != B2B_OK)
		b2b_revoke(core, &revocation);
	if (revocation.reason == B2B_ORG_WINDOW)
		b2b_core_note_time(core);
}

void b2b_reconcile(struct b2b_core *core, int org)
{
	int first = org < 0 ? 0 : org, last = org < 0 ? (int)core->policy->n_orgs - 1 : org;

	for (; first <= last; first++) {
		close_organisation(core, first);
		close_people(core, first);
		b2b_publish_words(core->publish, first);
	}
}
