/*
 * What a Shared Signals event means for this host, and what follows when the directory's word changes. What kind of event
 * has which effect stands in federation/event_kinds.c. Everything here is decided so that it does not matter in which
 * order events come, how late, and how often: RFC 8936 promises none of that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "b2bd/event_sessions.h"
#include "b2bd/state/alias_state.h"
#include "common/clock.h"
#include "common/log.h"

#define REREADS_MAX 16 /* questions at once; where there are more, a pass over everybody is cheaper for both sides */

/* Whom an event is about, once it is known: a person, or all of ORG. */
struct target {
	int org;
	const struct b2b_principal *person;
};

struct named {
	struct b2b_core *core;
	const struct b2b_event *event;
};

static bool closes(const struct b2b_event *event)
{
	return event->kind == B2B_EVENT_ACCOUNT_DISABLED || event->kind == B2B_EVENT_ACCOUNT_PURGED;
}

static struct b2b_revocation revocation_of(const struct b2b_event *event, const struct target *target, bool close)
{
	enum b2b_reason closed = !target->person                           ? B2B_ORG_SUSPENDED
	                         : event->kind == B2B_EVENT_ACCOUNT_PURGED ? B2B_USER_REMOVED
	                                                                   : B2B_USER_SUSPENDED;

	return (struct b2b_revocation){ .scope = target->person ? B2B_SCOPE_USER : B2B_SCOPE_ORG, .org = target->org,
		                        .uid = target->person ? target->person->uid : 0, .close = close, .by_event = true,
		                        .reason = close ? closed : B2B_REVOKED, .text = event->reason, .jti = event->jti,
		                        .event_ms = event->time_ms, .received_ns = event->received_ns };
}

/* No record tells whose sessions were to be ended: somebody has to see to it. */
static void note_unplaced(struct b2b_core *core, const struct b2b_event *event)
{
	if (event->kind != B2B_EVENT_SESSION_REVOKED && event->kind != B2B_EVENT_REAUTHENTICATE)
		return;
	core->unplaced.count++;
	core->unplaced.last_s = b2b_wall_s();
	snprintf(core->unplaced.jti, sizeof(core->unplaced.jti), "%s", event->jti);
	b2b_log(LOG_WARNING, "event=signal-unplaced id=%s; whom it is about cannot be told here, and nothing was ended for it", event->jti);
}

/*
 * It cannot be told here whom this is about, or what it changed: the directory can. What may close somebody lets the lease
 * rest on passes until it has.
 */
static int ask_directory(struct b2b_core *core, const struct b2b_event *event)
{
	bool may_close = event->kind != B2B_EVENT_REREAD && event->kind != B2B_EVENT_ACCOUNT_ENABLED;
	int r = may_close ? b2b_owe_pass(core, event->jti) : b2b_event_note_seen(core, event->jti);

	b2b_source_sync(core->source);
	if (r == 0)
		note_unplaced(core, event);
	return r;
}

/* An organisation that root did not admit is no concern of this host. */
static bool foreign(const struct b2b_core *core, const struct b2b_event *event)
{
	return event->tenant && b2b_policy_org_by_id(core->policy, event->tenant) < 0;
}

/* It says for certain who, and what holds of that person from then on. */
static bool lasts(const struct b2b_event *event)
{
	return (event->subject || event->person_id) && !event->vague && event->kind != B2B_EVENT_REREAD;
}

/* Somebody whom this host does not know, or not in that organisation: a pass may be about to store a record from before. */
static int note_ahead(struct b2b_core *core, const struct b2b_event *event, const char *jti)
{
	bool opens = event->kind == B2B_EVENT_ACCOUNT_ENABLED;
	struct b2b_event_ahead ahead = { .name = event->person_id ? event->person_id : event->subject, .by_id = event->person_id,
		                         .org_id = event->tenant ? event->tenant : "", .disabled_ms = closes(event) ? event->time_ms : 0,
		                         .enabled_ms = opens ? event->time_ms : 0, .cutoff_ms = opens ? 0 : event->time_ms };
	int r = b2b_state_begin(core->state);

	if (r < 0)
		return r;
	r = b2b_event_ahead_note(core->state, &ahead, b2b_wall_s());
	if (r == 0 && jti)
		r = b2b_stream_seen(core->state, jti, b2b_wall_s());
	if (r < 0) {
		b2b_state_rollback(core->state);
		return r;
	}
	return b2b_state_commit(core->state);
}

