/*
 * A power cut at every instant of the agent's database being made, committed to and closed: what the agent was told is
 * committed is there, and may thus be acknowledged; what was not has left no part of itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/crash/cuts.h"
#include "tests/crash/recorder.h"
#include "tests/crash/stored.h"
#include "tests/crash/tracer.h"
#include "tests/support/machine.h"
#include "tests/support/scratch.h"

#define DIR "/run/state" /* of a private machine: in memory */
#define WHOLE_LEAST_SECTORS 8 /* of 14 cuts; cuts.h says what becomes of the others */
#define WHOLE_LEAST_PAGES 9

enum { MARK_BEGUN = 1, MARK_CHANGED };

static int write_state(void *arg)
{
	struct b2b_state *state = NULL;
	int r = b2b_state_open(DIR, &state);

	(void)arg;
	if (r == 0)
		r = stored_begin(state);
	if (r == 0) {
		tracer_mark(MARK_BEGUN);
		r = stored_change(state);
	}
	if (r == 0)
		tracer_mark(MARK_CHANGED);
	b2b_state_close(state);
	return r;
}

static void check(void *arg, const char *dir, int mark)
{
	struct b2b_state *state = NULL;
	int found;

	(void)arg;
	if (b2b_state_open(dir, &state) < 0)
		fail_msg("%s: the database cannot be opened any more", cuts_where());
	if (mark < MARK_BEGUN)
		assert_int_equal(stored_begin(state), 0);
	found = stored_parts(state);
	if (found != STORED_PARTS && (found != 0 || mark >= MARK_CHANGED))
		fail_msg("%s: %d of %d parts are there after mark %d", cuts_where(), found, STORED_PARTS, mark);
	if (found == 0)
		assert_int_equal(stored_change(state), 0);
	assert_int_equal(stored_parts(state), STORED_PARTS);
	b2b_state_close(state);
}

static void cut_everywhere(uint32_t block, size_t whole_least)
{
	struct disk_log *log;

	if (access(DIR, F_OK) == 0)
		scratch_remove(DIR);
	assert_int_equal(mkdir(DIR, 0700), 0);
	log = recorder_run(DIR, NULL, block, write_state, NULL);
	assert_true(cuts_run("state", log, DIR, check, NULL) >= whole_least);
	disk_log_free(log);
}

static void what_was_committed_is_there_on_a_disk_that_writes_sectors(void **state)
{
	(void)state;
	cut_everywhere(DISK_SECTOR, WHOLE_LEAST_SECTORS);
}

/* Fewer operations, so that of more cuts every subset is looked at. */
static void what_was_committed_is_there_on_a_disk_that_writes_pages(void **state)
{
	(void)state;
	cut_everywhere(DISK_PAGE, WHOLE_LEAST_PAGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_committed_is_there_on_a_disk_that_writes_sectors),
		cmocka_unit_test(what_was_committed_is_there_on_a_disk_that_writes_pages),
	};

	if (!tracer_works()) {
		puts("skip power-state: takes a tracer, which this machine or valgrind does not allow");
		return 0;
	}
	b2b_log_open("test", LOG_EMERG);
	machine_private();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
