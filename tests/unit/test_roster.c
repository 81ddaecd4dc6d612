/* Rosters: copied only where they were found to say what the lists say and nobody's word has changed since; told from outside by what is damaged. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cache.h"
#include "common/cache_format.h"
#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

#define ALICE (FIXTURE_LO(FIXTURE_ACME) + 1)
#define DBA 100u

static struct fixture fixture;
static struct b2b_cache *cache;
static unsigned char *snapshot, *live; /* the files, writable behind the reader's back */
static size_t snapshot_size, live_size;

static unsigned char *map_file(const char *name, size_t *ret_size)
{
	char path[SCRATCH_SIZE];
	struct stat st;
	void *map;
	int fd;

	scratch_path(path, fixture.dir, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	close(fd);
	*ret_size = (size_t)st.st_size;
	return map;
}

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, NULL);
	snapshot = map_file("org/42c3e9/snapshot", &snapshot_size);
	live = map_file("live/42c3e9", &live_size);
	return b2b_cache_new(fixture.dir, &cache);
}

static int stop(void **state)
{
	(void)state;
	b2b_cache_free(cache);
	munmap(snapshot, snapshot_size);
	munmap(live, live_size);
	fixture_stop(&fixture);
	return 0;
}

static uint32_t u32(size_t at)
{
	uint32_t value;

	memcpy(&value, snapshot + at, sizeof(value));
	return value;
}

/* Where the roster of the group at OFFSET stands in the file. */
static size_t roster_of(uint32_t offset)
{
	for (uint32_t i = 0; i < u32(164); i++)
		if (u32(u32(168) + 8 * i) == offset)
			return u32(172) + u32(u32(168) + 8 * i + 4);
	fail_msg("no roster of %u", offset);
	return 0;
}

/* The list of dba names nobody any more: whoever goes through it one by one has no answer. */
static void spoil_the_list(void)
{
	uint32_t record = u32(148) + (u32(u32(144) + 4 * DBA) - 1) * 8;

	memset(snapshot + u32(156) + 4 * (size_t)u32(record + 12), 0xff, 4 * (size_t)u32(record + 16));
}

static int ask(struct group *gr, char *buf, size_t len)
{
	return b2b_cache_getgrnam(cache, "dba@acme", gr, buf, len);
}

static void expect_members(const char *first, const char *second)
{
	struct group gr;
	char buf[256];

	assert_int_equal(ask(&gr, buf, sizeof(buf)), 0);
	assert_string_equal(gr.gr_mem[0], first);
	if (second)
		assert_string_equal(gr.gr_mem[1], second);
	assert_null(gr.gr_mem[second ? 2 : 1]);
}

static void a_proven_roster_answers_alone(void **state)
{
	char small[32];
	struct group gr;

	(void)state;
	expect_members("alice@acme", "carol@acme");
	spoil_the_list();
	expect_members("alice@acme", "carol@acme");
	assert_int_equal(ask(&gr, small, sizeof(small)), -ERANGE);
}

static void an_unproven_one_is_not_believed(void **state)
{
	char *text = (char *)snapshot + roster_of(DBA) + 8 + 2;
	struct group gr;
	char buf[256];

	(void)state;
	assert_string_equal(text, "alice@acme");
	text[0] = 'm';
	for (int i = 0; i < 3; i++)
		expect_members("alice@acme", "carol@acme");
	spoil_the_list();
	assert_int_equal(ask(&gr, buf, sizeof(buf)), -ENODATA);
}

static void any_change_of_a_word_ends_the_proof(void **state)
{
	(void)state;
	expect_members("alice@acme", "carol@acme");
	b2b_live_store(fixture.lives[FIXTURE_ACME], ALICE, B2B_LIVE_CLOSED, true);
	expect_members("carol@acme", NULL);
	expect_members("carol@acme", NULL);
	b2b_live_store(fixture.lives[FIXTURE_ACME], ALICE, B2B_LIVE_OPEN, false);
	expect_members("alice@acme", "carol@acme");
	spoil_the_list();
	expect_members("alice@acme", "carol@acme");
}

