/*
 * The description in common/cache_format.h against what is published: a decoder of its own, made of nothing but the offsets
 * that stand there. It shares no structure with the code, so that neither can change without the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

static struct fixture fixture;

struct file {
	unsigned char *bytes;
	size_t size;
};

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

static struct file take(const char *name)
{
	struct file file = { NULL, 0 };
	char path[SCRATCH_SIZE];
	struct stat st;
	FILE *stream;

	scratch_path(path, fixture.dir, name);
	assert_int_equal(stat(path, &st), 0);
	file.size = (size_t)st.st_size;
	file.bytes = malloc(file.size);
	stream = fopen(path, "re");
	assert_true(file.bytes && stream);
	assert_int_equal(fread(file.bytes, 1, file.size, stream), file.size);
	fclose(stream);
	return file;
}

/* A number of N bytes at AT, low byte first: what this test runs on is little-endian, as `endian` tells. */
static uint64_t number(const struct file *file, size_t at, size_t n)
{
	uint64_t value = 0;

	assert_true(at + n <= file->size);
	for (size_t i = 0; i < n; i++)
		value |= (uint64_t)file->bytes[at + i] << 8 * i;
	return value;
}

static uint32_t u8(const struct file *file, size_t at)
{
	return (uint32_t)number(file, at, 1);
}

static uint32_t u32(const struct file *file, size_t at)
{
	return (uint32_t)number(file, at, 4);
}

static uint64_t u64(const struct file *file, size_t at)
{
	return number(file, at, 8);
}

/* SIZE bytes at AT are TEXT and then zero. */
static void expect_text(const struct file *file, size_t at, size_t size, const char *text)
{
	size_t len = strlen(text);

	assert_true(len < size && at + size <= file->size);
	assert_memory_equal(file->bytes + at, text, len);
	for (size_t i = len; i < size; i++)
		assert_int_equal(file->bytes[at + i], 0);
}

static void expect_zero(const struct file *file, size_t from, size_t to)
{
	for (size_t at = from; at < to; at++)
		if (u8(file, at) != 0)
			fail_msg("byte %zu is not zero", at);
}

static void expect_head(const struct file *file, const char *magic, uint64_t generation, uint32_t header)
{
	assert_memory_equal(file->bytes, magic, 8);
	assert_int_equal(u32(file, 8), 0x01020304);
	assert_int_equal(number(file, 12, 2), 2);
	assert_int_equal(number(file, 14, 2), 1);
	assert_int_equal(u64(file, 16), file->size);
	assert_int_equal(u64(file, 24), generation);
	assert_int_equal(u32(file, 32), header);
	expect_zero(file, 36, 40);
}

/* As the comment above b2b_format_hash tells it, byte by byte. */
static uint64_t hash_of(const char *text, uint32_t seed)
{
	uint64_t hash = ((uint64_t)seed + 1) * 0x9e3779b97f4a7c15u;
	size_t len = strlen(text);

	for (size_t at = 0; at < len; at += 8) {
		uint64_t word = 0;

		for (size_t i = 0; i < 8 && at + i < len; i++)
			word |= (uint64_t)(unsigned char)text[at + i] << 8 * i;
		hash = (hash ^ word) * 0xd6e8feb86659fd93u;
		hash ^= hash >> 32;
	}
	hash *= 0x94d049bb133111ebu;
	return hash ^ hash >> 31;
}

static void the_hash_gives_the_written_values(void **state)
{
	(void)state;
	assert_true(hash_of("acme", 0) == 0x24f6c70c9e716371u);
	assert_true(hash_of("alice", 0) == 0xdbdf44a2730d0b68u);
	assert_true(hash_of("emea.acme", 0) == 0xc928b0df6dffa12fu);
	assert_true(hash_of("alice", 0x9e3779b1u) == 0x53f408d997c7cac2u);
	assert_true(hash_of("alice", 0x9e3779b1u) >> 54 == 0x14f);
}

static void expect_org(const struct file *file, uint32_t slot)
{
	const struct b2b_policy_org *org = &fixture.policy->orgs[slot];
	size_t at = u32(file, 72) + slot * 136;

	expect_text(file, at, 32, org->alias);
	expect_text(file, at + 32, 72, org->id);
	assert_int_equal((int32_t)u32(file, at + 104), org->parent);
	assert_int_equal(u32(file, at + 108), org->range_lo);
	assert_int_equal(u32(file, at + 112), org->range_hi);
	assert_int_equal(u32(file, at + 116), org->session_s);
	assert_int_equal(u64(file, at + 120), org->roles);
	assert_int_equal(u64(file, at + 128), org->services);
}