static int open_target(struct b2b_core *core, const struct b2b_event *event, const struct target *target)
{
	int r = b2b_state_begin(core->state);

	if (r < 0)
		return r;
	r = target->person ? b2b_directory_enable(core->state, target->person->uid, event->time_ms)
	                   : b2b_directory_enable_org(core->state, core->policy->orgs[target->org].id, event->time_ms);
	if (r == 0 && event->jti)
		r = b2b_stream_seen(core->state, event->jti, b2b_wall_s());
	if (r < 0) {
		b2b_state_rollback(core->state);
		return r;
	}
	r = b2b_state_commit(core->state);
	if (r == 0)
		b2b_reconcile(core, target->org);
	b2b_source_sync(core->source); /* the record may have changed too; the event alone does not say how */
	return r;
}

/* It was held closed for want of a durable record of this very event, which turns out to be past. */
static void release(struct b2b_core *core, const struct b2b_event *event, const struct target *target)
{
	b2b_publish_release(core->publish, target->org, target->person ? target->person->uid : 0, 0, event->time_ms);
	b2b_reconcile(core, target->org);
}

/* What was authenticated before it is void, and what acts for a person with the person's. */
static int end_before(struct b2b_core *core, const struct b2b_revocation *revocation, const struct target *target)
{
	return target->person ? b2b_end_before_owner(core, revocation, target->person->id) : b2b_end_before(core, revocation);
}

static int close_target(struct b2b_core *core, const struct b2b_event *event, const struct target *target, bool outdated)
{
	struct b2b_revocation revocation = revocation_of(event, target, !outdated);
	int r;

	if (!outdated)
		return target->person ? b2b_revoke_owner(core, &revocation, target->person->id) : b2b_revoke(core, &revocation);
	r = end_before(core, &revocation, target);
	if (r == 0)
		release(core, event, target);
	b2b_source_sync(core->source); /* that it is past was read off a clock or two: the record knows */
	return r;
}

static void reread_done(void *arg, int error)
{
	struct b2b_core *core = arg;

	core->rereads--;
	if (error < 0) /* renamed, moved, gone, or no answer */
		b2b_source_sync(core->source);
}

/* False: it is about more than one person, or there are too many such questions under way. */
static bool ask_of_person(struct b2b_core *core, const struct target *target)
{
	if (!target->person || core->rereads >= REREADS_MAX)
		return false;
	core->rereads++;
	b2b_source_find(core->source, target->org, target->person->local, reread_done, core);
	return true;
}

static int reread(struct b2b_core *core, const struct b2b_event *event, const struct target *target)
{
	return ask_of_person(core, target) ? b2b_event_note_seen(core, event->jti) : ask_directory(core, event);
}

/*
 * Where nothing is signalled of accounts that are closed, whoever closes one can only end its sessions besides: the directory
 * is asked at once whether that was it. Should this fail, the next pass tells.
 */
static int end_sessions(struct b2b_core *core, const struct b2b_event *event, const struct target *target)
{
	struct b2b_revocation revocation = revocation_of(event, target, false);
	int r = end_before(core, &revocation, target);

	if (r == 0 && event->no_closings && !ask_of_person(core, target))
		b2b_source_sync(core->source);
	return r;
}

/* OUTDATED: a closing is, by what is known of the target already. */
static int apply(struct b2b_core *core, const struct b2b_event *event, const struct target *target, bool outdated)
{
	struct b2b_revocation revocation = revocation_of(event, target, false);

	switch (event->kind) {
	case B2B_EVENT_ACCOUNT_DISABLED:
	case B2B_EVENT_ACCOUNT_PURGED:
		return close_target(core, event, target, outdated);
	case B2B_EVENT_ACCOUNT_ENABLED:
		return open_target(core, event, target);
	case B2B_EVENT_SESSION_REVOKED:
		return end_sessions(core, event, target);
	case B2B_EVENT_REAUTHENTICATE:
		return b2b_event_cut_off(core, &revocation);
	case B2B_EVENT_REREAD:
		return reread(core, event, target);
	case B2B_EVENT_OTHER:
	case B2B_EVENT_VERIFICATION:
	case B2B_EVENT_STREAM_UPDATED:
		break;
	}
	return b2b_event_note_seen(core, event->jti);
}

static int apply_person(struct b2b_core *core, const struct b2b_event *event, const struct b2b_principal *person, int org)
{
	struct target target = { .org = org, .person = person };
	/* dated at its receipt it cannot be compared with what the service's clock says */
	bool outdated = !event->future &&
	                b2b_closing_outdated(event->time_ms, person->enabled_ms, person->state == B2B_ACTIVE, person->modified_ms);

	return apply(core, event, &target, outdated);
}

