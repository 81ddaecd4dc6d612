/* b2bctl cache dump: all that stands in the files, within 80 columns; what is damaged is named, and the rest still shown. */
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "b2bctl/ctl.h"
#include "common/cache_format.h"
#include "tests/support/ctl_run.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/scratch.h"

#define WORD(text) ((char *)(uintptr_t)(text))
#define ACME_LO FIXTURE_LO(FIXTURE_ACME)
#define SNAPSHOT "org/42c3e9/snapshot"

static struct fixture fixture;

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&fixture);
	return 0;
}

static struct ctl_result dump(const char *org)
{
	char *argv[] = { WORD("b2bctl"), WORD("cache"), WORD("dump"), WORD("--dir"), fixture.dir, WORD(org), NULL };

	return ctl_run(argv);
}

static json_t *dump_json(const char *org, int expected)
{
	char *argv[] = { WORD("b2bctl"), WORD("cache"), WORD("dump"), WORD("--json"), WORD("--words"), WORD("--dir"), fixture.dir, WORD(org), NULL };
	struct ctl_result result = ctl_run(argv);
	json_error_t error;
	json_t *json = json_loads(result.out, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		fail_msg("%s in\n%s", error.text, result.out);
	assert_int_equal(result.code, expected);
	ctl_result_free(&result);
	return json;
}

static void assert_has(const char *text, const char *needle)
{
	if (!strstr(text, needle))
		fail_msg("\nexpected \"%s\" in\n%s", needle, text);
}

static void poke(const char *name, size_t at, const void *bytes, size_t size)
{
	char path[SCRATCH_SIZE];
	int fd;

	scratch_path(path, fixture.dir, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, (off_t)at), size);
	close(fd);
}

static uint32_t header_of_acme(size_t at)
{
	char path[SCRATCH_SIZE];
	uint32_t value;
	int fd;

	scratch_path(path, fixture.dir, SNAPSHOT);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, &value, sizeof(value), (off_t)at), sizeof(value));
	close(fd);
	return value;
}

static void shows_everybody(void **state)
{
	static const char *const expected[] = {
		"names         separator @, visible to organisation, not enumerated", "shells        /bin/bash /bin/sh\n",
		"operator       0  5000 5001\n", "dba            1  5002\n", "sudo          1  device           2  -        0 s      120 s\n",
		"ORGANISATION  acme, id 42c3e9, ids 0x78000000 to 0x780003ff\n", "ORGANISATION  apac.acme, ", "ORGANISATION  emea.acme, ", "ORGANISATION  globex, ",
		"announces generation 1; the organisation is open, epoch 0\n", "heartbeat     b2bd's last was ", "lease         renewed ",
		"words         2 open, 1 closed, 1021 empty, 0 unknown\n", "groups        dba, gid 2013266020: alice carol\n", "              web, gid 2013266021: alice dave\n",
		"alice  2013265921  closed      1  /bin/bash  operator ", "carol  2013265922  open        0  ", "dave   2013265923  open  ",
		"heidi  2013331457  open", "bob   2013396993  open", "erin   2013462529  open", "grace  2013462530  open",
	};
	struct ctl_result result;

	(void)state;
	b2b_live_store(fixture.lives[FIXTURE_ACME], ACME_LO + 1, B2B_LIVE_CLOSED, true);
	result = dump(NULL);
	assert_int_equal(result.code, B2B_CTL_OK);
	assert_string_equal(result.err, "");
	assert_true(ctl_fits(result.out));
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_has(result.out, expected[i]);
	assert_null(strstr(result.out, "DAMAGED"));
	ctl_result_free(&result);
}

