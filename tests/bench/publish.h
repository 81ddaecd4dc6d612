/* A real cache of the people of the benchmark, made by the objects that are shipped. */
#ifndef B2B_BENCH_PUBLISH_H
#define B2B_BENCH_PUBLISH_H

#include "tests/bench/people.h"
#include "tests/bench/source.h"

/*
 * What stands before anybody is published: policy in the index, live files, organisations' directories, below
 * B2B_CACHE_DIR. Returns 0 or a negative errno.
 */
int bench_prepare(const struct bench_population *population);

/*
 * Publish organisations FIRST to LAST out of SOURCE as the agent and the guard do: words opened, snapshot built into a sealed
 * memfd, checked, copied, synced and renamed into place, generation stored. Returns 0 and the bytes of the new snapshots, or
 * a negative errno.
 */
int bench_publish(const struct bench_population *population, const struct source *source, uint32_t first, uint32_t last, uint64_t *ret_bytes);

#endif
