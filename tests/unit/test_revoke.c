/*
 * A revocation's order, with real state, real live files and a guard played by the test (a socketpair): closed before
 * anything that can fail, durable with a pending end, ended, recorded; and closed all the same when the disk is full.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "b2bd/core.h"
#include "common/clock.h"
#include "tests/unit/state_fixture.h"

#define ORG "42c3e9"
#define LO 0x78000000u

struct fixture {
	char dir[64];
	struct b2b_policy policy;
	struct b2b_policy_org orgs[1];
	struct b2b_live *lives[1];
	struct b2b_core core;
	int guard_fd;
	uint32_t uid;
};

static void gone(void *arg)
{
	(void)arg;
}

static void make_policy(struct fixture *f)
{
	struct b2b_policy_org *org = &f->orgs[0];

	f->policy.separator = '@';
	f->policy.partners_gid = B2B_PARTNERS_GID;
	f->policy.orgs = f->orgs;
	f->policy.n_orgs = 1;
	f->policy.n_shells = 1;
	f->policy.visibility = B2B_VISIBLE_EVERYONE;
	strncpy(f->policy.shells[0], "/bin/sh", B2B_PATH_SIZE - 1);
	strncpy(f->policy.home, "/home/%o/%u", B2B_PATH_SIZE - 1);
	strncpy(org->id, ORG, B2B_ID_SIZE - 1);
	strncpy(org->alias, "acme", B2B_NAME_SIZE - 1);
	org->parent = -1;
	org->range_lo = LO;
	org->range_hi = LO + 1023;
}

static void put_alice(struct fixture *f)
{
	char id[] = "p1", subject[] = "s1", org_id[] = ORG, display[] = "Alice", shell[] = "";
	struct b2b_org_record org = { .id = org_id, .state = B2B_ORG_IS_ACTIVE };
	struct b2b_principal alice = { .id = id, .subject = subject, .org_id = org_id, .local = "alice", .display = display,
		                       .state = B2B_ACTIVE, .shell = shell };
	struct b2b_principal stored;
	bool changed;

	assert_int_equal(b2b_state_begin(f->core.state), 0);
	assert_int_equal(b2b_directory_put_org(f->core.state, &org, 1, &changed), 0);
	assert_int_equal(b2b_directory_put_principal(f->core.state, &f->policy, &alice, 1, &changed), 0);
	assert_int_equal(b2b_state_commit(f->core.state), 0);
	assert_int_equal(b2b_directory_by_name(f->core.state, ORG, "alice", &stored), 0);
	f->uid = stored.uid;
	b2b_principal_clear(&stored);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int pair[2];

	make_policy(f);
	strncpy(f->dir, "/tmp/b2b-revoke-XXXXXX", sizeof(f->dir) - 1);
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(b2b_live_create(f->dir, &f->policy, 0, &f->lives[0]), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	f->guard_fd = pair[1];
	f->core.policy = &f->policy;
	f->core.lives = f->lives;
	assert_int_equal(b2b_loop_new(&f->core.loop), 0);
	assert_int_equal(b2b_state_open(f->dir, &f->core.state), 0);
	assert_int_equal(b2b_guard_link_new(f->core.loop, pair[0], gone, gone, f, &f->core.guard), 0);
	put_alice(f);
	b2b_live_store_org(f->lives[0], B2B_LIVE_OPEN, false);
	assert_int_equal(b2b_live_store(f->lives[0], f->uid, B2B_LIVE_OPEN, false), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	b2b_timer_stop(&f->core.again);
	b2b_guard_link_free(f->core.guard);
	b2b_revocations_stop(&f->core);
	b2b_state_close(f->core.state);
	b2b_loop_free(f->core.loop);
	b2b_live_unmap(f->lives[0]);
	close(f->guard_fd);
	assert_int_equal(nftw(f->dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return 0;
}

static struct b2b_guard_message next_request(struct fixture *f)
{
	union {
		struct b2b_guard_message message;
		unsigned char bytes[B2B_GUARD_PACKET];
	} in;
	ssize_t n = -1;
	int i;

	for (i = 0; i < 1000 && n < 0; i++) {
		b2b_loop_turn(f->core.loop, 5);
		n = recv(f->guard_fd, &in, sizeof(in), MSG_DONTWAIT);
	}
	assert_int_equal(n, B2B_GUARD_PACKET);
	return in.message;
}

static void answer(struct fixture *f, struct b2b_guard_message message, int32_t result, uint32_t left)
{
	union {
		struct b2b_guard_message message;
		unsigned char bytes[B2B_GUARD_PACKET];
	} out = { .bytes = { 0 } };

	message.type = B2B_GUARD_DONE;
	message.result = result;
	message.left = left;
	message.clear_ns = b2b_now_ns();
	out.message = message;
	assert_int_equal(send(f->guard_fd, &out, sizeof(out), 0), sizeof(out));
}

static uint64_t pending(struct fixture *f, uint64_t *ret_count)
{
	struct b2b_revocation_figures figures;

	assert_int_equal(b2b_revocation_figures(f->core.state, &figures), 0);
	if (ret_count)
		*ret_count = figures.count;
	return figures.pending;
}

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
