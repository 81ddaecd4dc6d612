/*
 * The host of test_interleavings.c: real state and words to which the service of interleaving_model.h tells what it tells, a guard that
 * ends who is to be ended, and the model's clocks. What is ended is judged at once.
 */
#ifndef B2B_TESTS_INTERLEAVING_HOST_H
#define B2B_TESTS_INTERLEAVING_HOST_H

#include <fcntl.h>
#include <sys/syscall.h>

#include "tests/unit/interleaving_model.h"

#define START_MS 1790000000001

static int64_t model_ms; /* 0: the clocks are the machine's */
static size_t ended_in_all;

/* The clocks of all that is linked here. */
int clock_gettime(clockid_t id, struct timespec *ret)
{
	if (!model_ms || (id != CLOCK_REALTIME && id != CLOCK_BOOTTIME))
		return (int)syscall(SYS_clock_gettime, id, ret);
	ret->tv_sec = (model_ms - (id == CLOCK_BOOTTIME ? START_MS / 2 : 0)) / 1000;
	ret->tv_nsec = model_ms % 1000 * 1000000;
	return 0;
}

/* What a power cut leaves is another test's. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
	return fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

static inline void pass_time(struct world *world, int64_t ms)
{
	world->now_ms += ms;
	if (world->now_ms % 1000 == 0)
		world->now_ms++; /* a clock of whole seconds is a mode of its own */
	model_ms = world->now_ms;
}

/* --- the guard --- */

static inline bool in_scope(struct world *world, const struct session *session, int index, const struct b2b_guard_message *message)
{
	if (!session->opened)
		return false;
	if (message->scope == B2B_SCOPE_SESSION)
		return message->pid == 1000 + index;
	if (message->scope == B2B_SCOPE_ORG)
		return b2b_policy_org_within(&world->host.base->policy, org_of(session->person), message->org);
	return session->row.uid == message->uid;
}

/* It was taken by the time that the host gave it, or nothing is being taken and its person stands closed. */
static inline bool is_right_to_end(const struct world *world, const struct session *session)
{
	return (world->cause && ends(world, world->cause, session, world->cause->event.time_ms, world->cause_past)) ||
	       stands_closed(world, session->person);
}

/* The guard ends whatever lives at that moment. */
static inline void end(void *arg, const struct b2b_guard_message *message)
{
	struct world *world = arg;
	int i;

	for (i = 0; i < world->n_sessions; i++) {
		struct session *session = &world->sessions[i];

		if (session->ended || !in_scope(world, session, i, message))
			continue;
		if (!is_right_to_end(world, session))
			broken(world, "session %d of %s is ended by %s, which is no reason", i, names[session->person],
			       world->cause ? world->cause->jti : "no event");
		session->ended = true;
		ended_in_all++;
		b2b_session_drop(world->host.core.state, 1000 + i, 1);
	}
}

static inline void play_guard(struct world *world)
{
	int i;

	world_guard(&world->host, end, world);
	/* the agent looks for the processes of sessions after every end; those here have none */
	for (i = 0; i < world->n_sessions; i++) {
		if (world->sessions[i].opened && !world->sessions[i].ended)
			assert_int_equal(b2b_session_store(world->host.core.state, &world->sessions[i].row), 0);
	}
}

/* --- the host --- */

static inline bool is_open(struct world *world, int account)
{
	uint32_t uid = world->accounts[account].uid;

	if (account >= PEOPLE)
		return B2B_LIVE_STATE(b2b_live_load_org(world->host.lives[account - PEOPLE])) == B2B_LIVE_OPEN;
	return uid && B2B_LIVE_STATE(b2b_live_load(world->host.lives[org_of(account)], uid)) == B2B_LIVE_OPEN;
}

/* Once known, an id is that person's for ever. */
static inline void learn_uid(struct world *world, int person)
{
	struct account *account = &world->accounts[person];
	struct b2b_principal found;

	if (b2b_directory_by_id(world->host.core.state, names[person], &found) < 0)
		return;
	assert_true(!account->uid || account->uid == found.uid);
	account->uid = found.uid;
	b2b_principal_clear(&found);
}

static inline void with_full_disk(struct world *world, bool full)
{
	sqlite3_exec(b2b_state_db(world->host.core.state), full ? "PRAGMA query_only = ON" : "PRAGMA query_only = OFF", NULL, NULL, NULL);
}

