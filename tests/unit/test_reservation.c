/* Ids that are kept for people whom nobody has seen yet. */
#include "tests/unit/state_fixture.h"

#include <errno.h>

#include "b2bd/core.h"
#include "common/clock.h"

#define NOW (1000 * B2B_NS_PER_S)
#define KEEP (B2B_RESERVE_KEEP_S * B2B_NS_PER_S)

struct world {
	struct state_fixture *fixture;
	struct b2b_reservations *reservations;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_int_equal(fixture_setup((void **)&world->fixture), 0);
	assert_int_equal(b2b_reservations_new(world->fixture->state, &world->fixture->policy, &world->reservations), 0);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	b2b_reservations_free(world->reservations);
	fixture_teardown((void **)&world->fixture);
	free(world);
	return 0;
}

static uint32_t reserve(struct world *world, int org, const char *local, uint64_t now_ns)
{
	struct b2b_say_reserved reserved;

	assert_int_equal(b2b_reserve(world->reservations, org, local, now_ns, &reserved), 0);
	return reserved.uid;
}

static int refused(struct world *world, int org, const char *local, uint64_t now_ns)
{
	struct b2b_say_reserved reserved = { .uid = 7 };
	int r = b2b_reserve(world->reservations, org, local, now_ns, &reserved);

	assert_true(r == 0 || reserved.uid == 7);
	return r;
}

static int64_t rows(struct world *world)
{
	struct b2b_directory_counts counts;

	assert_int_equal(b2b_directory_count(world->fixture->state, &counts), 0);
	return (int64_t)counts.people + b2b_ledger_was_given(world->fixture->state, reserve(world, 0, "alice", NOW));
}

static uint32_t put(struct world *world, const char *id, const char *local, uint32_t wanted)
{
	struct b2b_principal person = fixture_person(id, local);
	bool changed;

	person.wanted_uid = wanted;
	assert_int_equal(b2b_state_begin(world->fixture->state), 0);
	assert_int_equal(b2b_directory_put_principal(world->fixture->state, &world->fixture->policy, &person, 0, &changed), 0);
	assert_int_equal(b2b_state_commit(world->fixture->state), 0);
	return fixture_id(world->fixture, 0, B2B_ID_USER, id);
}

static void says_the_id_and_how_long_it_is_kept(void **state)
{
	struct world *world = *state;
	struct b2b_say_reserved reserved;

	assert_int_equal(b2b_reserve(world->reservations, 0, "alice", NOW, &reserved), 0);
	assert_in_range(reserved.uid, ACME_LO + 1, ACME_LO + 0xffff);
	assert_int_equal(reserved.keep_s, B2B_RESERVE_KEEP_S);
	assert_true(reserved.since_ns > 0 && reserved.since_ns <= b2b_now_ns());
}

static void writes_nothing(void **state)
{
	assert_int_equal(rows(*state), 0);
}

static void the_id_is_the_one_that_the_ledger_gives_then(void **state)
{
	struct world *world = *state;
	uint32_t uid = reserve(world, 0, "alice", NOW);

	assert_int_equal(put(world, "subject-1", "alice", uid), uid);
	assert_int_equal(refused(world, 0, "alice", NOW + KEEP), -EEXIST);
}

static void lasts_while_it_is_asked_for(void **state)
{
	struct world *world = *state;
	uint32_t uid = reserve(world, 0, "alice", NOW);

	assert_int_equal(reserve(world, 0, "alice", NOW + KEEP - 1), uid); /* sshd is told again: another connection */
	assert_int_equal(b2b_reserved_uid(world->reservations, 0, "alice", NOW + 2 * KEEP - 2), uid);
	assert_int_equal(b2b_reserved_uid(world->reservations, 0, "alice", NOW + 2 * KEEP - 1), 0);
	assert_int_equal(b2b_reserved_uid(world->reservations, 1, "alice", NOW), 0);
	assert_int_equal(b2b_reserved_uid(world->reservations, 0, "bob", NOW), 0);
	assert_int_equal(reserve(world, 0, "alice", NOW + 3 * KEEP), uid);
	b2b_reservation_drop(world->reservations, 0, "alice");
	assert_int_equal(b2b_reserved_uid(world->reservations, 0, "alice", NOW + 3 * KEEP), 0);
}

/* However long it takes; and its connection goes on after it. */
static void lasts_while_a_login_is_under_way(void **state)
{
	struct world *world = *state;
	uint32_t uid = reserve(world, 0, "alice", NOW);
	uint64_t first = b2b_reservation_hold(world->reservations, 0, "alice", NOW + 1);
	uint64_t second = b2b_reservation_hold(world->reservations, 0, "alice", NOW + 2);

	assert_true(first && second);
	assert_int_equal(b2b_reservation_hold(world->reservations, 0, "bob", NOW), 0);
	b2b_reservation_release(world->reservations, 0, NOW + 3);
	assert_int_equal(b2b_reserved_uid(world->reservations, 0, "alice", NOW + 9 * KEEP), uid);
	b2b_reservation_release(world->reservations, second, NOW + 10 * KEEP);
	assert_int_equal(b2b_reserved_uid(world->reservations, 0, "alice", NOW + 20 * KEEP), uid);
	b2b_reservation_release(world->reservations, first, NOW + 20 * KEEP);
	assert_int_equal(b2b_reserved_uid(world->reservations, 0, "alice", NOW + 21 * KEEP - 1), uid);
	assert_int_equal(b2b_reserved_uid(world->reservations, 0, "alice", NOW + 21 * KEEP), 0);
}

