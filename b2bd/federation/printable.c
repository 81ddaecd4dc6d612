#include "b2bd/federation/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The character at TEXT, and its length in bytes. TEXT is valid UTF-8, but never read past its NUL if it is not. */
static uint32_t decode(const char *text, size_t *ret_len)
{
	unsigned char first = (unsigned char)*text;
	size_t want = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4, i;
	uint32_t c = want == 1 ? first : first & (0x7fu >> want);

	for (i = 1; i < want && ((unsigned char)text[i] & 0xc0) == 0x80; i++)
		c = c << 6 | ((unsigned char)text[i] & 0x3f);
	*ret_len = i;
	return i == want ? c : 0;
}

static bool hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

char *b2b_printable(const char *text, size_t max)
{
	char *copy = malloc(strlen(text) + 1);
	size_t n = 0, len;

	if (!copy)
		return NULL;
	for (; *text; text += len) {
		uint32_t c = decode(text, &len);

		if (*text == '\t' || *text == '\n' || *text == '\r') {
			if (n < max)
				copy[n++] = ' ';
			continue;
		}
		if (hidden(c))
			continue;
		if (n + len > max)
			break;
		memcpy(copy + n, text, len);
		n += len;
	}
	copy[n] = '\0';
	return copy;
}
