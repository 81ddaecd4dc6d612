#include "tests/bench/people.h"

#include <errno.h>
#include <stdio.h>

#include "common/policy.h"

/*
 * Members of a group are spread over their organisation: person I stands at (I * stride) mod per_org, and a group is a run
 * of places. A stride is a prime above any organisation's size, so that everyone has a place of their own.
 */
static const struct {
	const char *name;
	uint32_t size, stride;
} kinds[BENCH_KINDS] = {
	[BENCH_DIVISION] = { "division", 1250, 104729 },
	[BENCH_DEPT] = { "dept", 125, 1299709 },
	[BENCH_CREW] = { "crew", 25, 15485863 },
	[BENCH_PROJECT] = { "project", 8, 32452843 },
};

int bench_population(uint32_t people, struct bench_population *ret_population)
{
	struct bench_population population = { .people = people, .per_org = people / BENCH_ORGS, .range = B2B_RANGE_MIN };
	uint32_t used = population.per_org + 1;

	if (people == 0 || people % BENCH_ORGS != 0 || people > BENCH_PEOPLE_MAX)
		return -EINVAL;
	for (uint32_t kind = 0; kind < BENCH_KINDS; kind++) {
		population.n_groups[kind] = (population.per_org + kinds[kind].size - 1) / kinds[kind].size;
		used += population.n_groups[kind];
	}
	while (population.range < 2 * used)
		population.range *= 2;
	*ret_population = population;
	return 0;
}

uint32_t bench_org_lo(const struct bench_population *population, uint32_t org)
{
	return B2B_RANGE_FIRST + org * population->range;
}

/* Names are made by hand: they are made by the million while others are measured. */
static char *put_text(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	return to;
}

static char *put_number(char *to, uint32_t number)
{
	char digits[10];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	while (n > 0)
		*to++ = digits[--n];
	return to;
}

static void put_org(char *to, uint32_t org)
{
	to = put_text(to, "@org");
	for (uint32_t unit = 1000; unit > 0; unit /= 10)
		*to++ = (char)('0' + org / unit % 10);
	*to = '\0';
}

void bench_person_name(const struct bench_population *population, uint32_t person, char name[B2B_NAME_SIZE])
{
	put_org(put_number(put_text(name, "person"), person), person / population->per_org);
}

void bench_person_gecos(uint32_t person, char gecos[BENCH_TEXT_SIZE])
{
	static const char *const first[] = { "Alice", "Bruno", "Chandra", "Dieter", "Erin", "Farouk", "Grace", "Hiroshi", "Ines", "Jan", "Katarzyna" };
	static const char *const last[] = { "Andersson", "Brown", "Castellanos", "Dupont", "Eriksen", "Fischer", "Gupta", "Hughes", "Ito",
		                            "Jensen", "Kowalski", "Lindqvist", "Marchetti" };

	snprintf(gecos, BENCH_TEXT_SIZE, "%s %s", first[person % 11], last[person / 11 % 13]);
}

void bench_person_home(const struct bench_population *population, uint32_t person, char home[BENCH_TEXT_SIZE])
{
	snprintf(home, BENCH_TEXT_SIZE, "/home/org%04u/person%u", person / population->per_org, person);
}

uint32_t bench_person_uid(const struct bench_population *population, uint32_t person)
{
	return bench_org_lo(population, person / population->per_org) + 1 + person % population->per_org;
}

void bench_person_gids(const struct bench_population *population, uint32_t person, uint32_t gids[BENCH_GROUPS_EACH])
{
	uint32_t org = person / population->per_org;

	gids[0] = bench_org_lo(population, org);
	for (uint32_t kind = 0; kind < BENCH_KINDS; kind++) {
		uint32_t place = (uint32_t)((uint64_t)(person % population->per_org) * kinds[kind].stride % population->per_org);

		gids[kind + 1] = bench_group_gid(population, org, kind, place / kinds[kind].size);
	}
}

void bench_group_name(uint32_t org, enum bench_kind kind, uint32_t group, char name[B2B_NAME_SIZE])
{
	put_org(put_number(put_text(name, kinds[kind].name), group), org);
}

uint32_t bench_group_gid(const struct bench_population *population, uint32_t org, enum bench_kind kind, uint32_t group)
{
	uint32_t gid = bench_org_lo(population, org) + population->per_org + 1 + group;

	for (uint32_t before = 0; before < kind; before++)
		gid += population->n_groups[before];
	return gid;
}

uint32_t bench_group_size(const struct bench_population *population, enum bench_kind kind, uint32_t group)
{
	uint32_t begin = group * kinds[kind].size, left = population->per_org - begin;

	return left < kinds[kind].size ? left : kinds[kind].size;
}

uint64_t bench_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}
