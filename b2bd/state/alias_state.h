/* By which names that pass from one person to another the directory knows people (b2bd/alias.h). */
#ifndef B2B_ALIAS_STATE_H
#define B2B_ALIAS_STATE_H

#include <stdint.h>

#include "b2bd/alias.h"
#include "b2bd/state/state.h"

/*
 * ALIASES are those, and all, of the principal with the directory's ID, who is stored already. Inside a transaction. Returns 0 or a
 * negative errno.
 */
int b2b_alias_put(struct b2b_state *state, const char *id, const struct b2b_aliases *aliases);

/* The uid of each who is not removed and goes by one of ALIASES; one who goes by several comes as often. EACH returns 0 to go on. */
int b2b_alias_each(struct b2b_state *state, const struct b2b_aliases *aliases, int (*each)(void *arg, uint32_t uid), void *arg);

#endif
