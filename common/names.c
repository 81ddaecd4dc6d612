#include "common/names.h"

#include <errno.h>
#include <string.h>

/* Names are ASCII whatever the process's locale says, so no ctype(3). */
enum {
	FIRST = 1,     /* may begin a local part */
	LOCAL = 2,     /* may stand in one */
	ALNUM = 4,     /* of an alias's labels */
	SEPARATOR = 8, /* one of B2B_SEPARATORS */
	UPPER = 0x20,  /* folds: the bit that upper-case letters lack */
};

static const unsigned char classes[256] = {
	['a' ... 'z'] = FIRST | LOCAL | ALNUM,
	['A' ... 'Z'] = FIRST | LOCAL | ALNUM | UPPER,
	['0' ... '9'] = LOCAL | ALNUM,
	['_'] = FIRST | LOCAL,
	['.'] = LOCAL,
	['-'] = LOCAL,
	['@'] = SEPARATOR,
	['+'] = SEPARATOR,
};

static unsigned char class_of(char c)
{
	return classes[(unsigned char)c];
}

static char fold(char c)
{
	return (char)(c | (class_of(c) & UPPER));
}

/* Folds the local part at the beginning of TEXT into TO (B2B_NAME_SIZE, zeroed). Returns its length, or 0 where there is none. */
static size_t take_local(const char *text, char *to)
{
	size_t len = 0;

	if (!(class_of(text[0]) & FIRST))
		return 0;
	while (class_of(text[len]) & LOCAL) {
		if (len == B2B_NAME_SIZE - 1)
			return 0;
		to[len] = fold(text[len]);
		len++;
	}
	return len;
}

/* Folds the alias that TEXT is into TO (zeroed), at most ROOM bytes. Returns its length, or 0 where it is not one. */
static size_t take_alias(const char *text, char *to, size_t room)
{
	char before = '.';
	size_t len = 0;

	while (text[len]) {
		char c = fold(text[len]);

		/* A label neither begins nor ends with '-', and none is empty. */
		if (len == room || (c == '.' ? before == '.' || before == '-' : c == '-' ? before == '.' : !(class_of(c) & ALNUM)))
			return 0;
		to[len++] = before = c;
	}
	return before == '.' || before == '-' ? 0 : len;
}

/* SEPARATOR NUL: any of them. At most 32 bytes of NAME are read. */
static bool dissect(const char *name, char separator, struct b2b_name *ret_name)
{
	size_t len = take_local(name, ret_name->local);

	/* the separator and one byte of alias must still fit, or the room left for it would be counted below zero */
	if (len == 0 || len > B2B_NAME_SIZE - 3 || !(separator ? name[len] == separator : class_of(name[len]) & SEPARATOR))
		return false;
	return take_alias(name + len + 1, ret_name->alias, B2B_NAME_SIZE - 1 - len - 1) > 0;
}

bool b2b_local_valid(const char *local)
{
	size_t len = 0;

	if (!(class_of(local[0]) & FIRST))
		return false;
	while (len < B2B_NAME_SIZE && (class_of(local[len]) & (LOCAL | UPPER)) == LOCAL)
		len++;
	return len < B2B_NAME_SIZE && local[len] == '\0';
}

bool b2b_alias_valid(const char *alias)
{
	char folded[B2B_NAME_SIZE] = "";

	return take_alias(alias, folded, B2B_NAME_SIZE - 1) > 0 && strcmp(folded, alias) == 0;
}

int b2b_name_split(const char *name, char separator, struct b2b_name *ret_name)
{
	struct b2b_name split = { "", "" };

	if (!(class_of(separator) & SEPARATOR) || !dissect(name, separator, &split))
		return -EINVAL;
	*ret_name = split;
	return 0;
}

bool b2b_name_candidate(const char *name)
{
	struct b2b_name split = { "", "" };

	return dissect(name, '\0', &split);
}

int b2b_name_join(const char *local, char separator, const char *alias, char *buf, size_t size)
{
	size_t n_local = strnlen(local, B2B_NAME_SIZE), n_alias = strnlen(alias, B2B_NAME_SIZE);
	size_t len = n_local + 1 + n_alias;

	if (len >= B2B_NAME_SIZE || len >= size)
		return -ERANGE;
	memcpy(buf, local, n_local);
	buf[n_local] = separator;
	memcpy(buf + n_local + 1, alias, n_alias);
	buf[len] = '\0';
	return 0;
}
