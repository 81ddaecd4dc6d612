#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"

const char *b2b_ctl_span(int64_t seconds, char buf[B2B_AGE_SIZE])
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (i < 3 && seconds < units[i].seconds)
		i++;
	seconds /= units[i].seconds;
	snprintf(buf, B2B_AGE_SIZE, "%lld %s%s", (long long)seconds, units[i].name, seconds == 1 ? "" : "s");
	return buf;
}

const char *b2b_ctl_ago(int64_t then_s, int64_t now_s, char buf[B2B_AGE_SIZE])
{
	char span[B2B_AGE_SIZE];

	if (then_s == 0)
		snprintf(buf, B2B_AGE_SIZE, "never");
	else if (now_s <= then_s)
		snprintf(buf, B2B_AGE_SIZE, "just now");
	else
		snprintf(buf, B2B_AGE_SIZE, "%.26s ago", b2b_ctl_span(now_s - then_s, span));
	return buf;
}

const char *b2b_ctl_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

long long b2b_ctl_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

bool b2b_ctl_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

char *b2b_ctl_joined(const json_t *list)
{
	char *text = NULL;
	size_t len = 0, i;
	FILE *stream = open_memstream(&text, &len);
	json_t *item;

	if (!stream)
		return NULL;
	json_array_foreach(list, i, item)
		fprintf(stream, "%s%s", i ? " " : "", json_is_string(item) ? json_string_value(item) : "?");
	if (json_array_size(list) == 0)
		fputc('-', stream);
	if (fclose(stream) == 0)
		return text;
	free(text);
	return NULL;
}

void b2b_ctl_joined_cell(struct b2b_table *table, const json_t *list)
{
	char *text = b2b_ctl_joined(list);

	b2b_table_cell(table, "%s", text ? text : "?");
	free(text);
}

/* Columns that LEN bytes of UTF-8 take, near enough: one a character. */
static size_t columns_of(const char *text, size_t len)
{
	size_t columns = 0;

	for (size_t i = 0; i < len; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

static void put_clean(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i], out);
}

void b2b_ctl_paragraph(FILE *out, const char *label, const char *format, ...)
{
	const size_t indent = 14;
	size_t at = indent, columns;
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	fprintf(out, "%-*s", (int)indent, label);
	for (const char *word = text ? text : ""; *word; word += strspn(word, " ")) {
		size_t len = strcspn(word, " ");

		columns = columns_of(word, len);
		if (at > indent && at + 1 + columns > B2B_CTL_WIDTH) {
			fprintf(out, "\n%-*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', out);
			at++;
		}
		put_clean(out, word, len);
		at += columns;
		word += len;
	}
	fputc('\n', out);
	free(text);
}
