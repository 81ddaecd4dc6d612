/* Sessions that are over: their rows go together, at the latest before somebody reads them, and a disk that takes nothing holds nobody up. */
#include "b2bd/state/rows.h"
#include "tests/unit/revoke_fixture.h"

#define MANY 200
#define NOBODY 4000000 /* above every pid */

static sqlite3 *database(struct fixture *f)
{
	sqlite3_stmt *row;
	sqlite3 *db;

	assert_int_equal(b2b_row_prepare(f->core.state, &row, "SELECT 1"), 0);
	db = sqlite3_db_handle(row);
	sqlite3_finalize(row);
	return db;
}

static int count_one(void *arg, const struct b2b_session *session)
{
	(void)session;
	++*(unsigned *)arg;
	return 0;
}

static unsigned rows(struct fixture *f)
{
	unsigned n = 0;

	assert_int_equal(b2b_session_list(f->core.state, 0, count_one, &n), 0);
	return n;
}

static void put_session(struct fixture *f, int64_t pid)
{
	const struct b2b_session session = { .pid = pid, .start_ticks = 7, .uid = f->uid, .opened_s = 1 };

	assert_int_equal(b2b_session_store(f->core.state, &session), 0);
}

/* As pam_b2b says it. */
static void close_session(struct fixture *f, int64_t pid)
{
	struct b2b_ask_close question;

	memset(&question, 0, sizeof(question)); /* its padding is sent as well */
	question.pid = (int32_t)pid;
	question.start_ticks = 7;
	ask_decision(f, B2B_ASK_CLOSE, &question);
}

static int count_commit(void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

static void closings_share_a_transaction(void **state)
{
	struct fixture *f = *state;
	unsigned commits = 0;

	for (int i = 0; i < 5; i++)
		put_session(f, 100 + i);
	sqlite3_commit_hook(database(f), count_commit, &commits);
	close_session(f, 100);
	for (int i = 1; i < 4; i++) {
		f->core.closed.items[f->core.closed.n].pid = 100 + i;
		f->core.closed.items[f->core.closed.n++].start_ticks = 7;
	}
	for (int i = 0; i < 1000 && rows(f) > 1; i++)
		b2b_loop_turn(f->core.loop, 5);
	sqlite3_commit_hook(database(f), NULL, NULL);
	assert_int_equal(rows(f), 1);
	assert_int_equal(commits, 1);
}

static void same_process_opens_another(void **state)
{
	struct fixture *f = *state;

	put_session(f, 100);
	put_session(f, 101);
	close_session(f, 100);
	close_session(f, 101);
	b2b_closed_keep(&f->core, 100, 7);
	put_session(f, 100);
	b2b_closed_drop(&f->core);
	assert_int_equal(rows(f), 1);
	b2b_closed_drop(&f->core); /* nothing is left to be dropped */
	assert_int_equal(rows(f), 1);
}

static void more_than_there_is_room_for(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i <= B2B_CLOSED_MAX; i++)
		put_session(f, 1000 + i);
	for (int i = 0; i < B2B_CLOSED_MAX; i++) {
		f->core.closed.items[i].pid = 1000 + i;
		f->core.closed.items[i].start_ticks = 7;
	}
	f->core.closed.n = B2B_CLOSED_MAX;
	close_session(f, 1000 + B2B_CLOSED_MAX);
	b2b_closed_drop(&f->core);
	assert_int_equal(rows(f), 0);
}

static int deny_deletes(void *arg, int action, const char *a, const char *b, const char *c, const char *d)
{
	(void)arg, (void)a, (void)b, (void)c, (void)d;
	return action == SQLITE_DELETE ? SQLITE_DENY : SQLITE_OK;
}

static void disk_that_takes_nothing_holds_nobody_up(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < MANY; i++)
		put_session(f, NOBODY + i);
	sqlite3_set_authorizer(database(f), deny_deletes, NULL);
	alarm(20);
	b2b_sessions_forget_gone(&f->core);
	alarm(0);
	assert_int_equal(rows(f), MANY);
	sqlite3_set_authorizer(database(f), NULL, NULL);
	b2b_sessions_forget_gone(&f->core);
	assert_int_equal(rows(f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(closings_share_a_transaction, setup, teardown),
		cmocka_unit_test_setup_teardown(same_process_opens_another, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_there_is_room_for, setup, teardown),
		cmocka_unit_test_setup_teardown(disk_that_takes_nothing_holds_nobody_up, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
