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

/* The index in place, writable, as readers have it mapped. */
static unsigned char *index_bytes;
static size_t index_size;

static int start(void **state)
{
	char path[SCRATCH_SIZE];
	int fd;

	(void)state;
	fixture_start(&fixture, NULL);
	scratch_path(path, fixture.dir, "index");
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	index_size = (size_t)lseek(fd, 0, SEEK_END);
	index_bytes = mmap(NULL, index_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(index_bytes, MAP_FAILED);
	close(fd);
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

static void another_organisations_answer_is_none(void **state)
{
	struct b2b_standing standing;
	struct passwd pw;
	struct group gr;

	(void)state;
	assert_int_equal(b2b_cache_getpwnam(cache, "erin@globex", &pw, buf, sizeof(buf)), 0);
	assert_int_equal(b2b_cache_getpwnam(cache, "heidi@apac.acme", &pw, buf, sizeof(buf)), 0);
	/* The name leads to the slot of globex, which is mapped, and known by its own name. */
	for (uint32_t *slot = (void *)(index_bytes + ((const struct b2b_format_index *)(const void *)index_bytes)->hash_at);; slot++)
		if (*slot == FIXTURE_APAC + 1) {
			*slot = FIXTURE_GLOBEX + 1;
			break;
		}
	memcpy(org_at(FIXTURE_GLOBEX)->alias, org_at(FIXTURE_APAC)->alias, B2B_NAME_SIZE);
	assert_int_equal(b2b_cache_getpwnam(cache, "erin@apac.acme", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_standing(cache, "erin@apac.acme", "sshd", &standing), -ENOENT);
	assert_int_equal(b2b_cache_getgrnam(cache, "ops@apac.acme", &gr, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getgrnam(cache, "members@apac.acme", &gr, buf, sizeof(buf)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_group_has_one_organisations_name_and_people, start, stop),
		cmocka_unit_test_setup_teardown(another_organisations_answer_is_none, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
