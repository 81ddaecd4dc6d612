/*
 * What an answer may say, whatever the files have held since the cache was opened: organisations with their ranges, and the
 * local groups that the roles granted to them list. Gathered from every state of the index; read from a copy of the
 * bytes, apart from the code that is tested.
 */
#ifndef B2B_FUZZ_READER_FACTS_H
#define B2B_FUZZ_READER_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/fuzz/reader/disk.h"

/* Forget everything. */
void facts_reset(void);

/* The index stands on the disk as it is now. */
void facts_index(void);

/* May the organisation ALIAS have ID within its range (its first id too)? */
bool facts_id(const char *alias, uint32_t id);

/* May ID be its first? */
bool facts_first(const char *alias, uint32_t id);

/* May ID be within its range, and not the first? */
bool facts_newcomer(const char *alias, uint32_t id);

/* May a member of ALIAS be in the local group GID? */
bool facts_local_gid(const char *alias, uint32_t gid);

/* May `partners` have this gid; may groups list members; may a name be joined with this? */
bool facts_partners(uint32_t gid);
bool facts_members(void);
bool facts_separator(char separator);

/* A snapshot was stored into after it was mapped: what was once found right there is copied as it has become. */
void facts_snapshot_changed(void);
/* Has none been, so that members have the names that rosters were compared with? */
bool facts_rosters(void);

/* May the organisation with ID be the one with the live file of this number? -1 none, -2 several. */
int facts_live_of(uint32_t id, const char *const ids[DISK_ORGS]);

/* First and last id of the organisation number N seen; false: there were not that many. */
bool facts_range(unsigned n, uint32_t *ret_lo, uint32_t *ret_hi);

#endif
