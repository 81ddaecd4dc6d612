/*
 * Lines "NAME VALUE": what b2bctl, as root, and the unprivileged child that talks to the network for it tell each other, and the
 * record of the host's registration. Nothing to parse but this: printable ASCII, a newline written "\\n" and a backslash "\\\\".
 */
#ifndef B2B_LINES_H
#define B2B_LINES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define B2B_LINES_MAX 48          /* lines */
#define B2B_LINES_TEXT_MAX 131072 /* bytes of all */

struct b2b_lines {
	char *text; /* what the pointers below point into */
	size_t size;
	size_t n;
	struct {
		const char *name, *value;
	} line[B2B_LINES_MAX];
};

/* Write one; nothing where VALUE is NULL. What could not be read again is written as '?'. */
void b2b_line_put(FILE *out, const char *name, const char *value);

/* Read LEN bytes of TEXT. Returns 0 (caller clears), or -EBADMSG for anything that b2b_line_put does not write, -EFBIG, -ENOMEM. */
int b2b_lines_parse(const char *text, size_t len, struct b2b_lines *ret_lines);
/* All of FD up to its end, until DEADLINE_NS of the b2b_now_ns clock. Errors as above; -ETIMEDOUT, or read's. */
int b2b_lines_read(int fd, uint64_t deadline_ns, struct b2b_lines *ret_lines);
void b2b_lines_clear(struct b2b_lines *lines); /* wipes: there are keys and tokens among them */

/* The value of the first line of NAME; NULL where there is none. */
const char *b2b_lines_get(const struct b2b_lines *lines, const char *name);

#endif