static int apply_organisation(struct b2b_core *core, const struct b2b_event *event, int org)
{
	struct target target = { .org = org };
	struct b2b_org_record record = { 0 };
	bool outdated;
	int r = b2b_directory_org(core->state, core->policy->orgs[org].id, &record);

	if (r < 0 && r != -ENOENT)
		return r;
	outdated = !event->future &&
	           b2b_closing_outdated(event->time_ms, record.enabled_ms, record.state == B2B_ORG_IS_ACTIVE, record.modified_ms);
	r = apply(core, event, &target, outdated);
	b2b_org_record_clear(&record);
	return r;
}

static int find_person(struct b2b_core *core, const struct b2b_event *event, struct b2b_principal *ret)
{
	return event->person_id ? b2b_directory_by_id(core->state, event->person_id, ret)
	                        : b2b_directory_by_subject(core->state, event->subject, ret);
}

/* Nobody here goes by that name, or somebody of another organisation than the event's does. */
static int on_stranger(struct b2b_core *core, const struct b2b_event *event)
{
	if (foreign(core, event))
		return b2b_event_note_seen(core, event->jti);
	b2b_log(LOG_INFO, "event=signal-unknown-subject id=%s", event->jti);
	return lasts(event) ? note_ahead(core, event, event->jti) : ask_directory(core, event);
}

/* Does the event name no organisation, or ORG or one above it? */
static bool is_within(const struct b2b_core *core, const struct b2b_event *event, int org)
{
	int tenant = event->tenant ? b2b_policy_org_by_id(core->policy, event->tenant) : org;

	return tenant >= 0 && b2b_policy_org_within(core->policy, org, tenant);
}

static int on_person(struct b2b_core *core, const struct b2b_event *event)
{
	struct b2b_principal person;
	bool exact;
	int org, r = find_person(core, event, &person);

	if (r == -ENOENT)
		return on_stranger(core, event);
	if (r < 0)
		return r;
	org = b2b_policy_org_by_id(core->policy, person.org_id);
	if (org < 0 || !is_within(core, event, org)) {
		r = on_stranger(core, event);
	} else {
		exact = event->tenant && !strcmp(event->tenant, person.org_id);
		/* what opens an account above says nothing for certain of the one below */
		if (event->kind == B2B_EVENT_ACCOUNT_ENABLED && event->tenant && !exact)
			r = ask_directory(core, event);
		else
			r = apply_person(core, event, &person, org);
		/* it names no organisation, or one above: it holds for where the person may move, too */
		if (r == 0 && !exact && lasts(event))
			r = note_ahead(core, event, NULL);
	}
	b2b_principal_clear(&person);
	return r;
}

static int apply_member(struct b2b_core *core, const struct b2b_event *event, uint32_t uid)
{
	struct b2b_principal person;
	int r = b2b_directory_by_uid(core->state, uid, &person);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = apply_person(core, event, &person, b2b_policy_org_by_uid(core->policy, uid));
	b2b_principal_clear(&person);
	return r;
}

struct namesakes {
	struct b2b_core *core;
	const struct b2b_event *event;
	uint32_t uid; /* of the first; 0: none */
};

static int meet_namesake(void *arg, uint32_t uid)
{
	struct namesakes *namesakes = arg;
	int org = b2b_policy_org_by_uid(namesakes->core->policy, uid);

	if (org < 0 || uid == namesakes->uid || !is_within(namesakes->core, namesakes->event, org))
		return 0;
	if (namesakes->uid)
		return -ENOTUNIQ;
	namesakes->uid = uid;
	return 0;
}

/* What the person of UID, who goes by the event's name for now, has running is over; for what closes or opens the directory is asked. */
static int apply_namesake(struct b2b_core *core, const struct b2b_event *event, uint32_t uid)
{
	struct b2b_event ends = *event;
	int r;

	if (event->kind == B2B_EVENT_ACCOUNT_ENABLED)
		return ask_directory(core, event);
	if (!closes(event))
		return apply_member(core, event, uid);
	ends.kind = B2B_EVENT_SESSION_REVOKED;
	ends.jti = NULL; /* seen when the directory is asked */
	r = apply_member(core, &ends, uid);
	return r < 0 ? r : ask_directory(core, event);
}

/*
 * A name that passes from one person to another closes nobody for good. Whose it is by the directory's last word, where that is
 * one person of the event's organisation, is taken for whom it is about in what one log-in makes good.
 */