static inline void note_taken(struct world *world, struct delivery *delivery)
{
	struct account *account = &world->accounts[delivery->which < ACCOUNTS ? delivery->which : 0];
	int64_t told_ms = delivery->event.time_ms;

	if (told_ms > delivery->told_ms)
		delivery->told_ms = told_ms;
	if (delivery->about != ABOUT_PERSON && delivery->about != ABOUT_ORG)
		return;
	if (closes_account(delivery) && !world->cause_past && told_ms > account->disabled_ms)
		account->disabled_ms = told_ms;
	if (delivery->event.kind == B2B_EVENT_ACCOUNT_ENABLED && !delivery->event.future && told_ms > account->enabled_ms)
		account->enabled_ms = told_ms;
}

/* Somebody whom it concerns, who is here, and lives on. */
static inline void what_it_is_about_has_ended(const struct world *world, const struct delivery *delivery)
{
	int i;

	for (i = 0; i < world->n_sessions; i++) {
		const struct session *session = &world->sessions[i];

		if (session->opened && !session->ended && ends(world, delivery, session, delivery->event.time_ms, world->cause_past))
			broken(world, "session %d of %s outlives %s", i, names[session->person], delivery->jti);
	}
}

/* What nobody here could be told for has somebody look, and so has what may be missing. */
static inline void owe(struct world *world, struct delivery *delivery, uint64_t unplaced)
{
	if (delivery->about == ABOUT_GROUP && !world->groups_known)
		assert_true(world->host.core.unplaced.count > unplaced || !delivery->done);
	else if (delivery->about != ABOUT_STREAM)
		return;
	assert_true(world->host.core.must_pass);
	world->owed = true;
	world->owed_ms = world->now_ms;
}

static inline void take(struct world *world, struct delivery *delivery, bool fails)
{
	uint64_t unplaced = world->host.core.unplaced.count;
	int syncs = directory.syncs + directory.finds, r;

	with_full_disk(world, fails);
	r = b2b_on_event(&world->host.core, &delivery->event);
	with_full_disk(world, false);
	assert_true(fails ? r < 0 : r == 0);
	delivery->done = delivery->done || r == 0;
	delivery->tried = r < 0;
	if (r == 0) {
		assert_int_equal(b2b_seen_has(world->host.core.state, delivery->jti), 1);
		note_taken(world, delivery);
	}
	if (r == 0 && delivery->event.kind == B2B_EVENT_REREAD && (delivery->about == ABOUT_PERSON || delivery->about == ABOUT_ORG))
		assert_true(directory.syncs + directory.finds > syncs || !world->accounts[delivery->which].stored.exists);
	owe(world, delivery, unplaced);
}

static inline void note_members(const struct world *world, struct delivery *delivery)
{
	int i;

	delivery->members = 0; /* it may have come before */
	for (i = 0; i < PEOPLE; i++) {
		if (in_group(i) && org_of(i) == delivery->which && world->accounts[i].stored.exists)
			delivery->members |= 1u << i;
	}
}

static inline void deliver(struct world *world, struct delivery *delivery)
{
	struct account *account = &world->accounts[delivery->which < ACCOUNTS ? delivery->which : 0];
	bool fails = !delivery->done && dice(world, 12) == 0, about_account = delivery->about == ABOUT_PERSON || delivery->about == ABOUT_ORG;

	if (delivery->lost || b2b_seen_has(world->host.core.state, delivery->jti) > 0)
		return;
	delivery->event.future = delivery->claimed_ms > world->now_ms;
	delivery->event.time_ms = delivery->event.future ? world->now_ms : delivery->claimed_ms;
	if (delivery->about == ABOUT_GROUP)
		note_members(world, delivery);
	world->cause = delivery;
	world->cause_past = about_account && is_past(account, delivery, delivery->event.time_ms);
	take(world, delivery, fails);
	/* what could not be stored closes all the same, and comes again */
	if (closes_account(delivery) && delivery->suspended_ms == account->suspended_ms &&
	    (delivery->done || delivery->which >= PEOPLE || account->stored.exists))
		account->closing_taken = true;
	if (about_account && delivery->event.future && (closes_account(delivery) || delivery->event.kind == B2B_EVENT_ACCOUNT_ENABLED))
		account->in_doubt = true;
	play_guard(world);
	what_it_is_about_has_ended(world, delivery);
	world->cause = NULL;
}

