/* Rounds of all subjects, one after the other, again and again. */
#ifndef B2B_BENCH_MEASURE_H
#define B2B_BENCH_MEASURE_H

#include <stddef.h>

#include "tests/bench/people.h"
#include "tests/bench/subject.h"

/* Have every subject do every operation that it does, ROUNDS times, interleaved; the cells are filled. */
void bench_measure(struct bench_subject *subjects, size_t n, const struct bench_population *population, int rounds);

/* The sample below which PERCENT of CELL's lie; sorts them. 0 where there are none. */
double bench_percentile(struct bench_cell *cell, double percent);

#endif
