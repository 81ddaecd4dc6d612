/* The lines between b2bctl and the child that talks to the network for it: the child may be anybody's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/lines.h"

static void what_is_written_is_read(void **state)
{
	struct b2b_lines lines;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	b2b_line_put(out, "key", "one\ntwo\\n three");
	b2b_line_put(out, "absent", NULL);
	b2b_line_put(out, "empty", "");
	b2b_line_put(out, "foreign", "a\tb\xc3\xa9");
	b2b_line_put(out, "key", "again");
	fclose(out);
	assert_int_equal(b2b_lines_parse(text, size, &lines), 0);
	assert_int_equal(lines.n, 4);
	assert_string_equal(b2b_lines_get(&lines, "key"), "one\ntwo\\n three");
	assert_string_equal(b2b_lines_get(&lines, "empty"), "");
	assert_string_equal(b2b_lines_get(&lines, "foreign"), "a?b??");
	assert_null(b2b_lines_get(&lines, "absent"));
	b2b_lines_clear(&lines);
	free(text);
}

static void anything_else_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
		{ "key value", 9 }, { "key\n", 4 }, { " value\n", 7 }, { "Key value\n", 10 }, { "key a\\\n", 8 }, { "key a\\x\n", 8 }, { "key a\tb\n", 8 },
		{ "key a\x1b[2J\n", 10 }, { "key \xff\n", 6 }, { "key a\0b\n", 8 }, { "\n", 1 }, { "key\tvalue\n", 10 },
	};
	struct b2b_lines lines;
	char *many = calloc(1, B2B_LINES_TEXT_MAX + 2);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (b2b_lines_parse(rows[i].text, rows[i].len, &lines) != -EBADMSG)
			fail_msg("row %zu", i);
	for (i = 0; i <= B2B_LINES_MAX; i++)
		memcpy(many + 4 * i, "a b\n", 4);
	assert_int_equal(b2b_lines_parse(many, 4 * B2B_LINES_MAX, &lines), 0);
	b2b_lines_clear(&lines);
	assert_int_equal(b2b_lines_parse(many, 4 * (B2B_LINES_MAX + 1), &lines), -EBADMSG);
	assert_int_equal(b2b_lines_parse(many, B2B_LINES_TEXT_MAX + 1, &lines), -EFBIG);
	free(many);
}

static void reading_ends_at_the_end_and_at_the_deadline(void **state)
{
	struct b2b_lines lines;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "a b\n", 4), 4);
	assert_int_equal(b2b_lines_read(ends[0], b2b_now_ns() + B2B_NS_PER_S / 20, &lines), -ETIMEDOUT);
	assert_int_equal(write(ends[1], "c d\n", 4), 4);
	close(ends[1]);
	assert_int_equal(b2b_lines_read(ends[0], b2b_now_ns() + 10 * B2B_NS_PER_S, &lines), 0);
	assert_string_equal(b2b_lines_get(&lines, "c"), "d");
	b2b_lines_clear(&lines);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(reading_ends_at_the_end_and_at_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
