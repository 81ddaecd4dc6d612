/*
 * The agent's database with a fault at every system call of opening it and of committing a revocation: what was committed is
 * there, what was not has left no part of itself, and the next attempt succeeds with the same ids.
 */
#include "tests/unit/state_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <syslog.h>

#include "b2bd/signals/stream.h"
#include "b2bd/state/seen.h"
#include "b2bd/state/session_state.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "tests/crash/faults.h"
#include "tests/crash/tracer.h"
#include "tests/support/machine.h"
#include "tests/support/scratch.h"

#define DIR "/run/state" /* of a private machine: in memory */
#define ALICE (ACME_LO + 1)
#define BOB (ACME_LO + 2)
#define JTI "event-1"

struct file {
	const char *name;
	char *bytes; /* NULL: not there */
	size_t size;
};

static struct state_fixture world; /* policy only */
static struct file files[] = { { .name = "agent.db" }, { .name = "agent.db-wal" } };
#define FILES (sizeof(files) / sizeof(files[0]))

static int put(struct b2b_state *state, const char *id, const char *local)
{
	struct b2b_principal person = fixture_person(id, local);
	bool changed;

	return b2b_directory_put_principal(state, &world.policy, &person, 1, &changed);
}

/* In one transaction: bob comes, alice is disabled by an event, her sessions are to be ended. */
static int change(struct b2b_state *state)
{
	struct b2b_pending_end end = { .org_id = "42c3e9", .uid = ALICE, .audit_id = "0123456789abcdef" };
	int r = b2b_state_begin(state);

	if (r < 0)
		return r;
	r = put(state, "u-2", "bob");
	if (r == 0)
		r = b2b_directory_disable(state, ALICE, 2000000);
	if (r == 0)
		r = b2b_pending_add(state, &end, &end.id);
	if (r == 0)
		r = b2b_stream_seen(state, JTI, b2b_wall_s());
	if (r == 0)
		return b2b_state_commit(state);
	b2b_state_rollback(state);
	return r;
}

static int act(void *arg)
{
	struct b2b_state *state = NULL;
	int r = b2b_state_open(DIR, &state);

	(void)arg;
	if (r == 0)
		r = change(state);
	b2b_state_close(state);
	return r;
}

static int count_one(void *arg, const struct b2b_pending_end *end)
{
	(void)end;
	++*(int *)arg;
	return 0;
}

/* How much of the transaction is there: 0 to 4 of its parts. */
static int parts(struct b2b_state *state)
{
	struct b2b_principal person;
	int pending = 0, found = 0;

	if (b2b_directory_by_name(state, "42c3e9", "bob", &person) == 0) {
		assert_int_equal(person.uid, BOB);
		b2b_principal_clear(&person);
		found++;
	}
	assert_int_equal(b2b_directory_by_name(state, "42c3e9", "alice", &person), 0);
	assert_int_equal(person.uid, ALICE);
	found += b2b_principal_standing(&person, b2b_wall_s()) != B2B_OK;
	b2b_principal_clear(&person);
	assert_int_equal(b2b_pending_list(state, count_one, &pending), 0);
	return found + (pending == 1) + (b2b_seen_has(state, JTI) > 0);
}

static void prepare(void *arg)
{
	char path[SCRATCH_SIZE];

	(void)arg;
	if (access(DIR, F_OK) == 0)
		scratch_remove(DIR);
	assert_int_equal(mkdir(DIR, 0700), 0);
	for (size_t i = 0; i < FILES; i++) {
		scratch_path(path, DIR, files[i].name);
		if (files[i].bytes)
			scratch_write(path, files[i].bytes, files[i].size, 0600);
	}
}

static void check(void *arg, int result)
{
	struct b2b_state *state = NULL;
	int found;

	(void)arg;
	if (b2b_state_open(DIR, &state) < 0)
		fail_msg("%s: the database cannot be opened any more", faults_where());
	found = parts(state);
	if (found != 4 && (found != 0 || result == 0))
		fail_msg("%s: result %d, %d of 4 parts are there", faults_where(), result, found);
	if (found == 0)
		assert_int_equal(change(state), 0);
	assert_int_equal(parts(state), 4);
	b2b_state_close(state);
}

static void keep_files(void)
{
	char path[SCRATCH_SIZE];
	struct stat st;
	int fd;

	for (size_t i = 0; i < FILES; i++) {
		free(files[i].bytes);
		files[i].bytes = NULL;
		scratch_path(path, DIR, files[i].name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		assert_int_equal(fstat(fd, &st), 0);
		files[i].size = (size_t)st.st_size;
		files[i].bytes = malloc(files[i].size + 1);
		assert_int_equal(read(fd, files[i].bytes, files[i].size), st.st_size);
		close(fd);
	}
}

/* The database with alice: closed in order, or, where not CLOSED, as an agent leaves it that was killed. */
static void make_database(bool closed)
{
	struct b2b_state *state = NULL;

	prepare(NULL);
	assert_int_equal(b2b_state_open(DIR, &state), 0);
	assert_int_equal(b2b_directory_adopt_policy(state, &world.policy), 0);
	assert_int_equal(put(state, "u-1", "alice"), 0);
	if (!closed)
		keep_files();
	b2b_state_close(state);
	if (closed)
		keep_files();
}

/* SQLite's own calls make most of it: all of them where full counts are asked for. */
static void run(const char *what)
{
	const struct faults_scenario scenario = { .prepare = prepare, .act = act, .check = check, .step = secure_getenv("LONG") ? 1 : 7 };
	struct faults_counts counts = faults_run(&scenario);

	print_message("%s: %u system calls, %u kills, %u errors\n", what, counts.calls, counts.kills, counts.errors);
}

static void a_revocation_is_committed_whole_or_not_at_all(void **state)
{
	(void)state;
	make_database(true);
	run("commit");
}

static void so_it_is_after_a_crash(void **state)
{
	(void)state;
	make_database(false);
	assert_non_null(files[1].bytes);
	run("commit after a crash");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_revocation_is_committed_whole_or_not_at_all),
		cmocka_unit_test(so_it_is_after_a_crash),
	};
	int r;

	if (!tracer_works()) {
		puts("skip faults-state: takes a tracer, which this machine or valgrind does not allow");
		return 0;
	}
	b2b_log_open("test", LOG_EMERG);
	machine_private();
	fixture_policy(&world);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < FILES; i++)
		free(files[i].bytes);
	return r;
}
