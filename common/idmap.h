/*
 * Pinned ids: which id a person or group of an organisation has on every host that this file is laid on. Root writes it
 * (`b2bctl idmap export` on one host); b2b.conf(5) names it in section host and describes it.
 *
 * A line is "ORGANISATION KIND ID OWNER": the organisation's immutable id, user or group, a number of its range but not
 * the first (the members group's), and the directory's immutable id of the person or group, which goes to the line's end.
 * Lines that begin with '#' and empty ones are passed over, and so are those of organisations without a section in
 * the configuration: one file serves hosts that know different ones, and closing an organisation never hangs on it.
 */
#ifndef B2B_IDMAP_H
#define B2B_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/policy.h"

#define B2B_OWNER_SIZE 256 /* a directory's id of a person or group, NUL included */

enum b2b_id_kind { B2B_ID_USER = 1, B2B_ID_GROUP = 2 };

struct b2b_pin {
	const char *org_id, *owner; /* the idmap's */
	enum b2b_id_kind kind;
	uint32_t id;
	int line;
};

struct b2b_idmap; /* opaque */

/*
 * Read and check PATH (a trusted file, 128 MiB at most) for the organisations of POLICY. Returns 0, or a negative errno with
 * "FILE:LINE: what was found; what was expected" in error[B2B_CONF_ERROR_SIZE]: a malformed line, an id outside its
 * organisation's range, an owner or an id that stands there twice. Caller frees with b2b_idmap_free.
 */
int b2b_idmap_read(const char *path, const struct b2b_policy *policy, struct b2b_idmap **ret_idmap, char *error);
/* The same from TEXT; NAME stands for the file in errors. */
int b2b_idmap_parse(const char *text, size_t len, const char *name, const struct b2b_policy *policy, struct b2b_idmap **ret_idmap,
                    char *error);
void b2b_idmap_free(struct b2b_idmap *idmap); /* NULL is legal */

/* The pin of an owner, or of an id; NULL where there is none, or IDMAP is NULL. */
const struct b2b_pin *b2b_idmap_by_owner(const struct b2b_idmap *idmap, const char *org_id, enum b2b_id_kind kind, const char *owner);
const struct b2b_pin *b2b_idmap_by_id(const struct b2b_idmap *idmap, uint32_t id);

/* All pins, ascending by id. NULL is legal. */
const struct b2b_pin *b2b_idmap_pins(const struct b2b_idmap *idmap, size_t *ret_n);

/* How many lines were passed over for want of their organisation's section, and the first of them; 0, 0. NULL is legal. */
size_t b2b_idmap_foreign(const struct b2b_idmap *idmap, int *ret_line);

/* "user", "group" */
const char *b2b_id_kind_name(enum b2b_id_kind kind);
/* Its number, or 0. */
enum b2b_id_kind b2b_id_kind_by_name(const char *name, size_t len);

/* May TEXT be a directory's id of a person or group: not empty, shorter than B2B_OWNER_SIZE, no control characters? */
bool b2b_owner_valid(const char *text);

/* Can TEXT be the owner in a line of the file, which does not keep blanks at its ends? */
bool b2b_pin_writable(const char *text);

#endif
