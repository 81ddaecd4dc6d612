/* One person of a SCIM directory, asked for by name. */
#ifndef B2B_SCIM_FIND_H
#define B2B_SCIM_FIND_H

#include "b2bd/directory/find.h"

/* Returns 0 or a negative errno. */
int b2b_scim_find_start(const struct b2b_find *question, struct b2b_find **ret_find);

#endif
