/* Whom an operation asks for. */
#include <stdio.h>

#include "tests/bench/ask.h"

#define ABSENT 64u
#define BIG 8u
#define FEW 100u
#define HOT_SEED 1u

static void person_key(const struct bench_population *population, uint32_t person, struct bench_key *key)
{
	uint32_t gids[BENCH_GROUPS_EACH];

	bench_person_name(population, person, key->name);
	key->id = bench_person_uid(population, person);
	key->size = key->id;
	bench_person_gids(population, person, gids);
	for (uint32_t i = 0; i < BENCH_GROUPS_EACH; i++)
		key->size += gids[i];
}

static void group_key(const struct bench_population *population, enum bench_kind kind, uint64_t random, struct bench_key *key)
{
	uint32_t org = (uint32_t)(random % BENCH_ORGS), group = (uint32_t)(random / BENCH_ORGS % population->n_groups[kind]);

	bench_group_name(org, kind, group, key->name);
	key->id = bench_group_gid(population, org, kind, group);
	key->size = bench_group_size(population, kind, group);
}

static void absent_key(enum bench_whom whom, size_t i, uint64_t random, struct bench_key *key)
{
	if (whom == BENCH_ABSENT_OURS)
		snprintf(key->name, sizeof(key->name), "nobody%zu@org%04u", i % ABSENT, (unsigned)(random % BENCH_ORGS));
	else
		snprintf(key->name, sizeof(key->name), "www-data%zu", i % ABSENT);
	key->id = 1;
	key->size = 0;
}

size_t bench_keys_distinct(const struct bench_population *population, const struct bench_op *op)
{
	switch (op->whom) {
	case BENCH_HOT:
	case BENCH_ORDINARY:
		return population->people < BENCH_HOT_PEOPLE ? population->people : BENCH_HOT_PEOPLE;
	case BENCH_FEW:
		return FEW;
	case BENCH_BIG:
	case BENCH_BIGGEST:
		return BIG;
	case BENCH_ABSENT_OURS:
	case BENCH_ABSENT_OTHER:
		return ABSENT;
	default:
		return 0;
	}
}

void bench_keys_make(const struct bench_population *population, const struct bench_op *op, uint64_t seed, struct bench_key *keys, size_t n)
{
	uint64_t state = bench_keys_distinct(population, op) ? HOT_SEED : seed;

	for (size_t i = 0; i < n; i++) {
		uint64_t random = bench_random(&state);

		if (op->whom == BENCH_ABSENT_OURS || op->whom == BENCH_ABSENT_OTHER)
			absent_key(op->whom, i, random, &keys[i]);
		else if (op->whom == BENCH_ORDINARY)
			group_key(population, random & 1 ? BENCH_CREW : BENCH_PROJECT, random >> 1, &keys[i]);
		else if (op->whom == BENCH_BIG || op->whom == BENCH_BIGGEST)
			group_key(population, op->whom == BENCH_BIG ? BENCH_DEPT : BENCH_DIVISION, random, &keys[i]);
		else
			person_key(population, (uint32_t)(random % population->people), &keys[i]);
	}
}

void bench_keys_everyone(const struct bench_population *population, uint32_t first, struct bench_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		person_key(population, first + (uint32_t)i, &keys[i]);
}
