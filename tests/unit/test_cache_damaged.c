/* What the reader answers once the bytes of files that it has mapped are others: what tests/fuzz/fuzz_reader.c found. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cache.h"
#include "common/cache_format.h"
#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

static struct fixture fixture;
static struct b2b_cache *cache;
static char buf[512];

static unsigned char *index_bytes;
static size_t index_size;

/* The file NAME of the cache, writable, as readers have it mapped. */
static unsigned char *map(const char *name, size_t *ret_size)
{
	char path[SCRATCH_SIZE];
	void *bytes;
	int fd;

	scratch_path(path, fixture.dir, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	*ret_size = (size_t)lseek(fd, 0, SEEK_END);
	bytes = mmap(NULL, *ret_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(bytes, MAP_FAILED);
	close(fd);
	return bytes;
}

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, NULL);
	index_bytes = map("index", &index_size);
	return b2b_cache_new(fixture.dir, &cache);
}

static int stop(void **state)
{
	(void)state;
	b2b_cache_free(cache);
	munmap(index_bytes, index_size);
	fixture_stop(&fixture);
	return 0;
}

static struct b2b_format_org *org_at(int slot)
{
	const struct b2b_format_index *header = (const void *)index_bytes;

	return (struct b2b_format_org *)(void *)(index_bytes + header->orgs_at) + slot;
}

static void a_group_has_one_organisations_name_and_people(void **state)
{
	struct group gr;

	(void)state;
	assert_int_equal(b2b_cache_getgrnam(cache, "members@apac.acme", &gr, buf, sizeof(buf)), 0);
	assert_string_equal(gr.gr_mem[0], "heidi@apac.acme");
	org_at(FIXTURE_APAC)->alias[0] = 'o';
	assert_int_equal(b2b_cache_getgrgid(cache, FIXTURE_LO(FIXTURE_APAC), &gr, buf, sizeof(buf)), 0);
	assert_string_equal(gr.gr_name, "members@apac.acme");
	assert_string_equal(gr.gr_mem[0], "heidi@apac.acme");
}

/* The name leads to the slot of globex, which is mapped, and known by its own name. */
static void lead_apac_to_globex(void)
{
	for (uint32_t *slot = (void *)(index_bytes + ((const struct b2b_format_index *)(const void *)index_bytes)->hash_at);; slot++)
		if (*slot == FIXTURE_APAC + 1) {
			*slot = FIXTURE_GLOBEX + 1;
			break;
		}
	memcpy(org_at(FIXTURE_GLOBEX)->alias, org_at(FIXTURE_APAC)->alias, B2B_NAME_SIZE);
}

