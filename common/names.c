#include "common/names.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/one_piece.h"

/*
 * Names are ASCII whatever the process's locale says, so no ctype(3). They are read eight characters at a time, the first in
 * the lowest byte: every look-up reads one, and character by character that would cost more than all the rest of it.
 */
#define EACH(byte) (0x0101010101010101u * (uint64_t)(byte))
#define TOPS EACH(0x80)

/* The top bit of every byte of WORD that lies in FIRST..LAST. */
static inline uint64_t between(uint64_t word, unsigned char first, unsigned char last)
{
	uint64_t low = word & ~TOPS;

	return (low + EACH(0x80 - first)) & ~(low + EACH(0x7f - last)) & ~word & TOPS;
}

/* The top bit of the first byte of WORD that is C; above it others may be set too. */
static inline uint64_t first_equal(uint64_t word, unsigned char c)
{
	uint64_t differs = word ^ EACH(c);

	return (differs - EACH(1)) & ~differs & TOPS;
}

/* Most names have nothing from '@' to '_' in them, where upper case lies. */
static inline uint64_t fold(uint64_t word)
{
	if (!(word & ~(word << 1) & EACH(0x40)))
		return word;
	return word | between(word, 'A', 'Z') >> 2;
}

/* The top bit of every byte of WORD that is of no local part: the rule is a to z, what lies from '-' to '9' but '/', and '_'. */
static inline uint64_t not_of_local(uint64_t word)
{
	uint64_t low = word & ~TOPS;
	uint64_t letter = (low + EACH(0x80 - 'a')) & ~(low + EACH(0x7f - 'z'));
	uint64_t figure = (low + EACH(0x80 - '-')) & ~(low + EACH(0x7f - '9')) & ((low ^ EACH('/')) + ~TOPS);

	return (word | (~(letter | figure) & ((low ^ EACH('_')) + ~TOPS))) & TOPS;
}

static inline uint64_t of_alias(uint64_t word)
{
	return between(word, 'a', 'z') | between(word, '0', '9') | between(word, '-', '.');
}

/* The N (1 to 8) characters at TEXT; not a byte more is read. */
static inline uint64_t load(const char *text, size_t n)
{
	const unsigned char *at = (const unsigned char *)text;
	uint32_t low, high;
	uint64_t word;

	if (n >= 8) {
		memcpy(&word, text, sizeof(word));
		return le64toh(word);
	}
	if (n >= 4) {
		memcpy(&low, text, sizeof(low));
		memcpy(&high, text + n - 4, sizeof(high));
		return le32toh(low) | (uint64_t)le32toh(high) << 8 * (n - 4);
	}
	return at[0] | (uint64_t)at[n / 2] << 8 * (n / 2) | (uint64_t)at[n - 1] << 8 * (n - 1);
}

static inline void store(char *to, uint64_t word)
{
	word = htole64(word);
	memcpy(to, &word, sizeof(word));
}

/* All bits of the first N bytes of a word. */
static inline uint64_t bytes(size_t n)
{
	return n >= 8 ? ~0ull : (1ull << 8 * n) - 1;
}

/* A name of N characters. Those from AT on, eight at most: what a part of it begins or goes on with. */
static inline uint64_t from(const char *name, size_t n, size_t at)
{
	if (at + 8 <= n)
		return load(name + at, 8);
	return n >= 8 ? load(name + n - 8, 8) >> 8 * (at + 8 - n) : load(name + at, n - at);
}

/* Where C first stands in NAME, or N. The last eight characters are looked at as they lie, those before are not C. */
static inline size_t find(const char *name, size_t n, char c)
{
	size_t at = 0;
	uint64_t found;

	for (; at + 8 <= n; at += 8) {
		found = first_equal(load(name + at, 8), (unsigned char)c);
		if (found)
			return at + (size_t)__builtin_ctzll(found) / 8;
	}
	if (at == n)
		return n;
	if (n >= 8)
		at = n - 8;
	found = first_equal(load(name + at, n - at), (unsigned char)c);
	return found ? at + (size_t)__builtin_ctzll(found) / 8 : n;
}

