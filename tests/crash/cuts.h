/* Every state that a power cut may leave of a log, made and looked at. */
#ifndef B2B_CRASH_CUTS_H
#define B2B_CRASH_CUTS_H

#include "tests/crash/disk.h"

/* Of so many unsynced operations, and fewer, all subsets; of more, CUTS_RANDOM random ones at each cut beside the plain ones. */
#define CUTS_ALL 12u
#define CUTS_ALL_LONG 16u
#define CUTS_RANDOM 50u
#define CUTS_RANDOM_LONG 5000u

/*
 * CHECK each state of LOG, once, made as the folder DIR; MARK is the last that the writer reported. It fails by itself, with
 * cuts_where() to say where. What was done is printed under the name WHAT. CRASH_SEED repeats the random choice. Returns of how
 * many cuts all subsets were looked at.
 */
size_t cuts_run(const char *what, const struct disk_log *log, const char *dir, void (*check)(void *arg, const char *dir, int mark), void *arg);

/* "cut at 37, present 1101": the state that is being checked. */
const char *cuts_where(void);

#endif
