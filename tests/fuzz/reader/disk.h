/*
 * The files of a cache in memory, each a heap block of exactly the file's size: the address sanitizer sees every
 * byte that is read outside of it, and after it was unmapped by the last. Implements common/cache_map.c for fuzz_reader.
 *
 * As on disk, a store into a file is seen by whoever has it mapped, and a replaced file is another one: who has the one
 * before it mapped keeps that.
 */
#ifndef B2B_FUZZ_READER_DISK_H
#define B2B_FUZZ_READER_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_DIR "/cache"
#define DISK_ORGS 4
#define DISK_INDEX 0
#define DISK_LIVE(org) (1 + (org))
#define DISK_SNAPSHOT(org) (1 + DISK_ORGS + (org))
#define DISK_FILES (1 + 2 * DISK_ORGS)
#define DISK_SIZE_MAX (256u << 10) /* of a file */

#define DISK_NOW_NS 1000000000000ull /* of CLOCK_BOOTTIME */
#define DISK_BOOT 0x42               /* each byte of the boot id */

/* One good file, and the block that stands for it on the disk. SIZE 0: there is none. */
struct disk_file {
	unsigned char *bytes, *block;
	size_t size;
};

/* Everything as in GOOD (which outlives it), named as the organisations' IDS say; time at 0. Nothing may be mapped. */
void disk_reset(const struct disk_file good[DISK_FILES], const char *const ids[DISK_ORGS]);

/* What stands under the name of FILE now; NULL and 0 where there is none. Good until the next change. */
const unsigned char *disk_bytes(int file, size_t *ret_size);

/* Store N bytes at AT (both cut to the file) into FILE and all its mappings. */
void disk_store(int file, size_t at, const void *bytes, size_t n);

/* Another file with these SIZE bytes (copied) under the name of FILE. */
void disk_replace(int file, const void *bytes, size_t size);

/* Opening FILE fails with ERROR, a negative errno, from now on; 0: it does not. */
void disk_refuse(int file, int error);

/* A fetch, as the hook sees it. Aborts past the limit, and lets AT (disk_watch) happen. */
void disk_tick(void);

/* Count from 0 again, to LIMIT, and call AT before fetch number NEXT, which returns the next number (or UINT64_MAX). */
void disk_watch(uint64_t limit, uint64_t next, uint64_t (*at)(uint64_t tick));

/* Bytes of all files that there have been since, for a limit of fetches. */
size_t disk_total(void);

/* How many mappings there are. */
size_t disk_mapped(void);

#endif