static inline void read_directory(struct world *world)
{
	int i;

	for (i = 0; i < ACCOUNTS; i++)
		world->read[i] = world->accounts[i].service;
	world->reading = true;
	world->read_ms = world->now_ms;
}

static inline void store_record(struct world *world, int i, int64_t pass)
{
	const struct record *record = &world->read[i];
	struct b2b_state *state = world->host.core.state;
	char *org_id = world->host.base->orgs[org_of(i)].id;
	bool changed;

	world->accounts[i].stored = *record;
	if (!record->exists)
		return;
	if (i >= PEOPLE) {
		struct b2b_org_record org = { .id = org_id, .state = record->active ? B2B_ORG_IS_ACTIVE : B2B_ORG_IS_SUSPENDED,
			                      .modified_ms = record->modified_ms, .not_after = record->not_after_s };

		assert_int_equal(b2b_directory_put_org(state, &org, pass, &changed), 0);
	} else {
		struct b2b_principal person = fixture_person(names[i], names[i]);

		person.org_id = org_id;
		person.owner = owner_of(i) < 0 ? NULL : (char *)names[owner_of(i)];
		person.state = record->active ? B2B_ACTIVE : B2B_SUSPENDED;
		person.modified_ms = record->modified_ms;
		person.not_after = record->not_after_s;
		assert_int_equal(b2b_directory_put_principal(state, &world->host.base->policy, &person, pass, &changed), 0);
	}
}

static inline void store_group(struct world *world, int org, int64_t pass)
{
	const char *members[PEOPLE];
	size_t n = 0;
	bool changed;
	int i;

	for (i = 0; i < PEOPLE; i++) {
		if (world->read[i].exists && org_of(i) == org && in_group(i))
			members[n++] = names[i];
	}
	assert_int_equal(b2b_directory_put_group(world->host.core.state, &world->host.base->policy, groups[org], world->host.base->orgs[org].id, groups[org],
	                                         0, members, n, pass, &changed), 0);
}

struct unseen {
	uint32_t uids[PEOPLE];
	size_t n;
};

static inline int collect_unseen(void *arg, uint32_t uid, const char *id)
{
	struct unseen *unseen = arg;

	(void)id;
	assert_true(unseen->n < PEOPLE);
	unseen->uids[unseen->n++] = uid;
	return 0;
}

static inline void remove_unseen(struct world *world, int64_t pass)
{
	struct unseen unseen = { .n = 0 };
	uint32_t removed;
	int org;

	for (org = 0; org < ORGS; org++)
		assert_int_equal(b2b_directory_each_unseen(world->host.core.state, world->host.base->orgs[org].id, pass, collect_unseen, &unseen), 0);
	assert_int_equal(b2b_directory_remove(world->host.core.state, pass, unseen.uids, unseen.n, &removed), 0);
}

/* All revocations until then are known, at the most. */
static inline void renew(struct world *world)
{
	int64_t until = world->owed && world->passed_ms < world->heard_ms ? world->passed_ms : world->heard_ms;

	b2b_lease_renew(&world->host.core);
	if (until > world->known_ms)
		world->known_ms = until;
}

static inline uint64_t boot_ns(int64_t ms)
{
	return b2b_now_ns() - (uint64_t)(model_ms - ms) * B2B_NS_PER_MS;
}

static inline void complete_pass(struct world *world)
{
	struct b2b_core *core = &world->host.core;

	assert_int_equal(b2b_directory_end_pass(core->state, b2b_wall_s()), 0);
	b2b_pass_complete(core, boot_ns(world->read_ms));
	world->passed_ms = world->read_ms;
	world->owed = world->owed && world->read_ms <= world->owed_ms;
	renew(world);
}

