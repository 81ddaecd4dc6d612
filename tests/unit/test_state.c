/* The database: what is refused, and what a crash leaves. */
#include "tests/unit/state_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "b2bd/state/seen.h"
#include "b2bd/state/seen_ids.h"
#include "b2bd/state/seen_tokens.h"
#include "b2bd/signals/stream.h"

static void path_of(const struct state_fixture *fixture, char *path, size_t size)
{
	snprintf(path, size, "%s/agent.db", fixture->dir);
}

static void reopen(struct state_fixture *fixture)
{
	b2b_state_close(fixture->state);
	fixture->state = NULL;
	assert_int_equal(b2b_state_open(fixture->dir, &fixture->state), 0);
}

static void is_durable_and_private(void **state)
{
	struct state_fixture *fixture = *state;
	sqlite3_stmt *row;
	struct stat st;
	char path[128];

	path_of(fixture, path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(sqlite3_prepare_v2(b2b_state_db(fixture->state), "SELECT * FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys",
	                                    -1, &row, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(row, 0), "wal");
	assert_int_equal(sqlite3_column_int(row, 1), 2);
	assert_int_equal(sqlite3_column_int(row, 2), 1);
	sqlite3_finalize(row);
}

static void a_newer_one_is_refused(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_state *other = NULL;

	assert_int_equal(sqlite3_exec(b2b_state_db(fixture->state), "PRAGMA user_version = 9999", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(b2b_state_open(fixture->dir, &other), -EBADMSG);
	assert_null(other);
}

static void a_damaged_one_is_refused(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_state *other = NULL;
	char path[128], garbage[4096];
	int fd;

	b2b_state_close(fixture->state);
	fixture->state = NULL;
	path_of(fixture, path, sizeof(path));
	memset(garbage, 0x5a, sizeof(garbage));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, garbage, sizeof(garbage), 4096 * 3), sizeof(garbage));
	close(fd);
	assert_int_equal(b2b_state_open(fixture->dir, &other), -EBADMSG);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	close(fd);
	assert_int_equal(b2b_state_open(fixture->dir, &other), -EBADMSG);
	assert_int_equal(b2b_state_open("/nonexistent", &other), -ENOENT);
}

static void another_programs_is_refused(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_state *other = NULL;

	assert_int_equal(sqlite3_exec(b2b_state_db(fixture->state), "PRAGMA application_id = 7", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(b2b_state_open(fixture->dir, &other), -EBADMSG);
}

static void transactions_do_not_nest(void **state)
{
	struct state_fixture *fixture = *state;

	assert_true(b2b_state_idle(fixture->state));
	assert_int_equal(b2b_state_begin(fixture->state), 0);
	assert_false(b2b_state_idle(fixture->state));
	assert_int_equal(b2b_state_begin(fixture->state), -EBUSY);
	assert_int_equal(b2b_stream_seen(fixture->state, "j1", 1), 0);
	b2b_state_rollback(fixture->state);
	assert_int_equal(b2b_seen_has(fixture->state, "j1"), 0);
	assert_int_equal(b2b_state_begin(fixture->state), 0);
	assert_int_equal(b2b_stream_seen(fixture->state, "j1", 1), 0);
	assert_int_equal(b2b_state_commit(fixture->state), 0);
	reopen(fixture);
	assert_int_equal(b2b_seen_has(fixture->state, "j1"), 1);
	assert_int_equal(b2b_seen_prune(fixture->state, 1, 10), 0);
	assert_int_equal(b2b_seen_has(fixture->state, "j1"), 1);
	assert_int_equal(b2b_seen_prune(fixture->state, 2, 10), 0);
	assert_int_equal(b2b_seen_has(fixture->state, "j1"), 0);
}

/* What a killed writer committed is there, and its half transaction is not. */
static void survives_a_kill(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_state *own;
	int status;
	pid_t pid;

	b2b_state_close(fixture->state);
	fixture->state = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (b2b_state_open(fixture->dir, &own) == 0 && b2b_state_begin(own) == 0 && b2b_stream_seen(own, "kept", 1) == 0 &&
		    b2b_state_commit(own) == 0 && b2b_state_begin(own) == 0 && b2b_stream_seen(own, "lost", 1) == 0)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(b2b_state_open(fixture->dir, &fixture->state), 0);
	assert_int_equal(b2b_seen_has(fixture->state, "kept"), 1);
	assert_int_equal(b2b_seen_has(fixture->state, "lost"), 0);
}

static void marks_belong_to_their_pass(void **state)
{
	struct b2b_seen_ids seen = { 0 };

	(void)state;
	assert_int_equal(b2b_seen_ids_mark(&seen, 1, 0x78000001), 0);
	assert_int_equal(b2b_seen_ids_mark(&seen, 1, 0xffffffff), 0);
	assert_true(b2b_seen_ids_has(&seen, 1, 0x78000001));
	assert_true(b2b_seen_ids_has(&seen, 1, 0xffffffff));
	assert_false(b2b_seen_ids_has(&seen, 1, 0x78000002));
	assert_false(b2b_seen_ids_has(&seen, 1, 0x78008001));
	assert_false(b2b_seen_ids_has(&seen, 2, 0x78000001));
	assert_int_equal(b2b_seen_ids_mark(&seen, 2, 5), 0);
	assert_false(b2b_seen_ids_has(&seen, 2, 0x78000001));
	b2b_seen_ids_clear(&seen);
}

static void a_token_is_new_once_until_its_end(void **state)
{
	struct state_fixture *fixture = *state;
	char digest[32];
	int i;

	assert_int_equal(b2b_seen_token(fixture->state, "one", 1300, 1000), 0);
	assert_int_equal(b2b_seen_token(fixture->state, "one", 1300, 1000), -EEXIST);
	assert_int_equal(b2b_seen_token(fixture->state, "two", 1300, 1000), 0);
	reopen(fixture);
	assert_int_equal(b2b_seen_token(fixture->state, "one", 1300, 1300), -EEXIST);
	assert_int_equal(b2b_seen_token(fixture->state, "three", 1400, 1301), 0); /* forgets what is over */
	assert_int_equal(b2b_seen_token(fixture->state, "one", 1500, 1301), 0);
	for (i = 0; i < 100; i++) {
		snprintf(digest, sizeof(digest), "many-%d", i);
		assert_int_equal(b2b_seen_token(fixture->state, digest, 1302, 1301), 0);
	}
	assert_int_equal(b2b_seen_token(fixture->state, "one", 1500, 1400), -EEXIST);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(is_durable_and_private), TEST(a_newer_one_is_refused), TEST(a_damaged_one_is_refused),
		TEST(another_programs_is_refused), TEST(transactions_do_not_nest), TEST(survives_a_kill), TEST(a_token_is_new_once_until_its_end),
		cmocka_unit_test(marks_belong_to_their_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
