/* Sessions that are over: a disk that takes nothing holds nobody up. */
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
		cmocka_unit_test_setup_teardown(disk_that_takes_nothing_holds_nobody_up, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
