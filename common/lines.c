#include "common/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

void b2b_line_put(FILE *out, const char *name, const char *value)
{
	if (!value)
		return;
	fprintf(out, "%s ", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '\\')
			fputs("\\\\", out);
		else
			fputc(*value >= ' ' && *value <= '~' ? *value : '?', out);
	}
	fputc('\n', out);
}

/* In place; what is left is no longer than what was there. */
static int unescape(char *value)
{
	char *to = value;

	for (; *value; value++) {
		if (*value < ' ' || *value > '~')
			return -EBADMSG;
		if (*value != '\\') {
			*to++ = *value;
			continue;
		}
		value++;
		if (*value != 'n' && *value != '\\')
			return -EBADMSG;
		*to++ = *value == 'n' ? '\n' : '\\';
	}
	*to = '\0';
	return 0;
}

static int take_line(struct b2b_lines *lines, char *line)
{
	char *blank = line + strspn(line, "abcdefghijklmnopqrstuvwxyz_");

	if (blank == line || *blank != ' ' || lines->n == B2B_LINES_MAX)
		return -EBADMSG;
	*blank = '\0';
	lines->line[lines->n].name = line;
	lines->line[lines->n].value = blank + 1;
	lines->n++;
	return unescape(blank + 1);
}

/* Of what is in TEXT, SIZE bytes of which LEN count. */
static int split(struct b2b_lines *lines, size_t len)
{
	char *at = lines->text, *end = lines->text + len, *newline;
	int r = 0;

	if (memchr(at, '\0', len))
		return -EBADMSG;
	for (; r == 0 && at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			return -EBADMSG;
		*newline = '\0';
		r = take_line(lines, at);
	}
	return r;
}

int b2b_lines_parse(const char *text, size_t len, struct b2b_lines *ret_lines)
{
	struct b2b_lines lines = { .size = len + 1 };
	int r;

	if (len > B2B_LINES_TEXT_MAX)
		return -EFBIG;
	lines.text = malloc(lines.size);
	if (!lines.text)
		return -ENOMEM;
	memcpy(lines.text, text, len);
	lines.text[len] = '\0';
	r = split(&lines, len);
	if (r < 0)
		b2b_lines_clear(&lines);
	else
		*ret_lines = lines;
	return r;
}

static int read_all(int fd, uint64_t deadline_ns, char *text, size_t *ret_len)
{
	size_t len = 0;
	ssize_t got = 1;

	while (got > 0) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int n = poll(&ready, 1, b2b_ms_left(deadline_ns));

		if (n == 0)
			return -ETIMEDOUT;
		got = n < 0 ? -1 : read(fd, text + len, B2B_LINES_TEXT_MAX + 1 - len);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got < 0)
			got = 1;
		else
			len += (size_t)got;
		if (len > B2B_LINES_TEXT_MAX)
			return -EFBIG;
	}
	*ret_len = len;
	return 0;
}

int b2b_lines_read(int fd, uint64_t deadline_ns, struct b2b_lines *ret_lines)
{
	char *text = calloc(1, B2B_LINES_TEXT_MAX + 1);
	size_t len = 0;
	int r = text ? read_all(fd, deadline_ns, text, &len) : -ENOMEM;

	if (r == 0)
		r = b2b_lines_parse(text, len, ret_lines);
	if (text)
		explicit_bzero(text, B2B_LINES_TEXT_MAX + 1);
	free(text);
	return r;
}

void b2b_lines_clear(struct b2b_lines *lines)
{
	if (lines->text)
		explicit_bzero(lines->text, lines->size);
	free(lines->text);
	*lines = (struct b2b_lines){ 0 };
}

const char *b2b_lines_get(const struct b2b_lines *lines, const char *name)
{
	for (size_t i = 0; i < lines->n; i++)
		if (strcmp(lines->line[i].name, name) == 0)
			return lines->line[i].value;
	return NULL;
}
