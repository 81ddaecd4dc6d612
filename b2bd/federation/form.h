/* application/x-www-form-urlencoded bodies (RFC 6749 appendix B), which may hold secrets. */
#ifndef B2B_FORM_H
#define B2B_FORM_H

#include <stdbool.h>
#include <stddef.h>

struct b2b_form {
	char *text; /* NUL-terminated; NULL while empty */
	size_t len, room;
	bool failed; /* no memory on the way: TEXT is not to be used */
};

/* Append NAME=VALUE; a NULL value is left out. */
void b2b_form_add(struct b2b_form *form, const char *name, const char *value);
void b2b_form_clear(struct b2b_form *form); /* wipes */

/* TEXT encoded by itself, as RFC 6749 2.3.1 wants it for HTTP basic. Caller wipes and frees; NULL: no memory. */
char *b2b_form_encode(const char *text);

#endif
