/*
 * A revocation's order, with real state, real live files and a guard played by the test (a socketpair): closed before
 * anything that can fail, durable with a pending end, ended, recorded; and closed all the same when the disk is full.
 */
#include "b2bd/state/rows.h"
#include "tests/unit/revoke_fixture.h"

static struct b2b_guard_message asked_at_commit;

static struct b2b_revocation of_alice(struct fixture *f, bool close)
{
	return (struct b2b_revocation){ .scope = B2B_SCOPE_USER, .org = 0, .uid = f->uid, .close = close, .by_event = true,
		                        .reason = B2B_USER_SUSPENDED, .jti = "j1", .event_ms = b2b_wall_ms() - 5 };
}

static void closes_stores_ends_and_records(void **state)
{
	struct fixture *f = *state;
	struct b2b_revocation revocation = of_alice(f, true);
	uint32_t before = b2b_live_load(f->lives[0], f->uid), after;
	struct b2b_guard_message request;
	uint64_t count;
	json_t *held;
	int i;

	assert_int_equal(b2b_revoke(&f->core, &revocation), 0);
	after = b2b_live_load(f->lives[0], f->uid);
	assert_int_equal(B2B_LIVE_STATE(after), B2B_LIVE_CLOSED);
	assert_int_not_equal(B2B_LIVE_EPOCH(after), B2B_LIVE_EPOCH(before));
	assert_int_equal(pending(f, NULL), 1);
	request = next_request(f);
	assert_int_equal(request.type, B2B_GUARD_END);
	assert_int_equal(request.scope, B2B_SCOPE_USER);
	assert_int_equal(request.uid, f->uid);
	assert_true(*request.message != '\0');
	answer(f, request, -EBUSY, 2); /* two are still held by the kernel: not recorded as gone */
	for (i = 0; i < 20; i++)
		b2b_loop_turn(f->core.loop, 1);
	assert_int_equal(pending(f, &count), 1);
	assert_int_equal(count, 0);
	held = b2b_held_ends_json(&f->core);
	assert_int_equal(json_array_size(held), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(held, 0), "left")), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(held, 0), "id")), request.audit_id);
	json_decref(held);
	answer(f, request, 0, 0);
	for (i = 0; i < 1000 && pending(f, &count); i++)
		b2b_loop_turn(f->core.loop, 5);
	assert_int_equal(pending(f, &count), 0);
	assert_int_equal(count, 1);
	held = b2b_held_ends_json(&f->core);
	assert_int_equal(json_array_size(held), 0);
	json_decref(held);
}

/* What the guard's end of the socket has when a transaction is about to be written. */
static int look_at_guard(void *arg)
{
	const struct fixture *f = arg;
	struct b2b_guard_message message = { 0 };

	if (recv(f->guard_fd, &message, sizeof(message), MSG_PEEK | MSG_DONTWAIT) == (ssize_t)sizeof(message) && message.type == B2B_GUARD_END)
		asked_at_commit = message;
	return 0;
}

static void disk_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	struct b2b_revocation revocation = of_alice(f, true);
	struct b2b_guard_message request;
	sqlite3_stmt *row;
	sqlite3 *db;
	uint64_t count;

	assert_int_equal(b2b_row_prepare(f->core.state, &row, "SELECT 1"), 0);
	db = sqlite3_db_handle(row);
	sqlite3_finalize(row);
	sqlite3_commit_hook(db, look_at_guard, f);
	assert_int_equal(b2b_revoke(&f->core, &revocation), 0);
	sqlite3_commit_hook(db, NULL, NULL);
	assert_int_equal(asked_at_commit.scope, B2B_SCOPE_USER);
	assert_int_equal(asked_at_commit.uid, f->uid);
	request = next_request(f);
	assert_string_equal(request.audit_id, asked_at_commit.audit_id);
	answer(f, request, 0, 0); /* recorded as the end that was stored meanwhile */
	for (int i = 0; i < 1000 && pending(f, &count); i++)
		b2b_loop_turn(f->core.loop, 5);
	assert_int_equal(pending(f, &count), 0);
	assert_int_equal(count, 1);
}