static void json_tells_all(void **state)
{
	json_t *json, *org, *snapshot, *alice;

	(void)state;
	b2b_live_store(fixture.lives[FIXTURE_ACME], ACME_LO + 1, B2B_LIVE_CLOSED, true);
	json = dump_json("acme", B2B_CTL_OK);
	assert_int_equal(json_array_size(json_object_get(json_object_get(json, "index"), "organisations")), FIXTURE_ORGS);
	assert_int_equal(json_array_size(json_object_get(json, "organisations")), 1);
	org = json_array_get(json_object_get(json, "organisations"), 0);
	snapshot = json_object_get(org, "snapshot");
	alice = json_array_get(json_object_get(snapshot, "people"), 0);
	assert_string_equal(b2b_ctl_text(alice, "name"), "alice");
	assert_int_equal(b2b_ctl_number(alice, "uid"), ACME_LO + 1);
	assert_string_equal(b2b_ctl_text(json_object_get(alice, "word"), "state"), "closed");
	assert_int_equal(json_array_size(json_object_get(alice, "roles")), 2);
	assert_string_equal(json_string_value(json_array_get(json_object_get(alice, "groups"), 1)), "web");
	assert_int_equal(json_array_size(json_object_get(snapshot, "people")), 3);
	assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(snapshot, "groups"), 0), "members")), 2);
	assert_int_equal(json_array_size(json_object_get(json_object_get(org, "live"), "list")), 3);
	assert_int_equal(json_array_size(json_object_get(snapshot, "damage")), 0);
	json_decref(json);
	json = dump_json("9d01f2", B2B_CTL_OK); /* by its id */
	assert_string_equal(b2b_ctl_text(json_array_get(json_object_get(json, "organisations"), 0), "alias"), "globex");
	json_decref(json);
}

/* Long names, and a group with many members: all of them, wrapped. */
static void fits_a_terminal_whatever_is_in_it(void **state)
{
	struct b2b_snapshot_builder *builder = fixture_builder(&fixture, FIXTURE_ACME, false);
	struct b2b_snapshot_group group = { .local = "a-group-with-a-long-name", .gid = ACME_LO + 900 };
	uint32_t members[200];
	struct ctl_result result;
	char local[32];

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		struct b2b_snapshot_user user = { .local = local, .gecos = "A display name of its own that is rather long for a table", .uid = ACME_LO + 1 + i, .roles = 3 };

		snprintf(local, sizeof(local), "somebody-with-a-name-%u", i);
		assert_int_equal(b2b_snapshot_add_user(builder, &user), 0);
		members[i] = user.uid;
	}
	group.members = members;
	group.n_members = 200;
	assert_int_equal(b2b_snapshot_add_group(builder, &group), 0);
	fixture_publish(&fixture, FIXTURE_ACME, builder);
	b2b_snapshot_free(builder);
	result = dump("acme");
	assert_int_equal(result.code, B2B_CTL_OK);
	assert_true(ctl_fits(result.out));
	for (uint32_t i = 0; i < 200; i++) {
		snprintf(local, sizeof(local), "somebody-with-a-name-%u", i);
		assert_has(result.out, local);
	}
	ctl_result_free(&result);
}

static void damage_hides_only_itself(void **state)
{
	size_t records = header_of_acme(offsetof(struct b2b_format_snapshot, records_at));
	char told[96];
	struct ctl_result result;

	(void)state;
	poke(SNAPSHOT, records + 24, "A", 1); /* alice's name */
	result = dump("acme");
	assert_int_equal(result.code, B2B_CTL_FAILED);
	assert_has(result.err, "some of it is damaged; b2bctl cache verify says what to do");
	snprintf(told, sizeof(told), "DAMAGED       " SNAPSHOT " at byte %zu: record: its", records);
	assert_has(result.out, told);
	assert_has(result.out, "carol  2013265922");
	assert_has(result.out, "dave   2013265923");
	assert_true(ctl_fits(result.out));
	ctl_result_free(&result);
	/* A live file that is of no use takes the words with it, not the people. */
	poke("live/9d01f2", 0, "rubbish", 7);
	result = dump("globex");
	assert_has(result.out, "DAMAGED       live/9d01f2 at byte 0: magic: this is a file of another kind\n");
	assert_has(result.out, "erin   2013462529  ?");
	ctl_result_free(&result);
}

static void without_an_index_organisations_are_known_by_their_id(void **state)
{
	static const unsigned char rubbish[160] = { 1 };
	struct ctl_result result;
	json_t *json;

	(void)state;
	poke("index", 0, rubbish, sizeof(rubbish));
	result = dump(NULL);
	assert_int_equal(result.code, B2B_CTL_FAILED);
	assert_has(result.out, "DAMAGED       index at byte 0: magic: ");
	assert_has(result.out, "ORGANISATION  (the index does not tell), id 42c3e9, ids 0x78000000 to 0x780003ff\n");
	assert_has(result.out, "alice  2013265921  open      0  #0     #0 #1  dba web  Alice Example\n");
	assert_has(result.out, "grace  2013462530");
	ctl_result_free(&result);
	json = dump_json("42c3e9", B2B_CTL_FAILED);
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(json, "organisations"), 0), "alias")));
	json_decref(json);
}

