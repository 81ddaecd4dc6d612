/* Text from the service that a person will read (style 21). */
#ifndef B2B_PRINTABLE_H
#define B2B_PRINTABLE_H

#include <stddef.h>

/*
 * A copy of TEXT (valid UTF-8) without control characters of C0, C1 and the direction marks that reorder a line, cut
 * before MAX bytes on a character's border; white space of all kinds is a space. Caller frees; NULL: no memory.
 */
char *b2b_printable(const char *text, size_t max);

#endif
