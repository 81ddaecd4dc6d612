/*
 * Closing by hand, asked as b2bctl asks: closed at once, stored, ended; undone by nothing that the service says, and by no
 * restart, but by root's word; and nobody else is touched.
 */
#include "tests/unit/revoke_fixture.h"

#include "b2bd/federation/federation_private.h"

/* What came of it; with an error its text must hold NEEDLE. */
static int32_t order(struct fixture *f, const char *verb, const char *argument, const char *needle)
{
	int32_t reason;
	json_t *json = ask(f, verb, argument, &reason);
	const char *text = json_string_value(json_object_get(json_object_get(json, "error"), "text"));

	if (needle && (!text || !strstr(text, needle)))
		fail_msg("%s: expected \"%s\" in \"%s\"", verb, needle, text ? text : "no error");
	json_decref(json);
	return reason;
}

static int standing(struct fixture *f, int org)
{
	struct b2b_principal person;
	int r = b2b_org_chain_standing(&f->core, org);

	if (r != B2B_OK)
		return r;
	assert_int_equal(b2b_directory_by_uid(f->core.state, f->uids[org], &person), 0);
	r = b2b_principal_standing(&person, b2b_wall_s());
	b2b_principal_clear(&person);
	return r;
}

/* All that a service can say for somebody, by events and by the directory. */
static void service_says_active(struct fixture *f, int org, const char *id, const char *local)
{
	assert_int_equal(b2b_state_begin(f->core.state), 0);
	assert_int_equal(b2b_directory_enable(f->core.state, f->uids[org], b2b_wall_ms() + 10000), 0);
	assert_int_equal(b2b_directory_enable_org(f->core.state, f->orgs[org].id, b2b_wall_ms() + 10000), 0);
	assert_int_equal(b2b_state_commit(f->core.state), 0);
	put_org(f, org, B2B_ORG_IS_ACTIVE, 0);
	put_person(f, org, id, local, B2B_SUSPENDED);
	put_person(f, org, id, local, B2B_ACTIVE);
	b2b_publish_settled(f->core.publish);
	b2b_publish_words(f->core.publish, -1, b2b_wall_s());
}

static void a_person_is_closed_told_and_ended(void **state)
{
	struct fixture *f = *state;
	struct b2b_guard_message request;

	assert_int_equal(order(f, "revoke-user", "alice@acme\nLaptop stolen", NULL), B2B_OK);
	assert_false(is_open(f, ACME));
	assert_int_equal(standing(f, ACME), B2B_USER_CLOSED);
	request = next_request(f);
	assert_int_equal(request.type, B2B_GUARD_END);
	assert_int_equal(request.scope, B2B_SCOPE_USER);
	assert_int_equal(request.uid, f->uid);
	assert_string_equal(request.message, "Laptop stolen");
	assert_int_equal(pending(f, NULL), 1);
	assert_true(is_open(f, EMEA));
	assert_true(is_open(f, GLOBEX));
}

static void the_service_does_not_undo_it(void **state)
{
	struct fixture *f = *state;
	int64_t before_ms = b2b_wall_ms();

	assert_int_equal(order(f, "revoke-user", "alice@acme\nx", NULL), B2B_OK);
	assert_int_equal(order(f, "revoke-org", "globex\nx", NULL), B2B_OK);
	service_says_active(f, ACME, "p1", "alice");
	service_says_active(f, GLOBEX, "p3", "erin");
	assert_false(is_open(f, ACME));
	assert_false(is_open(f, GLOBEX));
	assert_int_equal(standing(f, ACME), B2B_USER_CLOSED);
	assert_int_equal(standing(f, GLOBEX), B2B_ORG_CLOSED);
	/* nor by naming her otherwise, or moving her to another organisation */
	put_person(f, GLOBEX, "p1", "alicia", B2B_ACTIVE);
	assert_int_equal(order(f, "reinstate-org", "globex\n", NULL), B2B_OK);
	b2b_publish_words(f->core.publish, -1, b2b_wall_s());
	struct b2b_principal moved;
	assert_int_equal(b2b_directory_by_name(f->core.state, f->orgs[GLOBEX].id, "alicia", &moved), 0);
	assert_int_not_equal(moved.uid, f->uid);
	assert_true(moved.cutoff_ms >= before_ms); /* what she proved before is void there too */
	assert_int_equal(b2b_principal_standing(&moved, b2b_wall_s()), B2B_USER_CLOSED);
	assert_int_not_equal(B2B_LIVE_STATE(b2b_live_load(f->lives[GLOBEX], moved.uid)), B2B_LIVE_OPEN);
	b2b_principal_clear(&moved);
}