/* One that has gone into the ledger leaves its place to another, which is not let go by the first one's log-in. */
static void a_log_in_lets_go_of_its_own_alone(void **state)
{
	struct world *world = *state;
	uint64_t first, second;

	reserve(world, 0, "alice", NOW);
	first = b2b_reservation_hold(world->reservations, 0, "alice", NOW);
	b2b_reservation_drop(world->reservations, 0, "alice");
	reserve(world, 0, "bob", NOW);
	second = b2b_reservation_hold(world->reservations, 0, "bob", NOW);
	b2b_reservation_release(world->reservations, first, NOW);
	assert_int_not_equal(b2b_reserved_uid(world->reservations, 0, "bob", NOW + 2 * KEEP), 0);
	b2b_reservation_release(world->reservations, second, NOW);
	assert_int_equal(b2b_reserved_uid(world->reservations, 0, "bob", NOW + 2 * KEEP), 0);
}

static void takes_no_name_that_is_another_s(void **state)
{
	struct world *world = *state;
	struct state_fixture *fixture = world->fixture;
	bool changed;

	put(world, "subject-1", "alice", 0);
	assert_int_equal(b2b_state_begin(fixture->state), 0);
	assert_int_equal(b2b_directory_put_group(fixture->state, &fixture->policy, "g", "42c3e9", "dba", 0, NULL, 0, 0, &changed), 0);
	assert_int_equal(b2b_state_commit(fixture->state), 0);
	assert_int_equal(refused(world, 0, "alice", NOW), -EEXIST);
	assert_int_equal(refused(world, 0, "dba", NOW), -EEXIST);
	assert_int_equal(refused(world, 0, "members", NOW), -EINVAL);
	assert_int_equal(refused(world, 0, "Alice", NOW), -EINVAL);
	assert_int_equal(refused(world, 0, "../x", NOW), -EINVAL);
	assert_int_equal(refused(world, 0, "a-name-that-does-not-fit-into-u", NOW), -EINVAL);
	assert_int_equal(refused(world, 1, "alice", NOW), 0); /* another organisation's alice */
}

/* globex has 63 ids: names soon meet at one place. */
static void nobody_s_id_depends_on_who_else_is_there(void **state)
{
	struct world *world = *state;
	uint32_t first[64] = { 0 };
	char name[8];
	int i, waiting = 0;

	for (i = 0; i < 24; i++) {
		struct b2b_say_reserved reserved;
		int r;

		snprintf(name, sizeof(name), "p%d", i);
		r = b2b_reserve(world->reservations, 1, name, NOW, &reserved);
		assert_true(r == 0 || r == -EBUSY);
		waiting += r == -EBUSY;
		first[i] = r == 0 ? reserved.uid : 0;
	}
	assert_true(waiting > 0);
	for (i = 0; i < 24; i++) { /* alone, later: the same number */
		uint64_t later = NOW + (uint64_t)(i + 1) * (KEEP + B2B_NS_PER_S);
		uint32_t uid;

		snprintf(name, sizeof(name), "p%d", i);
		uid = reserve(world, 1, name, later);
		assert_true(!first[i] || first[i] == uid);
		b2b_reservation_drop(world->reservations, 1, name);
	}
}

/*
 * Who keeps asking for names, as fast as the agent answers and each again before its time is over, takes up nobody's room. (Some of acme's
 * meet at one place, and wait.)
 */
static void names_that_are_kept_warm_leave_room_for_others(void **state)
{
	struct b2b_rate rate = b2b_name_rate();
	struct world *world = *state;
	uint64_t now = NOW;
	char name[16];
	int kept = 0, asked = 0;

	for (int round = 0; round < 3; round++) {
		for (uint64_t until = now + KEEP; now < until; now += B2B_NS_PER_S / 10) {
			if (!b2b_rate_take(&rate, 0, now))
				continue;
			snprintf(name, sizeof(name), "n%d", asked++ % 600);
			kept += refused(world, 0, name, now) == 0;
		}
		assert_int_equal(refused(world, 1, "erin", now), 0);
	}
	assert_true(kept > 64);
	now += B2B_NS_PER_S; /* as new ones come at a rate of their own */
	assert_int_equal(refused(world, 0, "alice", now), 0);
}

static void new_ones_come_at_a_bounded_rate(void **state)
{
	struct world *world = *state;
	char name[16];
	int i, kept = 0;

	for (i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		kept += refused(world, 0, name, NOW) == 0;
	}
	assert_int_equal(kept, 32);
	assert_int_equal(refused(world, 0, "n1", NOW), 0); /* asked again is not new */
	assert_int_equal(refused(world, 0, "late", NOW + B2B_NS_PER_S), 0);
}

static void a_used_up_range_is_said(void **state)
{
	struct world *world = *state;
	struct state_fixture *fixture = world->fixture;
	uint32_t id;
	char owner[8];
	int i;

	assert_int_equal(b2b_state_begin(fixture->state), 0);
	for (i = 0; i < 63; i++) {
		snprintf(owner, sizeof(owner), "o%d", i);
		assert_int_equal(b2b_ledger_id(fixture->state, &fixture->orgs[1], B2B_ID_USER, owner, 0, &id), 0);
	}
	assert_int_equal(b2b_state_commit(fixture->state), 0);
	assert_int_equal(refused(world, 1, "erin", NOW), -EDQUOT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(says_the_id_and_how_long_it_is_kept),
		TEST(writes_nothing),
		TEST(the_id_is_the_one_that_the_ledger_gives_then),
		TEST(lasts_while_it_is_asked_for),
		TEST(lasts_while_a_login_is_under_way),
		TEST(a_log_in_lets_go_of_its_own_alone),
		TEST(takes_no_name_that_is_another_s),
		TEST(nobody_s_id_depends_on_who_else_is_there),
		TEST(names_that_are_kept_warm_leave_room_for_others),
		TEST(new_ones_come_at_a_bounded_rate),
		TEST(a_used_up_range_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