/* LEN characters of NAME from AT on, folded, padded with NUL. */
static inline void take(char to[B2B_NAME_SIZE], const char *name, size_t n, size_t at, size_t len)
{
#pragma GCC unroll 4
	for (size_t i = 0; i < B2B_NAME_SIZE; i += 8)
		store(to + i, i < len ? fold(from(name, n, at + i) & bytes(len - i)) : 0);
}

bool b2b_name_cut(const char *name, char separator, struct b2b_name *ret_name)
{
	size_t n = strnlen(name, B2B_NAME_SIZE), n_local;

	if (n == B2B_NAME_SIZE)
		return false;
	n_local = find(name, n, separator);
	/* Nothing before it, nothing behind it, or no separator at all. */
	if (n_local == 0 || n_local + 1 >= n)
		return false;
	ret_name->n_local = (uint32_t)n_local;
	ret_name->n_alias = (uint32_t)(n - n_local - 1);
	take(ret_name->local, name, n, 0, ret_name->n_local);
	take(ret_name->alias, name, n, n_local + 1, ret_name->n_alias);
	return true;
}

/* May the letter at the beginning of a word begin a local part? */
static inline bool begins_local(uint64_t word)
{
	char first = (char)(word & 0xff);

	return (first >= 'a' && first <= 'z') || first == '_';
}

bool b2b_local_take(const char *text, size_t len, char ret_local[B2B_NAME_SIZE])
{
	uint64_t word, wrong = 0;
	size_t i = 0;

	if (len == 0 || len >= B2B_NAME_SIZE)
		return false;
	word = load(text, 8);
	if (!begins_local(word))
		return false;
	memset(ret_local, 0, B2B_NAME_SIZE);
	for (; len - i > 8; word = load(text + i, 8)) {
		wrong |= not_of_local(word);
		store(ret_local + i, word);
		i += 8;
	}
	store(ret_local + i, word & bytes(len - i));
	return (wrong | (not_of_local(word) & bytes(len - i))) == 0;
}

bool b2b_local_valid(const char *local)
{
	char padded[B2B_NAME_SIZE] = "", taken[B2B_NAME_SIZE];
	size_t len = strnlen(local, B2B_NAME_SIZE);

	memcpy(padded, local, len);
	return b2b_local_take(padded, len, taken);
}

bool b2b_alias_valid(const char *alias)
{
	size_t len = strnlen(alias, B2B_NAME_SIZE);
	char before = '.';

	if (len == 0 || len > B2B_ALIAS_MAX)
		return false;
	for (size_t i = 0; i < len; i += 8)
		if (~of_alias(load(alias + i, len - i)) & TOPS & bytes(len - i))
			return false;
	/* A label neither begins nor ends with '-', and none is empty. */
	for (size_t i = 0; i <= len; before = alias[i++]) {
		if (before == '.' && (alias[i] == '-' || alias[i] == '.' || i == len))
			return false;
		if (before == '-' && (alias[i] == '.' || i == len))
			return false;
	}
	return true;
}

int b2b_name_split(const char *name, char separator, struct b2b_name *ret_name)
{
	struct b2b_name split;

	if (separator == '\0' || !strchr(B2B_SEPARATORS, separator) || !b2b_name_cut(name, separator, &split) ||
	    !b2b_local_valid(split.local) || !b2b_alias_valid(split.alias))
		return -EINVAL;
	*ret_name = split;
	return 0;
}

B2B_APART bool b2b_name_candidate(const char *name)
{
	static const char separators[] = B2B_SEPARATORS;
	struct b2b_name split;

	for (size_t i = 0; i < sizeof(separators) - 1; i++)
		if (b2b_name_split(name, separators[i], &split) == 0)
			return true;
	return false;
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
