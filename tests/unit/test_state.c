/* The database and the id ledger: what is refused, what a crash leaves, and that no id ever passes to another. */
#include "tests/unit/state_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "b2bd/state/ledger.h"
#include "b2bd/state/seen.h"
#include "b2bd/state/seen_ids.h"
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

static uint32_t give(struct state_fixture *fixture, int org, enum b2b_ledger_kind kind, const char *owner)
{
	uint32_t id = 0;
	int r = b2b_ledger_id(fixture->state, &fixture->policy.orgs[org], kind, owner, &id);

	return r < 0 ? (uint32_t)r : id;
}

static void ids_never_pass_on(void **state)
{
	struct state_fixture *fixture = *state;

	assert_int_equal(give(fixture, 0, B2B_LEDGER_USER, "a"), ACME_LO + 1);
	assert_int_equal(give(fixture, 0, B2B_LEDGER_GROUP, "a"), ACME_LO + 2);
	assert_int_equal(give(fixture, 0, B2B_LEDGER_USER, "b"), ACME_LO + 3);
	assert_int_equal(give(fixture, 0, B2B_LEDGER_USER, "a"), ACME_LO + 1);
	assert_int_equal(give(fixture, 1, B2B_LEDGER_USER, "a"), GLOBEX_LO + 1);
	/* not even by hand */
	assert_int_not_equal(sqlite3_exec(b2b_state_db(fixture->state), "DELETE FROM ledger", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(b2b_state_db(fixture->state), "UPDATE ledger SET owner = 'z'", NULL, NULL, NULL), SQLITE_OK);
	reopen(fixture);
	assert_int_equal(give(fixture, 0, B2B_LEDGER_USER, "c"), ACME_LO + 4);
}

static void a_range_ends(void **state)
{
	struct state_fixture *fixture = *state;
	char owner[16];
	int i;

	for (i = 1; i < 64; i++) {
		snprintf(owner, sizeof(owner), "p%d", i);
		assert_int_equal(give(fixture, 1, B2B_LEDGER_USER, owner), GLOBEX_LO + (uint32_t)i);
	}
	assert_int_equal(give(fixture, 1, B2B_LEDGER_USER, "one more"), (uint32_t)-EDQUOT);
	assert_int_equal(give(fixture, 1, B2B_LEDGER_USER, "p1"), GLOBEX_LO + 1);
}

static void ranges_never_change(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_policy policy = fixture->policy;
	struct b2b_policy_org orgs[3];

	give(fixture, 0, B2B_LEDGER_USER, "a");
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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(is_durable_and_private), TEST(a_newer_one_is_refused), TEST(a_damaged_one_is_refused),
		TEST(another_programs_is_refused), TEST(transactions_do_not_nest), TEST(survives_a_kill),
		TEST(ids_never_pass_on), TEST(a_range_ends), TEST(ranges_never_change),
		cmocka_unit_test(marks_belong_to_their_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
