/* Names: what can be a partner's, folding, the 31 bytes, both separators. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/names.h"

static void splits_and_folds(void **state)
{
	struct b2b_name name;

	(void)state;
	assert_int_equal(b2b_name_split("Bob@EMEA.acme", '@', &name), 0);
	assert_string_equal(name.local, "bob");
	assert_string_equal(name.alias, "emea.acme");
	assert_int_equal(b2b_name_split("_x.y-1+a-b.c0", '+', &name), 0);
	assert_string_equal(name.local, "_x.y-1");
	assert_string_equal(name.alias, "a-b.c0");
}

static void refuses_what_is_outside_the_rule(void **state)
{
	static const char *const bad[] = {
		"", "@", "alice", "alice@", "@acme", "1alice@acme", "-a@acme", ".a@acme", "al ice@acme", "alice@ac_me",
		"alice@-acme", "alice@acme-", "alice@.acme", "alice@acme.", "alice@a..b", "alice@a-.b", "alice@a.-b",
		"alice@acme@acme", "alice@acme+x", "al+ice@acme", "alice@acme\n", "al\xc3\xa4@acme", "a/b@acme", "a:b@acme",
		"abcdefghijklmnopqrstuvwxyz@acmee", /* 32 bytes */
		"abcdefghijklmnopqrstuvwxyz0123@a", "abcdefghijklmnopqrstuvwxyz01234@a", "abcdefghijklmnopqrstuvwxyz01234567@a",
		"abcdefghijklmnopqrstuvwxyz01234@an-alias.that-is.longer.than-anything.that-would.fit",
	};
	struct b2b_name name, before;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		name = before;
		assert_int_equal(b2b_name_split(bad[i], '@', &name), -EINVAL);
		assert_memory_equal(&name, &before, sizeof(name));
	}
	assert_int_equal(b2b_name_split("alice+acme", '@', &name), -EINVAL);
	assert_int_equal(b2b_name_split("alice/acme", '/', &name), -EINVAL);
	assert_int_equal(b2b_name_split("aliceacme", '\0', &name), -EINVAL);
}

static void takes_31_bytes_and_joins_them_again(void **state)
{
	static const char longest[] = "abcdefghijklmnopqrstuvwxyz@acme";
	struct b2b_name name;
	char buf[B2B_NAME_SIZE], small[31] = "unchanged";

	(void)state;
	assert_int_equal(strlen(longest), 31);
	assert_int_equal(b2b_name_split(longest, '@', &name), 0);
	assert_int_equal(b2b_name_join(name.local, '@', name.alias, buf, sizeof(buf)), 0);
	assert_string_equal(buf, longest);
	assert_int_equal(b2b_name_join(name.local, '@', name.alias, small, sizeof(small)), -ERANGE);
	assert_string_equal(small, "unchanged");
	assert_int_equal(b2b_name_join("abcdefghijklmnopqrstuvwxyz", '@', "acmee", buf, sizeof(buf)), -ERANGE);
}

static void knows_a_candidate_under_any_separator(void **state)
{
	(void)state;
	assert_true(b2b_name_candidate("alice@acme"));
	assert_true(b2b_name_candidate("ALICE+Emea.Acme"));
	assert_false(b2b_name_candidate("alice"));
	assert_false(b2b_name_candidate("root"));
	assert_false(b2b_name_candidate("partners"));
	assert_false(b2b_name_candidate("user@"));
	assert_false(b2b_name_candidate("a@b@c"));
	assert_false(b2b_name_candidate("host$@acme"));
}

