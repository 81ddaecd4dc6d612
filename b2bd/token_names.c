#include "b2bd/token_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/jws.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"; /* RFC 4648 5 */

static int add(struct b2b_token_names *names, const char *text, size_t len)
{
	int r = b2b_presented_digest(text, len, names->digests[names->n]);

	if (r == 0)
		names->n++;
	return r;
}

static int add_signed(struct b2b_token_names *names, const char *text, const char *jti)
{
	const char *dot = strrchr(text, '.');

	return jti ? add(names, jti, strlen(jti)) : add(names, text, dot ? (size_t)(dot - text) : strlen(text));
}

/* Of one alphabet, without padding. Returns its length. */
static size_t fold_alphabet(char *text)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
	return len;
}

static void fold_case(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] - 'A' + 'a');
	}
}

/* Of a last quantum of one byte four bits of the last character say nothing, of one of two bytes two (RFC 4648 3.5). */
static void fold_spare_bits(char *text, size_t len)
{
	const char *at = len ? strchr(alphabet, text[len - 1]) : NULL;
	size_t value = at ? (size_t)(at - alphabet) : 0;

	if (at && len % 4 == 2)
		text[len - 1] = alphabet[value & 0x30];
	if (at && len % 4 == 3)
		text[len - 1] = alphabet[value & 0x3c];
}

static int add_reference(struct b2b_token_names *names, const char *text, const char *jti)
{
	char *copy = strdup(text);
	size_t len;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	if (jti)
		r = add(names, jti, strlen(jti));
	len = fold_alphabet(copy);
	fold_spare_bits(copy, len);
	if (r == 0)
		r = add(names, copy, len);
	memcpy(copy, text, strlen(text));
	fold_alphabet(copy);
	fold_case(copy, len);
	if (r == 0)
		r = add(names, copy, len);
	explicit_bzero(copy, strlen(text));
	free(copy);
	return r;
}

int b2b_token_names_of(const char *text, const char *jti, struct b2b_token_names *ret_names)
{
	struct b2b_token_names names = { .n = 0 };
	int r = b2b_jws_looks_like(text, strlen(text)) ? add_signed(&names, text, jti) : add_reference(&names, text, jti);

	if (r == 0)
		*ret_names = names;
	return r;
}
