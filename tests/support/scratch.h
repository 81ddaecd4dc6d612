/* Scratch directories for tests: made below $TMPDIR, removed with everything in them. */
#ifndef B2B_TEST_SCRATCH_H
#define B2B_TEST_SCRATCH_H

#include <stddef.h>

#define SCRATCH_SIZE 256

/* Make one (mode 0755) and put its path into PATH. Exits the test on failure. */
void scratch_make(char path[SCRATCH_SIZE]);
void scratch_remove(const char *path);

/* DIR "/" NAME into PATH. */
void scratch_path(char path[SCRATCH_SIZE], const char *dir, const char *name);

/* Write SIZE bytes as the file PATH with MODE, replacing what is there. Exits the test on failure. */
void scratch_write(const char *path, const void *data, size_t size, unsigned mode);

#endif
