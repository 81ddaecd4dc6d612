/*
 * What a floor of the benchmark is asked: one file for each implements this, entry.c makes an NSS module of it. Answers
 * point to records that stay for ever. No bounds are checked, no state is looked at: it is what speed alone would do.
 */
#ifndef B2B_BENCH_FLOOR_H
#define B2B_BENCH_FLOOR_H

#include "tests/bench/packed.h"

#define BENCH_DIR "/bench"

/* NULL: there is none. */
const struct packed_user *floor_user_by_name(const char *name);
const struct packed_user *floor_user_by_uid(uint32_t uid);
const struct packed_group *floor_group_by_name(const char *name);
const struct packed_group *floor_group_by_gid(uint32_t gid);

/* The user at *CURSOR, 0 at first, which moves on; NULL at the end. */
const struct packed_user *floor_user_next(uint64_t *cursor);

#endif
