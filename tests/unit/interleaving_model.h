/*
 * The model of test_interleavings.c: what a federation service knows of its accounts, what it tells of them, what of that reached a host,
 * and what the host may therefore end, must end, and may admit. Nothing of the agent's is used here but the types.
 */
#ifndef B2B_TESTS_INTERLEAVING_MODEL_H
#define B2B_TESTS_INTERLEAVING_MODEL_H

#include "tests/unit/event_world.h"

#define ORGS WORLD_ORGS
#define PEOPLE 5 /* two of acme, three of its subsidiary of whom one comes later */
#define ACCOUNTS (PEOPLE + ORGS)
#define SESSIONS_MAX 128
#define EVENTS_MAX 768
#define AHEAD_MS 3600000
#define STALENESS_S 40 /* after which nobody is let in */

static const char *const names[PEOPLE] = { "alice", "bob", "carol", "dave", "erin" };
static const char *const groups[ORGS] = { "g-acme", "g-globex" };

struct record {
	bool exists, active;
	int64_t modified_ms;
	int64_t not_after_s; /* 0: no end */
};

/* A person or, behind them, an organisation. */
struct account {
	struct record service;
	int64_t suspended_ms; /* the last time, or purged; 0: never */
	/* of what reached the host */
	struct record stored;
	bool closing_taken;  /* the event of that suspension */
	int64_t disabled_ms; /* the latest closing that was in force when it came, and the latest opening; 0: none */
	int64_t enabled_ms;
	bool in_doubt;       /* a closing from a clock that runs ahead: only a record modified after its receipt lifts it for certain */
	bool by_hand;
	int64_t hand_ms;     /* the last time */
	uint32_t uid;        /* 0: not known there yet */
};

enum about { ABOUT_PERSON, ABOUT_ORG, ABOUT_GROUP, ABOUT_LOG_IN, ABOUT_SID, ABOUT_STREAM };

struct delivery {
	struct b2b_event event;
	char jti[16], subject[16], tenant[16], org_unit[16], group[16], session[16];
	enum about about;
	int which;            /* account, slot of the group's organisation, or log-in */
	int64_t claimed_ms;
	bool done, tried, lost;
	unsigned members;     /* of the group, as the host knew them when it took it: a bit each */
	int64_t suspended_ms; /* of the suspension it tells of */
	int64_t told_ms;      /* when it happened, as the host took it; 0: not yet taken */
};

/* A log-in, and the session that came of it. */
struct session {
	int person;
	struct b2b_session row;
	bool judged, opened, ended;
};

struct world {
	struct event_world host;
	unsigned seed, random;
	int64_t now_ms;
	enum { EXACT, WHOLE_SECONDS, AHEAD } clock;
	struct account accounts[ACCOUNTS];
	struct record read[ACCOUNTS]; /* a pass under way */
	bool reading;
	int64_t read_ms;
	bool groups_known;
	bool all_by_hand;
	bool owed;             /* events may have been missed … */
	int64_t owed_ms;       /* … until then */
	int64_t passed_ms, heard_ms, known_ms; /* all revocations up to then are known */
	struct delivery events[EVENTS_MAX];
	int n_events;
	struct session sessions[SESSIONS_MAX];
	int n_sessions;
	const struct delivery *cause; /* that is being taken; NULL: something else goes on */
	bool cause_past;       /* it is a closing, and the host knows that it is over */
};

#define broken(world, ...)                                     \
	do {                                                   \
		print_message("SEED=%u: ", (world)->seed);     \
		fail_msg(__VA_ARGS__);                         \
	} while (0)

/* Bob acts for Alice: a service account and its owner. -1: for nobody. */
static inline int owner_of(int account)
{
	return account == 1 ? 0 : -1;
}

static inline unsigned dice(struct world *world, unsigned sides)
{
	world->random = world->random * 1103515245u + 12345u;
	return (world->random >> 16) % sides;
}

static inline int org_of(int account)
{
	return account >= PEOPLE ? account - PEOPLE : account >= 2;
}

