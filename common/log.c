#include "common/log.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *program;
	int max_priority;
	bool journal; /* systemd reads stderr and wants the priority in front */
} sink = { "b2b", LOG_INFO, false };

void b2b_log_open(const char *program, int max_priority)
{
	const char *stream = secure_getenv("JOURNAL_STREAM");

	sink.program = program;
	sink.max_priority = max_priority;
	sink.journal = stream && *stream;
}

/* One write a line, so that lines of two processes do not mix. */
void b2b_log(int priority, const char *format, ...)
{
	char line[2048], text[1900];
	va_list list;
	int n;

	if (priority > sink.max_priority)
		return;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (sink.journal)
		n = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	else
		n = snprintf(line, sizeof(line), "%s[%d]: %s\n", sink.program, (int)getpid(), text);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* there is nobody left to tell */
}

struct out {
	char *buf;
	size_t size, len;
};

static void put(struct out *out, char c)
{
	if (out->len + 1 < out->size)
		out->buf[out->len++] = c;
	if (out->size)
		out->buf[out->len] = '\0';
}

static void put_text(struct out *out, const char *text)
{
	for (; *text; text++)
		put(out, *text);
}

static bool needs_quotes(const char *value)
{
	for (; *value; value++) {
		if (*value == ' ' || *value == '"' || *value == '=')
			return true;
	}
	return false;
}

static void put_field(struct out *out, const char *key, const char *value)
{
	bool quotes;

	if (!value || !*value)
		return;
	quotes = needs_quotes(value);
	if (out->len)
		put(out, ' ');
	put_text(out, key);
	put(out, '=');
	if (quotes)
		put(out, '"');
	for (; *value; value++) {
		if (iscntrl((unsigned char)*value))
			continue;
		put(out, *value == '"' ? '\'' : *value);
	}
	if (quotes)
		put(out, '"');
}

void b2b_audit_format(char *buf, size_t size, const char *event, const char *org, const char *user, const char *reason, const char *id,
                      const char *extra)
{
	struct out out = { .buf = buf, .size = size };

	if (size)
		*buf = '\0';
	put_field(&out, "event", event);
	put_field(&out, "org", org);
	put_field(&out, "user", user);
	put_field(&out, "reason", reason);
	put_field(&out, "id", id);
	if (extra && *extra) {
		if (out.len)
			put(&out, ' ');
		put_text(&out, extra);
	}
}

void b2b_audit_field(char *buf, size_t size, const char *key, const char *value)
{
	struct out out = { .buf = buf, .size = size, .len = size ? strnlen(buf, size - 1) : 0 };

	put_field(&out, key, value);
}
