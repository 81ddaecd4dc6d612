/* What ends by the clock alone: contracts and the limit for keeping sessions; with no service, and with a clock that jumps. */
#include "tests/unit/revoke_fixture.h"

#include <time.h>

#include "b2bd/state/removal_state.h"
#include "common/conf.h"

static struct b2b_conf conf;

static int setup_lapse(void **state)
{
	struct fixture *f;

	setup(state);
	f = *state;
	memset(&conf, 0, sizeof(conf));
	conf.federation.clock_skew_s = 30;
	conf.host.staleness_keep_s = 600;
	f->core.conf = &conf;
	b2b_publish_settled(f->core.publish);
	return 0;
}

static void verified_ago(struct fixture *f, uint64_t seconds)
{
	for (int i = 0; i < N_ORGS; i++)
		b2b_live_verified(f->lives[i], b2b_now_ns() - seconds * B2B_NS_PER_S);
}

static void sessions_end_when_the_service_was_silent_for_too_long(void **state)
{
	struct fixture *f = *state;
	struct b2b_guard_message request;

	verified_ago(f, 599);
	b2b_lapse_check(&f->core);
	assert_int_equal(pending(f, NULL), 0);
	verified_ago(f, 602);
	b2b_lapse_check(&f->core);
	assert_int_equal(pending(f, NULL), 2); /* acme with emea.acme, and globex */
	request = next_request(f);
	assert_int_equal(request.scope, B2B_SCOPE_ORG);
	assert_string_equal(request.message, b2b_reason_text(B2B_STALE));
	for (int i = 0; i < N_ORGS; i++)
		assert_true(is_open(f, i)); /* nobody is closed: they may come again as soon as the service is heard */
	b2b_lapse_check(&f->core);
	assert_int_equal(pending(f, NULL), 2); /* once */
}

static void removal_waits(struct fixture *f, int org)
{
	uint32_t missing[] = { f->uids[org] };
	struct b2b_removal removal = { .missing = missing, .n_missing = 1, .living = 4, .since_s = 1, .by = UINT32_MAX };

	memcpy(removal.org_id, f->orgs[org].id, sizeof(removal.org_id));
	assert_int_equal(b2b_removal_put(f->core.state, &removal), 0);
}

static uint64_t lease_age_s(struct fixture *f, int org)
{
	return (b2b_now_ns() - b2b_live_verified_at(f->lives[org])) / B2B_NS_PER_S;
}

static void heard_now(struct fixture *f)
{
	f->core.heard_ns = b2b_now_ns();
	b2b_lease_renew(&f->core);
}

/* Without signals a pass is all that revokes: one that waits must not keep those open whom it did not meet. */
static void no_lease_is_renewed_where_a_removal_waits_and_there_are_no_signals(void **state)
{
	struct fixture *f = *state;

	verified_ago(f, 400);
	removal_waits(f, ACME);
	heard_now(f);
	assert_true(lease_age_s(f, ACME) >= 400);
	assert_true(lease_age_s(f, EMEA) >= 400); /* what is above it may be about to end */
	assert_true(lease_age_s(f, GLOBEX) < 100);
	assert_int_equal(f->core.withheld, 2);
	assert_int_equal(b2b_removal_drop(f->core.state, ORG), 0);
	heard_now(f);
	assert_true(lease_age_s(f, ACME) < 100);
	assert_int_equal(f->core.withheld, 0);
}

static void signals_renew_it_whatever_waits(void **state)
{
	struct fixture *f = *state;

	verified_ago(f, 400);
	removal_waits(f, ACME);
	f->core.stream = (struct b2b_stream *)f; /* there is one; nothing here asks it */
	heard_now(f);
	f->core.stream = NULL;
	assert_true(lease_age_s(f, ACME) < 100);
}

