/*
 * b2bctl cache dump: each file of the cache becomes a JSON object, which is printed as it is or as text. An object has
 * `file`, `damage` (a list of `at` and `what`), `absent` or `secret` (this user may not read it) where it could not be
 * taken, and otherwise what stands in the file: damaged parts are named and the rest is shown.
 */
#ifndef B2B_CTL_DUMP_H
#define B2B_CTL_DUMP_H

#include "b2bctl/cache_file.h"
#include "b2bctl/ctl.h"

struct b2b_dump {
	struct b2b_ctl *ctl;
	struct b2b_cache_file file;     /* the index */
	struct b2b_format_index header; /* valid where `readable` */
	bool readable, damaged;         /* damaged: something somewhere was */
};

struct b2b_dump_org {
	char alias[B2B_NAME_SIZE]; /* "" where the index does not tell */
	char id[B2B_ID_SIZE];
	uint32_t range_lo, range_hi;
};

/* An object for the file NAME, without damage so far. NULL without memory, which all of jansson's functions bear. */
json_t *b2b_dump_object(const char *name);
void b2b_dump_damage(struct b2b_dump *dump, json_t *object, uint64_t at, const char *what);
/* That it could not be taken: b2b_cache_file_read's errors and b2b_roster_open's. */
void b2b_dump_unread(struct b2b_dump *dump, json_t *object, int error, const struct b2b_finding *finding);
void b2b_dump_head(json_t *object, const struct b2b_format_head *head);
/* Up to SIZE bytes as a string, up to a NUL; '?' for what is no UTF-8. */
json_t *b2b_dump_text(const char *bytes, size_t size);
json_t *b2b_dump_word(uint32_t word);

/* The index, which stays in DUMP until b2b_cache_file_clear of its file. */
json_t *b2b_dump_index(struct b2b_dump *dump);
/* Names of MASK's roles, or services; a number where the index does not tell. */
json_t *b2b_dump_roles(const struct b2b_dump *dump, uint64_t mask);
json_t *b2b_dump_shell(const struct b2b_dump *dump, uint32_t number);

/* Organisations of the index, or where that is of no use those that have live files. Returns 0 or -ENOMEM; caller frees. */
int b2b_dump_orgs(struct b2b_dump *dump, struct b2b_dump_org **ret_orgs, size_t *ret_n);

/* *ret_live: the words, for the roster; cleared where it is of no use. Caller clears. */
json_t *b2b_dump_live(struct b2b_dump *dump, const struct b2b_dump_org *org, struct b2b_cache_file *ret_live);
json_t *b2b_dump_roster(struct b2b_dump *dump, const struct b2b_dump_org *org, const struct b2b_cache_file *live);

/* ---- as text (show_dump.c) ---- */

void b2b_show_index(FILE *out, const json_t *index);
/* {"alias", "id", "range", "live", "snapshot"}. Returns 0 or -ENOMEM. */
int b2b_show_org(FILE *out, const json_t *org);

#endif
