/* The terminals of what a scope was found to hold. */
#ifndef B2B_TERMINALS_H
#define B2B_TERMINALS_H

#include "b2bd/guard/proc.h"

/* Those that have been told; zeroed at first. */
struct b2b_terminals {
	uint32_t *ttys;
	size_t n;
};
void b2b_terminals_free(struct b2b_terminals *told);

/*
 * Write LINE to each terminal of the processes of LIST that MARKS (b2b_scope_mark) has in scope, once each; what was only left behind is
 * nobody's session. TOLD grows. Returns how many took it.
 */
uint32_t b2b_terminals_tell(struct b2b_terminals *told, const struct b2b_processes *list, const uint8_t *marks, const char *line, size_t len);

#endif
