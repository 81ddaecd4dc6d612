/* The man page and the sample say what the table says: every key, its default, its meaning. Run from the source's root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/conf.h"
#include "common/conf_table.h"

#define MAN_PAGE "common/b2b.conf.5"
#define SAMPLE "packaging/b2b.conf"

static char *read_whole(const char *path)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = fopen(path, "r"), *stream;
	int c;

	if (!file)
		fail_msg("%s cannot be read; run from the source's root", path);
	stream = open_memstream(&text, &len);
	assert_non_null(stream);
	while ((c = fgetc(file)) != EOF)
		fputc(c, stream);
	fclose(file);
	fclose(stream);
	return text;
}

/* Lines of TEXT from AT to END, without those that begin with SKIP, without PREFIX, joined by single blanks. Caller frees. */
static char *joined(const char *at, const char *end, char skip, const char *prefix)
{
	char *text = calloc(1, (size_t)(end - at) + 2);
	size_t n = 0;

	while (at < end) {
		size_t len = strcspn(at, "\n");

		if (*at != skip) {
			const char *from = strncmp(at, prefix, strlen(prefix)) == 0 ? at + strlen(prefix) : at;

			for (; from < at + len; from++)
				if (*from != ' ' || (n && text[n - 1] != ' '))
					text[n++] = *from;
			if (n && text[n - 1] != ' ')
				text[n++] = ' ';
		}
		at += len + 1;
	}
	return text;
}

static void wants(const char *where, const struct b2b_conf_key *key, const char *text, const char *needle)
{
	if (!strstr(text, needle))
		fail_msg("%s, [%s] %s: expected \"%s\" in \"%s\"", where, b2b_conf_section_name(key->section), key->name, needle, text);
}

/* "Default: X." or "Required…." as both write it. */
static void default_line(const struct b2b_conf_key *key, char buf[256])
{
	if (key->by_default)
		snprintf(buf, 256, "Default: %s.", key->by_default);
	else if (strncmp(key->absent, "required", 8) == 0)
		snprintf(buf, 256, "R%s.", key->absent + 1);
	else
		snprintf(buf, 256, "Default: %s.", key->absent);
}

/* The section's text: from its heading up to the next. */
static void find_section(const char *text, const char *heading, const char *next, const char **ret_at, const char **ret_end)
{
	const char *at = strstr(text, heading), *end;

	if (!at)
		fail_msg("there is no \"%s\"", heading + 1);
	end = strstr(at + strlen(heading), next);
	*ret_at = at;
	*ret_end = end ? end : at + strlen(at);
}

static void the_man_page_says_what_the_table_says(void **state)
{
	char *text = read_whole(MAN_PAGE), needle[512], *item;
	const char *at, *end, *begin, *stop;

	(void)state;
	for (size_t i = 0; i < b2b_conf_n_keys; i++) {
		const struct b2b_conf_key *key = &b2b_conf_keys[i];

		snprintf(needle, sizeof(needle), "\n.Ss [%s", b2b_conf_section_name(key->section));
		find_section(text, needle, "\n.Ss ", &at, &end);
		snprintf(needle, sizeof(needle), "\n.It Cm %s\n", key->name);
		begin = strstr(at, needle);
		if (!begin || begin > end)
			fail_msg(MAN_PAGE ": [%s] has no %s", b2b_conf_section_name(key->section), key->name);
		stop = strstr(begin + strlen(needle) - 1, "\n.It ");
		if (!stop || stop > end)
			stop = strstr(begin, "\n.El");
		item = joined(begin + 1, stop, '.', "");
		wants(MAN_PAGE, key, item, key->meaning);
		default_line(key, needle);
		wants(MAN_PAGE, key, item, needle);
		free(item);
	}
	free(text);
}