/* The slot of ALIAS by the hash table, or -1. */
static int slot_of(const struct file *file, const char *alias)
{
	uint32_t size = u32(file, 68);

	for (uint64_t place = hash_of(alias, 0);; place++) {
		uint32_t entry = u32(file, u32(file, 76) + (place & (size - 1)) * 4);

		if (entry == 0)
			return -1;
		if (strncmp((const char *)file->bytes + u32(file, 72) + (entry - 1) * 136, alias, 32) == 0)
			return (int)entry - 1;
	}
}

static void expect_grants(const struct file *file)
{
	const struct b2b_policy *policy = fixture.policy;

	for (uint32_t i = 0; i < policy->n_roles; i++) {
		size_t at = u32(file, 84) + i * 104;

		expect_text(file, at, 32, policy->roles[i].name);
		assert_int_equal(u32(file, at + 32), policy->roles[i].n_gids);
		for (uint32_t g = 0; g < 16; g++)
			assert_int_equal(u32(file, at + 36 + g * 4), policy->roles[i].gids[g]);
		expect_zero(file, at + 100, at + 104);
	}
	for (uint32_t i = 0; i < policy->n_services; i++) {
		size_t at = u32(file, 88) + i * 48;

		expect_text(file, at, 32, policy->services[i].name);
		assert_memory_equal(file->bytes + at + 32, policy->services[i].methods, 4);
		assert_int_equal(u8(file, at + 36), policy->services[i].assurance);
		assert_int_equal(u8(file, at + 37), policy->services[i].key_suffices);
		expect_zero(file, at + 38, at + 40);
		assert_int_equal(u32(file, at + 40), policy->services[i].max_age_s);
		assert_int_equal(u32(file, at + 44), policy->services[i].staleness_s);
	}
	for (uint32_t i = 0; i < policy->n_shells; i++)
		expect_text(file, u32(file, 92) + i * 64, 64, policy->shells[i]);
}

static void the_index_is_as_described(void **state)
{
	struct b2b_policy *policy = fixture.policy;
	struct file file;
	uint32_t last = 0;

	(void)state;
	policy->generation = 77;
	policy->enumerate = true;
	policy->visibility = B2B_VISIBLE_STRICT;
	policy->services[1].max_age_s = 900;
	policy->services[1].key_suffices = true;
	assert_int_equal(b2b_index_write(fixture.dir, policy), 0);
	file = take("index");
	expect_head(&file, "B2Bindex", 77, 160);
	expect_zero(&file, 40, 44);
	assert_int_equal(u32(&file, 44), policy->partners_gid);
	assert_int_equal(u8(&file, 48), '@');
	assert_int_equal(u8(&file, 49), 1);
	assert_int_equal(u8(&file, 50), 1);
	assert_int_equal(u8(&file, 51), 1);
	assert_int_equal(u32(&file, 52), policy->n_orgs);
	assert_int_equal(u32(&file, 56), policy->n_roles);
	assert_int_equal(u32(&file, 60), policy->n_services);
	assert_int_equal(u32(&file, 64), policy->n_shells);
	assert_true(u32(&file, 68) > policy->n_orgs && (u32(&file, 68) & (u32(&file, 68) - 1)) == 0);
	for (size_t at = 72; at <= 92; at += 4)
		assert_true(u32(&file, at) >= 160 && u32(&file, at) % 8 == 0);
	expect_text(&file, 96, 64, policy->home);
	for (uint32_t i = 0; i < policy->n_orgs; i++) {
		size_t range = u32(&file, 80) + i * 16;

		expect_org(&file, i);
		assert_int_equal(slot_of(&file, policy->orgs[i].alias), i);
		assert_true(u32(&file, range) > last);
		last = u32(&file, range);
		assert_int_equal(last, policy->orgs[u32(&file, range + 8)].range_lo);
		assert_int_equal(u32(&file, range + 4), policy->orgs[u32(&file, range + 8)].range_hi);
		expect_zero(&file, range + 12, range + 16);
	}
	assert_int_equal(slot_of(&file, "nobody"), -1);
	expect_grants(&file);
	free(file.bytes);
}

