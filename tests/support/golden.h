/* Caches of every version of the format, as they were written (tests/golden/README). */
#ifndef B2B_TEST_GOLDEN_H
#define B2B_TEST_GOLDEN_H

/* Into the empty folder DIR the one that lies in FROM: folders as b2bd makes them; files as they lie in the tree, but root's. Exits the test on failure. */
void golden_copy(const char *dir, const char *from);

#endif
