/*
 * Included before each file of the reader when it is built for fuzz_reader: whatever it fetches from a mapped file first
 * lets time pass (disk_tick), so that an input can say at which fetch the file changes, and so that fetches are counted.
 */
#ifndef B2B_FUZZ_READER_HOOK_H
#define B2B_FUZZ_READER_HOOK_H

#include <string.h>

#include "common/cache_format.h"
#include "common/clock.h"
#include "tests/fuzz/reader/disk.h"

#define b2b_copy(to, from, size) (disk_tick(), b2b_copy(to, from, size))
#define b2b_load32(at) (disk_tick(), b2b_load32(at))
#define b2b_load64(at) (disk_tick(), b2b_load64(at))
#define b2b_padded_equal(a, len, b) (disk_tick(), b2b_padded_equal(a, len, b))
#define memcmp(a, b, size) (disk_tick(), memcmp(a, b, size))
#define memcpy(to, from, size) (disk_tick(), memcpy(to, from, size))

/* The same time at each run of the same input, and no system call for it. */
#define b2b_now_ns() DISK_NOW_NS
#define b2b_boot_id(id) (memset(id, DISK_BOOT, 16), 0)

#endif