static void a_live_file_is_as_described(void **state)
{
	struct b2b_live *live = fixture.lives[FIXTURE_ACME];
	uint32_t lo = FIXTURE_LO(FIXTURE_ACME);
	struct file file;

	(void)state;
	b2b_live_store(live, lo + 2, B2B_LIVE_CLOSED, true);
	b2b_live_store(live, lo + FIXTURE_RANGE - 1, B2B_LIVE_OPEN, true);
	b2b_live_store_org(live, B2B_LIVE_CLOSED, true);
	b2b_live_beat(live, 0x1122334455667788u);
	b2b_live_verified(live, 0x99aabbccddeeff00u);
	b2b_live_set_generation(live, 0x0102030405060708u);
	file = take("live/42c3e9");
	assert_int_equal(file.size, 4096 + 4 * FIXTURE_RANGE);
	expect_head(&file, "B2B live", 0, 224);
	expect_text(&file, 40, 72, "42c3e9");
	assert_int_equal(u32(&file, 112), lo);
	assert_int_equal(u32(&file, 116), lo + FIXTURE_RANGE - 1);
	expect_zero(&file, 120, 128);
	assert_int_equal(u32(&file, 128), 1 << 4 | 2);
	expect_zero(&file, 132, 136);
	assert_true(u64(&file, 136) == 0x0102030405060708u);
	assert_true(u32(&file, 144) > 0 && u32(&file, 144) % 2 == 0);
	expect_zero(&file, 148, 192);
	assert_true(u64(&file, 192) == 0x1122334455667788u);
	assert_true(u64(&file, 200) == 0x99aabbccddeeff00u);
	expect_zero(&file, 224, 4096);
	for (uint32_t offset = 0; offset < FIXTURE_RANGE; offset++) {
		uint32_t expected = offset == 1 || offset == 3 ? 1 : offset == 2 ? 1 << 4 | 2 : offset == FIXTURE_RANGE - 1 ? 1 << 4 | 1 : 0;

		assert_int_equal(u32(&file, 4096 + 4 * offset), expected);
	}
	free(file.bytes);
}

/* Where the record of LOCAL begins by the table of names, or 0. */
static size_t record_of(const struct file *file, const char *local)
{
	uint32_t size = u32(file, 132), table = u32(file, 136), lo = u32(file, 112);
	uint64_t hash = hash_of(local, u32(file, 128));

	for (uint32_t i = 0; i < 64; i++) {
		size_t entry = table + ((hash + i) & (size - 1)) * 8, record;

		if (u32(file, entry) == 0)
			return 0;
		record = u32(file, 148) + (size_t)(u32(file, entry) - 1) * 8;
		if (u8(file, record + 22) != strlen(local) || memcmp(file->bytes + record + 24, local, strlen(local)) != 0)
			continue;
		assert_int_equal(u32(file, entry + 4), u32(file, record + 8) | (uint32_t)(hash >> 54) << 22);
		assert_int_equal(u32(file, u32(file, 144) + (size_t)u32(file, record + 8) * 4), u32(file, entry));
		assert_true(lo + u32(file, record + 8) <= u32(file, 116));
		return record;
	}
	return 0;
}

static void expect_record(const struct file *file, const char *local, const char *gecos, uint32_t offset, uint32_t kind, uint64_t roles, uint32_t shell)
{
	size_t at = record_of(file, local);

	assert_true(at > 0);
	assert_int_equal(u64(file, at), roles);
	assert_int_equal(u32(file, at + 8), offset);
	assert_int_equal(u8(file, at + 20), kind);
	assert_int_equal(u8(file, at + 21), shell);
	assert_int_equal(u8(file, at + 23), strlen(gecos));
	assert_memory_equal(file->bytes + at + 24 + strlen(local), gecos, strlen(gecos));
}

/* The list of LOCAL is N words: VALUES, or where they name people, the references of NAMES. */
static void expect_list(const struct file *file, const char *local, uint32_t n, const uint32_t *values, const char *const *names)
{
	size_t at = record_of(file, local);

	assert_int_equal(u32(file, at + 16), n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t value = u32(file, u32(file, 156) + 4 * (u32(file, at + 12) + (size_t)i));

		assert_int_equal(value, values ? values[i] : (record_of(file, names[i]) - u32(file, 148)) / 8 + 1);
	}
}

static void expect_snapshot_header(const struct file *file)
{
	expect_head(file, "B2B snap", fixture.generation[FIXTURE_ACME], 192);
	expect_text(file, 40, 72, "42c3e9");
	assert_int_equal(u32(file, 112), FIXTURE_LO(FIXTURE_ACME));
	assert_int_equal(u32(file, 116), FIXTURE_LO(FIXTURE_ACME) + FIXTURE_RANGE - 1);
	assert_int_equal(u32(file, 120), 4);
	assert_int_equal(u32(file, 124), 2);
	assert_true(u32(file, 132) > 6 && (u32(file, 132) & (u32(file, 132) - 1)) == 0);
	assert_int_equal(u32(file, 140), 102);
	assert_int_equal(u32(file, 156), u32(file, 148));
	assert_int_equal(u32(file, 160), u32(file, 152) / 4);
	for (size_t at = 136; at <= 156; at += at == 144 ? 4 : 8)
		assert_true(u32(file, at) >= 192 && u32(file, at) % 8 == 0);
	assert_int_equal(u32(file, 152) % 8, 0);
	assert_int_equal(u32(file, 164), 2);
	assert_true(u32(file, 168) % 8 == 0 && u32(file, 172) % 8 == 0);
	assert_int_equal(u32(file, 172) + u32(file, 176), file->size);
	expect_zero(file, 180, 192);
}