static void it_outlives_the_agent(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(order(f, "revoke-user", "alice@acme\nx", NULL), B2B_OK);
	assert_int_equal(order(f, "close-all", "\ny", NULL), B2B_OK);
	stop_core(f);
	start_core(f);
	service_says_active(f, ACME, "p1", "alice");
	assert_int_equal(standing(f, GLOBEX), B2B_ORG_CLOSED);
	assert_false(is_open(f, GLOBEX));
	assert_int_equal(order(f, "open-all", "\n", NULL), B2B_OK);
	assert_true(is_open(f, GLOBEX));
	assert_false(is_open(f, ACME)); /* she is closed by herself */
	assert_int_equal(standing(f, ACME), B2B_USER_CLOSED);
}

static void reinstating_opens_again_with_the_same_id(void **state)
{
	struct fixture *f = *state;
	struct b2b_principal alice;

	b2b_publish_settled(f->core.publish);
	f->core.heard_ns = 1;
	assert_int_equal(order(f, "revoke-user", "alice@acme\nx", NULL), B2B_OK);
	assert_int_equal(order(f, "reinstate-user", "alice@acme\n", NULL), B2B_OK);
	assert_true(is_open(f, ACME));
	assert_int_equal(standing(f, ACME), B2B_OK);
	assert_int_equal(b2b_directory_by_name(f->core.state, ORG, "alice", &alice), 0);
	assert_int_equal(alice.uid, f->uid);
	assert_true(alice.cutoff_ms >= b2b_wall_ms() - 60000); /* who authenticated before does so again */
	b2b_principal_clear(&alice);
}

static void reinstating_opens_nothing_that_the_service_closed(void **state)
{
	struct fixture *f = *state;
	json_t *json;
	int32_t reason;

	b2b_publish_settled(f->core.publish);
	assert_int_equal(order(f, "revoke-user", "alice@acme\nx", NULL), B2B_OK);
	put_person(f, ACME, "p1", "alice", B2B_SUSPENDED);
	json = ask(f, "reinstate-user", "alice@acme\n", &reason);
	assert_int_equal(reason, B2B_OK);
	assert_false(json_is_true(json_object_get(json, "open")));
	assert_string_equal(json_string_value(json_object_get(json, "reason")), "user-suspended");
	json_decref(json);
	assert_false(is_open(f, ACME));
}

static void every_partner_is_closed_with_one_commit(void **state)
{
	struct fixture *f = *state;
	unsigned scopes = 0;
	int i, orgs[2];

	assert_int_equal(order(f, "close-all", "\nBreak-in", NULL), B2B_OK);
	for (i = 0; i < N_ORGS; i++)
		assert_int_equal(standing(f, i), B2B_ORG_CLOSED);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load_org(f->lives[ACME])), B2B_LIVE_CLOSED); /* and with it emea.acme: readers ask parents */
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load_org(f->lives[GLOBEX])), B2B_LIVE_CLOSED);
	assert_int_equal(pending(f, NULL), 2); /* one for each tree */
	for (i = 0; i < 2; i++) {
		struct b2b_guard_message request = next_request(f);

		scopes += request.scope == B2B_SCOPE_ORG;
		orgs[i] = request.org;
		assert_string_equal(request.message, "Break-in");
	}
	assert_int_equal(scopes, 2);
	assert_int_equal(orgs[0] + orgs[1], ACME + GLOBEX);
}

static void a_session_ends_and_the_account_stays_open(void **state)
{
	struct fixture *f = *state;
	struct b2b_session session = { .pid = 4242, .start_ticks = 7, .uid = f->uid, .jti = "tok-1", .audit_id = "00000000000000aa" };
	struct b2b_guard_message request;

	assert_int_equal(b2b_session_store(f->core.state, &session), 0);
	assert_int_equal(order(f, "revoke-session", "tok-2\nx", "there is no session tok-2"), B2B_UNCHANGED);
	assert_int_equal(order(f, "revoke-session", "\nx", "there is no session"), B2B_UNCHANGED); /* an empty sid names nobody */
	assert_int_equal(order(f, "revoke-session", "tok-1\nx", NULL), B2B_OK);
	request = next_request(f);
	assert_int_equal(request.scope, B2B_SCOPE_SESSION);
	assert_int_equal(request.pid, 4242);
	assert_int_equal(request.start_ticks, 7);
	assert_true(is_open(f, ACME));
	assert_int_equal(standing(f, ACME), B2B_OK);
}