static json_t *stage_named(json_t *stages, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach(stages, i, one) {
		if (strcmp(json_string_value(json_object_get(one, "stage")), name) == 0)
			return one;
	}
	return NULL;
}

static json_int_t figure(json_t *stages, const char *stage, const char *window, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(stage_named(stages, stage), window), key));
}

/* Event 500 ms ago, received 200 ms ago: each stage is told by itself, of the last ones and since the start. */
static void every_stage_is_recorded(void **state)
{
	struct fixture *f = *state;
	struct b2b_revocation revocation = of_alice(f, true);
	static const char *const windows[] = { "last", "since_start" };
	struct b2b_guard_message request;
	json_t *stages;
	int i;

	revocation.event_ms = b2b_wall_ms() - 500;
	revocation.received_ns = b2b_now_ns() - 200 * B2B_NS_PER_MS;
	assert_int_equal(b2b_revoke(&f->core, &revocation), 0);
	request = next_request(f);
	answer(f, request, 0, 0);
	for (i = 0; i < 1000 && pending(f, NULL); i++)
		b2b_loop_turn(f->core.loop, 5);
	stages = b2b_figures_json(&f->core);
	for (i = 0; i < 2; i++) {
		json_int_t delivery = figure(stages, "delivery", windows[i], "max_us"), closed = figure(stages, "closed", windows[i], "max_us");
		json_int_t durable = figure(stages, "durable", windows[i], "max_us"), gone_us = figure(stages, "gone", windows[i], "max_us");
		json_int_t total = figure(stages, "total", windows[i], "p50_us");

		assert_int_equal(figure(stages, "total", windows[i], "n"), 1);
		assert_true(delivery >= 290000 && delivery <= 310000);
		assert_true(closed >= 200000);
		assert_true(durable > closed);
		assert_true(gone_us + 2000 >= durable);
		assert_true(total >= 500000 && total >= gone_us);
	}
	json_decref(stages);
	/* the record outlives the agent, what is counted since the start does not */
	stop_core(f);
	start_core(f);
	stages = b2b_figures_json(&f->core);
	assert_int_equal(figure(stages, "durable", "last", "n"), 1);
	assert_int_equal(figure(stages, "durable", "since_start", "n"), 0);
	json_decref(stages);
}

static void quantiles_are_within_an_eighth(void **state)
{
	struct b2b_latency latency = { 0 };
	uint64_t p50, p99;

	(void)state;
	assert_int_equal(b2b_latency_quantile(&latency, 99), 0);
	for (int64_t us = 1; us <= 100000; us++)
		b2b_latency_add(&latency, us);
	p50 = b2b_latency_quantile(&latency, 50);
	p99 = b2b_latency_quantile(&latency, 99);
	assert_true(p50 >= 50000 && p50 <= 50000 + 50000 / 8);
	assert_true(p99 >= 99000 && p99 <= 100000);
	assert_int_equal(latency.within[0], 1000); /* up to one millisecond */
	assert_int_equal(latency.within[B2B_LATENCY_BOUNDS - 1], 100000);
	b2b_latency_add(&latency, -5);
	b2b_latency_add(&latency, INT64_MAX);
	assert_int_equal(latency.n, 100002);
	assert_int_equal(latency.within[B2B_LATENCY_BOUNDS - 1], 100001);
}

static void ending_sessions_leaves_the_account_open(void **state)
{
	struct fixture *f = *state;
	struct b2b_revocation revocation = of_alice(f, false);
	uint32_t before = b2b_live_load(f->lives[0], f->uid), after;
	struct b2b_principal alice;

	assert_int_equal(b2b_revoke(&f->core, &revocation), 0);
	after = b2b_live_load(f->lives[0], f->uid);
	assert_int_equal(B2B_LIVE_STATE(after), B2B_LIVE_OPEN);
	assert_int_not_equal(B2B_LIVE_EPOCH(after), B2B_LIVE_EPOCH(before));
	assert_int_equal(b2b_directory_by_uid(f->core.state, f->uid, &alice), 0);
	assert_int_equal(alice.cutoff_ms, revocation.event_ms);
	assert_int_equal(alice.disabled_ms, 0);
	b2b_principal_clear(&alice);
}

