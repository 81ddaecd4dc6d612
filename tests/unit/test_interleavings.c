/*
 * Events in any order against a model: a service suspends, reinstates and revokes; its events reach the host late,
 * shuffled, twice, with whole seconds or from a clock that runs ahead; directory passes are stored long after they were
 * read; commits fail; the agent starts anew. At every moment whoever was suspended last, and whose event was taken, is
 * closed; in the end, with every event taken and a pass from after them, the words say what the service says, every
 * session from before a revocation was ended, and none that a revocation did not mean.
 * SEED=n repeats one run.
 */
#include "tests/unit/event_world.h"

#define ORGS WORLD_ORGS
#define PEOPLE 5 /* two of acme, two of its subsidiary, and one who comes later */
#define SESSIONS_MAX 96
#define EVENTS_MAX 512
#define STEPS 140
#define RUNS 24
#define RUNS_LONG 2000

/* What the service knows of a person or, behind them, of an organisation. */
struct account {
	bool exists, active;
	int64_t modified_ms;
	int64_t suspended_ms; /* the last time; 0: never */
	int64_t revoked_ms;   /* sessions from until then are void */
	bool closing_taken;   /* the host had the event of that suspension */
};

struct record {
	bool exists, active;
	int64_t modified_ms;
};

struct delivery {
	struct b2b_event event;
	char jti[16], subject[16], tenant[16];
	int account;
	int64_t claimed_ms;
	bool done, tried;
	int64_t suspended_ms; /* of the suspension it tells of */
};

struct session {
	int person;
	struct b2b_session row;
	bool ended;
};

struct world {
	struct event_world host;
	unsigned random;
	int64_t now_ms;
	enum { EXACT, WHOLE_SECONDS, AHEAD } clock;
	struct account accounts[PEOPLE + ORGS];
	struct record read[PEOPLE + ORGS]; /* a pass under way */
	bool reading;
	int64_t pass;
	struct delivery events[EVENTS_MAX];
	int n_events;
	struct session sessions[SESSIONS_MAX];
	int n_sessions;
};

static const char *const names[] = { "alice", "bob", "carol", "dave", "erin" };

/* Bob acts for Alice: a service account and its owner. -1: for nobody. */
static int owner_of(int account)
{
	return account == 1 ? 0 : -1;
}

static unsigned dice(struct world *world, unsigned sides)
{
	world->random = world->random * 1103515245u + 12345u;
	return (world->random >> 16) % sides;
}

static int org_of(int account)
{
	return account >= PEOPLE ? account - PEOPLE : account >= 2;
}

static bool in_scope(struct world *world, const struct session *session, int index, const struct b2b_guard_message *message)
{
	struct b2b_principal person;
	bool in = false;

	if (message->scope == B2B_SCOPE_SESSION)
		return message->pid == 1000 + index;
	if (message->scope == B2B_SCOPE_ORG)
		return b2b_policy_org_within(&world->host.base->policy, org_of(session->person), message->org);
	if (b2b_directory_by_id(world->host.core.state, names[session->person], &person) == 0) {
		in = person.uid == message->uid;
		b2b_principal_clear(&person);
	}
	return in;
}

/* The guard ends whatever lives at that moment. */
static void end(void *arg, const struct b2b_guard_message *message)
{
	struct world *world = arg;
	int i;

	for (i = 0; i < world->n_sessions; i++) {
		if (!in_scope(world, &world->sessions[i], i, message))
			continue;
		world->sessions[i].ended = true;
		b2b_session_drop(world->host.core.state, 1000 + i, 1);
	}
}

static void play_guard(struct world *world)
{
	int i;

	world_guard(&world->host, end, world);
	/* the agent looks for the processes of sessions after every end; those here have none */
	for (i = 0; i < world->n_sessions; i++) {
		if (!world->sessions[i].ended)
			assert_int_equal(b2b_session_store(world->host.core.state, &world->sessions[i].row), 0);
	}
}

/* --- the service --- */