static void names_and_states_that_do_not_fit_are_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(order(f, "revoke-user", "mallory@acme\nx", NULL), B2B_USER_UNKNOWN);
	assert_int_equal(order(f, "revoke-user", "acme\nx", NULL), B2B_USER_UNKNOWN);
	assert_int_equal(order(f, "revoke-org", "initech\nx", NULL), B2B_ORG_UNKNOWN);
	assert_int_equal(order(f, "reinstate-user", "alice@acme\n", "not closed by hand"), B2B_UNCHANGED);
	assert_int_equal(order(f, "open-all", "\n", "not closed by hand"), B2B_UNCHANGED);
	assert_int_equal(order(f, "revoke-user", "alice@acme\nfirst", NULL), B2B_OK);
	assert_int_equal(order(f, "revoke-user", "alice@acme\nsecond", "closed already (first"), B2B_UNCHANGED);
	assert_true(is_open(f, GLOBEX));
}

static void status_lists_what_is_closed(void **state)
{
	struct fixture *f = *state;
	json_t *list, *one;

	assert_int_equal(order(f, "revoke-user", "alice@acme\nLaptop \"stolen\"\tyesterday", NULL), B2B_OK);
	list = b2b_by_hand_json(&f->core);
	assert_int_equal(json_array_size(list), 1);
	one = json_array_get(list, 0);
	assert_string_equal(json_string_value(json_object_get(one, "kind")), "user");
	assert_string_equal(json_string_value(json_object_get(one, "name")), "alice@acme");
	assert_string_equal(json_string_value(json_object_get(one, "reason")), "Laptop \"stolen\" yesterday");
	json_decref(list);
}