/* Whoever sends one event after the other that cannot be taken here must not lock everybody out. */
static void passes_keep_the_lease_while_events_go_on_being_missed(void **state)
{
	struct fixture *f = *state;
	uint64_t began = b2b_now_ns() - 10 * B2B_NS_PER_S;

	verified_ago(f, 400);
	f->core.stream = (struct b2b_stream *)f;
	assert_int_equal(b2b_owe_pass(&f->core, NULL), 0);
	heard_now(f);
	assert_true(lease_age_s(f, ACME) >= 400);
	b2b_pass_complete(&f->core, began); /* too early for what was missed last, but not for what was before */
	heard_now(f);
	assert_true(f->core.must_pass);
	assert_true(b2b_live_verified_at(f->lives[ACME]) == began);
	/* the pass is what revokes now: where its removals wait, it vouches for nobody */
	removal_waits(f, ACME);
	b2b_pass_complete(&f->core, began + B2B_NS_PER_S);
	heard_now(f);
	assert_true(b2b_live_verified_at(f->lives[EMEA]) == began);
	assert_true(b2b_live_verified_at(f->lives[GLOBEX]) == began + B2B_NS_PER_S);
	/* nor does it stand for polls that do not come */
	f->core.heard_ns = began + 2 * B2B_NS_PER_S;
	b2b_pass_complete(&f->core, began + 3 * B2B_NS_PER_S);
	b2b_lease_renew(&f->core);
	assert_true(b2b_live_verified_at(f->lives[GLOBEX]) == began + 2 * B2B_NS_PER_S);
	b2b_pass_complete(&f->core, b2b_now_ns());
	assert_false(f->core.must_pass);
	heard_now(f);
	assert_true(b2b_live_verified_at(f->lives[ACME]) == f->core.heard_ns);
	f->core.stream = NULL;
}

static void what_cannot_be_read_may_wait(void **state)
{
	struct fixture *f = *state;

	verified_ago(f, 400);
	assert_int_equal(sqlite3_exec(b2b_state_db(f->core.state), "ALTER TABLE removal RENAME TO away", NULL, NULL, NULL), SQLITE_OK);
	heard_now(f);
	assert_true(lease_age_s(f, GLOBEX) >= 400);
}

static void sessions_of_one_organisation_end_once_while_the_others_go_on(void **state)
{
	struct fixture *f = *state;

	verified_ago(f, 602);
	removal_waits(f, EMEA);
	heard_now(f);
	b2b_lapse_check(&f->core);
	assert_int_equal(pending(f, NULL), 1);
	assert_int_equal(next_request(f).org, EMEA);
	heard_now(f);
	b2b_lapse_check(&f->core);
	assert_int_equal(pending(f, NULL), 1); /* once, though the others are heard of again and again */
	b2b_live_verified(f->lives[GLOBEX], b2b_now_ns() - 602 * B2B_NS_PER_S);
	b2b_lapse_check(&f->core);
	assert_int_equal(pending(f, NULL), 2); /* and the one does not stand for the other */
}

static void sessions_last_where_there_is_no_such_limit(void **state)
{
	struct fixture *f = *state;

	conf.host.staleness_keep_s = 0;
	verified_ago(f, 100000 < b2b_now_ns() / B2B_NS_PER_S ? 100000 : b2b_now_ns() / B2B_NS_PER_S - 1);
	b2b_lapse_check(&f->core);
	assert_int_equal(pending(f, NULL), 0);
}

/* The age is of CLOCK_BOOTTIME: a machine that slept does not take the lease for fresh, and one of another boot is none. */
static void a_lease_of_the_time_to_come_is_none(void **state)
{
	struct fixture *f = *state;
	struct b2b_gathered gathered;

	for (int i = 0; i < N_ORGS; i++)
		b2b_live_verified(f->lives[i], b2b_now_ns() + 3600 * B2B_NS_PER_S);
	b2b_gather(&f->core, "alice@acme", "sshd", &gathered);
	assert_true(gathered.facts.verified_age_ns == UINT64_MAX);
	b2b_gathered_clear(&gathered);
	verified_ago(f, 301);
	b2b_gather(&f->core, "alice@acme", "sshd", &gathered);
	assert_int_equal(gathered.facts.verified_age_ns / B2B_NS_PER_S, 301);
	b2b_gathered_clear(&gathered);
}

static int64_t void_until(const struct fixture *f, int org, const char *local)
{
	struct b2b_principal person;
	struct b2b_org_record record;
	int64_t until_ms;

	assert_int_equal(b2b_directory_by_name(f->core.state, f->orgs[org].id, local, &person), 0);
	assert_int_equal(b2b_directory_org(f->core.state, f->orgs[org].id, &record), 0);
	until_ms = person.cutoff_ms > record.cutoff_ms ? person.cutoff_ms : record.cutoff_ms;
	b2b_principal_clear(&person);
	b2b_org_record_clear(&record);
	return until_ms;
}