static void tell(struct world *world, int account, enum b2b_event_kind kind)
{
	struct delivery *delivery = &world->events[world->n_events];
	struct b2b_event *event = &delivery->event;

	assert_true(world->n_events < EVENTS_MAX);
	snprintf(delivery->jti, sizeof(delivery->jti), "j%d", world->n_events++);
	event->kind = kind;
	event->jti = delivery->jti;
	delivery->claimed_ms = world->clock == WHOLE_SECONDS ? world->now_ms / 1000 * 1000
	                       : world->clock == AHEAD       ? world->now_ms + 3600000
	                                                     : world->now_ms;
	if (account < PEOPLE && dice(world, 8) == 0) {
		event->person_id = (char *)names[account];
	} else if (account < PEOPLE) {
		snprintf(delivery->subject, sizeof(delivery->subject), "%s", names[account]);
		event->subject = delivery->subject;
	}
	if (account >= PEOPLE || dice(world, 2)) {
		snprintf(delivery->tenant, sizeof(delivery->tenant), "%s", world->host.base->orgs[org_of(account)].id);
		event->tenant = delivery->tenant;
	}
	delivery->account = account;
	if (kind == B2B_EVENT_ACCOUNT_DISABLED)
		delivery->suspended_ms = world->now_ms;
}

static void change(struct world *world)
{
	int account = (int)dice(world, PEOPLE + ORGS);
	struct account *of = &world->accounts[account];

	if (!of->exists) {
		*of = (struct account){ .exists = true, .active = true, .modified_ms = world->now_ms };
	} else if (dice(world, 3) == 0) {
		of->revoked_ms = world->now_ms;
		tell(world, account, B2B_EVENT_SESSION_REVOKED);
	} else if (of->active) {
		of->active = false;
		of->closing_taken = false;
		of->modified_ms = of->suspended_ms = of->revoked_ms = world->now_ms;
		tell(world, account, B2B_EVENT_ACCOUNT_DISABLED);
		if (dice(world, 2))
			tell(world, account, B2B_EVENT_SESSION_REVOKED);
	} else {
		of->active = true;
		of->modified_ms = world->now_ms;
		tell(world, account, B2B_EVENT_ACCOUNT_ENABLED);
	}
}

/* --- the host --- */

static bool is_open(struct world *world, int account)
{
	struct b2b_principal person;
	bool open;

	if (account >= PEOPLE)
		return B2B_LIVE_STATE(b2b_live_load_org(world->host.lives[account - PEOPLE])) == B2B_LIVE_OPEN;
	if (b2b_directory_by_id(world->host.core.state, names[account], &person) < 0)
		return false;
	open = B2B_LIVE_STATE(b2b_live_load(world->host.lives[org_of(account)], person.uid)) == B2B_LIVE_OPEN;
	b2b_principal_clear(&person);
	return open;
}

static bool is_known(struct world *world, int account)
{
	struct b2b_principal person;

	if (account >= PEOPLE)
		return true;
	if (b2b_directory_by_id(world->host.core.state, names[account], &person) < 0)
		return false;
	b2b_principal_clear(&person);
	return true;
}

static void deliver(struct world *world, struct delivery *delivery)
{
	struct b2b_event event = delivery->event;
	struct account *of = &world->accounts[delivery->account];
	bool fails = !delivery->done && dice(world, 12) == 0;
	int r;

	event.future = delivery->claimed_ms > world->now_ms;
	event.time_ms = event.future ? world->now_ms : delivery->claimed_ms;
	if (b2b_seen_has(world->host.core.state, event.jti) > 0)
		return;
	if (fails)
		sqlite3_exec(b2b_state_db(world->host.core.state), "PRAGMA query_only = ON", NULL, NULL, NULL);
	r = b2b_on_event(&world->host.core, &event);
	sqlite3_exec(b2b_state_db(world->host.core.state), "PRAGMA query_only = OFF", NULL, NULL, NULL);
	assert_true(fails ? r < 0 : r == 0);
	delivery->done = delivery->done || r == 0;
	delivery->tried = r < 0;
	if (r == 0)
		assert_int_equal(b2b_seen_has(world->host.core.state, event.jti), 1);
	/* what could not be stored closes all the same, and comes again */
	if (delivery->suspended_ms == of->suspended_ms && of->suspended_ms && (r == 0 || is_known(world, delivery->account)))
		of->closing_taken = true;
	play_guard(world);
}

static void read_directory(struct world *world)
{
	int i;

	for (i = 0; i < PEOPLE + ORGS; i++)
		world->read[i] = (struct record){ world->accounts[i].exists, world->accounts[i].active, world->accounts[i].modified_ms };
	world->reading = true;
}

