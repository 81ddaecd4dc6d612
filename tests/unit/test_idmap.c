/* The file of pinned ids: what it says, what every kind of mistake is told, and that it finds either way. */
#include <errno.h>
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

#include "common/conf.h"
#include "common/idmap.h"
#include "tests/support/scratch.h"

#define ACME_LO 0x78000000u

static struct b2b_policy_org orgs[] = {
	{ .id = "42c3e9", .alias = "acme", .parent = -1, .range_lo = ACME_LO, .range_hi = ACME_LO + 0xffff },
	{ .id = "9d01f2", .alias = "globex", .parent = -1, .range_lo = ACME_LO + 0x10000, .range_hi = ACME_LO + 0x1003f },
};
static struct b2b_policy policy = { .orgs = orgs, .n_orgs = 2 };

static struct b2b_idmap *parse(const char *text)
{
	char error[B2B_CONF_ERROR_SIZE];
	struct b2b_idmap *idmap = NULL;

	if (b2b_idmap_parse(text, strlen(text), "idmap", &policy, &idmap, error) < 0)
		fail_msg("%s", error);
	return idmap;
}

static void refuse(const char *text, const char *expected)
{
	char error[B2B_CONF_ERROR_SIZE];
	struct b2b_idmap *idmap = NULL;

	assert_int_equal(b2b_idmap_parse(text, strlen(text), "idmap", &policy, &idmap, error), -EINVAL);
	assert_null(idmap);
	if (strncmp(error, expected, strlen(expected)) != 0)
		fail_msg("\nfound    %s\nexpected %s", error, expected);
}

static uint32_t id_of(const struct b2b_idmap *idmap, const char *org, enum b2b_id_kind kind, const char *owner)
{
	const struct b2b_pin *pin = b2b_idmap_by_owner(idmap, org, kind, owner);

	return pin ? pin->id : 0;
}

static void finds_by_owner_and_by_id(void **state)
{
	struct b2b_idmap *idmap = parse("# pins\r\n\n42c3e9 user 2013265930 u-1\n  42c3e9\tgroup 0x78000005   a group with blanks \t\r\n"
	                                "9d01f2 user 0x78010001 u-1\n42c3e9 group 0x7800ffff u-1");
	const struct b2b_pin *pins;
	size_t n;
	int line;

	(void)state;
	assert_int_equal(id_of(idmap, "42c3e9", B2B_ID_USER, "u-1"), ACME_LO + 10);
	assert_int_equal(id_of(idmap, "42c3e9", B2B_ID_GROUP, "u-1"), ACME_LO + 0xffff);
	assert_int_equal(id_of(idmap, "9d01f2", B2B_ID_USER, "u-1"), ACME_LO + 0x10001);
	assert_int_equal(id_of(idmap, "42c3e9", B2B_ID_GROUP, "a group with blanks"), ACME_LO + 5);
	assert_int_equal(id_of(idmap, "42c3e9", B2B_ID_USER, "u-2"), 0);
	assert_int_equal(id_of(idmap, "9d01f2", B2B_ID_GROUP, "u-1"), 0);
	assert_string_equal(b2b_idmap_by_id(idmap, ACME_LO + 5)->owner, "a group with blanks");
	assert_int_equal(b2b_idmap_by_id(idmap, ACME_LO + 5)->line, 4);
	assert_null(b2b_idmap_by_id(idmap, ACME_LO + 6));
	pins = b2b_idmap_pins(idmap, &n);
	assert_int_equal(n, 4);
	for (size_t i = 1; i < n; i++)
		assert_true(pins[i - 1].id < pins[i].id);
	assert_int_equal(b2b_idmap_foreign(idmap, &line), 0);
	b2b_idmap_free(idmap);
	b2b_idmap_free(NULL);
	assert_null(b2b_idmap_by_owner(NULL, "42c3e9", B2B_ID_USER, "u-1"));
	assert_null(b2b_idmap_by_id(NULL, 1));
}

static void an_empty_file_pins_nobody(void **state)
{
	struct b2b_idmap *idmap = parse("");
	size_t n;

	(void)state;
	b2b_idmap_pins(idmap, &n);
	assert_int_equal(n, 0);
	assert_null(b2b_idmap_by_id(idmap, ACME_LO + 1));
	b2b_idmap_free(idmap);
}

