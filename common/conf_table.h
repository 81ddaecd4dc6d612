/*
 * Every key of b2b.conf(5): its section, how it is read, its default and what it means.
 * Inside common/conf*.c; tests and tools read the table, nobody else needs it.
 */
#ifndef B2B_CONF_TABLE_H
#define B2B_CONF_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum b2b_conf_section {
	B2B_CONF_FEDERATION,
	B2B_CONF_HOST,
	B2B_CONF_ASSURANCE, /* up to here there is one of each, without a name */
	B2B_CONF_ORGANISATION,
	B2B_CONF_ROLE,
	B2B_CONF_SERVICE,
	B2B_CONF_SECTIONS,
};

#define B2B_CONF_KEYS_MAX 64 /* keys of one section */

struct b2b_conf_key;

/* A way to read values. */
struct b2b_conf_kind {
	const char *expected; /* ends the sentence "found X; expected …"; NULL: made from the key's words or bounds */
	bool list;            /* words, which may go on in indented lines: parse then adds to the field */
	/* Returns 0, -EINVAL for a value that is not as expected, -ENOMEM. The field is whole in any case. */
	int (*parse)(const struct b2b_conf_key *key, const char *value, void *field);
	void (*clear)(void *field); /* back to zero, memory freed; NULL where there is none */
};

struct b2b_conf_key {
	enum b2b_conf_section section;
	const char *name;
	const struct b2b_conf_kind *kind;
	size_t field;             /* offset in the section's structure of common/conf_draft.h */
	const char *by_default;   /* as it would be written in the file, or NULL */
	const char *absent;       /* without BY_DEFAULT: "required", or in words what holds then */
	const char *const *words; /* what may be chosen, NULL-terminated; or NULL */
	uint32_t min, max;        /* of a number or of seconds; max of a list: its words */
	const char *meaning;      /* a sentence or two, for the administrator */
};

extern const struct b2b_conf_key b2b_conf_keys[];
extern const size_t b2b_conf_n_keys;

/* "federation", "organisation", … */
const char *b2b_conf_section_name(enum b2b_conf_section section);

/* The key NAME of SECTION, or NULL; and where it is in the section, below B2B_CONF_KEYS_MAX. */
const struct b2b_conf_key *b2b_conf_key_find(enum b2b_conf_section section, const char *name, size_t *ret_at);

/* What KEY expects, as the end of a sentence, into BUF. */
void b2b_conf_key_expected(const struct b2b_conf_key *key, char *buf, size_t size);

#endif
