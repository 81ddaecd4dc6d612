#include "common/names.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

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

static inline uint64_t equal(uint64_t word, unsigned char c)
{
	return between(word, c, c);
}

static inline uint64_t fold(uint64_t word)
{
	return word | between(word, 'A', 'Z') >> 2;
}

static inline uint64_t of_local(uint64_t word)
{
	return between(word, 'a', 'z') | between(word, '0', '9') | between(word, '-', '.') | equal(word, '_');
}

static inline uint64_t of_alias(uint64_t word)
{
	return between(word, 'a', 'z') | between(word, '0', '9') | between(word, '-', '.');
}

/* The N (1 to 8) characters at TEXT; not a byte more is read. */
static inline uint64_t load(const char *text, size_t n)
{
	const unsigned char *bytes = (const unsigned char *)text;
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
	return bytes[0] | (uint64_t)bytes[n / 2] << 8 * (n / 2) | (uint64_t)bytes[n - 1] << 8 * (n - 1);
}

static inline void store(char *to, uint64_t word)
{
	word = htole64(word);
	memcpy(to, &word, sizeof(word));
}

/* The top bits of the first N bytes of a word. */
static inline uint64_t tops(size_t n)
{
	return n >= 8 ? TOPS : TOPS & ((1ull << 8 * n) - 1);
}

/* The N characters at TEXT, folded, padded with NUL. */
static inline void take(char to[B2B_NAME_SIZE], const char *text, size_t n)
{
	memset(to, 0, B2B_NAME_SIZE);
	for (size_t i = 0; i < n; i += 8)
		store(to + i, fold(load(text + i, n - i)));
}

bool b2b_name_cut(const char *name, char separator, struct b2b_name *ret_name)
{
	size_t len = strnlen(name, B2B_NAME_SIZE);
	const char *at = memchr(name, separator, len);

	if (len == B2B_NAME_SIZE || !at || at == name || at + 1 == name + len)
		return false;
	ret_name->n_local = (uint32_t)(at - name);
	ret_name->n_alias = (uint32_t)(len - ret_name->n_local - 1);
	take(ret_name->local, name, ret_name->n_local);
	take(ret_name->alias, at + 1, ret_name->n_alias);
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
	uint64_t words[B2B_NAME_SIZE / 8] = { 0 }, wrong = 0;

	if (len == 0 || len >= B2B_NAME_SIZE)
		return false;
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = load(text + i, len - i);

		wrong |= ~of_local(word) & tops(len - i);
		words[i / 8] = htole64(word);
	}
	if (wrong || !begins_local(le64toh(words[0])))
		return false;
	memcpy(ret_local, words, sizeof(words));
	return true;
}

bool b2b_local_valid(const char *local)
{
	char taken[B2B_NAME_SIZE];

	return b2b_local_take(local, strnlen(local, B2B_NAME_SIZE), taken);
}

bool b2b_alias_valid(const char *alias)
{
	size_t len = strnlen(alias, B2B_NAME_SIZE);
	char before = '.';

	if (len == 0 || len >= B2B_NAME_SIZE)
		return false;
	for (size_t i = 0; i < len; i += 8)
		if ((of_alias(load(alias + i, len - i)) & tops(len - i)) != tops(len - i))
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

bool b2b_name_candidate(const char *name)
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
