/* Whatever way a token is spelt in, it is known again; and no other is taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/token_names.h"

#define HEADER "eyJhbGciOiJFUzI1NiJ9" /* {"alg":"ES256"} */

static bool same(const char *a, const char *a_jti, const char *b, const char *b_jti)
{
	struct b2b_token_names x, y;

	assert_int_equal(b2b_token_names_of(a, a_jti, &x), 0);
	assert_int_equal(b2b_token_names_of(b, b_jti, &y), 0);
	assert_true(x.n && y.n);
	for (size_t i = 0; i < x.n; i++) {
		for (size_t k = 0; k < y.n; k++) {
			if (!strcmp(x.digests[i], y.digests[k]))
				return true;
		}
	}
	return false;
}

static void a_reference_is_known_in_every_spelling(void **state)
{
	static const char *const same_as[][2] = {
		{ "2YotnFZFEjr1zCsicMWpAA", "2YotnFZFEjr1zCsicMWpAA==" },
		{ "2YotnFZFEjr1zCsicMWpAA", "2YotnFZFEjr1zCsicMWpAA=" },
		{ "2YotnFZFEjr1zCsicMWpAA", "2YotnFZFEjr1zCsicMWpAB" }, /* four bits that encode nothing */
		{ "2YotnFZFEjr1zCsicMWpAA", "2YotnFZFEjr1zCsicMWpAP==" },
		{ "2YotnFZFEjr1zCsicMWpAAA", "2YotnFZFEjr1zCsicMWpAAD=" }, /* two */
		{ "a-b_c-d_", "a+b/c+d/" },
		{ "a-b_c-d_", "a+b_c-d/" },
		{ "6f2a90b1c4d35e7f", "6F2A90B1C4D35E7F" },
		{ "6f2a90b1c4d35e7f", "6f2A90b1C4d35e7f" },
		{ "6f2a90b1c4d35e7f9a", "6f2a90b1c4d35e7f9A" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same_as) / sizeof(*same_as); i++) {
		if (!same(same_as[i][0], NULL, same_as[i][1], NULL))
			fail_msg("%s and %s let in twice", same_as[i][0], same_as[i][1]);
	}
}

static void no_other_reference_is_taken_for_it(void **state)
{
	static const char *const others[] = { "2YotnFZFEjr1zCsicMWpAQ", "2YotnFZFEjr1zCsicMWpQA", "2YotnFZFEjr1zCsicMWp", "2YotnFZFEjr1zCsicMWpAAAA",
		                              "3YotnFZFEjr1zCsicMWpAA", "" };

	(void)state;
	for (size_t i = 0; *others[i]; i++) {
		if (same("2YotnFZFEjr1zCsicMWpAA", NULL, others[i], NULL))
			fail_msg("%s", others[i]);
	}
}

/* However the service reads what is shown to it: it says itself which token that is. */
static void what_the_service_calls_it_counts(void **state)
{
	(void)state;
	assert_true(same("one-spelling", "j-1", "quite~another", "j-1"));
	assert_false(same("one-spelling", "j-1", "quite~another", "j-2"));
	assert_true(same("one-spelling", "j-1", "one-spelling", NULL));
}

static void a_signed_token_is_its_jti_or_what_was_signed(void **state)
{
	(void)state;
	assert_true(same(HEADER ".e30.AAAA", NULL, HEADER ".e30.BBBB", NULL));
	assert_false(same(HEADER ".e30.AAAA", NULL, HEADER ".e31.AAAA", NULL));
	assert_true(same(HEADER ".e30.AAAA", "j-1", HEADER ".e31.AAAA", "j-1"));
	assert_false(same(HEADER ".e30.AAAA", "j-1", HEADER ".e30.AAAA", "j-2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reference_is_known_in_every_spelling),
		cmocka_unit_test(no_other_reference_is_taken_for_it),
		cmocka_unit_test(what_the_service_calls_it_counts),
		cmocka_unit_test(a_signed_token_is_its_jti_or_what_was_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
