/* Names that differ in little: every size and shape of an organisation must find room in its snapshot's name table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/snapshot.h"

static struct b2b_policy_org org = { .id = "42c3e9", .alias = "acme", .parent = -1, .range_lo = 0x78000000, .range_hi = 0x7800ffff };
static struct b2b_policy policy = { .separator = '@', .n_shells = 1, .shells = { "/bin/bash" }, .home = "/home/%o/%u", .orgs = &org, .n_orgs = 1 };

static void build(const char *format, size_t people)
{
	struct b2b_snapshot_builder *builder = NULL;
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	char local[B2B_NAME_SIZE];
	size_t i;

	assert_true(fd >= 0);
	assert_int_equal(b2b_snapshot_new(&policy, 0, people, &builder), 0);
	for (i = 0; i < people; i++) {
		struct b2b_snapshot_user user = { .local = local, .gecos = "", .uid = org.range_lo + 1 + (uint32_t)i };

		snprintf(local, sizeof(local), format, i);
		assert_int_equal(b2b_snapshot_add_user(builder, &user), 0);
	}
	if (b2b_snapshot_write(builder, fd) < 0)
		fail_msg("%zu people named like %s do not fit", people, format);
	b2b_snapshot_free(builder);
	close(fd);
}

static void similar_names_of_every_size_fit(void **state)
{
	static const char *const formats[] = { "p%zu", "person%zu", "engineer.%06zu", "contractor-%zu", "a-very-long-name-%zu" };
	size_t f, people;

	(void)state;
	for (f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		for (people = 1; people < 20000; people = people * 3 / 2 + 1)
			build(formats[f], people);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(similar_names_of_every_size_fit) };

	return cmocka_run_group_tests_name("snapshot names", tests, NULL, NULL);
}
