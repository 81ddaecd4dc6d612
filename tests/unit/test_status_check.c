/* What a status list does to log-ins and open sessions: who is withdrawn in it is ended, nobody else, and after a restart too. */
#include "tests/unit/revoke_fixture.h"
#include "tests/unit/status_giver.h"

#include "b2bd/federation/federation_private.h"
#include "b2bd/federation/status_cache_private.h"
#include "b2bd/state/status_state.h"

struct world {
	struct fixture *f;
	struct giver giver;
	struct b2b_conf conf;
	struct b2b_federation federation; /* as far as it goes: the keys */
};

static void start_status(struct world *w)
{
	struct b2b_core *core = &w->f->core;

	core->conf = &w->conf;
	w->federation = (struct b2b_federation){ .jwks = w->giver.jwks, .loop = core->loop };
	core->federation = &w->federation;
	assert_int_equal(b2b_http_new(core->loop, tls_server_ca(w->giver.server), NULL, &core->http), 0);
	assert_int_equal(b2b_tickets_new(&core->tickets), 0);
	assert_int_equal(b2b_status_start(core), 0);
}

static void stop_status(struct world *w)
{
	struct b2b_core *core = &w->f->core;

	b2b_status_cache_free(core->status);
	b2b_http_free(core->http);
	b2b_tickets_free(core->tickets);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	void *base;

	setup(&base);
	w->f = base;
	giver_start(&w->giver);
	giver_conf(&w->giver, &w->conf);
	giver_set(&w->giver, list_claims(b2b_wall_s(), b2b_wall_s() + 300, 60, 1, ZEROES));
	start_status(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	void *base = w->f;

	stop_status(w);
	giver_stop(&w->giver);
	teardown(&base);
	free(w);
	return 0;
}

/* A session of ORG's person with the leader PID, by a token with that place; -1: none. */
static void open_session(struct world *w, int org, int64_t pid, int64_t place)
{
	struct b2b_status_place at = { .uri = place < 0 ? NULL : w->giver.uri, .index = (uint64_t)place };
	struct b2b_authentication authentication = { 0 };
	struct b2b_session session = { .pid = pid, .start_ticks = 7, .uid = w->f->uids[org], .opened_s = b2b_wall_s(), .auth_time_s = b2b_wall_s() };

	assert_int_equal(b2b_status_note(&w->f->core, &at, &authentication), 0);
	session.status_list = authentication.status_list;
	session.status_index = authentication.status_index;
	assert_int_equal(b2b_session_store(w->f->core.state, &session), 0);
}

static int count_one(void *arg, const struct b2b_session *session)
{
	(void)session;
	++*(int *)arg;
	return 0;
}

static int sessions(struct world *w)
{
	int n = 0;

	assert_int_equal(b2b_session_list(w->f->core.state, 0, count_one, &n), 0);
	return n;
}

static void turn_until_requested(struct world *w, int wanted)
{
	uint64_t deadline = b2b_now_ns() + 30 * B2B_NS_PER_S;

	while ((w->giver.requests < wanted || w->f->core.status->entries->call) && b2b_now_ns() < deadline)
		b2b_loop_turn(w->f->core.loop, 20);
	assert_int_equal(w->giver.requests, wanted);
}

static void follow(struct world *w)
{
	assert_int_equal(b2b_status_cache_follow(w->f->core.status, w->giver.uri, 0), 0);
}

/* What the guard is asked for, answered; its PID. */
static int32_t ended(struct world *w, int32_t *ret_scope)
{
	struct b2b_guard_message message = next_request(w->f);

	*ret_scope = (int32_t)message.scope;
	answer(w->f, message, 0, 0);
	b2b_loop_turn(w->f->core.loop, 20);
	return message.pid;
}

static void nobody_is_asked_for(struct world *w)
{
	char packet[B2B_GUARD_PACKET];

	b2b_loop_turn(w->f->core.loop, 20);
	assert_true(recv(w->f->guard_fd, packet, sizeof(packet), MSG_DONTWAIT) < 0);
}

/* LST has 1 at 0, 3, 4, 5, … and 0 at 1, 2. */
static void who_is_withdrawn_is_ended_and_nobody_else(void **state)
{
	struct world *w = *state;
	int32_t scope, first, second;

	open_session(w, ACME, 4001, 1);   /* stays */
	open_session(w, ACME, 4002, 3);
	open_session(w, GLOBEX, 4003, 0);
	open_session(w, EMEA, 4004, -1);  /* no list */
	open_session(w, EMEA, 4005, 99);  /* the list is too short for it */
	follow(w);
	turn_until_requested(w, 1);
	nobody_is_asked_for(w);
	assert_int_equal(sessions(w), 5);
	giver_set(&w->giver, list_claims(b2b_wall_s(), 0, 60, 1, LST));
	b2b_status_fetch_in(w->f->core.status->entries, 0);
	first = ended(w, &scope);
	assert_int_equal(scope, B2B_SCOPE_SESSION);
	second = ended(w, &scope);
	assert_int_equal(scope, B2B_SCOPE_SESSION);
	assert_true((first == 4002 && second == 4003) || (first == 4003 && second == 4002));
	nobody_is_asked_for(w);
	assert_true(is_open(w->f, ACME)); /* nobody's account is closed by it */
	assert_int_equal(pending(w->f, NULL), 0);
}

static void a_suspended_session_ends_and_the_reason_says_so(void **state)
{
	struct world *w = *state;
	struct b2b_guard_message message;

	giver_set(&w->giver, list_claims(b2b_wall_s(), 0, 60, 8, "eNpjYGBiAAAACAAD")); /* 0 0 2 0 */
	open_session(w, ACME, 4001, 2);
	follow(w);
	message = next_request(w->f);
	assert_int_equal(message.pid, 4001);
	assert_string_equal(message.message, b2b_reason_text(B2B_AUTH_SUSPENDED));
	assert_true(*message.audit_id != '\0');
	answer(w->f, message, 0, 0);
	b2b_loop_turn(w->f->core.loop, 20);
}

/* More than are ended in one portion, all of one token that lets in many times. */
static void all_sessions_of_one_place_are_ended(void **state)
{
	struct world *w = *state;
	int32_t scope;
	int i;

	for (i = 0; i < 150; i++)
		open_session(w, ACME, 5000 + i, 3);
	giver_set(&w->giver, list_claims(b2b_wall_s(), 0, 60, 1, LST));
	follow(w);
	for (i = 0; i < 150; i++)
		ended(w, &scope);
	nobody_is_asked_for(w);
	assert_int_equal(w->giver.requests, 1);
	assert_int_equal(sessions(w), 0);
}

static void an_error_ends_nobody(void **state)
{
	struct world *w = *state;

	open_session(w, ACME, 4001, 3);
	w->giver.status = 404;
	follow(w);
	turn_until_requested(w, 1);
	giver_set(&w->giver, list_claims(b2b_wall_s() - 600, b2b_wall_s() - 300, 60, 1, LST)); /* over */
	w->giver.status = 0;
	b2b_status_fetch_in(w->f->core.status->entries, 0);
	turn_until_requested(w, 2);
	nobody_is_asked_for(w);
	assert_int_equal(sessions(w), 1);
}

static void database(struct world *w, const char *sql)
{
	assert_int_equal(sqlite3_exec(b2b_state_db(w->f->core.state), sql, NULL, NULL, NULL), SQLITE_OK);
}

static void fetch_again(struct world *w, int wanted)
{
	b2b_status_fetch_in(w->f->core.status->entries, 0);
	turn_until_requested(w, wanted);
}

/* Which list was fetched cannot be told: nobody is held against it, whatever list it is that they name. */
static void without_its_number_a_list_ends_nobody(void **state)
{
	struct world *w = *state;
	int32_t scope;

	open_session(w, ACME, 4001, 3);
	follow(w);
	turn_until_requested(w, 1);
	giver_set(&w->giver, list_claims(b2b_wall_s(), 0, 60, 1, LST));
	database(w, "ALTER TABLE status_list RENAME TO away");
	fetch_again(w, 2);
	nobody_is_asked_for(w);
	database(w, "ALTER TABLE away RENAME TO status_list");
	b2b_status_fetch_in(w->f->core.status->entries, 0);
	assert_int_equal(ended(w, &scope), 4001);
}

static void on_a_full_disk_who_is_withdrawn_is_ended(void **state)
{
	struct world *w = *state;
	int32_t scope;

	open_session(w, ACME, 4001, 3);
	follow(w);
	turn_until_requested(w, 1);
	giver_set(&w->giver, list_claims(b2b_wall_s() + 1, 0, 60, 1, LST));
	database(w, "PRAGMA query_only = 1");
	b2b_status_fetch_in(w->f->core.status->entries, 0);
	assert_int_equal(ended(w, &scope), 4001);
}

static void a_restart_forgets_neither_place_nor_what_was_believed(void **state)
{
	struct world *w = *state;
	int32_t scope;

	open_session(w, ACME, 4001, 1);
	open_session(w, GLOBEX, 4003, 3);
	follow(w);
	turn_until_requested(w, 1);
	stop_status(w);
	stop_core(w->f);
	start_core(w->f);
	start_status(w);
	/* an older list, in which nobody is withdrawn either: it is not believed, and the next is */
	giver_set(&w->giver, list_claims(b2b_wall_s() - 60, 0, 60, 1, ZEROES));
	turn_until_requested(w, 2);
	assert_non_null(strstr(w->f->core.status->entries->why, "from before one that was fetched"));
	giver_set(&w->giver, list_claims(b2b_wall_s(), 0, 60, 1, LST));
	b2b_status_fetch_in(w->f->core.status->entries, 0);
	assert_int_equal(ended(w, &scope), 4003);
	nobody_is_asked_for(w);
}

static void came(void *arg, bool fetched)
{
	assert_true(fetched);
	++*(int *)arg;
}

static void want(struct world *w)
{
	int n = 0;

	assert_int_equal(b2b_status_cache_want(w->f->core.status, w->giver.uri, came, &n), 0);
	while (n == 0)
		b2b_loop_turn(w->f->core.loop, 20);
}

/* The log-in for which it is fetched is the first that names it. */
static void a_list_is_known_from_before_its_first_session(void **state)
{
	struct world *w = *state;

	want(w);
	open_session(w, ACME, 4001, 1);
	stop_status(w);
	stop_core(w->f);
	start_core(w->f);
	giver_set(&w->giver, list_claims(b2b_wall_s() - 60, 0, 60, 1, LST));
	start_status(w);
	turn_until_requested(w, 2);
	assert_non_null(strstr(w->f->core.status->entries->why, "from before one that was fetched"));
	nobody_is_asked_for(w);
}

static void to_ask_whether_a_list_is_needed_notes_nothing(void **state)
{
	struct world *w = *state;
	int64_t list;

	follow(w);
	json_decref(b2b_status_lists_json(&w->f->core));
	b2b_loop_turn(w->f->core.loop, 0);
	assert_null(w->f->core.status->entries); /* nobody needs it */
	assert_int_equal(b2b_status_list_find(w->f->core.state, w->giver.uri, &list), -ENOENT);
}

static void a_list_that_no_session_names_is_forgotten_by_a_restart(void **state)
{
	struct world *w = *state;

	open_session(w, ACME, 4001, 1);
	assert_int_equal(b2b_session_drop(w->f->core.state, 4001, 7), 0);
	stop_status(w);
	start_status(w);
	assert_null(w->f->core.status->entries);
}

/* A ticket keeps its list fetched, and is worth nothing once it is withdrawn or the list cannot be had. */
static void a_ticket_stands_as_its_list_says(void **state)
{
	struct world *w = *state;
	struct b2b_core *core = &w->f->core;
	struct b2b_status_place place = { .uri = w->giver.uri, .index = 3 };
	struct b2b_authentication authentication = { .uid = w->f->uid };
	char ticket[B2B_TICKET_SIZE];
	const char *fault;

	assert_int_equal(b2b_status_of_authentication(core, &authentication), B2B_OK); /* no list */
	assert_int_equal(b2b_status_note(core, &place, &authentication), 0);
	assert_int_equal(b2b_status_of_authentication(core, &authentication), B2B_AUTH_UNKNOWN);
	assert_int_equal(b2b_ticket_add(core->tickets, &authentication, "sudo", "pts/1", b2b_now_ns(), ticket), 0);
	follow(w);
	turn_until_requested(w, 1);
	assert_int_equal(b2b_status_of_authentication(core, &authentication), B2B_OK);
	assert_int_equal(b2b_status_of_place(core, &place, &fault), B2B_OK);
	giver_set(&w->giver, list_claims(b2b_wall_s(), 0, 60, 1, LST));
	b2b_status_fetch_in(core->status->entries, 0);
	turn_until_requested(w, 2);
	assert_int_equal(b2b_status_of_authentication(core, &authentication), B2B_AUTH_INVALID);
	assert_int_equal(b2b_status_of_place(core, &place, &fault), B2B_AUTH_INVALID);
	b2b_tickets_forget(core->tickets);
	b2b_status_fetch_in(core->status->entries, 0);
	b2b_loop_turn(core->loop, 0);
	assert_null(core->status->entries);
	assert_int_equal(b2b_status_of_authentication(core, &authentication), B2B_AUTH_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_is_withdrawn_is_ended_and_nobody_else),
		TEST(a_suspended_session_ends_and_the_reason_says_so),
		TEST(all_sessions_of_one_place_are_ended),
		TEST(an_error_ends_nobody),
		TEST(without_its_number_a_list_ends_nobody),
		TEST(on_a_full_disk_who_is_withdrawn_is_ended),
		TEST(a_restart_forgets_neither_place_nor_what_was_believed),
		TEST(a_list_is_known_from_before_its_first_session),
		TEST(to_ask_whether_a_list_is_needed_notes_nothing),
		TEST(a_list_that_no_session_names_is_forgotten_by_a_restart),
		TEST(a_ticket_stands_as_its_list_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
