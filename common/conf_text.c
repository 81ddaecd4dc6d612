/*
 * inih reads the lines; what it would pass over in silence is looked at here as the lines go by: what is longer than
 * its buffer (it would go on in the middle), what stands behind a section's bracket, sections without keys, NUL bytes.
 */
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_draft.h"

struct reader {
	struct b2b_draft *draft;
	struct b2b_draft_section *section; /* we are in; NULL before the first */
	const char *at, *end;
	int line;
	bool indented; /* the line at hand */
	bool in_key;   /* an indented line goes on with the key above */
	int error;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r' && c != '\n'); /* as inih's isspace(3) */
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

/* LINE without its newline, beginning with '['. */
static int read_header(struct reader *reader, const char *line, const char *end)
{
	const char *close = memchr(line, ']', (size_t)(end - line)), *begin, *rest;
	char quoted[B2B_QUOTE_SIZE], title[B2B_QUOTE_SIZE];

	b2b_draft_quote(line, (size_t)(end - line), quoted);
	rest = close ? skip_blanks(close + 1, end) : end;
	if (!close || (rest < end && *rest != ';' && *rest != '#'))
		return b2b_draft_fail(reader->draft, reader->line, "found %s; expected a section in brackets, with nothing behind it", quoted);
	begin = skip_blanks(line + 1, close);
	while (close > begin && is_blank(close[-1]))
		close--;
	if ((size_t)(close - begin) >= sizeof(title))
		return b2b_draft_fail(reader->draft, reader->line, "found section %s; expected a shorter name", quoted);
	memcpy(title, begin, (size_t)(close - begin));
	title[close - begin] = '\0';
	reader->in_key = false;
	return b2b_draft_begin(reader->draft, title, reader->line, &reader->section);
}

/* Judges what inih does not. */
static int look_at(struct reader *reader, const char *line, const char *end, int room)
{
	const char *first = skip_blanks(line, end);

	reader->line++;
	reader->indented = first > line;
	if (end - line > room)
		return b2b_draft_fail(reader->draft, reader->line, "found a line of %zu bytes; expected at most %d (a list goes on in indented lines)",
		                      (size_t)(end - line), room);
	if (memchr(line, '\0', (size_t)(end - line)))
		return b2b_draft_fail(reader->draft, reader->line, "found a NUL byte; expected text");
	if (first == end || *first != '[')
		return 0;
	if (reader->indented && reader->in_key)
		return b2b_draft_fail(reader->draft, reader->line, "found an indented section; expected it at the line's beginning");
	return read_header(reader, first, end);
}

/* Like fgets(3), as inih wants it. SIZE holds the line, its line end of two bytes, and NUL. */
static char *next_line(char *buf, int size, void *arg)
{
	struct reader *reader = arg;
	const char *newline;

	if (reader->error < 0 || reader->at == reader->end)
		return NULL;
	newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	if (!newline)
		newline = reader->end;
	reader->error = look_at(reader, reader->at, newline, size - 3);
	if (reader->error < 0)
		return NULL;
	memcpy(buf, reader->at, (size_t)(newline - reader->at));
	buf[newline - reader->at] = '\0';
	reader->at = newline < reader->end ? newline + 1 : newline;
	return buf;
}

/* Inline comments; older inih leaves them in lines that go on. */
static size_t without_comment(const char *value)
{
	for (size_t i = 1; value[i]; i++)
		if (value[i] == ';' && is_blank(value[i - 1])) {
			while (i > 0 && is_blank(value[i - 1]))
				i--;
			return i;
		}
	return strlen(value);
}

static int go_on(struct reader *reader, const char *name, const char *value)
{
	char *rest = strndup(value, without_comment(value));
	int r;

	if (!rest)
		return -ENOMEM;
	r = b2b_draft_set(reader->draft, reader->section, name, rest, reader->line, true);
	free(rest);
	return r;
}

static int take_key(void *arg, const char *section, const char *name, const char *value)
{
	struct reader *reader = arg;
	bool more = reader->indented && reader->in_key;
	char quoted[B2B_QUOTE_SIZE];

	(void)section; /* inih cuts it; ours is whole */
	reader->in_key = true;
	if (!reader->section)
		reader->error = b2b_draft_fail(reader->draft, reader->line, "found key %s before any section; expected a section such as [federation]",
		                               b2b_draft_quote(name, strlen(name), quoted));
	else if (more)
		reader->error = go_on(reader, name, value);
	else
		reader->error = b2b_draft_set(reader->draft, reader->section, name, value, reader->line, false);
	return reader->error == 0;
}

/* inih could make nothing of LINE. */
static int fail_line(struct b2b_draft *draft, const char *text, size_t len, int line)
{
	const char *end = text + len, *newline;
	char quoted[B2B_QUOTE_SIZE];

	for (int i = 1; i < line && text < end; i++) {
		newline = memchr(text, '\n', (size_t)(end - text));
		text = newline ? newline + 1 : end;
	}
	newline = memchr(text, '\n', (size_t)(end - text));
	b2b_draft_quote(text, (size_t)((newline ? newline : end) - text), quoted);
	return b2b_draft_fail(draft, line, "found %s; expected key = value", quoted);
}

int b2b_draft_read(struct b2b_draft *draft, const char *text, size_t len)
{
	struct reader reader = { .draft = draft, .at = text, .end = text + len };
	int line;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		reader.at += 3; /* byte order mark */
	line = ini_parse_stream(next_line, &reader, take_key, &reader);
	if (line == 0 && reader.error == 0)
		return 0;
	if (line < 0 || reader.error == -ENOMEM)
		return -ENOMEM;
	/* inih reads on behind a line without '=': when that came first, it is the error to tell. */
	if (line > 0 && (reader.error == 0 || line < reader.line)) {
		draft->error[0] = '\0';
		return fail_line(draft, text, len, line);
	}
	return reader.error;
}
