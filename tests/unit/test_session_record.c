/* The session registry: whole records of root's, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/session_record.h"
#include "tests/support/machine.h"
#include "tests/support/scratch.h"

static struct b2b_session_record sample(int32_t pid)
{
	struct b2b_session_record record = { .magic = B2B_SESSION_MAGIC, .uid = 0x78000001, .pid = pid, .start_ticks = 4711 };

	snprintf(record.origin.user, sizeof(record.origin.user), "alice@acme");
	return record;
}

static int count(void *arg, const struct b2b_session_record *record)
{
	assert_string_equal(record->origin.user, "alice@acme");
	++*(int *)arg;
	return 0;
}

static int stop_at_first(void *arg, const struct b2b_session_record *record)
{
	(void)record;
	++*(int *)arg;
	return 7;
}

static int number(void)
{
	int n = 0;

	assert_int_equal(b2b_session_each(count, &n), 0);
	return n;
}

static void records_come_and_go(void **state)
{
	struct b2b_session_record one = sample(101), two = sample(102);
	int n = 0;

	(void)state;
	assert_int_equal(number(), 0);
	assert_int_equal(b2b_session_put(&one), 0);
	assert_int_equal(b2b_session_put(&one), 0);
	assert_int_equal(b2b_session_put(&two), 0);
	assert_int_equal(number(), 2);
	assert_int_equal(b2b_session_each(stop_at_first, &n), 7);
	assert_int_equal(n, 1);
	assert_int_equal(b2b_session_remove(101, 4712), 0); /* another process of that number */
	assert_int_equal(number(), 2);
	assert_int_equal(b2b_session_remove(101, 4711), 0);
	assert_int_equal(b2b_session_remove(101, 4711), 0);
	assert_int_equal(b2b_session_remove(102, 4711), 0);
	assert_int_equal(number(), 0);
}

static void a_half_written_predecessor_is_replaced(void **state)
{
	struct b2b_session_record one = sample(101);

	(void)state;
	scratch_write(B2B_SESSION_DIR "/.tmp.101-4711", "half", 4, 0640);
	assert_int_equal(number(), 0);
	assert_int_equal(b2b_session_put(&one), 0);
	assert_int_equal(number(), 1);
	assert_int_equal(access(B2B_SESSION_DIR "/.tmp.101-4711", F_OK), -1);
	assert_int_equal(b2b_session_remove(101, 4711), 0);
}

/* Each is passed over by itself, while the good one beside it is seen. */
static void what_is_not_whole_or_not_roots_is_passed_over(void **state)
{
	struct b2b_session_record good = sample(101), bad = sample(102);
	static const char name[] = B2B_SESSION_DIR "/102-4711";

	(void)state;
	assert_int_equal(b2b_session_put(&good), 0);
	scratch_write(name, &bad, sizeof(bad) - 1, 0640);
	assert_int_equal(number(), 1);
	scratch_write(name, &bad, sizeof(bad), 0660);
	assert_int_equal(number(), 1);
	scratch_write(name, &good, sizeof(good), 0640); /* says another process than its name */
	assert_int_equal(number(), 1);
	scratch_write(name, &bad, sizeof(bad), 0640);
	assert_int_equal(number(), 2);
	assert_int_equal(chown(name, 65534, 65534), 0);
	assert_int_equal(number(), 1);
	assert_int_equal(unlink(name), 0);
	memset(bad.origin.tty, 'x', sizeof(bad.origin.tty));
	scratch_write(name, &bad, sizeof(bad), 0640);
	assert_int_equal(number(), 1);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(symlink("101-4711", name), 0);
	assert_int_equal(number(), 1);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(mkfifo(name, 0640), 0);
	assert_int_equal(number(), 1);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(b2b_session_remove(101, 4711), 0);
}

static void a_directory_that_others_write_is_refused(void **state)
{
	struct b2b_session_record one = sample(101);
	int n = 0;

	(void)state;
	assert_int_equal(chmod(B2B_SESSION_DIR, 0770), 0);
	assert_int_equal(b2b_session_put(&one), -EPERM);
	assert_int_equal(b2b_session_each(count, &n), -EPERM);
	assert_int_equal(chmod(B2B_SESSION_DIR, 0750), 0);
	assert_int_equal(rmdir(B2B_SESSION_DIR), 0);
	assert_int_equal(b2b_session_put(&one), -ENOENT);
	assert_int_equal(b2b_session_remove(101, 4711), 0);
	assert_int_equal(mkdir(B2B_SESSION_DIR, 0750), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_and_go),
		cmocka_unit_test(a_half_written_predecessor_is_replaced),
		cmocka_unit_test(what_is_not_whole_or_not_roots_is_passed_over),
		cmocka_unit_test(a_directory_that_others_write_is_refused),
	};

	machine_private();
	return cmocka_run_group_tests_name("session_record", tests, NULL, NULL);
}
