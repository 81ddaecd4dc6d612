/* The id ledger: who chooses an id, that two hosts agree where they can, and that no id ever passes to another. */
#include "tests/unit/state_fixture.h"

#include <errno.h>

#include "b2bd/state/schema.h"
#include "common/conf.h"

#define GLOBEX_IDS 63u /* its range without the members group's */

static void reopen(struct state_fixture *fixture)
{
	b2b_state_close(fixture->state);
	fixture->state = NULL;
	assert_int_equal(b2b_state_open(fixture->dir, &fixture->state), 0);
}

static uint32_t give_wanted(struct state_fixture *fixture, int org, enum b2b_id_kind kind, const char *owner, uint32_t wanted)
{
	uint32_t id = 0;
	int r = b2b_ledger_id(fixture->state, &fixture->policy.orgs[org], kind, owner, wanted, &id);

	return r < 0 ? (uint32_t)r : id;
}

static uint32_t give(struct state_fixture *fixture, int org, enum b2b_id_kind kind, const char *owner)
{
	return give_wanted(fixture, org, kind, owner, 0);
}

static uint32_t place(const struct state_fixture *fixture, int org, enum b2b_id_kind kind, const char *owner)
{
	uint32_t at = 0;

	assert_int_equal(b2b_ledger_place(&fixture->policy.orgs[org], kind, owner, &at), 0);
	return at;
}

static struct b2b_ledger_choice choose(struct state_fixture *fixture, int org, enum b2b_id_kind kind, const char *owner, uint32_t wanted)
{
	struct b2b_ledger_choice choice;

	assert_int_equal(b2b_ledger_choose(fixture->state, &fixture->policy.orgs[org], kind, owner, wanted, &choice), 0);
	return choice;
}

static struct b2b_idmap *pins(const struct state_fixture *fixture, const char *text)
{
	char error[B2B_CONF_ERROR_SIZE];
	struct b2b_idmap *idmap = NULL;

	if (b2b_idmap_parse(text, strlen(text), "idmap", &fixture->policy, &idmap, error) < 0)
		fail_msg("%s", error);
	return idmap;
}

