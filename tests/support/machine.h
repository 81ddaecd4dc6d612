/* A machine of their own for tests that load the real modules, whose paths nothing can change. */
#ifndef B2B_TEST_MACHINE_H
#define B2B_TEST_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Move this process into a mount namespace with empty /var/lib and /run, in which /var/lib/b2b/cache, /run/b2b and
 * /run/b2b/sessions stand as an installation has them. The machine sees nothing of it, and it ends with the process.
 * Exits the test on failure. Call before any thread exists.
 */
void machine_private(void);

/* Of this private machine alone: what is put into DIR ("/etc") from now on, or changed in it. After machine_private, once for each. */
void machine_own(const char *dir);

/* The path of NAME in the build folder that the running test binary is in. */
void machine_built(char *path, size_t size, const char *name);

/*
 * Make the file at PATH reachable for every uid of this private machine, whoever may enter the folder that it was built
 * in; PATH becomes the new name. After machine_private.
 */
void machine_reachable(char *path, size_t size);

/* Is this process run by valgrind, which makes system calls of its own? */
bool machine_valgrind(void);

/* Does anything (a sanitizer, valgrind) make system calls or allocate on behalf of this process? */
bool machine_observed(void);

/* Are full counts asked for (`make check-long`)? */
bool machine_full_counts(void);

/* From here on any system call but write and exit_group ends this process. Returns 0 or a negative errno. */
int machine_forbid_calls(void);

/* In a body that runs in a child, which reports the line that failed. */
#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			return 1; \
		} \
	} while (0)

/* Run BODY in a child; it reports failure by returning non-zero. Returns its exit status, or 128 + signal. */
int machine_child(int (*body)(void *arg), void *arg);

#endif
