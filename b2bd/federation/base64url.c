#include "b2bd/federation/base64url.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

int b2b_base64url_decode(const char *text, size_t len, unsigned char **ret_bytes, size_t *ret_len)
{
	unsigned char *bytes;
	size_t i, n = 0;
	uint32_t bits = 0;
	unsigned held = 0; /* bits of BITS not yet written */

	if (len % 4 == 1)
		return -EBADMSG;
	bytes = malloc(len / 4 * 3 + 3);
	if (!bytes)
		return -ENOMEM;
	for (i = 0; i < len; i++) {
		int value = value_of(text[i]);

		if (value < 0)
			goto bad;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			bytes[n++] = (unsigned char)(bits >> held);
			bits &= (1u << held) - 1;
		}
	}
	if (bits)
		goto bad;
	bytes[n] = '\0';
	*ret_bytes = bytes;
	*ret_len = n;
	return 0;
bad:
	free(bytes);
	return -EBADMSG;
}

char *b2b_base64url_encode(const void *bytes, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *from = bytes;
	char *text = malloc(len / 3 * 4 + 5), *to = text;
	uint32_t bits = 0;
	unsigned held = 0;
	size_t i;

	if (!text)
		return NULL;
	for (i = 0; i < len; i++) {
		bits = bits << 8 | from[i];
		for (held += 8; held >= 6; held -= 6)
			*to++ = alphabet[bits >> (held - 6) & 63];
		bits &= (1u << held) - 1;
	}
	if (held)
		*to++ = alphabet[bits << (6 - held) & 63];
	*to = '\0';
	return text;
}
