/* Snapshots: what may be added, what the image holds, that the guard's check accepts it and nothing else, its size. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cache_format.h"
#include "common/snapshot.h"
#include "tests/support/fixture.h"

#define LO FIXTURE_LO(FIXTURE_ACME)
#define BYTES_PER_USER_MAX 300

static struct b2b_policy *policy;
static struct b2b_snapshot_builder *builder;

static int start(void **state)
{
	(void)state;
	policy = fixture_policy();
	return b2b_snapshot_new(policy, FIXTURE_ACME, 5, &builder);
}

static int stop(void **state)
{
	(void)state;
	b2b_snapshot_free(builder);
	b2b_policy_free(policy);
	return 0;
}

static int add_user(const char *local, uint32_t uid, const char *gecos)
{
	struct b2b_snapshot_user user = { .local = local, .uid = uid, .gecos = gecos };

	return b2b_snapshot_add_user(builder, &user);
}

static int add_group(const char *local, uint32_t gid, const uint32_t *members, size_t n)
{
	struct b2b_snapshot_group group = { .local = local, .gid = gid, .members = members, .n_members = n };

	return b2b_snapshot_add_group(builder, &group);
}

/* The image of the builder, in memory of exactly its size. Caller frees. */
static unsigned char *image(size_t *ret_size)
{
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	unsigned char *bytes;
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(b2b_snapshot_write(builder, fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	*ret_size = (size_t)st.st_size;
	return bytes;
}

static void what_breaks_the_rule_is_not_added(void **state)
{
	static const char *const names[] = { "", "Alice", "1a", "members", "a@b", "a/b", "aaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 27 + @acme */ };
	static const char *const texts[] = { "a:b", "a,b", "a\nb", "\x1b[2J", "\x7f", "\xc2\x9b", "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80" };
	struct b2b_snapshot_user user = { .local = "alice", .uid = LO + 1, .shell = 2 };
	uint32_t outside = LO;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(add_user(names[i], LO + 1, ""), -EINVAL);
		assert_int_equal(add_group(names[i], LO + 1, NULL, 0), -EINVAL);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(add_user("alice", LO + 1, texts[i]), -EINVAL);
	assert_int_equal(b2b_snapshot_add_user(builder, &user), -EINVAL); /* no such shell */
	assert_int_equal(add_user("alice", LO, ""), -ERANGE);
	assert_int_equal(add_user("alice", LO + FIXTURE_RANGE, ""), -ERANGE);
	assert_int_equal(add_user("alice", 0, ""), -ERANGE);
	assert_int_equal(add_group("dba", LO - 1, NULL, 0), -ERANGE);
	assert_int_equal(add_group("dba", LO + 100, &outside, 1), -ERANGE);
	assert_int_equal(add_user("aaaaaaaaaaaaaaaaaaaaaaaaaa", LO + 1, ""), 0); /* 31 bytes with @acme */
}

static void nothing_is_there_twice(void **state)
{
	(void)state;
	assert_int_equal(add_user("alice", LO + 1, ""), 0);
	assert_int_equal(add_user("alice", LO + 2, ""), -EEXIST);
	assert_int_equal(add_user("bob", LO + 1, ""), -EEXIST);
	assert_int_equal(add_group("alice", LO + 3, NULL, 0), -EEXIST);
	assert_int_equal(add_group("dba", LO + 1, NULL, 0), -EEXIST);
	assert_int_equal(add_group("dba", LO + 3, NULL, 0), 0);
	assert_int_equal(add_user("dba", LO + 4, ""), -EEXIST);
	assert_int_equal(add_user("bob", LO + 2, ""), 0);
}

/* After an error the builder is as before: both images are the same. */
static void an_error_leaves_no_trace(void **state)
{
	uint32_t members[] = { LO + 1 };
	unsigned char *before, *after;
	size_t n_before, n_after;

	(void)state;
	assert_int_equal(add_user("alice", LO + 1, "A"), 0);
	assert_int_equal(add_group("dba", LO + 100, members, 1), 0);
	before = image(&n_before);
	assert_int_equal(add_user("alice", LO + 900, ""), -EEXIST);
	assert_int_equal(add_group("dba", LO + 901, members, 1), -EEXIST);
	assert_int_equal(add_group("web", LO + 100, members, 1), -EEXIST);
	after = image(&n_after);
	assert_int_equal(n_before, n_after);
	assert_memory_equal(before, after, n_before);
	free(before);
	free(after);
}

static void a_long_display_name_is_cut_on_a_border(void **state)
{
	char gecos[80];
	unsigned char *bytes;
	size_t size;

	(void)state;
	memset(gecos, 'x', sizeof(gecos));
	memcpy(gecos + 62, "\xc3\xa4\xc3\xa4", 5); /* bytes 62 and 63 are one letter */
	assert_int_equal(add_user("alice", LO + 1, gecos), 0);
	bytes = image(&size);
	assert_non_null(memmem(bytes, size, "alicexxx", 8));
	assert_null(memmem(bytes, size, "\xc3", 1));
	free(bytes);
}

static void fill(void)
{
	uint32_t members[] = { LO + 3, LO + 1, LO + 3, LO + 77 /* nobody */, LO + 100 /* a group */ };

	assert_int_equal(add_group("web", LO + 101, members, 2), 0);
	assert_int_equal(add_user("carol", LO + 3, "Carol"), 0);
	assert_int_equal(add_user("alice", LO + 1, "Alice"), 0);
	assert_int_equal(add_user("bob", LO + 2, NULL), 0);
	assert_int_equal(add_group("dba", LO + 100, members, 5), 0);
}

static void what_is_built_passes_the_check(void **state)
{
	uint64_t generation = 0;
	unsigned char *bytes;
	size_t size;

	(void)state;
	bytes = image(&size);
	assert_int_equal(b2b_snapshot_check(bytes, size, policy, FIXTURE_ACME, &generation), 0);
	free(bytes);
	fill();
	bytes = image(&size);
	assert_int_equal(b2b_snapshot_check(bytes, size, policy, FIXTURE_ACME, &generation), 0);
	assert_int_equal(generation, 5);
	assert_int_equal(b2b_snapshot_check(bytes, size, policy, FIXTURE_GLOBEX, &generation), -EBADMSG);
	assert_int_equal(b2b_snapshot_check(bytes, size - 8, policy, FIXTURE_ACME, &generation), -EBADMSG);
	assert_int_equal(b2b_snapshot_check(bytes, 10, policy, FIXTURE_ACME, &generation), -EBADMSG);
	free(bytes);
}

/* Bytes that may change without breaking a rule: generation, seed-independent roles, shells in range, letters of display names. */
static bool may_change(const unsigned char *bytes, size_t at)
{
	const struct b2b_format_snapshot *header = (const void *)bytes;
	size_t record = header->records_at;

	if (at >= offsetof(struct b2b_format_head, generation) && at < offsetof(struct b2b_format_head, generation) + 8)
		return true;
	while (record < header->records_at + header->records_size) {
		const struct b2b_format_record *here = (const void *)(bytes + record);
		size_t names = record + sizeof(*here);

		if (here->kind == B2B_RECORD_USER && ((at >= record && at < record + 8) || at == record + offsetof(struct b2b_format_record, shell)))
			return true;
		if (at >= names + here->n_local && at < names + here->n_local + here->n_gecos)
			return true;
		record += b2b_record_whole(here->n_local, here->n_gecos, here->n_list);
	}
	return false;
}

static void no_changed_bit_passes(void **state)
{
	uint64_t generation;
	unsigned char *bytes;
	size_t size;

	(void)state;
	fill();
	bytes = image(&size);
	for (size_t at = 0; at < size; at++)
		for (int bit = 0; bit < 8 && !may_change(bytes, at); bit++) {
			bytes[at] ^= (unsigned char)(1 << bit);
			if (b2b_snapshot_check(bytes, size, policy, FIXTURE_ACME, &generation) != -EBADMSG)
				fail_msg("byte %zu bit %d", at, bit);
			bytes[at] ^= (unsigned char)(1 << bit);
		}
	free(bytes);
}

/* Five groups for each person; small names and a display name as people have. The live words are counted with them. */
static void a_person_costs_less_than_300_bytes(void **state)
{
	enum { USERS = 5000, GROUPS = 40, EACH = USERS * 5 / GROUPS };
	uint32_t members[EACH];
	uint64_t generation;
	unsigned char *bytes;
	char local[16], gecos[32];
	size_t size;

	(void)state;
	b2b_snapshot_free(builder);
	policy->orgs[FIXTURE_ACME].range_hi = LO + 0xffff;
	policy->orgs[FIXTURE_ACME].range_lo = LO;
	assert_int_equal(b2b_snapshot_new(policy, FIXTURE_ACME, 1, &builder), 0);
	for (uint32_t i = 0; i < USERS; i++) {
		snprintf(local, sizeof(local), "person%u", i);
		snprintf(gecos, sizeof(gecos), "Person Number %u", i);
		assert_int_equal(add_user(local, LO + 1 + i, gecos), 0);
	}
	for (uint32_t g = 0; g < GROUPS; g++) {
		for (uint32_t i = 0; i < EACH; i++)
			members[i] = LO + 1 + (g * 131 + i * 8) % USERS;
		snprintf(local, sizeof(local), "group%u", g);
		assert_int_equal(add_group(local, LO + 60000 - g, members, EACH), 0);
	}
	bytes = image(&size);
	assert_int_equal(b2b_snapshot_check(bytes, size, policy, FIXTURE_ACME, &generation), 0);
	print_message("bytes for each user: snapshot %zu, live words %zu\n", size / USERS, (size_t)(4096 + 65536 * 4) / USERS);
	assert_true(size / USERS + (4096 + 65536 * 4) / USERS < BYTES_PER_USER_MAX);
	free(bytes);
}

static void a_file_that_cannot_grow_is_an_error(void **state)
{
	int fd;

	(void)state;
	fill();
	fd = memfd_create("small", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	assert_int_equal(b2b_snapshot_write(builder, fd), -EPERM);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_breaks_the_rule_is_not_added, start, stop),
		cmocka_unit_test_setup_teardown(nothing_is_there_twice, start, stop),
		cmocka_unit_test_setup_teardown(an_error_leaves_no_trace, start, stop),
		cmocka_unit_test_setup_teardown(a_long_display_name_is_cut_on_a_border, start, stop),
		cmocka_unit_test_setup_teardown(what_is_built_passes_the_check, start, stop),
		cmocka_unit_test_setup_teardown(no_changed_bit_passes, start, stop),
		cmocka_unit_test_setup_teardown(a_person_costs_less_than_300_bytes, start, stop),
		cmocka_unit_test_setup_teardown(a_file_that_cannot_grow_is_an_error, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
