/* Every refusal: a code for the log that names it alone, and one plain sentence that a person can act upon. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/proto.h"
#include "common/reason.h"

static const struct {
	int number;
	const char *code, *text;
} reasons[] = {
#define ROW(symbol, number, code, text) { number, code, text },
	B2B_REASONS(ROW)
#undef ROW
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define REFERENCE " (reference 0123456789abcdef)"

static void every_code_is_one_word_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(reasons); i++) {
		assert_string_equal(b2b_reason_code(reasons[i].number), reasons[i].code);
		assert_true(*reasons[i].code && strspn(reasons[i].code, "abcdefghijklmnopqrstuvwxyz-") == strlen(reasons[i].code));
		for (size_t j = 0; j < i; j++) {
			assert_int_not_equal(reasons[i].number, reasons[j].number);
			assert_string_not_equal(reasons[i].code, reasons[j].code);
			assert_string_not_equal(reasons[i].text, reasons[j].text);
		}
	}
}

/* One full stop, at the end; several clauses may stand beside each other. */
static size_t sentences(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '.' || *text == '!' || *text == '?';
	return n;
}

static void every_text_is_a_plain_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(reasons); i++) {
		const char *text = reasons[i].text;
		size_t len = strlen(text);

		assert_string_equal(b2b_reason_text(reasons[i].number), text);
		if (!isupper((unsigned char)text[0]) || text[len - 1] != '.' || sentences(text) != 1)
			fail_msg("%s: \"%s\" is not one sentence", reasons[i].code, text);
		for (size_t c = 0; c < len; c++)
			assert_true(text[c] >= ' ' && text[c] < 0x7f);
	}
}

/* On a terminal of 80 columns it takes two lines at most with its reference, and it fits the packet whole. */
static void every_text_fits_where_it_is_shown(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(reasons); i++) {
		size_t len = strlen(reasons[i].text);

		if (len + strlen(REFERENCE) > 2 * 80 || len >= B2B_MESSAGE_SIZE)
			fail_msg("%s: \"%s\" is %zu characters long", reasons[i].code, reasons[i].text, len);
	}
}

/* What nobody at the keyboard can know: the words of protocols and programs. */
static void no_text_speaks_of_the_inside(void **state)
{
	static const char *const inside[] = { "OAuth", "JWT", "introspect", "issuer", "SCIM", "ciba", "socket", "errno", "uid", "http", "claim" };

	(void)state;
	for (size_t i = 0; i < COUNT(reasons); i++) {
		for (size_t w = 0; w < COUNT(inside); w++) {
			if (strcasestr(reasons[i].text, inside[w]))
				fail_msg("%s: \"%s\" speaks of %s", reasons[i].code, reasons[i].text, inside[w]);
		}
	}
}

static void what_is_no_reason_is_an_internal_fault(void **state)
{
	static const int wrong[] = { -1, -7, 9999 };

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_string_equal(b2b_reason_code(wrong[i]), "internal");
	for (int n = 0; n < 200; n++) { /* gaps too */
		assert_non_null(b2b_reason_code(n));
		assert_non_null(b2b_reason_text(n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_is_one_word_of_its_own),
		cmocka_unit_test(every_text_is_a_plain_sentence),
		cmocka_unit_test(every_text_fits_where_it_is_shown),
		cmocka_unit_test(no_text_speaks_of_the_inside),
		cmocka_unit_test(what_is_no_reason_is_an_internal_fault),
	};

	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
