/* One question to glibc, and whether the answer is right. */
#ifndef B2B_BENCH_ASK_H
#define B2B_BENCH_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/ops.h"
#include "tests/bench/people.h"

struct bench_key {
	char name[B2B_NAME_SIZE];
	uint32_t id;   /* uid or gid that is asked for, and expected */
	uint32_t size; /* members of a group; sum of the gids of a user's groups, the private one included */
};

#define BENCH_BUFFER_SIZE (2u << 20) /* libnss-cache wants a whole MiB for a group by gid, however small that is */

/* Keys 0 … N-1 for OP, of the round SEED. N is at most what bench_keys_distinct gives for people that stay the same. */
void bench_keys_make(const struct bench_population *population, const struct bench_op *op, uint64_t seed, struct bench_key *keys, size_t n);
/* How many different keys OP has, 0: as many as one likes. */
size_t bench_keys_distinct(const struct bench_population *population, const struct bench_op *op);

/* Everyone, in the order of their numbers: N keys from FIRST on. */
void bench_keys_everyone(const struct bench_population *population, uint32_t first, struct bench_key *keys, size_t n);

/*
 * Ask for KEY as ASK says and compare the answer. EXPECTED: is there to be one? BUF: BENCH_BUFFER_SIZE bytes of the thread's.
 * Returns whether the answer was right.
 */
bool bench_ask(enum bench_ask ask, const struct bench_key *key, bool expected, char *buf);

#endif
