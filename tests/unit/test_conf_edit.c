/* Changes to root's b2b.conf: what was asked for, and not a byte more. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bctl/conf_edit.h"

static void becomes(const char *before, const char *key, const char *value, const char *after, const char *shown)
{
	char *text = strdup(before), *diff = NULL;
	size_t size;
	FILE *out = open_memstream(&diff, &size);

	assert_int_equal(b2b_conf_edit_set(&text, "federation", key, value, out), 0);
	fclose(out);
	assert_string_equal(text, after);
	assert_string_equal(diff, shown);
	free(text);
	free(diff);
}

static void value_is_replaced_in_its_line(void **state)
{
	(void)state;
	becomes("; mine\n[federation]\n  client_id   = old  ; note\nproxy=x\n", "client_id", "new", "; mine\n[federation]\n  client_id   = new  ; note\nproxy=x\n",
	        "-  client_id   = old  ; note\n+  client_id   = new  ; note\n");
	becomes("[federation]\nclient_id=a;b", "client_id", "c", "[federation]\nclient_id=c\n", "-client_id=a;b\n+client_id=c\n");
	becomes("[federation]\nclient_id = same ; note\n", "client_id", "same", "[federation]\nclient_id = same ; note\n", "");
}

static void other_sections_and_keys_stay(void **state)
{
	(void)state;
	becomes("[host]\nclient_id = h\n[ federation ]\nclient_id_x = 1\nclient_id = f\n[organisation a]\nclient_id = o\n", "client_id", "n",
	        "[host]\nclient_id = h\n[ federation ]\nclient_id_x = 1\nclient_id = n\n[organisation a]\nclient_id = o\n", "-client_id = f\n+client_id = n\n");
}

static void new_key_comes_where_it_is_shown_else_at_the_end(void **state)
{
	(void)state;
	becomes("[federation]\n# Proxy.\n#proxy = http://p\n\n# CA.\nca_file = /c\n", "proxy", "http://q",
	        "[federation]\n# Proxy.\n#proxy = http://p\nproxy = http://q\n\n# CA.\nca_file = /c\n", "+proxy = http://q\n");
	becomes("[federation]\nissuer = i\n\n# of the host\n[host]\nqr = no\n", "proxy", "http://q", "[federation]\nissuer = i\nproxy = http://q\n\n# of the host\n[host]\nqr = no\n",
	        "+proxy = http://q\n");
	becomes("[federation]\n[host]\n", "proxy", "p", "[federation]\nproxy = p\n[host]\n", "+proxy = p\n");
	becomes("[federation]", "proxy", "p", "[federation]\nproxy = p\n", "+proxy = p\n");
}

static void new_section_comes_first(void **state)
{
	(void)state;
	becomes("", "issuer", "i", "[federation]\nissuer = i\n", "+[federation]\n+issuer = i\n");
	becomes("# mine\n[host]\n", "issuer", "i", "[federation]\nissuer = i\n# mine\n[host]\n", "+[federation]\n+issuer = i\n");
}

static void key_is_taken_out_as_a_comment(void **state)
{
	(void)state;
	becomes("[federation]\nclient_key = /k ; old\nissuer = i\n", "client_key", NULL, "[federation]\n#client_key = /k ; old\nissuer = i\n",
	        "-client_key = /k ; old\n+#client_key = /k ; old\n");
	becomes("[federation]\n#client_key = /k\n", "client_key", NULL, "[federation]\n#client_key = /k\n", "");
}

static void values_are_read_without_their_comment(void **state)
{
	char *value = b2b_conf_edit_get("[host]\nissuer = h\n[federation]\nissuer =  https://x;y \t; note\r\n", "federation", "issuer");

	(void)state;
	assert_string_equal(value, "https://x;y");
	free(value);
	assert_null(b2b_conf_edit_get("[host]\nissuer = h\n#[federation]\n", "federation", "issuer"));
}

/* Whoever says the value could otherwise end its line, and write sections of his own. */
static void value_that_is_no_plain_line_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "a\n[organisation evil]\nissuer = https://evil.example", "a\n", "a\r", "a\tb", " a", "a ", "a ; b", "a;b", "#a", "[a]", "caf\xc3\xa9", "\x7f",
	};
	static const char before[] = "[federation]\nclient_id = old\n";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *text = strdup(before), *diff = NULL;
		size_t size;
		FILE *out = open_memstream(&diff, &size);

		assert_int_equal(b2b_conf_edit_set(&text, "federation", "client_id", bad[i], out), -EINVAL);
		assert_int_equal(b2b_conf_edit_set(&text, "federation", "proxy", bad[i], out), -EINVAL);
		fclose(out);
		assert_string_equal(text, before);
		assert_string_equal(diff, "");
		free(text);
		free(diff);
	}
	becomes(before, "client_id", "a b#[c]=~", "[federation]\nclient_id = a b#[c]=~\n", "-client_id = old\n+client_id = a b#[c]=~\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(value_is_replaced_in_its_line),
		cmocka_unit_test(other_sections_and_keys_stay),
		cmocka_unit_test(new_key_comes_where_it_is_shown_else_at_the_end),
		cmocka_unit_test(new_section_comes_first),
		cmocka_unit_test(key_is_taken_out_as_a_comment),
		cmocka_unit_test(values_are_read_without_their_comment),
		cmocka_unit_test(value_that_is_no_plain_line_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
