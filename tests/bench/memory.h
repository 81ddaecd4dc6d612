/* What this process has in memory. */
#ifndef B2B_BENCH_MEMORY_H
#define B2B_BENCH_MEMORY_H

#include <stdint.h>

/* KiB of its own (anonymous), and of files that are resident through it, shared with whoever maps them too. Returns 0 or a negative errno. */
int bench_memory(uint32_t *ret_own_kib, uint32_t *ret_shared_kib);

#endif
