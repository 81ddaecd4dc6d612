/* The index file: what root compiled comes back, is replaced whole, marks what it replaces, and refuses what breaks the bounds. */
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
#include "common/index.h"
#include "common/index_codec.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

static char dir[SCRATCH_SIZE];
static struct b2b_policy *policy;

static int start(void **state)
{
	(void)state;
	scratch_make(dir);
	policy = fixture_policy();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	b2b_policy_free(policy);
	scratch_remove(dir);
	return 0;
}

static void what_was_written_is_read(void **state)
{
	struct b2b_policy *read = NULL;

	(void)state;
	policy->generation = 77;
	policy->enumerate = true;
	policy->visibility = B2B_VISIBLE_STRICT;
	policy->ending_grace_s = B2B_ENDING_GRACE_MAX_S;
	policy->end_left_behind = true;
	policy->services[1].key_suffices = true;
	policy->services[1].max_age_s = 900;
	assert_int_equal(b2b_index_read(dir, &read), -ENOENT);
	assert_int_equal(b2b_index_write(dir, policy), 0);
	assert_int_equal(b2b_index_read(dir, &read), 0);
	assert_memory_equal(read->orgs, policy->orgs, policy->n_orgs * sizeof(*policy->orgs));
	assert_memory_equal(read->roles, policy->roles, sizeof(policy->roles));
	assert_memory_equal(read->services, policy->services, sizeof(policy->services));
	assert_memory_equal(read->shells, policy->shells, sizeof(policy->shells));
	assert_string_equal(read->home, policy->home);
	assert_int_equal(read->generation, 77);
	assert_true(read->enumerate && read->group_members && read->visibility == B2B_VISIBLE_STRICT && read->separator == '@');
	assert_int_equal(read->partners_gid, B2B_PARTNERS_GID);
	assert_int_equal(read->ending_grace_s, B2B_ENDING_GRACE_MAX_S);
	assert_true(read->end_left_behind);
	b2b_policy_free(read);
}

static void generations_grow(void **state)
{
	struct b2b_policy *first = NULL, *second = NULL;

	(void)state;
	assert_int_equal(b2b_index_write(dir, policy), 0);
	assert_int_equal(b2b_index_read(dir, &first), 0);
	assert_int_equal(b2b_index_write(dir, policy), 0);
	assert_int_equal(b2b_index_read(dir, &second), 0);
	assert_true(second->generation > first->generation);
	b2b_policy_free(first);
	b2b_policy_free(second);
}

