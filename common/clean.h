/* Text of the agent's on its way to a terminal. */
#ifndef B2B_CLEAN_H
#define B2B_CLEAN_H

#include <stdbool.h>

/* Take the control characters out of TEXT, both sets of them; newline stays where LINES. */
void b2b_clean_text(char *text, bool lines);

#endif