/* The roster that the place number I names is of the group at OFFSET and has these two members. */
static void expect_roster(const struct file *file, uint32_t i, uint32_t offset, const char *const names[2])
{
	size_t place = u32(file, 168) + 8 * (size_t)i, at = u32(file, 172) + u32(file, place + 4);
	size_t first = strlen(names[0]) + 1, second = strlen(names[1]) + 1;

	assert_int_equal(u32(file, place), offset);
	assert_int_equal(u32(file, at), 2);
	assert_int_equal(u32(file, at + 4), first + second);
	assert_int_equal(u8(file, at + 8), first);
	assert_int_equal(u8(file, at + 9), second);
	assert_memory_equal(file->bytes + at + 10, names[0], first);
	assert_memory_equal(file->bytes + at + 10 + first, names[1], second);
}

static void a_snapshot_is_as_described(void **state)
{
	static const uint32_t of_alice[] = { 100, 101 }, of_carol[] = { 100 }, of_dave[] = { 101 };
	static const char *const in_dba[] = { "alice", "carol" }, *const in_web[] = { "alice", "dave" };
	static const char *const whole_dba[] = { "alice@acme", "carol@acme" }, *const whole_web[] = { "alice@acme", "dave@acme" };
	const struct b2b_snapshot_user user = { .local = "zoe", .gecos = "Zo\xc3\xab", .uid = FIXTURE_LO(FIXTURE_ACME) + 9, .roles = 1ull << 63, .shell = 1 };
	struct b2b_snapshot_builder *builder = fixture_builder(&fixture, FIXTURE_ACME, true);
	uint32_t last = 0, n = 0;
	struct file file;
	size_t at;

	(void)state;
	assert_int_equal(b2b_snapshot_add_user(builder, &user), 0);
	fixture_publish(&fixture, FIXTURE_ACME, builder);
	b2b_snapshot_free(builder);
	file = take("org/42c3e9/snapshot");
	expect_snapshot_header(&file);
	expect_record(&file, "alice", "Alice Example", 1, 1, 3, 0);
	expect_record(&file, "carol", "Carol", 2, 1, 0, 0);
	expect_record(&file, "dave", "", 3, 1, 0, 0);
	expect_record(&file, "zoe", "Zo\xc3\xab", 9, 1, 1ull << 63, 1);
	expect_record(&file, "dba", "", 100, 2, 0, 0);
	expect_record(&file, "web", "", 101, 2, 0, 0);
	assert_int_equal(record_of(&file, "nobody"), 0);
	expect_list(&file, "alice", 2, of_alice, NULL);
	expect_list(&file, "carol", 1, of_carol, NULL);
	expect_list(&file, "dave", 1, of_dave, NULL);
	expect_list(&file, "zoe", 0, NULL, NULL);
	expect_list(&file, "dba", 2, NULL, in_dba);
	expect_list(&file, "web", 2, NULL, in_web);
	/* Records lie one behind the other, ascending by id, each with its list behind its names. */
	for (at = 0; at < u32(&file, 152); n++) {
		size_t record = u32(&file, 148) + at, names = record + 24 + u8(&file, record + 22) + u8(&file, record + 23);
		size_t list = (names + 3) / 4 * 4, end = list + 4 * (size_t)u32(&file, record + 16);

		assert_int_equal(u32(&file, 156) + 4 * (size_t)u32(&file, record + 12), list);
		expect_zero(&file, names, list);

		assert_true(u32(&file, record + 8) > last);
		last = u32(&file, record + 8);
		at += (end - record + 7) / 8 * 8;
		expect_zero(&file, end, u32(&file, 148) + at);
	}
	assert_int_equal(n, 6);
	expect_roster(&file, 0, 100, whole_dba);
	expect_roster(&file, 1, 101, whole_web);
	assert_int_equal(at, u32(&file, 152));
	free(file.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_gives_the_written_values),
		cmocka_unit_test_setup_teardown(the_index_is_as_described, start, stop),
		cmocka_unit_test_setup_teardown(a_live_file_is_as_described, start, stop),
		cmocka_unit_test_setup_teardown(a_snapshot_is_as_described, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