static inline bool in_group(int person)
{
	return person == 0 || person == 2 || person == 3;
}

static inline bool closes_account(const struct delivery *delivery)
{
	return delivery->event.kind == B2B_EVENT_ACCOUNT_DISABLED || delivery->event.kind == B2B_EVENT_ACCOUNT_PURGED;
}

/* The end of the second within which it lies, where all that is known is the second. */
static inline int64_t at_the_latest(int64_t time_ms)
{
	return time_ms % 1000 ? time_ms : time_ms + 999;
}

/* Is PERSON, or with OWNED somebody for whom PERSON acts, among those DELIVERY is about? */
static inline bool is_about(const struct world *world, const struct delivery *delivery, int person, bool owned)
{
	int owner = owned ? owner_of(person) : -1, org;

	if (owner >= 0 && delivery->about != ABOUT_ORG && is_about(world, delivery, owner, false))
		return true;
	switch (delivery->about) {
	case ABOUT_PERSON:
		return delivery->which == person;
	case ABOUT_GROUP:
		return delivery->members & 1u << person;
	case ABOUT_ORG:
		for (org = org_of(person); org >= 0; org = world->host.base->orgs[org].parent) {
			if (delivery->which == PEOPLE + org)
				return true;
		}
		return false;
	case ABOUT_LOG_IN:
	case ABOUT_SID:
	case ABOUT_STREAM:
		break;
	}
	return false;
}

static inline bool names_session(const struct delivery *delivery, const struct session *session)
{
	return !strcmp(delivery->session, delivery->about == ABOUT_SID ? session->row.sid : session->row.jti);
}

static inline bool is_named(const struct delivery *delivery)
{
	return delivery->about == ABOUT_LOG_IN || delivery->about == ABOUT_SID;
}

/* The sessions that DELIVERY ends when it happened at TOLD_MS; PAST: it is a closing that is over. */
static inline bool ends(const struct world *world, const struct delivery *delivery, const struct session *session, int64_t told_ms, bool past)
{
	if (delivery->event.kind != B2B_EVENT_SESSION_REVOKED && !closes_account(delivery))
		return false;
	if (is_named(delivery))
		return names_session(delivery, session);
	return is_about(world, delivery, session->person, true) &&
	       ((closes_account(delivery) && !past) || session->row.auth_time_s <= told_ms / 1000);
}

/* The authentications that are void once the host has taken DELIVERY. */
static inline bool voids(const struct world *world, const struct delivery *delivery, const struct session *session)
{
	bool again = delivery->event.kind == B2B_EVENT_REAUTHENTICATE; /* which is the person's own to do */

	if (!delivery->told_ms || (!again && delivery->event.kind != B2B_EVENT_SESSION_REVOKED && !closes_account(delivery)))
		return false;
	if (is_named(delivery))
		return names_session(delivery, session);
	return is_about(world, delivery, session->person, !again) && session->row.auth_time_s <= delivery->told_ms / 1000;
}

static inline bool is_past(const struct account *account, const struct delivery *delivery, int64_t told_ms)
{
	return closes_account(delivery) && !delivery->event.future &&
	       (account->enabled_ms > at_the_latest(told_ms) ||
	        (account->stored.exists && account->stored.active && account->stored.modified_ms > at_the_latest(told_ms)));
}

static inline bool record_open(const struct record *record, int64_t now_ms)
{
	return record->exists && record->active && (!record->not_after_s || now_ms / 1000 < record->not_after_s);
}

/* By what reached the host: its own account's standing. */
static inline bool account_closed(const struct world *world, int i)
{
	const struct account *account = &world->accounts[i];
	const struct record *stored = &account->stored;

	if (account->by_hand || !record_open(stored, world->now_ms) || (world->all_by_hand && i >= PEOPLE))
		return true;
	return account->disabled_ms && account->enabled_ms <= at_the_latest(account->disabled_ms) &&
	       stored->modified_ms <= at_the_latest(account->disabled_ms) &&
	       !(account->enabled_ms >= account->disabled_ms && stored->modified_ms >= account->disabled_ms);
}

