/*
 * The people that every subject of the benchmark serves: made by rule, so that whoever asks knows the right answer without
 * a table of its own in memory. person123@org0042, 200 organisations whatever the size, five supplementary groups each:
 * members@ORG and one of every kind of BENCH_KINDS.
 */
#ifndef B2B_BENCH_PEOPLE_H
#define B2B_BENCH_PEOPLE_H

#include <stdint.h>

#include "common/names.h"

#define BENCH_ORGS 200u
#define BENCH_KINDS 4u             /* of groups, by size: division, dept, crew, project */
#define BENCH_GROUPS_EACH (BENCH_KINDS + 1)
#define BENCH_PEOPLE_MAX 4000000u
#define BENCH_TEXT_SIZE 96

enum bench_kind { BENCH_DIVISION, BENCH_DEPT, BENCH_CREW, BENCH_PROJECT };

struct bench_population {
	uint32_t people, per_org;
	uint32_t range;                 /* ids of an organisation: twice what is in use at least */
	uint32_t n_groups[BENCH_KINDS]; /* in each organisation */
};

/* A population of PEOPLE. Returns 0, or -EINVAL unless it is a multiple of BENCH_ORGS, at most BENCH_PEOPLE_MAX. */
int bench_population(uint32_t people, struct bench_population *ret_population);

uint32_t bench_org_lo(const struct bench_population *population, uint32_t org); /* gid of members@ORG */

/* The person numbered PERSON, below `people`. */
void bench_person_name(const struct bench_population *population, uint32_t person, char name[B2B_NAME_SIZE]);
void bench_person_gecos(uint32_t person, char gecos[BENCH_TEXT_SIZE]);
void bench_person_home(const struct bench_population *population, uint32_t person, char home[BENCH_TEXT_SIZE]);
uint32_t bench_person_uid(const struct bench_population *population, uint32_t person); /* and private gid */
void bench_person_gids(const struct bench_population *population, uint32_t person, uint32_t gids[BENCH_GROUPS_EACH]);

/* The group of KIND numbered GROUP, below n_groups[KIND], of organisation ORG. */
void bench_group_name(uint32_t org, enum bench_kind kind, uint32_t group, char name[B2B_NAME_SIZE]);
uint32_t bench_group_gid(const struct bench_population *population, uint32_t org, enum bench_kind kind, uint32_t group);
uint32_t bench_group_size(const struct bench_population *population, enum bench_kind kind, uint32_t group);

/* A number from *STATE, which moves on (splitmix64). */
uint64_t bench_random(uint64_t *state);

#endif
