/* Root's template for home directories, with an organisation's alias filled in: %u the local name, %o the alias, %% a percent sign. */
#ifndef B2B_CACHE_HOME_H
#define B2B_CACHE_HOME_H

#include <stddef.h>
#include <stdint.h>

#include "common/policy.h"

#define B2B_CACHE_CHUNK 16 /* bytes that texts which end up in a caller's buffer can be read at a time */

struct b2b_home {
	uint32_t n_text; /* bytes of text, its NUL included */
	uint32_t n_cuts;
	uint16_t cuts[B2B_PATH_SIZE / 2]; /* before which bytes of the text the local name goes in, ascending */
	char text[];     /* b2b_home_room() bytes, readable a chunk at a time */
};

/* Bytes that the text of TEMPLATE may take with ALIAS. */
size_t b2b_home_room(const char template[B2B_PATH_SIZE], const char *alias);

/* Fill HOME, whose text has that much room. TEMPLATE ends within B2B_PATH_SIZE. */
void b2b_home_fill(struct b2b_home *home, const char template[B2B_PATH_SIZE], const char *alias);

/* Bytes of the home of somebody whose local name has N_LOCAL, the NUL included. */
static inline size_t b2b_home_size(const struct b2b_home *home, size_t n_local)
{
	return home->n_text + home->n_cuts * n_local;
}

#endif