static inline void store_directory(struct world *world)
{
	struct b2b_state *state = world->host.core.state;
	int64_t pass;
	int i;

	assert_int_equal(b2b_directory_begin_pass(state, &pass), 0);
	assert_int_equal(b2b_state_begin(state), 0);
	for (i = ACCOUNTS - 1; i >= 0; i--)
		store_record(world, i, pass);
	for (i = 0; i < ORGS; i++)
		store_group(world, i, pass);
	assert_int_equal(b2b_state_commit(state), 0);
	remove_unseen(world, pass);
	world->groups_known = true;
	world->reading = false;
	for (i = 0; i < PEOPLE; i++)
		learn_uid(world, i);
	b2b_reconcile(&world->host.core, -1);
	play_guard(world);
	complete_pass(world);
}

/* A completed poll: what was refused came again, and closed words may open. */
static inline void settle(struct world *world)
{
	int i;

	for (i = 0; i < world->n_events; i++) {
		while (world->events[i].tried && !world->events[i].done)
			deliver(world, &world->events[i]);
	}
	b2b_publish_settled(world->host.core.publish);
	b2b_reconcile(&world->host.core, -1);
	play_guard(world);
	world->host.core.heard_ns = b2b_now_ns();
	world->heard_ms = world->now_ms;
	renew(world);
}

static inline void restart(struct world *world)
{
	world_stop(&world->host);
	world->reading = false; /* its pass died with it */
	world_start(&world->host);
	b2b_owed_pass_start(&world->host.core);
	world->passed_ms = world->heard_ms = 0;
	world->owed_ms = world->now_ms;
	play_guard(world);
}

/* --- root --- */

static inline struct b2b_hand hand_of(struct world *world, int account)
{
	struct b2b_hand hand = { .kind = account < 0 ? B2B_HAND_ALL : account < PEOPLE ? B2B_HAND_USER : B2B_HAND_ORG, .since_ms = world->now_ms,
		                 .by = UINT32_MAX, .reason = "by hand" };

	if (account >= 0)
		snprintf(hand.what, sizeof(hand.what), "%s", account < PEOPLE ? names[account] : world->host.base->orgs[account - PEOPLE].id);
	b2b_audit_id(hand.audit_id);
	return hand;
}

static inline void close_by_hand(struct world *world, int account)
{
	struct b2b_hand hand = hand_of(world, account);
	struct b2b_revocation revocation = { .scope = account >= 0 && account < PEOPLE ? B2B_SCOPE_USER : B2B_SCOPE_ORG,
		                             .org = account < 0 ? 0 : org_of(account), .close = true, .hand = &hand, .reason = B2B_ORG_CLOSED };
	int i;

	if (account < 0)
		world->all_by_hand = true;
	for (i = 0; i < ACCOUNTS; i++) {
		if (i == account || (account < 0 && i >= PEOPLE))
			world->accounts[i].hand_ms = world->now_ms;
	}
	if (account >= 0)
		world->accounts[account].by_hand = true;
	if (revocation.scope == B2B_SCOPE_USER) {
		revocation.uid = world->accounts[account].uid;
		revocation.reason = B2B_USER_CLOSED;
		assert_int_equal(b2b_revoke_owner(&world->host.core, &revocation, names[account]), 0);
	} else {
		assert_int_equal(b2b_revoke(&world->host.core, &revocation), 0);
	}
	play_guard(world);
}

static inline void open_by_hand(struct world *world, int account)
{
	struct b2b_hand hand = hand_of(world, account);

	assert_int_equal(b2b_hand_drop(world->host.core.state, hand.kind, hand.what), 0);
	if (account < 0)
		world->all_by_hand = false;
	else
		world->accounts[account].by_hand = false;
	b2b_reconcile(&world->host.core, account < 0 ? -1 : org_of(account));
	play_guard(world);
}

static inline bool is_by_hand(const struct world *world, int account)
{
	return account < 0 ? world->all_by_hand : world->accounts[account].by_hand;
}

static inline void open_all_by_hand(struct world *world)
{
	int i;

	for (i = -1; i < ACCOUNTS; i++) {
		if (is_by_hand(world, i))
			open_by_hand(world, i);
	}
}

static inline void by_hand(struct world *world)
{
	int account = (int)dice(world, ACCOUNTS + 1) - 1;

	if (dice(world, 2))
		open_all_by_hand(world);
	else if (is_by_hand(world, account))
		open_by_hand(world, account);
	else if (account < 0 || account >= PEOPLE || world->accounts[account].stored.exists)
		close_by_hand(world, account);
}

#endif