static void ids_never_pass_on(void **state)
{
	struct state_fixture *fixture = *state;
	uint32_t person = give(fixture, 0, B2B_ID_USER, "a"), group = give(fixture, 0, B2B_ID_GROUP, "a"), other = give(fixture, 1, B2B_ID_USER, "a");

	assert_true(person > ACME_LO && person <= ACME_LO + 0xffff && group > ACME_LO && group <= ACME_LO + 0xffff && group != person);
	assert_true(other > GLOBEX_LO && other <= GLOBEX_LO + GLOBEX_IDS);
	assert_int_equal(give(fixture, 0, B2B_ID_USER, "a"), person);
	/* not even by hand */
	assert_int_not_equal(sqlite3_exec(b2b_state_db(fixture->state), "DELETE FROM ledger", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(b2b_state_db(fixture->state), "UPDATE ledger SET owner = 'z'", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(b2b_state_db(fixture->state), "UPDATE ledger SET id = id + 1", NULL, NULL, NULL), SQLITE_OK);
	reopen(fixture);
	assert_int_equal(give(fixture, 0, B2B_ID_GROUP, "a"), group);
	assert_int_equal(give(fixture, 0, B2B_ID_USER, "a"), person);
}

/* What an administrator would get with: printf user:u-1 | sha256sum */
static void the_place_is_the_same_on_every_host(void **state)
{
	struct state_fixture *fixture = *state;

	assert_int_equal(place(fixture, 0, B2B_ID_USER, "u-1"), 0x78005903);
	assert_int_equal(place(fixture, 0, B2B_ID_GROUP, "u-1"), 0x78000d59);
	assert_int_equal(place(fixture, 1, B2B_ID_USER, "u-1"), 0x7801003e);
	assert_int_equal(place(fixture, 0, B2B_ID_USER, "63acb50d-05c1-509d-b562-97d63011fe98"), 0x78007288);
	assert_int_equal(give(fixture, 0, B2B_ID_USER, "u-1"), 0x78005903);
	assert_int_equal(choose(fixture, 0, B2B_ID_GROUP, "u-1", 0).by, B2B_ID_BY_HASH);
}

/* p16, p44 and p58 have the last place of the range, p15 its second. */
static void who_comes_second_to_a_place_gets_the_next(void **state)
{
	struct state_fixture *fixture = *state;

	assert_int_equal(place(fixture, 1, B2B_ID_USER, "p44"), GLOBEX_LO + GLOBEX_IDS);
	assert_int_equal(give(fixture, 1, B2B_ID_USER, "p16"), GLOBEX_LO + GLOBEX_IDS);
	assert_int_equal(give(fixture, 1, B2B_ID_USER, "p44"), GLOBEX_LO + 1);
	assert_int_equal(give(fixture, 1, B2B_ID_USER, "p15"), GLOBEX_LO + 2);
	assert_int_equal(give(fixture, 1, B2B_ID_USER, "p58"), GLOBEX_LO + 3);
	assert_int_equal(choose(fixture, 1, B2B_ID_USER, "p77", 0).place, GLOBEX_LO + GLOBEX_IDS);
	assert_int_equal(choose(fixture, 1, B2B_ID_USER, "p77", 0).id, GLOBEX_LO + 4);
}

static void a_range_ends(void **state)
{
	struct state_fixture *fixture = *state;
	uint32_t first = give(fixture, 1, B2B_ID_USER, "p0");
	char owner[16];

	assert_int_equal(b2b_state_begin(fixture->state), 0);
	for (unsigned i = 1; i < GLOBEX_IDS; i++) {
		snprintf(owner, sizeof(owner), "p%u", i);
		assert_true(give(fixture, 1, i % 2 ? B2B_ID_USER : B2B_ID_GROUP, owner) - GLOBEX_LO - 1 < GLOBEX_IDS);
	}
	assert_int_equal(b2b_state_commit(fixture->state), 0);
	assert_int_equal(b2b_ledger_trouble(fixture->state, &fixture->policy.orgs[1]), B2B_LEDGER_WELL);
	assert_int_equal(give(fixture, 1, B2B_ID_USER, "one more"), (uint32_t)-EDQUOT);
	assert_int_equal(give_wanted(fixture, 1, B2B_ID_USER, "one more", GLOBEX_LO), (uint32_t)-EDQUOT);
	assert_int_equal(b2b_ledger_trouble(fixture->state, &fixture->policy.orgs[1]), B2B_LEDGER_USED_UP);
	assert_int_equal(b2b_ledger_trouble(fixture->state, &fixture->policy.orgs[0]), B2B_LEDGER_WELL);
	assert_int_equal(give(fixture, 1, B2B_ID_USER, "p0"), first);
	assert_true(give(fixture, 0, B2B_ID_USER, "one more") > ACME_LO);
	reopen(fixture);
	assert_int_equal(give(fixture, 1, B2B_ID_USER, "one more"), (uint32_t)-EDQUOT);
}

/* What was refused while a transaction that was undone had used the range up comes in afterwards. */
static void an_undone_transaction_uses_nothing_up(void **state)
{
	struct state_fixture *fixture = *state;
	char owner[16];

	assert_int_equal(b2b_state_begin(fixture->state), 0);
	for (unsigned i = 0; i < GLOBEX_IDS; i++) {
		snprintf(owner, sizeof(owner), "p%u", i);
		give(fixture, 1, B2B_ID_USER, owner);
	}
	assert_int_equal(give(fixture, 1, B2B_ID_USER, "one more"), (uint32_t)-EDQUOT);
	b2b_state_rollback(fixture->state);
	assert_int_equal(give(fixture, 1, B2B_ID_USER, "one more"), place(fixture, 1, B2B_ID_USER, "one more"));
}

static void ranges_never_change(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_policy policy = fixture->policy;
	struct b2b_policy_org orgs[3];

	give(fixture, 0, B2B_ID_USER, "a");
	memcpy(orgs, fixture->orgs, sizeof(fixture->orgs));
	policy.orgs = orgs;
	orgs[0].range_hi += 64;
	assert_int_equal(b2b_directory_adopt_policy(fixture->state, &policy), -EEXIST);
	orgs[0] = fixture->orgs[0];
	orgs[0].range_lo += 0x1000000;
	orgs[0].range_hi += 0x1000000;
	assert_int_equal(b2b_directory_adopt_policy(fixture->state, &policy), -EEXIST);
	/* an organisation that is no longer configured keeps its range */
	orgs[0] = fixture->orgs[0];
	snprintf(orgs[0].id, sizeof(orgs[0].id), "new");
	orgs[0].range_lo += 100;
	assert_int_equal(b2b_directory_adopt_policy(fixture->state, &policy), -EEXIST);
	orgs[0] = fixture->orgs[0];
	assert_int_equal(b2b_directory_adopt_policy(fixture->state, &policy), 0);
}

static void a_pin_comes_first(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_idmap *idmap = pins(fixture, "42c3e9 user 0x78000007 u-1\n42c3e9 group 0x78000008 u-1\n9d01f2 user 0x7801003f p1\n");

	b2b_ledger_set_rules(fixture->state, idmap, true);
	assert_int_equal(give_wanted(fixture, 0, B2B_ID_USER, "u-1", ACME_LO + 99), ACME_LO + 7);
	assert_int_equal(give(fixture, 0, B2B_ID_GROUP, "u-1"), ACME_LO + 8);
	assert_int_equal(choose(fixture, 1, B2B_ID_USER, "p1", 0).by, B2B_ID_BY_PIN);
	/* a pin that nobody has used yet is nobody else's: not by hash, not by the directory's word */
	assert_int_equal(give(fixture, 1, B2B_ID_USER, "p16"), GLOBEX_LO + 1);
	assert_string_equal(choose(fixture, 1, B2B_ID_USER, "p44", GLOBEX_LO + 63).unmet, "is pinned for another");
	assert_int_equal(give_wanted(fixture, 1, B2B_ID_USER, "p44", GLOBEX_LO + 63), GLOBEX_LO + 2);
	assert_int_equal(give(fixture, 1, B2B_ID_USER, "p1"), GLOBEX_LO + 63);
	b2b_idmap_free(idmap);
}

/* An id is for ever: with one that is not the pinned one the host would disagree with the others for ever. */
static void who_is_pinned_gets_that_id_or_none(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_pin pin = { .org_id = "42c3e9", .kind = B2B_ID_USER, .owner = "u-2", .id = ACME_LO + 7 };
	struct b2b_idmap *idmap = pins(fixture, "42c3e9 user 0x78000007 u-2\n");

	assert_int_equal(b2b_ledger_judge_pin(fixture->state, &pin), 0);
	assert_int_equal(give_wanted(fixture, 0, B2B_ID_USER, "u-1", ACME_LO + 7), ACME_LO + 7);
	b2b_ledger_set_rules(fixture->state, idmap, true);
	assert_int_equal(b2b_ledger_judge_pin(fixture->state, &pin), -EADDRINUSE);
	assert_int_equal(give_wanted(fixture, 0, B2B_ID_USER, "u-2", ACME_LO + 8), (uint32_t)-EDQUOT);
	assert_int_equal(b2b_ledger_trouble(fixture->state, &fixture->policy.orgs[0]), B2B_LEDGER_PIN_TAKEN);
	/* nor does a pin change an id that was given */
	b2b_ledger_set_rules(fixture->state, NULL, true);
	assert_int_equal(give_wanted(fixture, 0, B2B_ID_USER, "u-2", ACME_LO + 8), ACME_LO + 8);
	b2b_ledger_set_rules(fixture->state, idmap, true);
	assert_int_equal(b2b_ledger_judge_pin(fixture->state, &pin), -EEXIST);
	assert_int_equal(give(fixture, 0, B2B_ID_USER, "u-2"), ACME_LO + 8);
	pin.id = ACME_LO + 8;
	assert_int_equal(b2b_ledger_judge_pin(fixture->state, &pin), 0);
	b2b_idmap_free(idmap);
}

static void the_directory_is_believed_within_the_range(void **state)
{
	static const uint32_t outside[] = { 1, 1000, ACME_LO - 1, ACME_LO, GLOBEX_LO, GLOBEX_LO + 1, UINT32_MAX - 1 };
	struct state_fixture *fixture = *state;
	char owner[16];

	assert_int_equal(give_wanted(fixture, 0, B2B_ID_USER, "a", ACME_LO + 1), ACME_LO + 1);
	assert_int_equal(give_wanted(fixture, 0, B2B_ID_GROUP, "a", ACME_LO + 0xffff), ACME_LO + 0xffff);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		snprintf(owner, sizeof(owner), "o%zu", i);
		assert_string_equal(choose(fixture, 0, B2B_ID_USER, owner, outside[i]).unmet, "is outside the organisation's range");
		assert_int_equal(give_wanted(fixture, 0, B2B_ID_USER, owner, outside[i]), place(fixture, 0, B2B_ID_USER, owner));
	}
	assert_string_equal(choose(fixture, 0, B2B_ID_USER, "none", B2B_WANTED_NO_ID).unmet, "is no id");
	/* what anybody had is nobody else's, nor does a new word of the directory change what was given */
	assert_string_equal(choose(fixture, 0, B2B_ID_USER, "b", ACME_LO + 1).unmet, "was given to another");
	assert_int_equal(give_wanted(fixture, 0, B2B_ID_USER, "b", ACME_LO + 1), place(fixture, 0, B2B_ID_USER, "b"));
	assert_int_equal(give_wanted(fixture, 0, B2B_ID_USER, "a", ACME_LO + 2), ACME_LO + 1);
}

static void without_hashing_only_agreed_ids_are_given(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_idmap *idmap = pins(fixture, "42c3e9 user 0x78000007 u-1\n");

	b2b_ledger_set_rules(fixture->state, idmap, false);
	assert_int_equal(give(fixture, 0, B2B_ID_USER, "u-1"), ACME_LO + 7);
	assert_int_equal(give_wanted(fixture, 0, B2B_ID_USER, "u-2", ACME_LO + 9), ACME_LO + 9);
	assert_int_equal(give(fixture, 0, B2B_ID_USER, "u-3"), (uint32_t)-EDQUOT);
	assert_int_equal(give_wanted(fixture, 0, B2B_ID_USER, "u-3", ACME_LO + 9), (uint32_t)-EDQUOT);
	assert_int_equal(b2b_ledger_trouble(fixture->state, &fixture->policy.orgs[0]), B2B_LEDGER_UNPINNED);
	b2b_idmap_free(idmap);
}

static int note_chooser(void *arg, const struct b2b_ledger_entry *entry)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 256 - len, "%s:%u:%d:%d ", entry->owner, entry->id - ACME_LO, (int)entry->by, entry->removed);
	return 0;
}

