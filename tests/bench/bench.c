/*
 * bench SUBJECTS PEOPLE ROUNDS: measures the subjects that the file SUBJECTS lists, and writes what was seen as JSON to
 * standard output.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/measure.h"

static json_t *cell_json(const struct bench_op *op, struct bench_cell *cell)
{
	json_t *json = json_object(), *ns = json_array();

	for (int round = 0; round < cell->rounds; round++)
		json_array_append_new(ns, json_real(cell->ns[round]));
	json_object_set_new(json, "label", json_string(op->label));
	json_object_set_new(json, "ns", ns);
	json_object_set_new(json, "calls", json_integer((json_int_t)cell->calls));
	json_object_set_new(json, "wrong", json_integer((json_int_t)cell->wrong));
	if (cell->failed)
		json_object_set_new(json, "failed", json_string(cell->failed));
	if (op->once && cell->n_samples) {
		json_object_set_new(json, "more", json_integer(cell->samples_ns[0]));
	} else if (cell->n_samples) {
		json_object_set_new(json, "call_p50_ns", json_real(bench_percentile(cell, 50)));
		json_object_set_new(json, "call_p99_ns", json_real(bench_percentile(cell, 99)));
	}
	return json;
}

static json_t *subject_json(struct bench_subject *subject)
{
	json_t *json = json_object(), *cells = json_object();

	for (int op = 0; op < bench_n_ops; op++)
		if (subject->cells[op].asked)
			json_object_set_new(cells, bench_ops[op].name, cell_json(&bench_ops[op], &subject->cells[op]));
	json_object_set_new(json, "name", json_string(subject->name));
	json_object_set_new(json, "note", json_string(subject->note));
	json_object_set_new(json, "operations", cells);
	return json;
}

static int report(struct bench_subject *subjects, size_t n, uint32_t people, int rounds)
{
	json_t *json = json_object(), *list = json_array();
	int r;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, subject_json(&subjects[i]));
	json_object_set_new(json, "people", json_integer(people));
	json_object_set_new(json, "rounds", json_integer(rounds));
	json_object_set_new(json, "subjects", list);
	r = json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	json_decref(json);
	return r == 0 && fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct bench_subject *subjects = NULL;
	struct bench_population population;
	long rounds = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	size_t n = 0;
	int r;

	if (rounds < 1 || rounds > BENCH_ROUNDS_MAX || bench_population((uint32_t)strtoul(argv[2], NULL, 10), &population) < 0) {
		fprintf(stderr, "usage: bench SUBJECTS PEOPLE ROUNDS (PEOPLE: a multiple of %u, up to %u; ROUNDS: up to %d)\n", BENCH_ORGS,
		        BENCH_PEOPLE_MAX, BENCH_ROUNDS_MAX);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	r = bench_subjects_read(argv[1], &subjects, &n);
	if (r < 0 || n == 0) {
		fprintf(stderr, "bench: no subjects in %s: %s\n", argv[1], strerror(r < 0 ? -r : ENOENT));
		return 1;
	}
	bench_measure(subjects, n, &population, (int)rounds);
	return report(subjects, n, population.people, (int)rounds);
}
