/* A small file system of its own, filled up so that only so much is left. */
#ifndef B2B_CRASH_SMALL_DISK_H
#define B2B_CRASH_SMALL_DISK_H

#include <stdbool.h>
#include <stddef.h>

enum small_disk_kind { SMALL_DISK_TMPFS, SMALL_DISK_EXT4, SMALL_DISK_KINDS };
const char *small_disk_name(enum small_disk_kind kind);

/* Mount one of MEGABYTES over the folder PATH, in this process's mount namespace. False: this machine has no such thing. */
bool small_disk_mount(const char *path, enum small_disk_kind kind, unsigned megabytes);

/* Fill it so that LEFT bytes are free, as near as it allows; small_disk_free() gives all back. Exits the test on failure. */
void small_disk_fill(const char *path, size_t left);
void small_disk_free(const char *path);

#endif
