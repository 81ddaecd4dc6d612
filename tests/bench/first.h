/* A process that looks one person up and ends. */
#ifndef B2B_BENCH_FIRST_H
#define B2B_BENCH_FIRST_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_MARK (-12345) /* getpgid of it: a call that nobody else makes */

/*
 * Run `first SERVICE NAME`, the program beside this one. *RET_NS: from before its start until it was reaped. Returns whether it
 * found NAME, or a negative errno.
 */
int bench_first_run(const char *service, const char *name, uint64_t *ret_ns);

/*
 * Run it with TIMES look-ups more, and count its system calls: those of the first look-up, the loading of the module included,
 * and those of the others. Returns whether it found NAME, or a negative errno.
 */
int bench_first_count(const char *service, const char *name, unsigned times, uint64_t *ret_first, uint64_t *ret_more);

/* The path of PROGRAM beside this one. Returns 0 or -ENAMETOOLONG. */
int bench_beside(const char *program, char *path, unsigned size);

#endif