static void judges_the_parts_as_they_are(void **state)
{
	(void)state;
	assert_true(b2b_local_valid("alice"));
	assert_true(b2b_local_valid("_a.b-c_9"));
	assert_false(b2b_local_valid("Alice"));
	assert_false(b2b_local_valid(""));
	assert_false(b2b_local_valid("9a"));
	assert_true(b2b_alias_valid("emea.acme"));
	assert_true(b2b_alias_valid("3com"));
	assert_true(b2b_alias_valid("a--b"));
	assert_false(b2b_alias_valid("Acme"));
	assert_false(b2b_alias_valid(""));
	assert_false(b2b_alias_valid("a_b"));
	assert_true(b2b_alias_valid("an-alias.of-23-bytes.in"));
	assert_false(b2b_alias_valid("an-alias.of-24-bytes.inn"));
}

/* The rule, character by character. */
static bool may_stand(unsigned char c, size_t at)
{
	if ((c >= 'a' && c <= 'z') || c == '_')
		return true;
	return at > 0 && ((c >= '0' && c <= '9') || c == '.' || c == '-');
}

/* Names are read eight characters at a time: where in those eight one stands makes no difference. */
static void judges_every_byte_at_every_place(void **state)
{
	char local[B2B_NAME_SIZE];

	(void)state;
	for (size_t len = 1; len < B2B_NAME_SIZE; len++)
		for (size_t at = 0; at < len; at++)
			for (unsigned c = 1; c < 256; c++) {
				memset(local, 0, sizeof(local));
				memset(local, 'q', len);
				local[at] = (char)c;
				assert_int_equal(b2b_local_valid(local), may_stand((unsigned char)c, at));
			}
}

/* A buffer of SIZE bytes behind which no byte can be read. */
static char *at_the_edge(size_t size, char **ret_pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	*ret_pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(*ret_pages, MAP_FAILED);
	assert_int_equal(mprotect(*ret_pages + page, page, PROT_NONE), 0);
	return *ret_pages + page - size;
}

static void expect_cut(const char *name, const char *local, size_t n_local, const char *alias, size_t n_alias)
{
	char padded[B2B_NAME_SIZE] = "";
	struct b2b_name cut;

	assert_true(b2b_name_cut(name, '@', &cut));
	assert_int_equal(cut.n_local, n_local);
	assert_int_equal(cut.n_alias, n_alias);
	memcpy(padded, local, n_local);
	assert_memory_equal(cut.local, padded, sizeof(padded));
	memset(padded, 0, sizeof(padded));
	memcpy(padded, alias, n_alias);
	assert_memory_equal(cut.alias, padded, sizeof(padded));
}

static void cuts_wherever_the_separator_stands_and_reads_no_byte_more(void **state)
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0.9-", lower[] = "abcdefghijklmnopqrstuvwxyz_0.9-";
	char *pages, *name, alias[B2B_NAME_SIZE];
	struct b2b_name cut;

	(void)state;
	for (size_t n = 0; n <= B2B_NAME_SIZE; n++) {
		name = at_the_edge(n + 1, &pages);
		for (size_t at = 0; at < n; at++) {
			memcpy(name, upper, n < B2B_NAME_SIZE ? n : sizeof(upper));
			name[n] = '\0';
			name[at] = '@';
			name[n - 1] = n - 1 == at ? '@' : 'Z';
			if (at == 0 || at == n - 1 || n == B2B_NAME_SIZE) {
				assert_false(b2b_name_cut(name, '@', &cut));
				continue;
			}
			memcpy(alias, lower + at + 1, n - at - 1);
			alias[n - at - 2] = 'z';
			expect_cut(name, lower, at, alias, n - at - 1);
			name[at] = 'x';
			assert_false(b2b_name_cut(name, '@', &cut));
		}
		munmap(pages, 2 * (size_t)sysconf(_SC_PAGESIZE));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_and_folds),
		cmocka_unit_test(refuses_what_is_outside_the_rule),
		cmocka_unit_test(takes_31_bytes_and_joins_them_again),
		cmocka_unit_test(knows_a_candidate_under_any_separator),
		cmocka_unit_test(judges_the_parts_as_they_are),
		cmocka_unit_test(judges_every_byte_at_every_place),
		cmocka_unit_test(cuts_wherever_the_separator_stands_and_reads_no_byte_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