/* As where a service sends no signals: whoever comes back authenticates anew. */
static void what_was_proven_before_the_directory_closed_somebody_is_void(void **state)
{
	struct fixture *f = *state;
	const int64_t before_ms = b2b_wall_ms();

	b2b_publish_settled(f->core.publish);
	put_person(f, ACME, "p1", "alice", B2B_SUSPENDED);
	put_org(f, GLOBEX, B2B_ORG_IS_SUSPENDED, 0);
	put_org(f, EMEA, B2B_ORG_IS_ACTIVE, b2b_wall_s() - 1);
	b2b_reconcile(&f->core, -1);
	assert_false(is_open(f, ACME));
	put_person(f, ACME, "p1", "alice", B2B_ACTIVE);
	put_org(f, GLOBEX, B2B_ORG_IS_ACTIVE, 0);
	put_org(f, EMEA, B2B_ORG_IS_ACTIVE, 0);
	b2b_reconcile(&f->core, -1);
	assert_true(is_open(f, ACME));
	assert_true(void_until(f, ACME, "alice") >= before_ms);
	assert_true(void_until(f, GLOBEX, "erin") >= before_ms);
	assert_int_equal(void_until(f, EMEA, "bob"), 0); /* a contract's end is no such word */
}

static void a_contract_ends_by_the_clock_and_stays_ended_when_it_is_turned_back(void **state)
{
	struct fixture *f = *state;
	int64_t end = b2b_wall_s() + 3600;

	put_org(f, GLOBEX, B2B_ORG_IS_ACTIVE, end);
	b2b_reconcile(&f->core, -1);
	assert_true(is_open(f, GLOBEX));
	/* time was seen past the end, and the clock now says that it is an hour earlier */
	assert_int_equal(b2b_clock_raise(f->core.state, end + 60), 0);
	f->core.floor_s = end + 60;
	b2b_reconcile(&f->core, -1);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load_org(f->lives[GLOBEX])), B2B_LIVE_CLOSED);
	assert_int_equal(next_request(f).org, GLOBEX);
	assert_true(is_open(f, ACME));
	b2b_reconcile(&f->core, -1);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load_org(f->lives[GLOBEX])), B2B_LIVE_CLOSED);
	assert_int_equal(b2b_org_chain_standing(&f->core, GLOBEX), B2B_ORG_WINDOW);
	/* also after a restart, by what is on disk alone */
	stop_core(f);
	start_core(f);
	f->core.conf = &conf;
	b2b_publish_settled(f->core.publish);
	b2b_reconcile(&f->core, -1);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load_org(f->lives[GLOBEX])), B2B_LIVE_CLOSED);
}

/* The time at which a window closed is on disk at once: a minute's rounding would let it open again. */
static void the_time_of_an_end_is_remembered_at_once(void **state)
{
	struct fixture *f = *state;
	int64_t now = b2b_wall_s();

	put_org(f, GLOBEX, B2B_ORG_IS_ACTIVE, now - 1);
	assert_true(b2b_clock_floor(f->core.state) < now);
	b2b_reconcile(&f->core, -1);
	assert_true(b2b_clock_floor(f->core.state) >= now);
	assert_true(f->core.floor_s >= now);
}

static void log_ins_wait_for_a_clock_that_was_turned_back(void **state)
{
	struct fixture *f = *state;
	struct b2b_gathered gathered;

	f->core.floor_s = b2b_wall_s() + 20;
	b2b_gather(&f->core, "alice@acme", "sshd", &gathered);
	assert_true(gathered.facts.clock_trusted);
	b2b_gathered_clear(&gathered);
	f->core.floor_s = b2b_wall_s() + 120;
	b2b_gather(&f->core, "alice@acme", "sshd", &gathered);
	assert_false(gathered.facts.clock_trusted);
	assert_true(gathered.facts.now_s >= f->core.floor_s);
	b2b_gathered_clear(&gathered);
}

/* A clock that was far ahead for a moment: root's word takes back what it did. */
static void root_can_say_that_the_clock_is_right(void **state)
{
	struct fixture *f = *state;
	struct b2b_ask_control question = { .verb = "clock-accept" };
	int64_t ahead = b2b_wall_s() + 86400;

	put_org(f, GLOBEX, B2B_ORG_IS_ACTIVE, b2b_wall_s() + 3600);
	assert_int_equal(b2b_clock_raise(f->core.state, ahead), 0);
	f->core.floor_s = ahead;
	b2b_reconcile(&f->core, -1);
	assert_int_equal(b2b_org_chain_standing(&f->core, GLOBEX), B2B_ORG_WINDOW);
	assert_int_equal(fixture_ask(f, &question), B2B_OK);
	assert_true(is_open(f, GLOBEX));
	assert_true(f->core.floor_s <= b2b_wall_s());
	assert_true(b2b_clock_floor(f->core.state) <= b2b_wall_s());
	assert_int_equal(fixture_ask(f, &question), B2B_UNCHANGED);
}

