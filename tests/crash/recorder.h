/* Records what a writer does to a folder as a disk_log: its system calls as they pass, its stores into mappings by looking at the files. */
#ifndef B2B_CRASH_RECORDER_H
#define B2B_CRASH_RECORDER_H

#include "tests/crash/disk.h"

/*
 * Run BODY and record what it does below DIR, an empty folder. Stores are noticed in files of folders called MAPPED (NULL: none),
 * eight bytes at a time, at the next system call. Files whose names end in "-shm" are passed over: who opens them
 * after a crash makes them anew. tracer_mark(0) in BODY makes all durable, other marks are recorded. BLOCK is the disk's (disk.h). Exits the test where BODY fails.
 */
struct disk_log *recorder_run(const char *dir, const char *mapped, uint32_t block, int (*body)(void *arg), void *body_arg);

#endif