/* A writer that was killed between the two leaves an odd number; the word it stored is seen. */
static void a_change_that_was_never_finished_is_seen(void **state)
{
	uint32_t closed = B2B_LIVE_CLOSED | 0x10, odd = 0x7ffffff1;

	(void)state;
	expect_members("alice@acme", "carol@acme");
	memcpy(live + 144, &odd, sizeof(odd));
	expect_members("alice@acme", "carol@acme");
	memcpy(live + B2B_LIVE_WORDS_AT + 4, &closed, sizeof(closed));
	expect_members("carol@acme", NULL);
	b2b_live_store(fixture.lives[FIXTURE_ACME], ALICE, B2B_LIVE_OPEN, false);
	expect_members("alice@acme", "carol@acme");
	memcpy(&odd, live + 144, sizeof(odd));
	assert_int_equal(odd & 1, 0);
}

/* A word as the version before stores it: nothing else of the file tells of it. */
static void store_plainly(uint32_t uid, uint32_t word)
{
	memcpy(live + B2B_LIVE_WORDS_AT + (uid - FIXTURE_LO(FIXTURE_ACME)) * sizeof(word), &word, sizeof(word));
}

/* b2bd ends, one of version 1 is started instead, closes and opens somebody; then this one comes back. */
static void a_word_of_the_version_before_is_seen(void **state)
{
	(void)state;
	expect_members("alice@acme", "carol@acme");
	b2b_live_rest(fixture.lives[FIXTURE_ACME]);
	b2b_live_rest(NULL);
	store_plainly(ALICE, 1 << 4 | B2B_LIVE_CLOSED);
	expect_members("carol@acme", NULL);
	store_plainly(ALICE, 1 << 4 | B2B_LIVE_OPEN);
	expect_members("alice@acme", "carol@acme");
	store_plainly(ALICE, 2 << 4 | B2B_LIVE_CLOSED);
	b2b_live_wake(fixture.lives[FIXTURE_ACME]);
	b2b_live_wake(NULL);
	expect_members("carol@acme", NULL);
}

static void bytes_that_change_after_the_proof_do_no_harm(void **state)
{
	unsigned char *roster = snapshot + roster_of(DBA), kept[64];
	struct group gr;
	char buf[256];

	(void)state;
	expect_members("alice@acme", "carol@acme");
	memcpy(kept, roster, sizeof(kept));
	roster[8] = 0xff; /* the first name's size */
	assert_int_equal(ask(&gr, buf, sizeof(buf)), -ENODATA);
	memcpy(roster, kept, sizeof(kept));
	roster[8 + 2 + 21] = 'x'; /* the last name's end */
	assert_int_equal(ask(&gr, buf, sizeof(buf)), -ENODATA);
	memcpy(roster, kept, sizeof(kept));
	memset(roster, 0xff, 8); /* members, and bytes of their names */
	spoil_the_list();
	assert_int_equal(ask(&gr, buf, sizeof(buf)), -ENODATA);
	memcpy(roster, kept, sizeof(kept));
	expect_members("alice@acme", "carol@acme");
}

/* The snapshot was made when the organisation had another alias. */
static void another_alias_is_not_copied(void **state)
{
	(void)state;
	memcpy(fixture.policy->orgs[FIXTURE_ACME].alias, "acma", sizeof("acma"));
	assert_int_equal(b2b_index_write(fixture.dir, fixture.policy), 0);
	for (int i = 0; i < 2; i++) {
		struct group gr;
		char buf[256];

		assert_int_equal(b2b_cache_getgrnam(cache, "dba@acma", &gr, buf, sizeof(buf)), 0);
		assert_string_equal(gr.gr_mem[0], "alice@acma");
	}
}

static void groups_that_list_nobody_have_none(void **state)
{
	(void)state;
	assert_int_equal(u32(164), 2);
	fixture.policy->group_members = false;
	fixture_publish_org(&fixture, FIXTURE_ACME);
	munmap(snapshot, snapshot_size);
	snapshot = map_file("org/42c3e9/snapshot", &snapshot_size);
	assert_int_equal(u32(164), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_proven_roster_answers_alone, start, stop),
		cmocka_unit_test_setup_teardown(an_unproven_one_is_not_believed, start, stop),
		cmocka_unit_test_setup_teardown(any_change_of_a_word_ends_the_proof, start, stop),
		cmocka_unit_test_setup_teardown(a_change_that_was_never_finished_is_seen, start, stop),
		cmocka_unit_test_setup_teardown(a_word_of_the_version_before_is_seen, start, stop),
		cmocka_unit_test_setup_teardown(bytes_that_change_after_the_proof_do_no_harm, start, stop),
		cmocka_unit_test_setup_teardown(another_alias_is_not_copied, start, stop),
		cmocka_unit_test_setup_teardown(groups_that_list_nobody_have_none, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
