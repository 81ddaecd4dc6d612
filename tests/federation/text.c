#include "tests/federation/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *fed_base64url(const void *data, size_t len)
{
	const unsigned char *in = data;
	if (len > INT_MAX)
		return NULL;
	char *out = malloc(len / 3 * 4 + 5);
	if (!out)
		return NULL;
	size_t n = 0;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t word = (uint32_t)in[i] << 16;
		if (left > 1)
			word |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			word |= in[i + 2];
		out[n++] = alphabet[word >> 18];
		out[n++] = alphabet[word >> 12 & 63];
		if (left > 1)
			out[n++] = alphabet[word >> 6 & 63];
		if (left > 2)
			out[n++] = alphabet[word & 63];
	}
	out[n] = '\0';
	return out;
}

static int digit(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

int fed_base64url_decode(const char *text, size_t len, unsigned char **ret_data, size_t *ret_len)
{
	if (len % 4 == 1)
		return -EBADMSG;
	unsigned char *out = malloc(len / 4 * 3 + 4);
	if (!out)
		return -ENOMEM;
	size_t n = 0;
	uint32_t word = 0;
	unsigned bits = 0;
	for (size_t i = 0; i < len; i++) {
		int value = digit(text[i]);
		if (value < 0) {
			free(out);
			return -EBADMSG;
		}
		word = word << 6 | (uint32_t)value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (unsigned char)(word >> bits);
		}
	}
	out[n] = '\0'; /* so that callers may read text in place */
	*ret_data = out;
	*ret_len = n;
	return 0;
}

int fed_base64_decode(const char *text, char **ret_text)
{
	size_t len = strlen(text);
	while (len > 0 && text[len - 1] == '=')
		len--;
	char *copy = strndup(text, len);
	if (!copy)
		return -ENOMEM;
	for (char *c = copy; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	unsigned char *data = NULL;
	size_t n = 0;
	int error = fed_base64url_decode(copy, len, &data, &n);
	OPENSSL_cleanse(copy, len);
	free(copy);
	if (error)
		return error;
	if (memchr(data, '\0', n)) {
		free(data);
		return -EBADMSG;
	}
	*ret_text = (char *)data;
	return 0;
}

char *fed_random_text(size_t bytes)
{
	unsigned char data[64];
	if (bytes > sizeof(data) || RAND_bytes(data, (int)bytes) != 1)
		return NULL;
	char *text = fed_base64url(data, bytes);
	OPENSSL_cleanse(data, sizeof(data));
	return text;
}

char *fed_random_uuid(void)
{
	unsigned char b[16];
	char *text = NULL;
	if (RAND_bytes(b, sizeof(b)) != 1)
		return NULL;
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	if (asprintf(&text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6],
		     b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]) < 0)
		return NULL;
	return text;
}

int fed_sha256_hex(const char *text, char *buf)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL) != 1 || len != 32)
		return -EIO;
	for (unsigned i = 0; i < len; i++)
		snprintf(buf + (size_t)2 * i, 3, "%02x", digest[i]);
	return 0;
}

bool fed_same_secret(const char *a, const char *b)
{
	size_t len = strlen(a);
	return len == strlen(b) && CRYPTO_memcmp(a, b, len) == 0;
}

const char *fed_iso_from_ms(int64_t ms, char *buf)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	buf[0] = '\0';
	if (gmtime_r(&seconds, &tm)) {
		size_t n = strftime(buf, FED_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
		if (n > 0 && n + 6 <= FED_ISO_SIZE)
			snprintf(buf + n, FED_ISO_SIZE - n, ".%03dZ", (int)(ms % 1000));
	}
	return buf;
}

/* Two digits at TEXT; -1 when they are none. */
static int two_digits(const char *text)
{
	if (!isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]))
		return -1;
	return (text[0] - '0') * 10 + text[1] - '0';
}

/* The part after the seconds: an optional fraction, then Z or an offset. */
static int read_zone(const char *text, int64_t *ret_ms)
{
	int64_t ms = 0;
	if (*text == '.') {
		if (!isdigit((unsigned char)*++text))
			return -EINVAL;
		for (int64_t unit = 100; isdigit((unsigned char)*text); text++, unit /= 10)
			ms += (*text - '0') * unit;
	}
	if (strcmp(text, "Z") != 0 && strcmp(text, "z") != 0) {
		if ((*text != '+' && *text != '-') || strlen(text) != 6 || text[3] != ':')
			return -EINVAL;
		int hours = two_digits(text + 1), minutes = two_digits(text + 4);
		if (hours < 0 || minutes < 0)
			return -EINVAL;
		ms += (*text == '+' ? -1 : 1) * ((int64_t)hours * 60 + minutes) * 60000;
	}
	*ret_ms = ms;
	return 0;
}

int fed_iso_to_ms(const char *text, int64_t *ret_ms)
{
	struct tm tm = { 0 };
	int64_t rest;
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!end || read_zone(end, &rest) != 0)
		return -EINVAL;
	*ret_ms = (int64_t)timegm(&tm) * 1000 + rest;
	return 0;
}

int fed_number(const char *text, int64_t low, int64_t high, int64_t *ret_number)
{
	char *end = NULL;
	if (!isdigit((unsigned char)text[0]) && text[0] != '-')
		return -EINVAL;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno || *end || end == text || number < low || number > high)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

bool fed_scope_has(const char *scope, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = scope; at && *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		if (n == len && strncmp(at, word, n) == 0)
			return true;
		at += n;
	}
	return false;
}

bool fed_scope_within(const char *scope, const char *allowed)
{
	char word[64];
	for (const char *at = scope + strspn(scope, " "); *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		if (n >= sizeof(word))
			return false;
		memcpy(word, at, n);
		word[n] = '\0';
		if (!fed_scope_has(allowed, word))
			return false;
		at += n;
	}
	return true;
}