static inline bool stands_closed(const struct world *world, int person)
{
	int org;

	for (org = org_of(person); org >= 0; org = world->host.base->orgs[org].parent) {
		if (account_closed(world, PEOPLE + org))
			return true;
	}
	return account_closed(world, person) || (owner_of(person) >= 0 && account_closed(world, owner_of(person)));
}

/* As the service has it, now; HAND: and root. */
static inline bool account_open(const struct world *world, int i, bool hand)
{
	const struct account *account = &world->accounts[i];

	return record_open(&account->service, world->now_ms) && !(hand && (account->by_hand || (world->all_by_hand && i >= PEOPLE)));
}

static inline bool person_open(const struct world *world, int person, bool hand)
{
	int org;

	for (org = org_of(person); org >= 0; org = world->host.base->orgs[org].parent) {
		if (!account_open(world, PEOPLE + org, hand))
			return false;
	}
	return account_open(world, person, hand) && (owner_of(person) < 0 || account_open(world, owner_of(person), hand));
}

/* --- the service --- */

static inline struct delivery *new_event(struct world *world, enum about about, int which, enum b2b_event_kind kind)
{
	struct delivery *delivery = &world->events[world->n_events];

	assert_true(world->n_events < EVENTS_MAX);
	snprintf(delivery->jti, sizeof(delivery->jti), "j%d", world->n_events++);
	delivery->event.kind = kind;
	delivery->event.jti = delivery->jti;
	delivery->about = about;
	delivery->which = which;
	delivery->claimed_ms = world->clock == WHOLE_SECONDS ? world->now_ms / 1000 * 1000 : world->now_ms;
	/* a clock that runs ahead, or one node of it */
	if (world->clock == AHEAD || dice(world, 16) == 0)
		delivery->claimed_ms += AHEAD_MS;
	return delivery;
}

static inline void name_tenant(struct world *world, struct delivery *delivery, int org)
{
	snprintf(delivery->tenant, sizeof(delivery->tenant), "%s", world->host.base->orgs[org].id);
	delivery->event.tenant = delivery->tenant;
}

static inline void name_person(struct world *world, struct delivery *delivery, int person)
{
	if (dice(world, 8) == 0) {
		delivery->event.person_id = (char *)names[person];
	} else {
		snprintf(delivery->subject, sizeof(delivery->subject), "%s", names[person]);
		delivery->event.subject = delivery->subject;
	}
	if (dice(world, 2))
		name_tenant(world, delivery, org_of(person));
}

/* An organisation by itself or, the subsidiary, as a unit of the one above. */
static inline void name_org(struct world *world, struct delivery *delivery, int org)
{
	int above = world->host.base->orgs[org].parent;

	if (above < 0 || dice(world, 2)) {
		name_tenant(world, delivery, org);
		return;
	}
	snprintf(delivery->org_unit, sizeof(delivery->org_unit), "%s", world->host.base->orgs[org].id);
	delivery->event.org_unit = delivery->org_unit;
	if (dice(world, 2))
		name_tenant(world, delivery, above);
}

static inline void tell(struct world *world, int account, enum b2b_event_kind kind)
{
	struct delivery *delivery = new_event(world, account < PEOPLE ? ABOUT_PERSON : ABOUT_ORG, account, kind);

	if (account < PEOPLE)
		name_person(world, delivery, account);
	else
		name_org(world, delivery, account - PEOPLE);
	if (closes_account(delivery))
		delivery->suspended_ms = world->now_ms;
}

static inline void tell_of_group(struct world *world)
{
	int org = (int)dice(world, ORGS);
	struct delivery *delivery = new_event(world, ABOUT_GROUP, org, dice(world, 3) ? B2B_EVENT_SESSION_REVOKED : B2B_EVENT_REAUTHENTICATE);

	snprintf(delivery->group, sizeof(delivery->group), "%s", groups[org]);
	delivery->event.group = delivery->group;
	if (dice(world, 2))
		name_tenant(world, delivery, org);
}