static void suspended_people_come_back_with_their_id(void **state)
{
	struct fixture *f = *state;
	struct b2b_principal alice;

	put_person(f, ACME, "p1", "alice", B2B_SUSPENDED);
	b2b_reconcile(&f->core, ACME);
	assert_false(is_open(f, ACME));
	assert_int_equal(next_request(f).uid, f->uid);
	put_person(f, ACME, "p1", "alice", B2B_ACTIVE);
	b2b_reconcile(&f->core, ACME);
	assert_true(is_open(f, ACME));
	assert_int_equal(b2b_directory_by_name(f->core.state, ORG, "alice", &alice), 0);
	assert_int_equal(alice.uid, f->uid);
	b2b_principal_clear(&alice);
}

#define CROWD 1010 /* more than are looked at in one turn */

/* Returns the id. */
static uint32_t put_in_crowd(struct fixture *f, int number, int64_t not_after)
{
	char local[B2B_NAME_SIZE];
	struct b2b_principal person = { .id = local, .subject = local, .org_id = f->orgs[ACME].id, .display = (char *)"", .state = B2B_ACTIVE,
		                        .shell = (char *)"", .not_after = not_after, .modified_ms = b2b_wall_ms() + 5000 }, stored;
	uint32_t uid;
	bool changed;

	snprintf(local, sizeof(local), "m%d", number);
	memcpy(person.local, local, sizeof(local));
	assert_int_equal(b2b_directory_put_principal(f->core.state, &f->policy, &person, 1, &changed), 0);
	assert_int_equal(b2b_directory_by_name(f->core.state, ORG, local, &stored), 0);
	uid = stored.uid;
	b2b_principal_clear(&stored);
	return uid;
}

/* Active people with closed words, but for those with the lowest and the highest id, whose time is over and who are still in. */
static void put_crowd(struct fixture *f, uint32_t *ret_first, uint32_t *ret_last)
{
	int lowest = 0, highest = 0;

	*ret_first = *ret_last = put_in_crowd(f, 0, 0);
	for (int i = 1; i < CROWD; i++) {
		uint32_t uid = put_in_crowd(f, i, 0);

		if (uid < *ret_first) {
			*ret_first = uid;
			lowest = i;
		}
		if (uid > *ret_last) {
			*ret_last = uid;
			highest = i;
		}
	}
	put_in_crowd(f, lowest, b2b_wall_s() - 1);
	put_in_crowd(f, highest, b2b_wall_s() - 1);
	b2b_live_store(f->lives[ACME], *ret_first, B2B_LIVE_OPEN, false);
	b2b_live_store(f->lives[ACME], *ret_last, B2B_LIVE_OPEN, false);
}

static bool word_is_open(const struct fixture *f, uint32_t uid)
{
	return B2B_LIVE_STATE(b2b_live_load(f->lives[ACME], uid)) == B2B_LIVE_OPEN;
}

static unsigned rounds;

static void count_round(struct b2b_core *core)
{
	assert_int_equal(core->round.from, 0);
	rounds++;
}

static void people_are_looked_at_in_portions_and_published_afterwards(void **state)
{
	struct fixture *f = *state;
	uint32_t first, last;

	assert_int_equal(b2b_state_begin(f->core.state), 0);
	put_crowd(f, &first, &last);
	assert_int_equal(b2b_state_commit(f->core.state), 0);
	rounds = 0;
	b2b_reconcile_soon(&f->core, ACME, true);
	b2b_reconcile_then(&f->core, count_round);
	assert_true(word_is_open(f, first)); /* not before the loop turns */
	b2b_loop_turn(f->core.loop, 5);
	assert_false(word_is_open(f, first));
	assert_true(word_is_open(f, last));
	assert_false(word_is_open(f, last - 1)); /* whoever is new has not been let in yet either */
	assert_int_equal(rounds, 0);
	assert_int_equal(next_request(f).uid, first);
	assert_int_equal(next_request(f).uid, last);
	assert_true(word_is_open(f, last - 1));
	assert_int_equal(next_request(f).type, B2B_GUARD_INSTALL);
	assert_int_equal(rounds, 1);
	b2b_reconcile_soon(&f->core, -1, false);
	b2b_reconcile_then(&f->core, count_round); /* of what changed nothing is left to be done */
	assert_int_equal(rounds, 2);
}

