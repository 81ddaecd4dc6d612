#include "b2bd/directory/scim_text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/snapshot_builder.h"

/* N decimal digits at *AT, which is moved behind them; -1: something else. */
static int digits(const char **at, int n)
{
	int value = 0;

	for (; n > 0; n--, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		value = value * 10 + (**at - '0');
	}
	return value;
}

static int field(const char **at, char before, int n, int min, int max, int *ret)
{
	int value;

	if (before && *(*at)++ != before)
		return -EBADMSG;
	value = digits(at, n);
	if (value < min || value > max)
		return -EBADMSG;
	*ret = value;
	return 0;
}

static int parse_date(const char **at, struct tm *tm)
{
	int year, month, day;

	if (field(at, 0, 4, 1900, 9999, &year) < 0 || field(at, '-', 2, 1, 12, &month) < 0 || field(at, '-', 2, 1, 31, &day) < 0)
		return -EBADMSG;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return 0;
}

static int parse_clock(const char **at, struct tm *tm)
{
	if (**at != 'T' && **at != 't' && **at != ' ')
		return -EBADMSG;
	(*at)++;
	if (field(at, 0, 2, 0, 23, &tm->tm_hour) < 0 || field(at, ':', 2, 0, 59, &tm->tm_min) < 0 || field(at, ':', 2, 0, 60, &tm->tm_sec) < 0)
		return -EBADMSG;
	return 0;
}

static int parse_fraction(const char **at)
{
	int ms = 0, scale = 100;

	if (**at != '.')
		return 0;
	(*at)++;
	if (**at < '0' || **at > '9')
		return -EBADMSG;
	for (; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
		ms += (**at - '0') * scale;
	return ms;
}

/* Minutes east of Greenwich. */
static int parse_zone(const char **at, int *ret_minutes)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes;

	if (**at == 'Z' || **at == 'z') {
		(*at)++;
		*ret_minutes = 0;
		return 0;
	}
	if (**at != '+' && **at != '-')
		return -EBADMSG;
	(*at)++;
	if (field(at, 0, 2, 0, 23, &hours) < 0 || field(at, ':', 2, 0, 59, &minutes) < 0)
		return -EBADMSG;
	*ret_minutes = sign * (hours * 60 + minutes);
	return 0;
}

int b2b_scim_time(const char *text, int64_t *ret_ms)
{
	struct tm tm = { 0 };
	int ms, zone, day, second;
	time_t minute;

	if (parse_date(&text, &tm) < 0 || parse_clock(&text, &tm) < 0)
		return -EBADMSG;
	ms = parse_fraction(&text);
	if (ms < 0 || parse_zone(&text, &zone) < 0 || *text)
		return -EBADMSG;
	day = tm.tm_mday;
	second = tm.tm_sec; /* apart: a leap second may run into the next day */
	tm.tm_sec = 0;
	minute = timegm(&tm);
	if (tm.tm_mday != day) /* the 30th of February */
		return -EBADMSG;
	*ret_ms = ((int64_t)minute + second - zone * 60) * 1000 + ms;
	return 0;
}

void b2b_scim_time_text(int64_t ms, char buf[B2B_SCIM_TIME_SIZE])
{
	time_t second = (time_t)(ms / 1000);
	struct tm tm = { 0 };

	gmtime_r(&second, &tm);
	strftime(buf, B2B_SCIM_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Length of the sequence that begins with LEAD. */
static size_t sequence_length(unsigned char lead)
{
	return lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
}

void b2b_scim_display(const char *text, char *buf, size_t size)
{
	size_t n = 0, length;

	while (*text && size > 0) {
		length = sequence_length((unsigned char)*text);
		if (length > strlen(text) || !b2b_gecos_valid(text, length)) {
			text++; /* what may not stand there is left out, a byte at a time */
			continue;
		}
		if (n + length >= size)
			break;
		memcpy(buf + n, text, length);
		n += length;
		text += length;
	}
	if (size > 0)
		buf[n] = '\0';
}

int b2b_scim_fold(const char *text, char *buf, size_t size)
{
	size_t i, length = strcspn(text, "@");

	if (length >= size)
		return -EINVAL;
	for (i = 0; i < length; i++)
		buf[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	buf[length] = '\0';
	return 0;
}

char *b2b_scim_compare(const char *attribute, const char *operator, const char *value)
{
	json_t *string = json_string(value);
	char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL, *filter = NULL;

	if (quoted && asprintf(&filter, "%s %s %s", attribute, operator, quoted) < 0)
		filter = NULL;
	free(quoted);
	json_decref(string);
	return filter;
}

char *b2b_scim_percent(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	char *buf = malloc(3 * strlen(text) + 1), *at = buf;

	if (!buf)
		return NULL;
	for (; *text; text++) {
		if (strchr(plain, *text))
			*at++ = *text;
		else
			at += snprintf(at, 4, "%%%02X", (unsigned char)*text);
	}
	*at = '\0';
	return buf;
}
