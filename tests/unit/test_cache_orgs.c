/* Many organisations: each is found by name, id and group, when it is mapped and after, and nothing of another's. */
#include <errno.h>
#include <fcntl.h>
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

#include "common/cache.h"
#include "common/cache_format.h"
#include "common/index.h"
#include "common/live.h"
#include "common/org_dir.h"
#include "common/snapshot.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

#define ORGS 100u

static char dir[SCRATCH_SIZE];
static struct b2b_policy *policy;
static struct b2b_cache *cache;
static char buf[512];

/* Ranges that touch, ranges with gaps, and a long way to the last third: of equal buckets, some hold many and most none. */
static uint32_t lo_of(uint32_t org)
{
	return B2B_RANGE_FIRST + org * 2 * B2B_RANGE_MIN + (org >= 2 * ORGS / 3 ? 0x2000000u : 0);
}

static uint32_t size_of(uint32_t org)
{
	return org % 3 ? 2 * B2B_RANGE_MIN : B2B_RANGE_MIN;
}

/* A person and a group each, of the same names everywhere. */
static void publish(uint32_t org)
{
	struct b2b_snapshot_user user = { .local = "alice", .gecos = "", .uid = lo_of(org) + 1 };
	struct b2b_snapshot_group group = { .local = "dba", .gid = lo_of(org) + size_of(org) - 1, .members = &user.uid, .n_members = 1 };
	struct b2b_snapshot_builder *builder = NULL;
	struct b2b_live *live = NULL;
	char name[128], path[SCRATCH_SIZE];
	int fd;

	assert_int_equal(b2b_live_create(dir, policy, (int)org, &live), 0);
	assert_int_equal(b2b_org_dir_create(dir, policy, (int)org), 0);
	assert_int_equal(b2b_snapshot_new(policy, (int)org, 1, &builder), 0);
	assert_int_equal(b2b_snapshot_add_user(builder, &user), 0);
	assert_int_equal(b2b_snapshot_add_group(builder, &group), 0);
	snprintf(name, sizeof(name), "org/%s/snapshot", policy->orgs[org].id);
	scratch_path(path, dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(b2b_snapshot_write(builder, fd), 0);
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
	b2b_snapshot_free(builder);
	b2b_live_store_org(live, B2B_LIVE_OPEN, false);
	assert_int_equal(b2b_live_store(live, user.uid, B2B_LIVE_OPEN, false), 0);
	b2b_live_set_generation(live, 1);
	b2b_live_unmap(live);
}

static int start(void **state)
{
	(void)state;
	scratch_make(dir);
	policy = fixture_policy();
	free(policy->orgs);
	policy->orgs = calloc(ORGS, sizeof(*policy->orgs));
	assert_non_null(policy->orgs);
	policy->n_orgs = ORGS;
	for (uint32_t i = 0; i < ORGS; i++) {
		struct b2b_policy_org *org = &policy->orgs[i];

		snprintf(org->id, sizeof(org->id), "id%u", i);
		snprintf(org->alias, sizeof(org->alias), "unit%u", 100 + i);
		org->parent = -1;
		org->range_lo = lo_of(i);
		org->range_hi = lo_of(i) + size_of(i) - 1;
	}
	assert_int_equal(b2b_index_write(dir, policy), 0);
	for (uint32_t i = 0; i < ORGS; i++)
		publish(i);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	b2b_policy_free(policy);
	scratch_remove(dir);
	return 0;
}

static int map_nothing(void **state)
{
	(void)state;
	return b2b_cache_new(dir, &cache);
}

static int unmap(void **state)
{
	(void)state;
	b2b_cache_free(cache);
	return 0;
}

static void expect_alice(uint32_t org, const struct passwd *pw)
{
	char name[B2B_NAME_SIZE + sizeof("alice@")];

	snprintf(name, sizeof(name), "alice@%s", policy->orgs[org].alias);
	assert_string_equal(pw->pw_name, name);
	assert_int_equal(pw->pw_uid, lo_of(org) + 1);
}

static void expect_by_name(uint32_t org)
{
	struct passwd pw;
	char name[B2B_NAME_SIZE + sizeof("alice@")];

	snprintf(name, sizeof(name), "alice@%s", policy->orgs[org].alias);
	assert_int_equal(b2b_cache_getpwnam(cache, name, &pw, buf, sizeof(buf)), 0);
	expect_alice(org, &pw);
}

static void expect_by_id(uint32_t org)
{
	uint32_t last = lo_of(org) + size_of(org) - 1;
	struct passwd pw;
	struct group gr;

	assert_int_equal(b2b_cache_getpwuid(cache, lo_of(org) + 1, &pw, buf, sizeof(buf)), 0);
	expect_alice(org, &pw);
	assert_int_equal(b2b_cache_getgrgid(cache, lo_of(org), &gr, buf, sizeof(buf)), 0);
	assert_string_equal(strchr(gr.gr_name, '@') + 1, policy->orgs[org].alias);
	assert_memory_equal(gr.gr_name, "members@", 8);
	assert_int_equal(b2b_cache_getgrgid(cache, last, &gr, buf, sizeof(buf)), 0);
	assert_memory_equal(gr.gr_name, "dba@", 4);
	assert_string_equal(strchr(gr.gr_mem[0], '@') + 1, policy->orgs[org].alias);
	/* Behind it is another's first id, or nobody's. */
	assert_int_equal(b2b_cache_getpwuid(cache, last + 1, &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwuid(cache, lo_of(org) - 1, &pw, buf, sizeof(buf)), -ENOENT);
}

/* STRIDE has no divisor in common with ORGS: everyone comes once, in another order. */
static void each(uint32_t stride, void (*expect)(uint32_t org))
{
	for (uint32_t i = 0; i < ORGS; i++)
		expect(i * stride % ORGS);
}

static void each_is_found_by_name_however_many_are_mapped(void **state)
{
	struct passwd pw;

	(void)state;
	each(77, expect_by_name);
	each(1, expect_by_name);
	each(1, expect_by_id);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice@unit099", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice@unit1000", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice@unit10", &pw, buf, sizeof(buf)), -ENOENT);
}

static void each_is_found_by_id_however_many_are_mapped(void **state)
{
	(void)state;
	each(77, expect_by_id);
	each(1, expect_by_id);
	each(77, expect_by_name);
}

static void a_new_index_may_give_everybody_another_range(void **state)
{
	struct passwd pw;

	(void)state;
	each(1, expect_by_name);
	each(1, expect_by_id);
	/* Whose range begins where the first one's did: only the second is left, under the alias of the first. */
	snprintf(policy->orgs[1].alias, sizeof(policy->orgs[1].alias), "unit%u", 100u);
	policy->orgs[0] = policy->orgs[1];
	policy->n_orgs = 1;
	assert_int_equal(b2b_index_write(dir, policy), 0);
	assert_int_equal(b2b_cache_getpwuid(cache, lo_of(0) + 1, &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice@unit101", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice@unit100", &pw, buf, sizeof(buf)), 0);
	assert_int_equal(pw.pw_uid, lo_of(1) + 1);
	policy->n_orgs = ORGS;
}

static void padded_names_are_equal_whole_or_not_at_all(void **state)
{
	static const char longest[] = "abcdefghijklmnopqrstuvwxyz01234";

	(void)state;
	for (uint32_t a = 0; a < B2B_NAME_SIZE; a++)
		for (uint32_t b = 0; b < B2B_NAME_SIZE; b++) {
			char left[B2B_NAME_SIZE] = "", right[B2B_NAME_SIZE] = "";

			memcpy(left, longest, a);
			memcpy(right, longest, b);
			assert_int_equal(b2b_padded_equal(left, a, right), a == b);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(padded_names_are_equal_whole_or_not_at_all),
		cmocka_unit_test_setup_teardown(each_is_found_by_name_however_many_are_mapped, map_nothing, unmap),
		cmocka_unit_test_setup_teardown(each_is_found_by_id_however_many_are_mapped, map_nothing, unmap),
		cmocka_unit_test_setup_teardown(a_new_index_may_give_everybody_another_range, map_nothing, unmap),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
