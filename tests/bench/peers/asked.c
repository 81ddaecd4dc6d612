/*
 * asked PEOPLE: whom the benchmark asks for again and again, a line each: "passwd NAME", "group NAME" or "initgroups NAME". For the
 * set-up of peers whose cache holds only what they were asked for before; made in the host, from the engine's own rules.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/ask.h"

static struct bench_key keys[BENCH_HOT_PEOPLE];

/* NULL: nobody who is there, or no such question. */
static const char *database(const struct bench_op *op)
{
	if (op->whom == BENCH_ABSENT_OURS || op->whom == BENCH_ABSENT_OTHER)
		return NULL;
	switch (op->ask) {
	case BENCH_USER_NAME:
	case BENCH_USER_UID:
		return "passwd";
	case BENCH_GROUP_NAME:
	case BENCH_GROUP_GID:
		return "group";
	case BENCH_INITGROUPS:
		return "initgroups";
	default:
		return NULL;
	}
}

int main(int argc, char **argv)
{
	struct bench_population population;

	if (argc != 2 || bench_population((uint32_t)strtoul(argv[1], NULL, 10), &population) < 0) {
		fprintf(stderr, "usage: asked PEOPLE (a multiple of %u, up to %u)\n", BENCH_ORGS, BENCH_PEOPLE_MAX);
		return 2;
	}
	for (int op = 0; op < bench_n_ops; op++) {
		size_t n = bench_keys_distinct(&population, &bench_ops[op]);
		const char *name = database(&bench_ops[op]);

		if (!name)
			continue;
		bench_keys_make(&population, &bench_ops[op], 0, keys, n);
		for (size_t i = 0; i < n; i++)
			printf("%s %s\n", name, keys[i].name);
	}
	return ferror(stdout) || fclose(stdout) != 0;
}
