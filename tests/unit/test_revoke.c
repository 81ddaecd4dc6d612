/*
 * A revocation's order, with real state, real live files and a guard played by the test (a socketpair): closed before
 * anything that can fail, durable with a pending end, ended, recorded; and closed all the same when the disk is full.
 */
#include "tests/unit/revoke_fixture.h"

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
	answer(f, request, 0, 0);
	for (i = 0; i < 1000 && pending(f, &count); i++)
		b2b_loop_turn(f->core.loop, 5);
	assert_int_equal(pending(f, &count), 0);
	assert_int_equal(count, 1);
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
		cmocka_unit_test_setup_teardown(ending_sessions_leaves_the_account_open, setup, teardown),
		cmocka_unit_test_setup_teardown(two_events_of_one_offboarding_tell_once, setup, teardown),
		cmocka_unit_test_setup_teardown(whole_organisation_is_one_word, setup, teardown),
		cmocka_unit_test_setup_teardown(failed_commit_closes_and_ends_but_is_not_durable, setup, teardown),
		cmocka_unit_test_setup_teardown(pending_ends_resume, setup, teardown),
	};

	return cmocka_run_group_tests_name("revoke", tests, NULL, NULL);
}