static void store_record(struct world *world, int i)
{
	const struct record *record = &world->read[i];
	char *org_id = world->host.base->orgs[org_of(i)].id;
	bool changed;

	if (!record->exists)
		return;
	if (i >= PEOPLE) {
		struct b2b_org_record org = { .id = org_id, .state = record->active ? B2B_ORG_IS_ACTIVE : B2B_ORG_IS_SUSPENDED,
			                      .modified_ms = record->modified_ms };

		assert_int_equal(b2b_directory_put_org(world->host.core.state, &org, world->pass, &changed), 0);
	} else {
		struct b2b_principal person = fixture_person(names[i], names[i]);

		person.org_id = org_id;
		person.owner = owner_of(i) < 0 ? NULL : (char *)names[owner_of(i)];
		person.state = record->active ? B2B_ACTIVE : B2B_SUSPENDED;
		person.modified_ms = record->modified_ms;
		assert_int_equal(b2b_directory_put_principal(world->host.core.state, &world->host.base->policy, &person, world->pass, &changed), 0);
	}
}

static void store_directory(struct world *world)
{
	int i;

	world->pass++;
	assert_int_equal(b2b_state_begin(world->host.core.state), 0);
	for (i = 0; i < PEOPLE + ORGS; i++)
		store_record(world, i);
	assert_int_equal(b2b_state_commit(world->host.core.state), 0);
	world->reading = false;
	b2b_reconcile(&world->host.core, -1);
	play_guard(world);
}

/* A completed poll: what was refused came again, and closed words may open. */
static void settle(struct world *world)
{
	int i;

	for (i = 0; i < world->n_events; i++) {
		while (world->events[i].tried && !world->events[i].done)
			deliver(world, &world->events[i]);
	}
	b2b_publish_settled(world->host.core.publish);
	b2b_reconcile(&world->host.core, -1);
	play_guard(world);
}

static int64_t last_revocation_s(const struct world *world, int person)
{
	int64_t last = world->accounts[person].revoked_ms;
	int org, owner = owner_of(person);

	if (owner >= 0 && world->accounts[owner].suspended_ms > last)
		last = world->accounts[owner].suspended_ms;
	for (org = org_of(person); org >= 0; org = world->host.base->orgs[org].parent) {
		if (world->accounts[PEOPLE + org].revoked_ms > last)
			last = world->accounts[PEOPLE + org].revoked_ms;
	}
	return last / 1000;
}

static void log_in(struct world *world)
{
	int person = (int)dice(world, PEOPLE), org;
	struct b2b_session session = { .pid = 1000 + world->n_sessions, .start_ticks = 1, .auth_time_s = world->now_ms / 1000 };
	struct b2b_principal found;

	if (world->n_sessions == SESSIONS_MAX || !world->accounts[person].active || !is_open(world, person) ||
	    (owner_of(person) >= 0 && !world->accounts[owner_of(person)].active))
		return;
	for (org = org_of(person); org >= 0; org = world->host.base->orgs[org].parent) {
		if (!is_open(world, PEOPLE + org) || !world->accounts[PEOPLE + org].active)
			return;
	}
	assert_int_equal(b2b_directory_by_id(world->host.core.state, names[person], &found), 0);
	session.uid = found.uid;
	session.opened_s = session.auth_time_s;
	/* decide.c refuses what a cut-off voids; so does the service, whose cut-off it is */
	if (session.auth_time_s > found.cutoff_ms / 1000 && session.auth_time_s > last_revocation_s(world, person)) {
		assert_int_equal(b2b_session_store(world->host.core.state, &session), 0);
		world->sessions[world->n_sessions++] = (struct session){ .person = person, .row = session };
	}
	b2b_principal_clear(&found);
}

static void step(struct world *world)
{
	unsigned what = dice(world, 100);

	world->now_ms += 1 + (int64_t)dice(world, 2500);
	if (world->now_ms % 1000 == 0)
		world->now_ms++; /* a clock of whole seconds is a mode of its own */
	if (what < 25)
		change(world);
	else if (what < 65 && world->n_events)
		deliver(world, &world->events[dice(world, (unsigned)world->n_events)]);
	else if (what < 73 && !world->reading)
		read_directory(world);
	else if (what < 80 && world->reading)
		store_directory(world);
	else if (what < 83) {
		world_stop(&world->host);
		world->reading = false; /* its pass died with it */
		world_start(&world->host);
		play_guard(world);
	} else if (what < 86)
		settle(world);
	else if (what < 88)
		b2b_seen_prune(world->host.core.state, INT64_MAX, 10000); /* so long ago that it is acted on again when it comes again */
	else
		log_in(world);
}

