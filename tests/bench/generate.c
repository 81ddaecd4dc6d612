/* generate DIR PEOPLE: writes DIR/passwd and DIR/group, the people as every subject's set-up reads them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/people.h"

static FILE *create(const char *dir, const char *name)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	if (!file) {
		fprintf(stderr, "generate: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return file;
}

static void finish(FILE *file)
{
	if (ferror(file) || fclose(file) != 0) {
		fprintf(stderr, "generate: %s\n", strerror(errno));
		exit(1);
	}
}

static void write_passwd(const struct bench_population *population, FILE *file)
{
	char name[B2B_NAME_SIZE], gecos[BENCH_TEXT_SIZE], home[BENCH_TEXT_SIZE];

	for (uint32_t person = 0; person < population->people; person++) {
		uint32_t uid = bench_person_uid(population, person);

		bench_person_name(population, person, name);
		bench_person_gecos(person, gecos);
		bench_person_home(population, person, home);
		fprintf(file, "%s:*:%u:%u:%s:%s:/bin/bash\n", name, uid, uid, gecos, home);
	}
}

/* The members of ORG who list GID at PLACE of their groups: NEXT links them, FIRST begins. */
struct lists {
	uint32_t *first; /* by gid - the organisation's first */
	uint32_t *next;  /* by person of the organisation, BENCH_GROUPS_EACH each */
};

static void collect(const struct bench_population *population, uint32_t org, struct lists *lists)
{
	uint32_t gids[BENCH_GROUPS_EACH];

	memset(lists->first, 0, population->range * sizeof(*lists->first));
	for (uint32_t i = population->per_org; i-- > 0;) {
		bench_person_gids(population, org * population->per_org + i, gids);
		for (uint32_t g = 0; g < BENCH_GROUPS_EACH; g++) {
			uint32_t *first = &lists->first[gids[g] - bench_org_lo(population, org)];

			lists->next[i * BENCH_GROUPS_EACH + g] = *first;
			*first = i + 1;
		}
	}
}

static void write_line(const struct bench_population *population, uint32_t org, const struct lists *lists, const char *group, uint32_t gid,
                       uint32_t place, FILE *file)
{
	char name[B2B_NAME_SIZE], separator = ':';

	fprintf(file, "%s:*:%u", group, gid);
	for (uint32_t i = lists->first[gid - bench_org_lo(population, org)]; i != 0; i = lists->next[(i - 1) * BENCH_GROUPS_EACH + place]) {
		bench_person_name(population, org * population->per_org + i - 1, name);
		fprintf(file, "%c%s", separator, name);
		separator = ',';
	}
	fputs(separator == ':' ? ":\n" : "\n", file);
}

static void write_org(const struct bench_population *population, uint32_t org, struct lists *lists, FILE *file)
{
	char name[B2B_NAME_SIZE];

	collect(population, org, lists);
	snprintf(name, sizeof(name), B2B_GROUP_MEMBERS "@org%04u", org);
	write_line(population, org, lists, name, bench_org_lo(population, org), 0, file);
	for (uint32_t kind = 0; kind < BENCH_KINDS; kind++)
		for (uint32_t group = 0; group < population->n_groups[kind]; group++) {
			bench_group_name(org, kind, group, name);
			write_line(population, org, lists, name, bench_group_gid(population, org, kind, group), kind + 1, file);
		}
}

int main(int argc, char **argv)
{
	struct bench_population population;
	struct lists lists = { NULL, NULL };
	FILE *file;

	if (argc != 3 || bench_population((uint32_t)strtoul(argv[2], NULL, 10), &population) < 0) {
		fprintf(stderr, "usage: generate DIR PEOPLE (a multiple of %u, up to %u)\n", BENCH_ORGS, BENCH_PEOPLE_MAX);
		return 2;
	}
	lists.first = calloc(population.range, sizeof(*lists.first));
	lists.next = calloc((size_t)population.per_org * BENCH_GROUPS_EACH, sizeof(*lists.next));
	if (!lists.first || !lists.next) {
		fprintf(stderr, "generate: no memory\n");
		return 1;
	}
	file = create(argv[1], "passwd");
	write_passwd(&population, file);
	finish(file);
	file = create(argv[1], "group");
	for (uint32_t org = 0; org < BENCH_ORGS; org++)
		write_org(&population, org, &lists, file);
	finish(file);
	free(lists.first);
	free(lists.next);
	return 0;
}
