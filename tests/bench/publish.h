/* A real cache of the people of the benchmark, made by the objects that are shipped. */
#ifndef B2B_BENCH_PUBLISH_H
#define B2B_BENCH_PUBLISH_H

#include "common/live.h"
#include "tests/bench/people.h"
#include "tests/bench/source.h"

/*
 * What stands before anybody is published: policy in the index, live files, organisations' directories, below
 * B2B_CACHE_DIR. Returns 0 or a negative errno.
 */
int bench_prepare(const struct bench_population *population);

/* What b2bd has mapped since it started. */
struct bench_guard {
	struct b2b_policy *policy;
	struct b2b_live *lives[BENCH_ORGS];
};

/* Returns 0, or a negative errno. */
int bench_guard_start(const struct bench_population *population, struct bench_guard *ret_guard);
void bench_guard_stop(struct bench_guard *guard);

/*
 * Publish organisations FIRST to LAST out of SOURCE as the agent and the guard do: words opened, snapshot built into a sealed
 * memfd, checked, copied, synced and renamed into place, generation stored; as many at once as the guard takes. Returns
 * 0 and the bytes of the new snapshots, or a negative errno.
 */
int bench_publish(const struct bench_guard *guard, const struct source *source, uint32_t first, uint32_t last, uint64_t *ret_bytes);

#endif