static void a_full_disk_closes_all_the_same_and_says_so(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sqlite3_exec(b2b_state_db(f->core.state), "PRAGMA query_only = 1", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(order(f, "revoke-user", "alice@acme\nx", "could not be written to disk"), B2B_NOT_DURABLE);
	assert_false(is_open(f, ACME));
	assert_int_equal(next_request(f).uid, f->uid);
	b2b_publish_settled(f->core.publish);
	b2b_publish_words(f->core.publish, -1, b2b_wall_s());
	assert_false(is_open(f, ACME)); /* what the database says does not open it */
	assert_int_equal(sqlite3_exec(b2b_state_db(f->core.state), "PRAGMA query_only = 0", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(order(f, "revoke-user", "alice@acme\nx", NULL), B2B_OK);
	assert_int_equal(order(f, "reinstate-user", "alice@acme\n", NULL), B2B_OK);
	assert_true(is_open(f, ACME));
}

static void read_only(struct fixture *f, bool on)
{
	assert_int_equal(sqlite3_exec(b2b_state_db(f->core.state), on ? "PRAGMA query_only = 1" : "PRAGMA query_only = 0", NULL, NULL, NULL),
	                 SQLITE_OK);
}

/* A closing that is past: suspended before the record that says active. */
static void old_event(struct fixture *f, const char *jti)
{
	struct b2b_event event = { .kind = B2B_EVENT_ACCOUNT_DISABLED, .jti = (char *)jti, .subject = (char *)"p1", .time_ms = 1000000 };

	assert_int_equal(b2b_on_event(&f->core, &event), 0);
}

/* An event that is past has the directory asked; the source is gone again before the loop turns. */
static void old_event_with_source(struct fixture *f, const char *jti)
{
	static const struct b2b_conf conf = { .federation = { .issuer = (char *)"https://login.example.com" } };
	static const struct b2b_source_handlers handlers;

	assert_int_equal(b2b_source_new(f->core.loop, NULL, NULL, f->core.state, f->core.policy, &conf, &handlers, NULL, &f->core.source), 0);
	old_event(f, jti);
	b2b_source_free(f->core.source);
	f->core.source = NULL;
}

static void what_could_not_be_stored_is_held_until_root_takes_it_back(void **state)
{
	struct fixture *f = *state;

	b2b_publish_settled(f->core.publish);
	read_only(f, true);
	assert_int_equal(order(f, "revoke-user", "alice@acme\nx", "could not be written to disk"), B2B_NOT_DURABLE);
	read_only(f, false);
	old_event_with_source(f, "e-1"); /* what events say of her does not let go of it */
	b2b_publish_words(f->core.publish, -1, b2b_wall_s());
	assert_false(is_open(f, ACME));
	assert_int_equal(order(f, "reinstate-org", "acme\n", "not closed by hand"), B2B_UNCHANGED);
	assert_int_equal(order(f, "reinstate-user", "alice@acme\n", NULL), B2B_OK); /* though nothing of it is stored */
	assert_true(is_open(f, ACME));
	assert_int_equal(order(f, "reinstate-user", "alice@acme\n", "not closed by hand"), B2B_UNCHANGED);
}

static void so_it_is_with_every_partner(void **state)
{
	struct fixture *f = *state;

	b2b_publish_settled(f->core.publish);
	read_only(f, true);
	assert_int_equal(order(f, "close-all", "\nx", "could not be written to disk"), B2B_NOT_DURABLE);
	read_only(f, false);
	/* an order about one of them that is stored and taken back leaves the other's */
	assert_int_equal(order(f, "revoke-org", "acme\nx", NULL), B2B_OK);
	assert_int_equal(order(f, "reinstate-org", "acme\n", NULL), B2B_OK);
	assert_false(is_open(f, ACME));
	assert_false(is_open(f, GLOBEX));
	assert_int_equal(order(f, "open-all", "\n", NULL), B2B_OK);
	assert_true(is_open(f, ACME));
	assert_true(is_open(f, GLOBEX));
}

/* Of an order's questions to the database the second is for all keys, which are to be applied. */
static int deny_second_question(void *arg, int action, const char *a, const char *b, const char *c, const char *d)
{
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return action == SQLITE_SELECT && ++*(int *)arg == 2 ? SQLITE_DENY : SQLITE_OK;
}

static void a_key_that_is_only_noted_is_distrusted_by_asking_again(void **state)
{
	struct fixture *f = *state;
	struct b2b_authentication authentication = { .uid = f->uid };
	char ticket[B2B_TICKET_SIZE];
	int questions = 0;

	f->core.federation = calloc(1, sizeof(*f->core.federation));
	assert_non_null(f->core.federation);
	assert_int_equal(b2b_tickets_new(&f->core.tickets), 0);
	assert_int_equal(b2b_ticket_add(f->core.tickets, &authentication, "sudo", "/dev/pts/3", 1, ticket), 0);
	sqlite3_set_authorizer(b2b_state_db(f->core.state), deny_second_question, &questions);
	assert_int_equal(order(f, "distrust-key", "k1\nx", "still trusted"), B2B_INTERNAL);
	sqlite3_set_authorizer(b2b_state_db(f->core.state), NULL, NULL);
	assert_int_equal(f->core.federation->n_distrusted, 0);
	assert_int_equal(order(f, "distrust-key", "k1\nx", NULL), B2B_OK);
	assert_int_equal(f->core.federation->n_distrusted, 1);
	assert_null(b2b_ticket_find(f->core.tickets, ticket, f->uid, "sudo", 1));
	assert_int_equal(order(f, "distrust-key", "k1\nx", "not trusted already"), B2B_UNCHANGED);
	/* the same the other way round: the removal is stored, and what is refused is as before */
	questions = 1;
	sqlite3_set_authorizer(b2b_state_db(f->core.state), deny_second_question, &questions);
	assert_int_equal(order(f, "trust-key", "k1\n", "still not trusted"), B2B_INTERNAL);
	sqlite3_set_authorizer(b2b_state_db(f->core.state), NULL, NULL);
	assert_int_equal(f->core.federation->n_distrusted, 1);
	assert_int_equal(order(f, "trust-key", "k1\n", NULL), B2B_OK);
	assert_int_equal(f->core.federation->n_distrusted, 0);
	assert_int_equal(order(f, "trust-key", "k1\n", "was not distrusted"), B2B_UNCHANGED);
	b2b_tickets_free(f->core.tickets);
	b2b_federation_free(f->core.federation);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_person_is_closed_told_and_ended),
		TEST(the_service_does_not_undo_it),
		TEST(it_outlives_the_agent),
		TEST(reinstating_opens_again_with_the_same_id),
		TEST(reinstating_opens_nothing_that_the_service_closed),
		TEST(every_partner_is_closed_with_one_commit),
		TEST(a_session_ends_and_the_account_stays_open),
		TEST(names_and_states_that_do_not_fit_are_told),
		TEST(status_lists_what_is_closed),
		TEST(a_full_disk_closes_all_the_same_and_says_so),
		TEST(what_could_not_be_stored_is_held_until_root_takes_it_back),
		TEST(so_it_is_with_every_partner),
		TEST(a_key_that_is_only_noted_is_distrusted_by_asking_again),
	};

	return cmocka_run_group_tests_name("hand", tests, NULL, NULL);
}