/* A mapping of the index as it is now, that stays with the inode. */
static const struct b2b_format_index *map_index(void)
{
	char path[SCRATCH_SIZE];
	void *map;
	int fd;

	scratch_path(path, dir, "index");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	map = mmap(NULL, sizeof(struct b2b_format_index), PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	close(fd);
	return map;
}

static bool exists(const char *name)
{
	char path[SCRATCH_SIZE];

	scratch_path(path, dir, name);
	return access(path, F_OK) == 0;
}

static void the_replaced_one_says_so(void **state)
{
	const struct b2b_format_index *first, *second;

	(void)state;
	assert_int_equal(b2b_index_write(dir, policy), 0);
	first = map_index();
	assert_int_equal(b2b_load32(&first->superseded), 0);
	assert_int_equal(b2b_index_write(dir, policy), 0);
	assert_int_not_equal(b2b_load32(&first->superseded), 0);
	second = map_index();
	assert_int_equal(b2b_load32(&second->superseded), 0);
	assert_false(exists("index.old") || exists(".index.new"));
}

/* A crash after the rename, before the mark. */
static void recovery_marks_what_a_crash_left(void **state)
{
	char index[SCRATCH_SIZE], old[SCRATCH_SIZE], kept[SCRATCH_SIZE];
	const struct b2b_format_index *first, *second;

	(void)state;
	scratch_path(index, dir, "index");
	scratch_path(old, dir, "index.old");
	scratch_path(kept, dir, "kept");
	assert_int_equal(b2b_index_write(dir, policy), 0);
	first = map_index();
	/* Before the rename: index.old names the index itself, which must stay in force. */
	assert_int_equal(link(index, old), 0);
	assert_int_equal(b2b_index_recover(dir), 0);
	assert_int_equal(b2b_load32(&first->superseded), 0);
	assert_false(exists("index.old"));
	/* After it. */
	assert_int_equal(link(index, kept), 0);
	assert_int_equal(unlink(index), 0);
	assert_int_equal(b2b_index_write(dir, policy), 0);
	second = map_index();
	assert_int_equal(rename(kept, old), 0);
	assert_int_equal(b2b_index_recover(dir), 0);
	assert_int_not_equal(b2b_load32(&first->superseded), 0);
	assert_int_equal(b2b_load32(&second->superseded), 0);
	assert_false(exists("index.old"));
	assert_int_equal(b2b_index_recover(dir), 0);
}

static void expect_invalid(void)
{
	assert_int_equal(b2b_index_write(dir, policy), -EINVAL);
	assert_false(exists("index") || exists(".index.new"));
	b2b_policy_free(policy);
	policy = fixture_policy();
}

static void what_breaks_the_bounds_is_not_written(void **state)
{
	(void)state;
	policy->ending_grace_s = B2B_ENDING_GRACE_MAX_S + 1;
	expect_invalid();
	policy->separator = '/';
	expect_invalid();
	policy->n_shells = 0;
	expect_invalid();
	policy->shells[0][0] = 'b';
	expect_invalid();
	policy->home[3] = ':';
	expect_invalid();
	policy->partners_gid = 1000;
	expect_invalid();
	policy->partners_gid = FIXTURE_LO(FIXTURE_ACME) + 5;
	expect_invalid();
	policy->orgs[FIXTURE_ACME].range_hi = FIXTURE_LO(FIXTURE_APAC);
	expect_invalid();
	policy->orgs[FIXTURE_ACME].range_hi = FIXTURE_LO(FIXTURE_ACME) + B2B_RANGE_MIN - 2;
	expect_invalid();
	policy->orgs[FIXTURE_ACME].range_lo = B2B_RANGE_FIRST - 1;
	expect_invalid();
	policy->orgs[FIXTURE_GLOBEX].range_hi = B2B_RANGE_LAST + 1u;
	expect_invalid();
	policy->orgs[FIXTURE_GLOBEX].range_hi = FIXTURE_LO(FIXTURE_GLOBEX) + B2B_RANGE_MAX;
	expect_invalid();
	policy->orgs[FIXTURE_ACME].parent = FIXTURE_EMEA;
	expect_invalid();
	policy->orgs[FIXTURE_ACME].parent = FIXTURE_ORGS;
	expect_invalid();
	memcpy(policy->orgs[FIXTURE_APAC].alias, "acme", 5);
	expect_invalid();
	memcpy(policy->orgs[FIXTURE_GLOBEX].alias, "aaa", 4);
	expect_invalid();
	memcpy(policy->orgs[FIXTURE_GLOBEX].id, "42c3e9", 7);
	expect_invalid();
	memcpy(policy->orgs[FIXTURE_GLOBEX].id, "../../x", 8);
	expect_invalid();
	policy->roles[0].n_gids = B2B_ROLE_GIDS_MAX + 1;
	expect_invalid();
	policy->roles[0].gids[1] = 0; /* root's group */
	expect_invalid();
	memcpy(policy->roles[1].name, "operator", 9);
	expect_invalid();
	memset(policy->services[0].name, 'x', sizeof(policy->services[0].name));
	expect_invalid();
}

static void an_empty_policy_is_one(void **state)
{
	struct b2b_policy *read = NULL;

	(void)state;
	policy->n_orgs = policy->n_roles = policy->n_services = 0;
	assert_int_equal(b2b_index_write(dir, policy), 0);
	assert_int_equal(b2b_index_read(dir, &read), 0);
	assert_int_equal(read->n_orgs, 0);
	assert_int_equal(b2b_policy_org_by_alias(read, "acme"), -1);
	b2b_policy_free(read);
}

static void the_largest_policy_fits(void **state)
{
	struct b2b_policy *read = NULL;
	struct b2b_policy_org *orgs = calloc(B2B_ORGS_MAX, sizeof(*orgs));

	(void)state;
	assert_non_null(orgs);
	for (int i = 0; i < B2B_ORGS_MAX; i++) {
		snprintf(orgs[i].alias, sizeof(orgs[i].alias), "o%04d", i);
		snprintf(orgs[i].id, sizeof(orgs[i].id), "id-%d", i);
		orgs[i].parent = i % 8 ? i - 1 : -1;
		orgs[i].range_lo = B2B_RANGE_FIRST + (uint32_t)(B2B_ORGS_MAX - i) * B2B_RANGE_MIN;
		orgs[i].range_hi = orgs[i].range_lo + B2B_RANGE_MIN - 1;
	}
	free(policy->orgs);
	policy->orgs = orgs;
	policy->n_orgs = B2B_ORGS_MAX;
	assert_int_equal(b2b_index_write(dir, policy), 0);
	assert_int_equal(b2b_index_read(dir, &read), 0);
	assert_int_equal(b2b_policy_org_by_alias(read, "o4095"), 4095);
	assert_true(b2b_policy_org_within(read, 7, 0));
	assert_false(b2b_policy_org_within(read, 8, 0));
	b2b_policy_free(read);
	policy->orgs[8].parent = 7; /* nine deep */
	assert_int_equal(b2b_index_write(dir, policy), -EINVAL);
}

static void what_is_not_trusted_is_not_read(void **state)
{
	struct b2b_policy *read = NULL;
	char path[SCRATCH_SIZE];

	(void)state;
	scratch_path(path, dir, "index");
	assert_int_equal(b2b_index_write(dir, policy), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(b2b_index_read(dir, &read), -EPERM);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chown(path, 12345, 0), 0);
	assert_int_equal(b2b_index_read(dir, &read), -EPERM);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(truncate(path, 300), 0);
	assert_int_equal(b2b_index_read(dir, &read), -EBADMSG);
	assert_null(read);
}

/* Every byte of the image, changed: decoded to a policy within the bounds, or refused. */
static void no_changed_byte_breaks_the_bounds(void **state)
{
	unsigned char *image;
	void *encoded;
	size_t size;

	(void)state;
	assert_int_equal(b2b_index_encode(policy, &encoded, &size), 0);
	image = encoded;
	for (size_t i = 0; i < size; i++) {
		struct b2b_policy *read = NULL;
		int r;

		image[i] ^= 0xff;
		r = b2b_index_decode(image, size, &read);
		assert_true(r == 0 || r == -EBADMSG || r == -EPROTONOSUPPORT);
		if (r == 0)
			assert_int_equal(b2b_policy_check(read), 0);
		b2b_policy_free(read);
		image[i] ^= 0xff;
	}
	free(encoded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_written_is_read, start, stop),
		cmocka_unit_test_setup_teardown(generations_grow, start, stop),
		cmocka_unit_test_setup_teardown(the_replaced_one_says_so, start, stop),
		cmocka_unit_test_setup_teardown(recovery_marks_what_a_crash_left, start, stop),
		cmocka_unit_test_setup_teardown(what_breaks_the_bounds_is_not_written, start, stop),
		cmocka_unit_test_setup_teardown(an_empty_policy_is_one, start, stop),
		cmocka_unit_test_setup_teardown(the_largest_policy_fits, start, stop),
		cmocka_unit_test_setup_teardown(what_is_not_trusted_is_not_read, start, stop),
		cmocka_unit_test_setup_teardown(no_changed_byte_breaks_the_bounds, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
