/* One key of b2b.conf changed, and everything else left as it is: comments, order, spelling. Text in, text out; nothing here reads a file. */
#ifndef B2B_CONF_EDIT_H
#define B2B_CONF_EDIT_H

#include <stdbool.h>
#include <stdio.h>

/* The value of KEY in [SECTION] of TEXT, without a comment behind it; NULL where it is not set. Caller frees. */
char *b2b_conf_edit_get(const char *text, const char *section, const char *key);

/*
 * Is VALUE one plain line that the parser gives back unchanged: printable ASCII, not empty, no blank at either end, no ';' (a
 * comment), neither '#' nor '[' first? Any other could end the line and begin a section of its own.
 */
bool b2b_conf_edit_is_value(const char *value);

/*
 * Set KEY in [SECTION] of *TEXT (replaced): its line gets the new value and keeps its comment; a key that is not there comes behind
 * the line that shows it commented out, else at the section's end; a section that is not there comes first. VALUE NULL comments
 * the line out. Lines that change go to DIFF with '-' and '+' before them. Returns 0, -EINVAL (VALUE is none, and was
 * not written: see b2b_conf_edit_is_value) or -ENOMEM.
 */
int b2b_conf_edit_set(char **text, const char *section, const char *key, const char *value, FILE *diff);

#endif
