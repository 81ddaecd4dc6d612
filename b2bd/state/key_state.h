/* SSH keys of people, as the directory has them: one text of lines "TYPE BASE64", checked before it came here (directory/ssh_key.h). */
#ifndef B2B_KEY_STATE_H
#define B2B_KEY_STATE_H

#include <stdbool.h>

#include "b2bd/state/state.h"

/* Keep KEYS as those of the principal with the directory's ID; "" for none. Inside a transaction. Returns 0 or a negative errno. */
int b2b_key_put(struct b2b_state *state, const char *id, const char *keys);

/* Returns 0 and *ret_keys, "" where there are none, the caller's; or a negative errno. */
int b2b_key_get(struct b2b_state *state, const char *id, char **ret_keys);

/* Is KEY of LEN bytes, letter for letter, one of those? In doubt it is not. */
bool b2b_key_is_of(struct b2b_state *state, const char *id, const char *key, size_t len);

#endif
