#include "tests/bench/measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define ROUND_NS 8000000u          /* a batch is cut to about this */
#define CELL_NS (15 * B2B_NS_PER_S) /* a slow operation of a subject is given up after so much, ROUNDS_MIN rounds done */
#define ROUNDS_MIN 6               /* the fewest whose median has a 95 % interval */
#define TIMEOUT_MS 30000           /* the first time includes all preparation */

static bool possible(const struct bench_population *population, const struct bench_op *op)
{
	if (op->whom == BENCH_BIG)
		return bench_group_size(population, BENCH_DEPT, 0) == 125;
	if (op->whom == BENCH_BIGGEST)
		return bench_group_size(population, BENCH_DIVISION, 0) == 1250;
	return true;
}

static void keep_samples(struct bench_cell *cell, const struct bench_reply *reply)
{
	uint32_t *bigger;

	if (reply->n_samples == 0)
		return;
	bigger = reallocarray(cell->samples_ns, cell->n_samples + reply->n_samples, sizeof(*bigger));
	if (!bigger)
		return;
	memcpy(bigger + cell->n_samples, reply->samples_ns, reply->n_samples * sizeof(*bigger));
	cell->samples_ns = bigger;
	cell->n_samples += reply->n_samples;
}

static void one_round(struct bench_subject *subject, int number, const struct bench_population *population, int round)
{
	const struct bench_op *op = &bench_ops[number];
	struct bench_cell *cell = &subject->cells[number];
	struct bench_request request = { .op = number, .seed = (uint64_t)round + 100, .budget_ns = ROUND_NS };
	uint64_t began = b2b_now_ns();
	struct bench_reply reply;
	int r = 0;

	if (cell->failed || (cell->spent_ns > CELL_NS && cell->rounds >= ROUNDS_MIN))
		return;
	if (subject->pid == 0)
		r = bench_subject_start(subject, op->how, population->people);
	if (r == 0)
		r = bench_subject_ask(subject, &request, TIMEOUT_MS, &reply);
	cell->spent_ns += b2b_now_ns() - began;
	if (r < 0) {
		cell->failed = r == -ETIMEDOUT ? "timed out" : "crashed";
		fprintf(stderr, "bench: %s: %s %s\n", subject->name, op->name, cell->failed);
		return;
	}
	cell->ns[cell->rounds++] = reply.ns;
	cell->calls += reply.calls;
	cell->wrong += reply.wrong;
	keep_samples(cell, &reply);
}

static bool same_process(enum bench_how a, enum bench_how b)
{
	return a == b || (a >= BENCH_THREAD && b >= BENCH_THREAD);
}

/* All operations of processes like HOW. Subjects begin in turn, so that none always follows the same. */
static void phase(struct bench_subject *subjects, size_t n, const struct bench_population *population, enum bench_how how, int rounds)
{
	for (int round = 0; round < rounds; round++)
		for (int op = 0; op < bench_n_ops; op++)
			for (size_t i = 0; same_process(bench_ops[op].how, how) && i < n; i++) {
				struct bench_subject *subject = &subjects[(i + (size_t)round) % n];

				subject->cells[op].asked = possible(population, &bench_ops[op]) && bench_subject_does(subject, &bench_ops[op]);
				if (subject->cells[op].asked && (!bench_ops[op].once || round == rounds - 1))
					one_round(subject, op, population, round);
			}
	for (size_t i = 0; i < n; i++)
		bench_subject_stop(&subjects[i]);
}

void bench_measure(struct bench_subject *subjects, size_t n, const struct bench_population *population, int rounds)
{
	phase(subjects, n, population, BENCH_CONFIGURED, rounds);
	phase(subjects, n, population, BENCH_NSSWITCH, rounds);
	phase(subjects, n, population, BENCH_THREAD, rounds);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

double bench_percentile(struct bench_cell *cell, double percent)
{
	size_t at = (size_t)((double)cell->n_samples * percent / 100);

	if (cell->n_samples == 0)
		return 0;
	qsort(cell->samples_ns, cell->n_samples, sizeof(*cell->samples_ns), by_value);
	return cell->samples_ns[at < cell->n_samples ? at : cell->n_samples - 1];
}