static int on_alias(struct b2b_core *core, const struct b2b_event *event)
{
	struct namesakes namesakes = { .core = core, .event = event };
	int r = foreign(core, event) ? 0 : b2b_alias_each(core->state, &event->aliases, meet_namesake, &namesakes);

	if (r == -ENOTUNIQ || (r == 0 && !namesakes.uid))
		return on_stranger(core, event);
	return r < 0 ? r : apply_namesake(core, event, namesakes.uid);
}

/*
 * A group is who is in it. Whether its members' accounts are open is not a group's to say, and would not end with the
 * membership: for that the directory is asked.
 */
static int on_group(struct b2b_core *core, const struct b2b_event *event)
{
	struct b2b_event each = *event;
	uint32_t *members = NULL;
	size_t n = 0, i;
	int r;

	if (foreign(core, event))
		return b2b_event_note_seen(core, event->jti);
	if (event->kind != B2B_EVENT_SESSION_REVOKED && event->kind != B2B_EVENT_REAUTHENTICATE)
		return ask_directory(core, event);
	r = b2b_group_members(core->state, event->group, event->tenant, &members, &n);
	if (r == -ENOENT)
		return ask_directory(core, event);
	each.jti = NULL; /* seen when all of them are through */
	for (i = 0; i < n; i++) { /* whatever becomes of one */
		int s = apply_member(core, &each, members[i]);

		r = r < 0 ? r : s;
	}
	free(members);
	return r < 0 ? r : b2b_event_note_seen(core, event->jti);
}

/* A unit is one of root's organisations below the tenant, with all below it; of others this host has no idea. */
static int on_unit(struct b2b_core *core, const struct b2b_event *event)
{
	int unit = b2b_policy_org_by_id(core->policy, event->org_unit),
	    tenant = event->tenant ? b2b_policy_org_by_id(core->policy, event->tenant) : unit;

	if (foreign(core, event))
		return b2b_event_note_seen(core, event->jti);
	if (unit < 0 || !b2b_policy_org_within(core->policy, unit, tenant))
		return ask_directory(core, event);
	return apply_organisation(core, event, unit);
}

static int on_organisation(struct b2b_core *core, const struct b2b_event *event)
{
	int org = b2b_policy_org_by_id(core->policy, event->tenant);

	return org < 0 ? b2b_event_note_seen(core, event->jti) : apply_organisation(core, event, org);
}

static int reread_uid(void *arg, uint32_t uid)
{
	const struct named *named = arg;
	struct b2b_event each = *named->event;

	each.jti = NULL; /* seen when all of them are through */
	return apply_member(named->core, &each, uid);
}

/* The session says whose record has changed; whoever has none here is not concerned yet. */
static int on_session_reread(struct b2b_core *core, const struct b2b_event *event)
{
	struct named named = { .core = core, .event = event };
	int r = foreign(core, event) ? 0 : b2b_event_each_named(core, event, reread_uid, &named);

	return r < 0 ? r : b2b_event_note_seen(core, event->jti);
}

/* Who uses it is known to no directory. */
static int on_device(struct b2b_core *core, const struct b2b_event *event)
{
	int r = b2b_event_note_seen(core, event->jti);

	if (r == 0 && !foreign(core, event))
		note_unplaced(core, event);
	return r;
}

static int on_account_event(struct b2b_core *core, const struct b2b_event *event)
{
	if (event->subject || event->person_id)
		return on_person(core, event);
	if (event->vague)
		return on_alias(core, event);
	if (event->group)
		return on_group(core, event);
	if (event->org_unit)
		return on_unit(core, event);
	return event->tenant ? on_organisation(core, event) : b2b_event_note_seen(core, event->jti);
}

int b2b_on_event(struct b2b_core *core, const struct b2b_event *event)
{
	struct b2b_event asked;

	if (event->kind == B2B_EVENT_STREAM_UPDATED) /* the stream raises a gap for it, once it is acknowledged */
		return b2b_owe_pass(core, event->jti);
	if (event->kind == B2B_EVENT_OTHER || event->kind == B2B_EVENT_VERIFICATION)
		return b2b_event_note_seen(core, event->jti);
	if (event->device)
		return on_device(core, event);
	if (event->session)
		return event->kind == B2B_EVENT_REREAD ? on_session_reread(core, event) : b2b_on_session_event(core, event);
	if (event->kind == B2B_EVENT_ACCOUNT_ENABLED && event->future) {
		/* dated at its receipt it would lift a closing that came between: the record says which was last */
		asked = *event;
		asked.kind = B2B_EVENT_REREAD;
		return on_account_event(core, &asked);
	}
	return on_account_event(core, event);
}