/* The look brings the organisation's word into line as well: whoever closes it ends. */
static void an_organisation_that_closes_during_a_look_is_ended(void **state)
{
	struct fixture *f = *state;
	struct b2b_guard_message request;
	uint32_t first, last;

	assert_int_equal(b2b_state_begin(f->core.state), 0);
	put_crowd(f, &first, &last);
	assert_int_equal(b2b_state_commit(f->core.state), 0);
	b2b_live_store_org(f->lives[ACME], B2B_LIVE_OPEN, false);
	b2b_reconcile_soon(&f->core, ACME, true);
	b2b_loop_turn(f->core.loop, 5);
	put_org(f, ACME, B2B_ORG_IS_SUSPENDED, 0);
	assert_int_equal(next_request(f).uid, first);
	assert_int_equal(next_request(f).uid, last);
	request = next_request(f);
	assert_int_equal(request.type, B2B_GUARD_END);
	assert_int_equal(request.scope, B2B_SCOPE_ORG);
	assert_int_equal(request.org, ACME);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load_org(f->lives[ACME])), B2B_LIVE_CLOSED);
}

/* A change that comes again and again does not keep a pass from counting. */
static void nobody_waits_for_what_changes_later(void **state)
{
	struct fixture *f = *state;

	rounds = 0;
	b2b_reconcile_soon(&f->core, ACME, true);
	b2b_reconcile_then(&f->core, count_round);
	for (int i = 0; i < 3; i++) {
		b2b_reconcile_soon(&f->core, ACME, true);
		b2b_loop_turn(f->core.loop, 5);
	}
	assert_int_equal(rounds, 1);
}

/* A change is not kept waiting by those of which only time has passed. */
static void what_changed_is_looked_at_first(void **state)
{
	struct fixture *f = *state;

	put_person(f, ACME, "p1", "alice", B2B_SUSPENDED);
	put_person(f, GLOBEX, "p3", "erin", B2B_SUSPENDED);
	b2b_reconcile_soon(&f->core, -1, false);
	b2b_reconcile_soon(&f->core, GLOBEX, true);
	b2b_loop_turn(f->core.loop, 5);
	assert_false(is_open(f, GLOBEX));
	assert_true(is_open(f, ACME));
	assert_int_equal(next_request(f).uid, f->uids[GLOBEX]);
	assert_int_equal(next_request(f).uid, f->uids[ACME]);
}

static void count_change(void *arg)
{
	++*(int *)arg;
}

/* Set to what it says already, which is a change of the clock all the same. */
static void a_clock_that_is_set_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct b2b_clock_watch *watch;
	struct timespec now;
	int changes = 0, i;

	assert_int_equal(b2b_clock_watch_new(f->core.loop, count_change, &changes, &watch), 0);
	b2b_loop_turn(f->core.loop, 1);
	assert_int_equal(changes, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	if (clock_settime(CLOCK_REALTIME, &now) < 0) {
		b2b_clock_watch_free(watch);
		skip();
	}
	for (i = 0; i < 1000 && !changes; i++)
		b2b_loop_turn(f->core.loop, 5);
	assert_int_equal(changes, 1);
	clock_gettime(CLOCK_REALTIME, &now);
	clock_settime(CLOCK_REALTIME, &now);
	for (i = 0; i < 1000 && changes < 2; i++)
		b2b_loop_turn(f->core.loop, 5);
	assert_int_equal(changes, 2); /* and it goes on watching */
	b2b_clock_watch_free(watch);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_lapse, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sessions_end_when_the_service_was_silent_for_too_long),
		TEST(no_lease_is_renewed_where_a_removal_waits_and_there_are_no_signals),
		TEST(signals_renew_it_whatever_waits),
		TEST(passes_keep_the_lease_while_events_go_on_being_missed),
		TEST(what_cannot_be_read_may_wait),
		TEST(sessions_of_one_organisation_end_once_while_the_others_go_on),
		TEST(sessions_last_where_there_is_no_such_limit),
		TEST(a_lease_of_the_time_to_come_is_none),
		TEST(what_was_proven_before_the_directory_closed_somebody_is_void),
		TEST(a_contract_ends_by_the_clock_and_stays_ended_when_it_is_turned_back),
		TEST(the_time_of_an_end_is_remembered_at_once),
		TEST(log_ins_wait_for_a_clock_that_was_turned_back),
		TEST(root_can_say_that_the_clock_is_right),
		TEST(suspended_people_come_back_with_their_id),
		TEST(people_are_looked_at_in_portions_and_published_afterwards),
		TEST(an_organisation_that_closes_during_a_look_is_ended),
		TEST(nobody_waits_for_what_changes_later),
		TEST(what_changed_is_looked_at_first),
		TEST(a_clock_that_is_set_is_noticed),
	};

	return cmocka_run_group_tests_name("lapse", tests, NULL, NULL);
}
