/* All that can be asked of a cache with the people of tests/support/fixture.h, for files of whatever version. */
#ifndef B2B_TEST_QUESTIONS_H
#define B2B_TEST_QUESTIONS_H

#include <stdbool.h>

#include "common/cache.h"

/*
 * Is every answer right, where dave@acme has been closed once, and ALIVE tells whether heartbeat and lease are fresh? Asks by
 * CACHE. Says on stderr what is not. Returns 0 or 1.
 */
int questions_right(struct b2b_cache *cache, bool alive);

/* Is every question about people of acme, or with ALL about any partner, refused, and nobody else's? Returns 0 or 1. */
int questions_refused(struct b2b_cache *cache, bool all);

#endif
