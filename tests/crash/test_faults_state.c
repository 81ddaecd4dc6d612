/*
 * The agent's database with a fault at every system call of opening it and of committing a revocation: what was committed is
 * there, what was not has left no part of itself, and the next attempt succeeds with the same ids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/crash/faults.h"
#include "tests/crash/stored.h"
#include "tests/crash/tracer.h"
#include "tests/support/machine.h"
#include "tests/support/scratch.h"

#define DIR "/run/state" /* of a private machine: in memory */

struct file {
	const char *name;
	char *bytes; /* NULL: not there */
	size_t size;
};

static struct file files[] = { { .name = "agent.db" }, { .name = "agent.db-wal" } };
#define FILES (sizeof(files) / sizeof(files[0]))

static int act(void *arg)
{
	struct b2b_state *state = NULL;
	int r = b2b_state_open(DIR, &state);

	(void)arg;
	if (r == 0)
		r = stored_change(state);
	b2b_state_close(state);
	return r;
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
	found = stored_parts(state);
	if (found != STORED_PARTS && (found != 0 || result == 0))
		fail_msg("%s: result %d, %d of %d parts are there", faults_where(), result, found, STORED_PARTS);
	if (found == 0)
		assert_int_equal(stored_change(state), 0);
	assert_int_equal(stored_parts(state), STORED_PARTS);
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
	assert_int_equal(stored_begin(state), 0);
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
	r = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < FILES; i++)
		free(files[i].bytes);
	return r;
}