static void whoever_was_suspended_last_is_closed(struct world *world, unsigned seed)
{
	int i;

	for (i = 0; i < PEOPLE + ORGS; i++) {
		const struct account *of = &world->accounts[i];

		if (of->exists && !of->active && of->closing_taken && is_open(world, i))
			fail_msg("SEED=%u: account %d is open though its suspension was taken", seed, i);
		if (owner_of(i) >= 0 && !world->accounts[owner_of(i)].active && world->accounts[owner_of(i)].closing_taken && is_open(world, i))
			fail_msg("SEED=%u: account %d is open though its owner's suspension was taken", seed, i);
	}
}

static bool was_ever_suspended(const struct world *world, int person)
{
	int org;

	for (org = org_of(person); org >= 0; org = world->host.base->orgs[org].parent) {
		if (world->accounts[PEOPLE + org].suspended_ms)
			return true;
	}
	return world->accounts[person].suspended_ms || (owner_of(person) >= 0 && world->accounts[owner_of(person)].suspended_ms);
}

static void sessions_are_right(const struct world *world, unsigned seed)
{
	int i;

	for (i = 0; i < world->n_sessions; i++) {
		const struct session *session = &world->sessions[i];
		int64_t revoked_s = last_revocation_s(world, session->person);

		if (!session->ended && session->row.auth_time_s < revoked_s)
			fail_msg("SEED=%u: session %d of %s lives though it is from before", seed, i, names[session->person]);
		/* a clock that runs ahead dates a revocation at its receipt, which may be after a later log-in */
		if (session->ended && session->row.auth_time_s > revoked_s && world->clock != AHEAD && !was_ever_suspended(world, session->person))
			fail_msg("SEED=%u: session %d of %s was ended though it is from after", seed, i, names[session->person]);
	}
}

static void finish(struct world *world, unsigned seed)
{
	int i;

	for (i = 0; i < world->n_events; i++) {
		while (!world->events[i].done) {
			deliver(world, &world->events[i]);
			whoever_was_suspended_last_is_closed(world, seed);
		}
	}
	settle(world);
	world->now_ms += 2000;
	/*
	 * Events from a clock that runs ahead are dated at their receipt: where they came the wrong way round it stays closed,
	 * until the record was modified after that.
	 */
	for (i = 0; world->clock == AHEAD && i < PEOPLE + ORGS; i++)
		world->accounts[i].modified_ms = world->now_ms;
	read_directory(world);
	store_directory(world);
	for (i = 0; i < PEOPLE + ORGS; i++) {
		bool open = world->accounts[i].exists && world->accounts[i].active && (owner_of(i) < 0 || world->accounts[owner_of(i)].active);

		if (is_open(world, i) != open)
			fail_msg("SEED=%u: account %d is %s in the end", seed, i, is_open(world, i) ? "open" : "closed");
	}
	sessions_are_right(world, seed);
}

static void run(unsigned seed)
{
	struct world *world = calloc(1, sizeof(*world));
	int i;

	assert_non_null(world);
	world_setup(&world->host);
	world->random = seed * 2654435761u;
	world->clock = seed % 3;
	world->now_ms = (b2b_wall_s() - 1000000) * 1000 + 1;
	for (i = 0; i < PEOPLE + ORGS; i++)
		world->accounts[i] = (struct account){ .exists = i != PEOPLE - 1, .active = i != PEOPLE - 1, .modified_ms = world->now_ms };
	if (dice(world, 4)) { /* else events come before the directory was ever read */
		read_directory(world);
		store_directory(world);
	}
	for (i = 0; i < STEPS; i++) {
		step(world);
		whoever_was_suspended_last_is_closed(world, seed);
	}
	finish(world, seed);
	world_teardown(&world->host);
	free(world);
}

static void any_order_of_events_gives_the_right_end(void **state)
{
	const char *given = secure_getenv("SEED");
	unsigned first = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)b2b_wall_ms() % 1000000000u, n = secure_getenv("LONG") ? RUNS_LONG : RUNS, i;

	(void)state;
	if (given)
		n = 1;
	print_message("%u runs from SEED=%u\n", n, first);
	for (i = 0; i < n; i++)
		run(first + i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_of_events_gives_the_right_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