static void another_organisations_answer_is_none(void **state)
{
	struct b2b_standing standing;
	struct passwd pw;
	struct group gr;

	(void)state;
	assert_int_equal(b2b_cache_getpwnam(cache, "erin@globex", &pw, buf, sizeof(buf)), 0);
	lead_apac_to_globex();
	assert_int_equal(b2b_cache_getpwnam(cache, "erin@apac.acme", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_standing(cache, "erin@apac.acme", "sshd", &standing), -ENOENT);
	assert_int_equal(b2b_cache_getgrnam(cache, "ops@apac.acme", &gr, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getgrnam(cache, "members@apac.acme", &gr, buf, sizeof(buf)), -ENOENT);
}

static void who_was_found_is_found_whatever_becomes_of_the_index(void **state)
{
	struct passwd pw;

	(void)state;
	assert_int_equal(b2b_cache_getpwnam(cache, "heidi@apac.acme", &pw, buf, sizeof(buf)), 0);
	assert_int_equal(b2b_cache_getpwnam(cache, "erin@globex", &pw, buf, sizeof(buf)), 0);
	lead_apac_to_globex();
	assert_int_equal(b2b_cache_getpwnam(cache, "heidi@apac.acme", &pw, buf, sizeof(buf)), 0);
	assert_int_equal(pw.pw_uid, FIXTURE_LO(FIXTURE_APAC) + 1);
	assert_int_equal(b2b_cache_getpwnam(cache, "erin@apac.acme", &pw, buf, sizeof(buf)), -ESRCH);
}

/* 31 bytes are what utmp has room for: cut there, it would be somebody else's. */
static void no_name_is_longer_than_names_may_be(void **state)
{
	const struct b2b_snapshot_user user = { .local = "a_person.with-a-long.name1", .gecos = "and-more", .uid = FIXTURE_LO(FIXTURE_ACME) + 1 };
	struct b2b_snapshot_builder *builder = fixture_builder(&fixture, FIXTURE_ACME, false);
	struct b2b_format_record *record;
	unsigned char *bytes;
	struct passwd pw;
	struct group gr;
	size_t size;

	(void)state;
	assert_int_equal(b2b_snapshot_add_user(builder, &user), 0);
	fixture_publish(&fixture, FIXTURE_ACME, builder);
	b2b_snapshot_free(builder);
	assert_int_equal(b2b_cache_getpwuid(cache, user.uid, &pw, buf, sizeof(buf)), 0);
	assert_int_equal(strlen(pw.pw_name), B2B_NAME_SIZE - 1);
	bytes = map("org/42c3e9/snapshot", &size);
	record = (struct b2b_format_record *)(void *)(bytes + ((const struct b2b_format_snapshot *)(const void *)bytes)->records_at);
	record->n_local += 3;
	record->n_gecos -= 3;
	assert_int_equal(b2b_cache_getpwuid(cache, user.uid, &pw, buf, sizeof(buf)), -ENODATA);
	assert_int_equal(b2b_cache_getgrnam(cache, "members@acme", &gr, buf, sizeof(buf)), -ENODATA);
	munmap(bytes, size);
}

/* members@ALIAS is there for every organisation, whoever is in it. */
static void no_alias_is_longer_than_its_members_group_may_be(void **state)
{
	struct group gr;

	(void)state;
	memcpy(org_at(FIXTURE_APAC)->alias, "an-alias.of-24-bytes.inn", sizeof("an-alias.of-24-bytes.inn"));
	assert_int_equal(b2b_cache_getgrgid(cache, FIXTURE_LO(FIXTURE_APAC), &gr, buf, sizeof(buf)), -ENODATA);
	memcpy(org_at(FIXTURE_APAC)->alias, "an-alias.of-23-bytes.in", sizeof("an-alias.of-23-bytes.in"));
	assert_int_equal(b2b_cache_getgrgid(cache, FIXTURE_LO(FIXTURE_APAC), &gr, buf, sizeof(buf)), 0);
	assert_string_equal(gr.gr_name, "members@an-alias.of-23-bytes.in");
}

/* Or somebody's private group would be the partners'. */
static void no_organisation_has_the_gid_of_all_partners(void **state)
{
	struct b2b_format_index *index = (struct b2b_format_index *)(void *)index_bytes;
	struct passwd pw;
	struct group gr;

	(void)state;
	index->partners_gid = FIXTURE_LO(FIXTURE_ACME) + FIXTURE_RANGE - 1;
	assert_int_equal(b2b_cache_newcomer(cache, "newcomer@acme", index->partners_gid, &pw, buf, sizeof(buf)), -ENODATA);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice@acme", &pw, buf, sizeof(buf)), -ENODATA);
	assert_int_equal(b2b_cache_getgrgid(cache, index->partners_gid - 1, &gr, buf, sizeof(buf)), -ENODATA);
	assert_int_equal(b2b_cache_getpwnam(cache, "erin@globex", &pw, buf, sizeof(buf)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_group_has_one_organisations_name_and_people, start, stop),
		cmocka_unit_test_setup_teardown(another_organisations_answer_is_none, start, stop),
		cmocka_unit_test_setup_teardown(who_was_found_is_found_whatever_becomes_of_the_index, start, stop),
		cmocka_unit_test_setup_teardown(no_name_is_longer_than_names_may_be, start, stop),
		cmocka_unit_test_setup_teardown(no_alias_is_longer_than_its_members_group_may_be, start, stop),
		cmocka_unit_test_setup_teardown(no_organisation_has_the_gid_of_all_partners, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
