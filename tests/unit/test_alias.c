/* Names that pass from one person to another: how they are compared, kept, and found again. */
#include "tests/unit/state_fixture.h"

#include "b2bd/state/alias_state.h"

#define ALIAS(kind, text) B2B_ALIAS_##kind, text

static struct b2b_aliases one(enum b2b_alias_kind kind, const char *text)
{
	struct b2b_aliases aliases = { .n = 0 };

	b2b_alias_add(&aliases, kind, text);
	return aliases;
}

static void ways_to_write_a_name_are_one(void **state)
{
	static const struct {
		enum b2b_alias_kind kind;
		const char *text, *same;
	} rows[] = {
		{ ALIAS(MAIL, "alice@acme.example"), "Alice@ACME.example" },
		{ ALIAS(MAIL, "alice@acme.example"), "mailto:alice@acme.example" },
		{ ALIAS(ACCOUNT, "acct:alice@acme.example"), "alice@Acme.Example" },
		{ ALIAS(PHONE, "+12065550100"), "tel:+1-206-555-0100" },
		{ ALIAS(PHONE, "+12065550100"), "+1 (206) 555.0100" },
		{ ALIAS(PHONE, "+12065550100"), "TEL:+12065550100;ext=12" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct b2b_aliases a = one(rows[i].kind, rows[i].text), b = one(rows[i].kind, rows[i].same);

		if (a.n != 1 || b.n != 1 || memcmp(&a.list[0], &b.list[0], sizeof(a.list[0])))
			fail_msg("%s is not %s", rows[i].text, rows[i].same);
	}
}

static void names_that_differ_are_not_one(void **state)
{
	struct b2b_aliases aliases = { .n = 0 };

	(void)state;
	b2b_alias_add(&aliases, ALIAS(MAIL, "alice@acme.example"));
	b2b_alias_add(&aliases, ALIAS(ACCOUNT, "alice@acme.example"));
	b2b_alias_add(&aliases, ALIAS(MAIL, "alice@acme.example.org"));
	b2b_alias_add(&aliases, ALIAS(MAIL, "bob@acme.example"));
	b2b_alias_add(&aliases, ALIAS(PHONE, "+12065550100"));
	b2b_alias_add(&aliases, ALIAS(PHONE, "+12065550101"));
	assert_int_equal(aliases.n, 6);
	b2b_alias_add(&aliases, ALIAS(MAIL, "BOB@acme.example"));
	assert_int_equal(aliases.n, 6);
}

static void what_is_no_name_of_the_kind_is_passed_over(void **state)
{
	static const struct {
		enum b2b_alias_kind kind;
		const char *text;
	} rows[] = {
		{ ALIAS(MAIL, "alice") },        { ALIAS(MAIL, "@acme.example") }, { ALIAS(MAIL, "alice@") },    { ALIAS(MAIL, "a b@acme.example") },
		{ ALIAS(MAIL, "a\nb@c.d") },     { ALIAS(MAIL, "") },              { ALIAS(ACCOUNT, "acct:") },  { ALIAS(ACCOUNT, "acct:a%40b@c.d") },
		{ ALIAS(PHONE, "12065550100") }, { ALIAS(PHONE, "+") },            { ALIAS(PHONE, "+1206x55") }, { ALIAS(PHONE, "+1234567890123456") },
	};
	char longest[400];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (one(rows[i].kind, rows[i].text).n)
			fail_msg("%s", rows[i].text);
	}
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + 380, "@acme.example", 14);
	assert_int_equal(one(ALIAS(MAIL, longest)).n, 0);
}

static void no_more_are_taken_than_there_is_room_for(void **state)
{
	struct b2b_aliases aliases = { .n = 0 };
	char text[32];
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "n%d@acme.example", i);
		b2b_alias_add(&aliases, B2B_ALIAS_MAIL, text);
	}
	assert_int_equal(aliases.n, B2B_ALIASES_MAX);
}

static void put_person(struct state_fixture *fixture, const char *id, enum b2b_principal_state standing)
{
	struct b2b_principal person = fixture_person(id, id);
	bool changed;

	person.state = standing;
	assert_int_equal(b2b_directory_put_principal(fixture->state, &fixture->policy, &person, 1, &changed), 0);
}

static int count(void *arg, uint32_t uid)
{
	(void)uid;
	++*(int *)arg;
	return 0;
}

static int living(struct state_fixture *fixture, const char *mail)
{
	struct b2b_aliases aliases = one(B2B_ALIAS_MAIL, mail);
	int n = 0;

	assert_int_equal(b2b_alias_each(fixture->state, &aliases, count, &n), 0);
	return n;
}

static void names_are_kept_and_go_with_the_record(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_aliases mail = one(ALIAS(MAIL, "a@acme.example")), none = { .n = 0 }, two = mail;

	put_person(fixture, "p1", B2B_ACTIVE);
	put_person(fixture, "p2", B2B_ACTIVE);
	assert_int_equal(b2b_alias_put(fixture->state, "p1", &mail), 0);
	assert_int_equal(living(fixture, "A@acme.example"), 1);
	/* two may go by one name, and who is removed goes by none */
	assert_int_equal(b2b_alias_put(fixture->state, "p2", &mail), 0);
	assert_int_equal(living(fixture, "a@acme.example"), 2);
	put_person(fixture, "p2", B2B_REMOVED);
	assert_int_equal(living(fixture, "a@acme.example"), 1);
	b2b_alias_add(&two, ALIAS(MAIL, "b@acme.example"));
	assert_int_equal(b2b_alias_put(fixture->state, "p1", &two), 0);
	assert_int_equal(living(fixture, "b@acme.example"), 1);
	assert_int_equal(b2b_alias_put(fixture->state, "p1", &none), 0);
	assert_int_equal(living(fixture, "a@acme.example"), 0);
	assert_int_equal(b2b_alias_put(fixture->state, "nobody", &mail), 0);
	assert_int_equal(living(fixture, "a@acme.example"), 0);
}

static void what_is_kept_already_is_not_written_again(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_aliases mail = one(ALIAS(MAIL, "a@acme.example"));

	put_person(fixture, "p1", B2B_ACTIVE);
	assert_int_equal(b2b_alias_put(fixture->state, "p1", &mail), 0);
	sqlite3_exec(b2b_state_db(fixture->state), "PRAGMA query_only = ON", NULL, NULL, NULL);
	assert_int_equal(b2b_alias_put(fixture->state, "p1", &mail), 0);
	b2b_alias_add(&mail, ALIAS(MAIL, "b@acme.example"));
	assert_true(b2b_alias_put(fixture->state, "p1", &mail) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways_to_write_a_name_are_one),
		cmocka_unit_test(names_that_differ_are_not_one),
		cmocka_unit_test(what_is_no_name_of_the_kind_is_passed_over),
		cmocka_unit_test(no_more_are_taken_than_there_is_room_for),
		cmocka_unit_test_setup_teardown(names_are_kept_and_go_with_the_record, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(what_is_kept_already_is_not_written_again, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