/* A draft notes the line of each key of a section in an array of that size. */
static void no_section_has_more_keys_than_a_draft_holds(void **state)
{
	size_t i, at, of[16] = { 0 };

	(void)state;
	for (i = 0; i < b2b_conf_n_keys; i++) {
		of[b2b_conf_keys[i].section]++;
		assert_non_null(b2b_conf_key_find(b2b_conf_keys[i].section, b2b_conf_keys[i].name, &at));
		assert_in_range(at, 0, B2B_CONF_KEYS_MAX - 1);
		assert_in_range(of[b2b_conf_keys[i].section], 1, B2B_CONF_KEYS_MAX);
	}
}

static void the_man_page_has_no_key_that_is_not_there(void **state)
{
	char *text = read_whole(MAN_PAGE);
	size_t n = 0;

	(void)state;
	for (const char *at = text; (at = strstr(at, "\n.It Cm ")); at++)
		n++;
	assert_int_equal(n, b2b_conf_n_keys);
	free(text);
}

/* What stands above the line of KEY, back to the blank line before it. */
static char *comment_above(const char *text, const char *line)
{
	const char *begin = line;

	while (begin > text && !(begin[-1] == '\n' && (begin[0] == '\n' || begin[0] == '[')))
		begin--;
	return joined(begin, line, '[', "# ");
}

static void the_sample_says_what_the_table_says(void **state)
{
	char *text = read_whole(SAMPLE), needle[512], *comment;
	const char *at, *end, *line;

	(void)state;
	for (size_t i = 0; i < b2b_conf_n_keys; i++) {
		const struct b2b_conf_key *key = &b2b_conf_keys[i];

		snprintf(needle, sizeof(needle), key->section <= B2B_CONF_ASSURANCE ? "\n[%s]" : "\n#[%s ", b2b_conf_section_name(key->section));
		find_section(text, needle, "\n[", &at, &end);
		snprintf(needle, sizeof(needle), key->by_default ? "\n#%s = %s\n" : "\n#%s = ", key->name, key->by_default);
		line = strstr(at, needle);
		if (!line && !key->by_default) { /* what must be given */
			snprintf(needle, sizeof(needle), "\n%s = ", key->name);
			line = strstr(at, needle);
		}
		if (!line || line > end)
			fail_msg(SAMPLE ": [%s] has no \"%s\"", b2b_conf_section_name(key->section), needle + 1);
		comment = comment_above(text, line + 1);
		wants(SAMPLE, key, comment, key->meaning);
		default_line(key, needle);
		if (!key->by_default)
			wants(SAMPLE, key, comment, needle);
		free(comment);
	}
	free(text);
}

static void parses(const char *text)
{
	char error[B2B_CONF_ERROR_SIZE];
	struct b2b_conf *conf = NULL;

	if (b2b_conf_parse(text, strlen(text), SAMPLE, false, &conf, error) < 0)
		fail_msg("%s", error);
	b2b_conf_free(conf);
}

/* A line that is commented out, not a sentence. */
static bool is_example(const char *line)
{
	size_t key = strspn(line + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return line[0] == '#' && (line[1] == '[' || (key && strncmp(line + 1 + key, " = ", 3) == 0));
}

static void the_sample_can_be_read_also_with_everything_said(void **state)
{
	char *text = read_whole(SAMPLE), *all = NULL;
	size_t len = 0;
	FILE *stream;

	(void)state;
	parses(text);
	for (char *line = text; *line; line += strcspn(line, "\n") + 1)
		if (is_example(line))
			line[0] = ' ';
	for (char *line = text; (line = strstr(line, "\n ")); line++)
		memmove(line + 1, line + 2, strlen(line + 2) + 1); /* a blank would make it go on with the line above */
	/* its organisation has two roles, and only one of them is an example */
	stream = open_memstream(&all, &len);
	fprintf(stream, "%s\n[role operator]\n", text);
	fclose(stream);
	parses(all);
	free(all);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_man_page_says_what_the_table_says),
		cmocka_unit_test(no_section_has_more_keys_than_a_draft_holds),
		cmocka_unit_test(the_man_page_has_no_key_that_is_not_there),
		cmocka_unit_test(the_sample_says_what_the_table_says),
		cmocka_unit_test(the_sample_can_be_read_also_with_everything_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
