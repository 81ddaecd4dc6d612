#include "common/names.h"

#include <errno.h>
#include <string.h>

/* Names are ASCII whatever the process's locale says, so no ctype(3). */
static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_separator(char c)
{
	return c != '\0' && strchr(B2B_SEPARATORS, c) != NULL;
}

static bool local_valid(const char *local, size_t len)
{
	if (len == 0 || len >= B2B_NAME_SIZE || !(is_letter(local[0]) || local[0] == '_'))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_letter(local[i]) && !is_digit(local[i]) && local[i] != '_' && local[i] != '.' && local[i] != '-')
			return false;
	return true;
}

static bool alias_valid(const char *alias, size_t len)
{
	char before = '.';

	if (len == 0 || len >= B2B_NAME_SIZE)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = alias[i];

		/* A label neither begins nor ends with '-', and none is empty. */
		if (c == '.' ? before == '.' || before == '-' : c == '-' ? before == '.' : !is_letter(c) && !is_digit(c))
			return false;
		before = c;
	}
	return before != '.' && before != '-';
}

bool b2b_local_valid(const char *local)
{
	return local_valid(local, strnlen(local, B2B_NAME_SIZE));
}

bool b2b_alias_valid(const char *alias)
{
	return alias_valid(alias, strnlen(alias, B2B_NAME_SIZE));
}

/* Folds NAME into RET_FOLDED and finds its first separator (any of them where WANTED is NUL). False when it is not a partner's. */
static bool dissect(const char *name, char wanted, char ret_folded[B2B_NAME_SIZE], size_t *ret_at, size_t *ret_len)
{
	size_t len = strnlen(name, B2B_NAME_SIZE), at = 0;

	if (len >= B2B_NAME_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		ret_folded[i] = fold(name[i]);
	ret_folded[len] = '\0';
	while (at < len && !(wanted ? ret_folded[at] == wanted : is_separator(ret_folded[at])))
		at++;
	if (at == len || !local_valid(ret_folded, at) || !alias_valid(ret_folded + at + 1, len - at - 1))
		return false;
	*ret_at = at;
	*ret_len = len;
	return true;
}

int b2b_name_split(const char *name, char separator, struct b2b_name *ret_name)
{
	char folded[B2B_NAME_SIZE];
	size_t at, len;

	if (!is_separator(separator) || !dissect(name, separator, folded, &at, &len))
		return -EINVAL;
	memset(ret_name, 0, sizeof(*ret_name));
	memcpy(ret_name->local, folded, at);
	memcpy(ret_name->alias, folded + at + 1, len - at - 1);
	return 0;
}

bool b2b_name_candidate(const char *name)
{
	char folded[B2B_NAME_SIZE];
	size_t at, len;

	return dissect(name, '\0', folded, &at, &len);
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