/* Whatever the bytes are, it ends, and prints nothing that a terminal would act upon. */
static void any_bytes_are_borne(void **state)
{
	static const char *const names[] = { "index", "live/42c3e9", SNAPSHOT };
	struct ctl_result result;
	uint32_t random = 12345;

	for (int round = 0; round < 60; round++) {
		const char *name = names[round % 3];

		for (int i = 0; i < 6; i++) {
			unsigned char byte;

			random = random * 1103515245u + 12345u;
			byte = (unsigned char)(random >> 8);
			poke(name, (random >> 16) % 944, &byte, 1);
		}
		result = dump(NULL);
		assert_true(ctl_fits(result.out));
		ctl_result_free(&result);
		if (round % 3 == 2) {
			stop(state);
			start(state);
		}
	}
}

static int as_nobody(void *arg)
{
	struct ctl_result result;
	bool right;

	(void)arg;
	if (setgroups(0, NULL) < 0 || setresgid(4242, 4242, 4242) < 0 || setresuid(4242, 4242, 4242) < 0)
		return 1;
	result = dump("acme");
	right = result.code == B2B_CTL_OK && strstr(result.out, "live          live/42c3e9 may not be read by this user\n") &&
		strstr(result.out, "snapshot      " SNAPSHOT " may not be read by this user\n") && !strstr(result.out, "alice");
	ctl_result_free(&result);
	return !right;
}

static void a_user_sees_what_a_user_may_read(void **state)
{
	(void)state;
	fixture_stop(&fixture);
	fixture_start_visible(&fixture, NULL, B2B_VISIBLE_STRICT);
	assert_int_equal(machine_child(as_nobody, NULL), 0);
}

/* No reader would trust it; to look at it is something else. */
static void a_copy_of_anybodys_can_be_looked_at(void **state)
{
	char path[SCRATCH_SIZE];
	struct ctl_result result;

	(void)state;
	scratch_path(path, fixture.dir, SNAPSHOT);
	assert_int_equal(chown(path, 4242, 4242), 0);
	result = dump("acme");
	assert_int_equal(result.code, B2B_CTL_OK);
	assert_has(result.out, "alice  2013265921");
	ctl_result_free(&result);
}

static void judges_the_command_line(void **state)
{
	struct ctl_result result = dump("nobody");

	(void)state;
	assert_int_equal(result.code, B2B_CTL_FAILED);
	assert_has(result.err, "b2bctl: there is no organisation nobody in ");
	ctl_result_free(&result);
	result = CTL_RUN(WORD("cache"), WORD("verify"), WORD("acme"));
	assert_int_equal(result.code, B2B_CTL_USAGE);
	ctl_result_free(&result);
	result = CTL_RUN(WORD("cache"), WORD("verify"), WORD("--words"));
	assert_int_equal(result.code, B2B_CTL_USAGE);
	ctl_result_free(&result);
	result = CTL_RUN(WORD("policy"), WORD("apply"), WORD("--dir"), WORD("/tmp"));
	assert_int_equal(result.code, B2B_CTL_USAGE);
	assert_has(result.err, "--dir does not go with policy apply");
	ctl_result_free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shows_everybody, start, stop),
		cmocka_unit_test_setup_teardown(json_tells_all, start, stop),
		cmocka_unit_test_setup_teardown(fits_a_terminal_whatever_is_in_it, start, stop),
		cmocka_unit_test_setup_teardown(damage_hides_only_itself, start, stop),
		cmocka_unit_test_setup_teardown(without_an_index_organisations_are_known_by_their_id, start, stop),
		cmocka_unit_test_setup_teardown(any_bytes_are_borne, start, stop),
		cmocka_unit_test_setup_teardown(a_user_sees_what_a_user_may_read, start, stop),
		cmocka_unit_test_setup_teardown(a_copy_of_anybodys_can_be_looked_at, start, stop),
		cmocka_unit_test_setup_teardown(judges_the_command_line, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