static void tells_what_is_wrong_and_where(void **state)
{
	char error[B2B_CONF_ERROR_SIZE], long_owner[300];
	struct b2b_idmap *idmap = NULL;

	(void)state;
	refuse("\n../x user 0x78000001 u\n", "idmap:2: found \"../x\"; expected ORGANISATION KIND ID OWNER");
	refuse("42c3e9 people 0x78000001 u\n", "idmap:1: found \"people\"; expected user or group");
	refuse("42c3e9\n", "idmap:1: found \"\"; expected user or group");
	refuse("42c3e9 user u-1 0x78000001\n", "idmap:1: found \"u-1\"; expected an id, decimal or");
	refuse("42c3e9 user 0x78000001\n", "idmap:1: found \"\"; expected the directory's id");
	refuse("42c3e9 user 0x78000001 u\x1b[2J\n", "idmap:1: found \"u?[2J\"; expected the directory's id");
	refuse("42c3e9 user 0x78000000 u\n", "idmap:1: found id 2013265920 (0x78000000); expected one of 0x78000001-0x7800ffff, the range of acme");
	refuse("42c3e9 user 0x78010000 u\n", "idmap:1: found id 2013331456 (0x78010000); expected one of");
	refuse("42c3e9 user 4311744513 u\n", "idmap:1: found id 4311744513 (0x101000001); expected one of");
	refuse("42c3e9 user 0x78000009 u\n# \n42c3e9 group 0x78000009 g\n", "idmap:3: found id 2013265929 (0x78000009), which line 1 gives to another");
	refuse("42c3e9 user 0x78000009 u\n42c3e9 user 0x78000008 u\n", "idmap:2: found a second id of a user that line 1 gives 0x78000009");
	snprintf(long_owner, sizeof(long_owner), "42c3e9 user 0x78000009 %0256d", 0);
	refuse(long_owner, "idmap:1: found \"0000");
	assert_int_equal(b2b_idmap_parse("42c3e9\0", 7, "idmap", &policy, &idmap, error), -EINVAL);
	assert_string_equal(error, "idmap: found a NUL byte; expected text");
}

static void one_file_serves_hosts_with_other_organisations(void **state)
{
	struct b2b_idmap *idmap = parse("c0ffee user 0x79000001 u-1\n42c3e9 user 0x78000009 u-1\nc0ffee group 1 u-2\n");
	size_t n;
	int line;

	(void)state;
	b2b_idmap_pins(idmap, &n);
	assert_int_equal(n, 1);
	assert_int_equal(b2b_idmap_foreign(idmap, &line), 2);
	assert_int_equal(line, 1);
	b2b_idmap_free(idmap);
}

static void reads_what_root_alone_can_write(void **state)
{
	static const char text[] = "42c3e9 user 0x78000009 u-1\n";
	char folder[SCRATCH_SIZE], path[SCRATCH_SIZE], error[B2B_CONF_ERROR_SIZE], expected[B2B_CONF_ERROR_SIZE];
	struct b2b_idmap *idmap = NULL;

	(void)state;
	if (geteuid() != 0)
		skip();
	scratch_make(folder);
	scratch_path(path, folder, "idmap");
	assert_int_equal(b2b_idmap_read(path, &policy, &idmap, error), -ENOENT);
	snprintf(expected, sizeof(expected), "%s: No such file or directory", path);
	assert_string_equal(error, expected);
	scratch_write(path, text, sizeof(text) - 1, 0644);
	assert_int_equal(b2b_idmap_read(path, &policy, &idmap, error), 0);
	assert_int_equal(id_of(idmap, "42c3e9", B2B_ID_USER, "u-1"), ACME_LO + 9);
	b2b_idmap_free(idmap);
	idmap = NULL;
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(b2b_idmap_read(path, &policy, &idmap, error), -EPERM);
	assert_non_null(strstr(error, "somebody else can change"));
	assert_null(idmap);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_by_owner_and_by_id),      cmocka_unit_test(an_empty_file_pins_nobody),
		cmocka_unit_test(tells_what_is_wrong_and_where), cmocka_unit_test(one_file_serves_hosts_with_other_organisations),
		cmocka_unit_test(reads_what_root_alone_can_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