/* Of one log-in, by its token's jti or by its sid, which others may share. */
static inline void tell_of_log_in(struct world *world)
{
	static const enum b2b_event_kind kinds[] = { B2B_EVENT_SESSION_REVOKED, B2B_EVENT_SESSION_REVOKED, B2B_EVENT_REAUTHENTICATE, B2B_EVENT_REREAD };
	bool sid = dice(world, 2);
	const struct session *session;
	struct delivery *delivery;
	int which;

	if (!world->n_sessions)
		return;
	which = (int)dice(world, (unsigned)world->n_sessions);
	session = &world->sessions[which];
	delivery = new_event(world, sid ? ABOUT_SID : ABOUT_LOG_IN, which, kinds[dice(world, 4)]);
	snprintf(delivery->session, sizeof(delivery->session), "%.15s", sid ? session->row.sid : session->row.jti);
	delivery->event.session = delivery->session;
	if (dice(world, 2))
		name_person(world, delivery, session->person);
}

static inline void suspend(struct world *world, int i, enum b2b_event_kind kind)
{
	struct account *account = &world->accounts[i];

	account->service.active = false;
	account->service.exists = kind != B2B_EVENT_ACCOUNT_PURGED;
	account->closing_taken = false;
	account->service.modified_ms = account->suspended_ms = world->now_ms;
	tell(world, i, kind);
	if (dice(world, 2))
		tell(world, i, B2B_EVENT_SESSION_REVOKED);
}

static inline void set_window(struct world *world, int i)
{
	struct record *record = &world->accounts[i].service;

	record->not_after_s = record->not_after_s ? 0 : world->now_ms / 1000 + 2 + dice(world, 40);
	record->modified_ms = world->now_ms;
	if (dice(world, 2))
		tell(world, i, B2B_EVENT_REREAD);
}

static inline void reinstate(struct world *world, int i)
{
	world->accounts[i].service.active = true;
	world->accounts[i].service.modified_ms = world->now_ms;
	tell(world, i, B2B_EVENT_ACCOUNT_ENABLED);
}

static inline void change_account(struct world *world, int i)
{
	struct record *record = &world->accounts[i].service;
	unsigned what = dice(world, 12);

	if (!record->exists && world->now_ms / 1000 == world->accounts[i].suspended_ms / 1000)
		return; /* no event tells of an invitation: within the second of the purge it would be in doubt */
	if (!record->exists) /* invited; or again, which is the same person */
		*record = (struct record){ .exists = true, .active = true, .modified_ms = world->now_ms };
	else if (!record->active && dice(world, 2))
		reinstate(world, i);
	else if (what < 2)
		tell(world, i, B2B_EVENT_SESSION_REVOKED);
	else if (what < 4)
		tell(world, i, B2B_EVENT_REAUTHENTICATE);
	else if (what < 5)
		tell(world, i, B2B_EVENT_REREAD);
	else if (what < 6)
		set_window(world, i);
	else if (what < 7 && i < PEOPLE)
		suspend(world, i, B2B_EVENT_ACCOUNT_PURGED);
	else if (record->active)
		suspend(world, i, B2B_EVENT_ACCOUNT_DISABLED);
	else
		reinstate(world, i);
}

static inline void change(struct world *world)
{
	unsigned what = dice(world, 12);

	if (what < 2)
		tell_of_group(world);
	else if (what < 4)
		tell_of_log_in(world);
	else
		change_account(world, dice(world, 6) ? (int)dice(world, PEOPLE) : PEOPLE + (int)dice(world, ORGS));
}

/* The stream breaks: what closes or opens somebody is never sent, and that something may be missing is all that is told. */
static inline void lose(struct world *world)
{
	struct delivery *delivery;

	if (!world->n_events)
		return;
	delivery = &world->events[dice(world, (unsigned)world->n_events)];
	if (delivery->done || delivery->tried || !(closes_account(delivery) || delivery->event.kind == B2B_EVENT_ACCOUNT_ENABLED))
		return;
	delivery->lost = true;
	new_event(world, ABOUT_STREAM, 0, B2B_EVENT_STREAM_UPDATED);
}

#endif
