/* A machine of their own for tests that load the real modules, whose paths nothing can change. */
#ifndef B2B_TEST_MACHINE_H
#define B2B_TEST_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Move this process into a mount namespace with empty /var/lib and /run, in which /var/lib/b2b/cache, /run/b2b and
 * /run/b2b/sessions stand as an installation has them. The machine sees nothing of it, and it ends with the process.
 * Exits the test on failure. Call before any thread exists.
 */
void machine_private(void);

/* The path of NAME in the build folder that the running test binary is in. */
void machine_built(char *path, size_t size, const char *name);

/*
 * Make the file at PATH reachable for every uid of this private machine, whoever may enter the folder that it was built
 * in; PATH becomes the new name. After machine_private.
 */
void machine_reachable(char *path, size_t size);

/* Is this process run by valgrind, which makes system calls of its own? */
bool machine_valgrind(void);

/* Run BODY in a child; it reports failure by returning non-zero. Returns its exit status, or 128 + signal. */
int machine_child(int (*body)(void *arg), void *arg);

#endif