static void whole_organisation_is_one_word(void **state)
{
	struct fixture *f = *state;
	struct b2b_revocation revocation = { .scope = B2B_SCOPE_ORG, .org = 0, .close = true, .by_event = true, .reason = B2B_ORG_ENDED,
		                             .jti = "j2", .event_ms = b2b_wall_ms() };

	assert_int_equal(b2b_revoke(&f->core, &revocation), 0);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load_org(f->lives[0])), B2B_LIVE_CLOSED);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(f->lives[0], f->uid)), B2B_LIVE_OPEN);
	assert_int_equal(next_request(f).scope, B2B_SCOPE_ORG);
}

static void two_events_of_one_offboarding_tell_once(void **state)
{
	struct fixture *f = *state;
	struct b2b_revocation closed = of_alice(f, true), sessions = of_alice(f, false);
	struct b2b_guard_message request;

	sessions.jti = "j2";
	assert_int_equal(b2b_revoke(&f->core, &closed), 0);
	assert_int_equal(b2b_revoke(&f->core, &sessions), 0);
	request = next_request(f);
	assert_true(*request.message != '\0');
	answer(f, request, 0, 0);
	request = next_request(f);
	assert_int_equal(request.type, B2B_GUARD_END); /* looked for all the same */
	assert_int_equal(request.uid, f->uid);
	assert_string_equal(request.message, "");
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(f->lives[0], f->uid)), B2B_LIVE_CLOSED); /* and not opened by the second */
}

/* The second event's end waits for the first's, and counts only where somebody was left for it. */
static void an_offboarding_of_two_events_is_one_revocation(void **state)
{
	static const struct {
		uint32_t found;
		json_int_t n;
	} seconds[] = { { 0, 1 }, { 2, 3 } };
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		struct b2b_revocation closed = of_alice(f, true), sessions = of_alice(f, false);
		struct b2b_guard_message request;
		json_t *stages;
		uint64_t count;

		assert_int_equal(b2b_revoke(&f->core, &closed), 0);
		assert_int_equal(b2b_revoke(&f->core, &sessions), 0);
		request = next_request(f);
		request.found = 0; /* nobody was there: it is a revocation all the same */
		answer(f, request, 0, 0);
		request = next_request(f);
		request.found = seconds[i].found;
		answer(f, request, 0, 0);
		b2b_loop_turn(f->core.loop, 5);
		assert_int_equal(pending(f, &count), 0);
		assert_int_equal(count, seconds[i].n);
		stages = b2b_figures_json(&f->core);
		assert_int_equal(figure(stages, "gone", "last", "n"), seconds[i].n);
		assert_int_equal(figure(stages, "gone", "since_start", "n"), seconds[i].n);
		json_decref(stages);
	}
}

/* Nothing can be stored any more: SQLite refuses the write as it would on a full or failing disk. */
static void refuse_writes(struct fixture *f)
{
	assert_int_equal(sqlite3_exec(b2b_state_db(f->core.state), "PRAGMA query_only = 1", NULL, NULL, NULL), SQLITE_OK);
}

static void failed_commit_closes_and_ends_but_is_not_durable(void **state)
{
	struct fixture *f = *state;
	struct b2b_revocation revocation = of_alice(f, true);

	refuse_writes(f);
	assert_true(b2b_revoke(&f->core, &revocation) < 0); /* so the event is not acknowledged */
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(f->lives[0], f->uid)), B2B_LIVE_CLOSED);
	assert_int_equal(next_request(f).type, B2B_GUARD_END);
	assert_int_equal(f->core.failed_commits, 1);
}