/* A database as the first version left it, with ids in order of arrival. */
static void ids_of_an_earlier_version_stay(void **state)
{
	struct state_fixture *fixture = *state;
	char path[128], text[256] = "";
	struct b2b_principal person = fixture_person("u-1", "alice");
	sqlite3 *old = NULL;
	bool changed;

	b2b_state_close(fixture->state);
	fixture->state = NULL;
	snprintf(path, sizeof(path), "%s/agent.db", fixture->dir);
	assert_int_equal(remove(path), 0);
	assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(sqlite3_exec(old, b2b_schema_steps[i], NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(old,
	                              "PRAGMA application_id = 0x62326264; PRAGMA user_version = 5;"
	                              "INSERT INTO id_range VALUES ('42c3e9', 2013265920, 2013331455);"
	                              "INSERT INTO ledger VALUES (2013265921, '42c3e9', 1, 'u-1'), (2013265922, '42c3e9', 2, 'g-1')",
	                              NULL, NULL, NULL),
	                 SQLITE_OK);
	sqlite3_close(old);
	assert_int_equal(b2b_state_open(fixture->dir, &fixture->state), 0);
	assert_int_equal(b2b_directory_adopt_policy(fixture->state, &fixture->policy), 0);
	assert_int_equal(give(fixture, 0, B2B_ID_GROUP, "g-1"), ACME_LO + 2);
	assert_int_equal(give_wanted(fixture, 0, B2B_ID_USER, "u-2", ACME_LO + 3), ACME_LO + 3);
	assert_int_equal(b2b_directory_put_principal(fixture->state, &fixture->policy, &person, 1, &changed), 0);
	assert_int_equal(b2b_ledger_each(fixture->state, ACME_LO, ACME_LO + 0xffff, 10, note_chooser, text), 0);
	assert_string_equal(text, "u-1:1:0:0 g-1:2:0:1 u-2:3:2:1 ");
}

/* ---- two hosts, the same people in different orders ---- */

#define CROWD 40

struct crowd {
	struct state_fixture *hosts[2];
	uint32_t random;
};

static uint32_t next_random(struct crowd *crowd, uint32_t below)
{
	crowd->random = crowd->random * 1664525u + 1013904223u;
	return (crowd->random >> 8) % below;
}

static void owner_name(char buf[32], unsigned round, unsigned number)
{
	snprintf(buf, 32, "r%u-%u", round, number);
}

static enum b2b_id_kind kind_of(unsigned number)
{
	return number % 5 ? B2B_ID_USER : B2B_ID_GROUP;
}

/* Numbers 0 to CROWD - 1 in an order of this host's own; now and then the host is started anew. */
static void arrive(struct crowd *crowd, struct state_fixture *host, unsigned round)
{
	unsigned order[CROWD];
	char owner[32];

	for (unsigned i = 0; i < CROWD; i++)
		order[i] = i;
	for (unsigned i = CROWD - 1; i > 0; i--) {
		unsigned other = next_random(crowd, i + 1), kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
	assert_int_equal(b2b_state_begin(host->state), 0);
	for (unsigned i = 0; i < CROWD; i++) {
		owner_name(owner, round, order[i]);
		assert_true(give(host, 1, kind_of(order[i]), owner) - GLOBEX_LO - 1 < GLOBEX_IDS);
		if (i == CROWD / 2) {
			assert_int_equal(b2b_state_commit(host->state), 0);
			reopen(host);
			assert_int_equal(b2b_state_begin(host->state), 0);
		}
	}
	assert_int_equal(b2b_state_commit(host->state), 0);
}

/*
 * Who stands where: people of one run of ids without a gap can have met each other; where no two of a run have the same
 * place, everybody has their own, on both hosts.
 */
static void compare(struct crowd *crowd, unsigned round)
{
	unsigned at[2][GLOBEX_IDS + 1] = { { 0 } }; /* number + 1 by id */
	unsigned wanted[GLOBEX_IDS + 1] = { 0 };    /* how many have this place */
	bool met[GLOBEX_IDS + 1] = { false };
	char owner[32];

	for (unsigned i = 0; i < CROWD; i++) {
		owner_name(owner, round, i);
		wanted[place(crowd->hosts[0], 1, kind_of(i), owner) - GLOBEX_LO]++;
		for (int host = 0; host < 2; host++) {
			uint32_t id = fixture_id(crowd->hosts[host], 1, kind_of(i), owner) - GLOBEX_LO;

			assert_true(id >= 1 && id <= GLOBEX_IDS);
			assert_int_equal(at[host][id], 0); /* nobody else's */
			at[host][id] = i + 1;
		}
	}
	/* a meeting reaches to the end of its run, round the range's end too */
	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned id = 1; id <= GLOBEX_IDS; id++) {
			unsigned before = id == 1 ? GLOBEX_IDS : id - 1;

			met[id] = at[0][id] && (wanted[id] > 1 || met[id] || met[before]);
		}
	for (unsigned id = 1; id <= GLOBEX_IDS; id++) {
		assert_int_equal(!at[0][id], !at[1][id]); /* the same ids are given, to whomever */
		if (!met[id])
			assert_int_equal(at[0][id], at[1][id]);
	}
}

static void two_hosts_agree_but_for_those_who_meet(void **state)
{
	unsigned rounds = secure_getenv("LONG") ? 500 : 10;
	struct crowd crowd = { .random = 4711 };

	(void)state;
	for (unsigned round = 0; round < rounds; round++) {
		for (int host = 0; host < 2; host++) {
			fixture_setup((void **)&crowd.hosts[host]);
			arrive(&crowd, crowd.hosts[host], round);
		}
		compare(&crowd, round);
		for (int host = 0; host < 2; host++)
			fixture_teardown((void **)&crowd.hosts[host]);
	}
}

/* Some are pinned, some supplied, all arrive in another order: with enough of either, nothing depends on it. */
static void two_hosts_agree_by_pins_and_the_directory(void **state)
{
	struct crowd crowd = { .random = 42 };
	struct b2b_idmap *idmap[2];
	char owner[32];

	(void)state;
	for (int host = 0; host < 2; host++) {
		fixture_setup((void **)&crowd.hosts[host]);
		idmap[host] = pins(crowd.hosts[host], "9d01f2 user 0x78010020 r0-1\n9d01f2 group 0x78010021 r0-5\n");
		b2b_ledger_set_rules(crowd.hosts[host]->state, idmap[host], false);
		for (unsigned i = 0; i < 31; i++) {
			unsigned number = host ? 30 - i : i;

			owner_name(owner, 0, number);
			give_wanted(crowd.hosts[host], 1, kind_of(number), owner, GLOBEX_LO + 1 + number);
		}
	}
	for (unsigned i = 0; i < 31; i++) {
		uint32_t expected = i == 1 ? GLOBEX_LO + 0x20 : i == 5 ? GLOBEX_LO + 0x21 : GLOBEX_LO + 1 + i;

		owner_name(owner, 0, i);
		assert_int_equal(fixture_id(crowd.hosts[0], 1, kind_of(i), owner), expected);
		assert_int_equal(fixture_id(crowd.hosts[1], 1, kind_of(i), owner), expected);
	}
	for (int host = 0; host < 2; host++) {
		fixture_teardown((void **)&crowd.hosts[host]);
		b2b_idmap_free(idmap[host]);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(ids_never_pass_on),
		TEST(the_place_is_the_same_on_every_host),
		TEST(who_comes_second_to_a_place_gets_the_next),
		TEST(a_range_ends),
		TEST(an_undone_transaction_uses_nothing_up),
		TEST(ranges_never_change),
		TEST(a_pin_comes_first),
		TEST(who_is_pinned_gets_that_id_or_none),
		TEST(the_directory_is_believed_within_the_range),
		TEST(without_hashing_only_agreed_ids_are_given),
		TEST(ids_of_an_earlier_version_stay),
		cmocka_unit_test(two_hosts_agree_but_for_those_who_meet),
		cmocka_unit_test(two_hosts_agree_by_pins_and_the_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
