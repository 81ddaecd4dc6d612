#include "b2bd/alias.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#define TEXT_SIZE 320 /* RFC 5321 4.5.3.1: 64 and 255, and an '@' */
#define DIGITS_MAX 15 /* E.164 */
#define DIGITS_MIN 4

static const char *without(const char *text, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncasecmp(text, scheme, len) == 0 ? text + len : text;
}

/* "PREFIX" and "NAME@HOST" in lower case. */
static int address_form(const char *prefix, const char *text, char form[TEXT_SIZE])
{
	size_t n = (size_t)snprintf(form, TEXT_SIZE, "%s", prefix), len = strlen(text), i;
	const char *at = strrchr(text, '@');

	if (!at || at == text || !at[1] || n + len >= TEXT_SIZE)
		return -1;
	for (i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte <= ' ' || byte == 0x7f)
			return -1;
		form[n + i] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : (char)byte;
	}
	form[n + len] = '\0';
	return 0;
}

/* Of RFC 3966: parameters are no part of the number. */
static int number_form(const char *text, char form[TEXT_SIZE])
{
	size_t n = (size_t)snprintf(form, TEXT_SIZE, "tel:+"), digits = 0;

	if (*text++ != '+')
		return -1;
	for (; *text && *text != ';'; text++) {
		if (strchr("-. ()", *text))
			continue;
		if (*text < '0' || *text > '9' || digits == DIGITS_MAX)
			return -1;
		form[n + digits++] = *text;
	}
	form[n + digits] = '\0';
	return digits < DIGITS_MIN ? -1 : 0;
}

static int form_of(enum b2b_alias_kind kind, const char *text, char form[TEXT_SIZE])
{
	switch (kind) {
	case B2B_ALIAS_MAIL:
		return address_form("mailto:", without(text, "mailto:"), form);
	case B2B_ALIAS_ACCOUNT:
		/* RFC 7565 lets it be written in escapes: nobody does, and two ways to write one name are one too many */
		return strchr(text, '%') ? -1 : address_form("acct:", without(text, "acct:"), form);
	case B2B_ALIAS_PHONE:
		return number_form(without(text, "tel:"), form);
	}
	return -1;
}

static void insert(struct b2b_aliases *aliases, const unsigned char digest[B2B_ALIAS_BYTES])
{
	size_t i = 0;
	int order = 1;

	while (i < aliases->n && (order = memcmp(aliases->list[i].digest, digest, B2B_ALIAS_BYTES)) < 0)
		i++;
	if (order == 0 || aliases->n == B2B_ALIASES_MAX)
		return;
	memmove(&aliases->list[i + 1], &aliases->list[i], (aliases->n - i) * sizeof(*aliases->list));
	memcpy(aliases->list[i].digest, digest, B2B_ALIAS_BYTES);
	aliases->n++;
}

void b2b_alias_add(struct b2b_aliases *aliases, enum b2b_alias_kind kind, const char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char form[TEXT_SIZE];

	if (form_of(kind, text, form) == 0 && EVP_Digest(form, strlen(form), digest, NULL, EVP_sha256(), NULL) == 1)
		insert(aliases, digest);
}