static void guard_is_quiet(struct fixture *f)
{
	char packet[B2B_GUARD_PACKET];

	for (int i = 0; i < 20; i++)
		b2b_loop_turn(f->core.loop, 1);
	assert_true(recv(f->guard_fd, packet, sizeof(packet), MSG_DONTWAIT) < 0);
}

/* The guard has too many under way. Nothing but the agent's memory knows of these two: they are asked for again, later, and both at once. */
static void refused_end_that_is_not_durable_is_asked_for_again(void **state)
{
	struct fixture *f = *state;
	struct b2b_revocation revocations[] = { of_alice(f, true), of_alice(f, true) };
	struct b2b_guard_message first[2], again[2];
	int i;

	revocations[1].org = EMEA;
	revocations[1].uid = f->uids[EMEA];
	refuse_writes(f);
	assert_true(b2b_revoke_each(&f->core, revocations, 2) < 0);
	for (i = 0; i < 2; i++)
		first[i] = next_request(f);
	for (i = 0; i < 2; i++)
		answer(f, first[i], -EBUSY, 0);
	guard_is_quiet(f);
	for (i = 0; i < 2; i++)
		again[i] = next_request(f);
	assert_int_not_equal(again[0].uid, again[1].uid);
	for (i = 0; i < 2; i++) {
		const struct b2b_guard_message *same = again[i].uid == first[0].uid ? &first[0] : &first[1];

		assert_int_equal(again[i].type, B2B_GUARD_END);
		assert_int_equal(again[i].uid, same->uid);
		assert_string_equal(again[i].audit_id, same->audit_id);
		assert_string_equal(again[i].message, same->message);
		answer(f, again[i], 0, 0);
	}
	guard_is_quiet(f);
	assert_null(f->core.endings);
}

static void refused_end_that_is_durable_is_asked_for_again_once(void **state)
{
	struct fixture *f = *state;
	struct b2b_revocation revocation = of_alice(f, true);
	struct b2b_guard_message first, again;

	assert_int_equal(b2b_revoke(&f->core, &revocation), 0);
	first = next_request(f);
	answer(f, first, -EBUSY, 0);
	guard_is_quiet(f);
	again = next_request(f);
	assert_string_equal(again.audit_id, first.audit_id);
	answer(f, again, 0, 0);
	guard_is_quiet(f);
	assert_int_equal(pending(f, NULL), 0);
	assert_null(f->core.endings);
}

static void pending_ends_resume(void **state)
{
	struct fixture *f = *state;
	struct b2b_revocation revocation = of_alice(f, true);
	struct b2b_guard_message first, again;

	assert_int_equal(b2b_revoke(&f->core, &revocation), 0);
	first = next_request(f);
	b2b_revocations_stop(&f->core); /* the agent dies before it hears that it is done */
	b2b_revocations_start(&f->core);
	again = next_request(f);
	assert_int_equal(again.uid, first.uid);
	assert_string_equal(again.audit_id, first.audit_id);
	assert_string_equal(again.message, first.message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(closes_stores_ends_and_records, setup, teardown),
		cmocka_unit_test_setup_teardown(disk_is_not_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(every_stage_is_recorded, setup, teardown),
		cmocka_unit_test(quantiles_are_within_an_eighth),
		cmocka_unit_test_setup_teardown(ending_sessions_leaves_the_account_open, setup, teardown),
		cmocka_unit_test_setup_teardown(two_events_of_one_offboarding_tell_once, setup, teardown),
		cmocka_unit_test_setup_teardown(an_offboarding_of_two_events_is_one_revocation, setup, teardown),
		cmocka_unit_test_setup_teardown(whole_organisation_is_one_word, setup, teardown),
		cmocka_unit_test_setup_teardown(failed_commit_closes_and_ends_but_is_not_durable, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_end_that_is_not_durable_is_asked_for_again, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_end_that_is_durable_is_asked_for_again_once, setup, teardown),
		cmocka_unit_test_setup_teardown(pending_ends_resume, setup, teardown),
	};

	return cmocka_run_group_tests_name("revoke", tests, NULL, NULL);
}
