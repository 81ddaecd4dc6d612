/* An in-process hash table, filled when the module is loaded: the fastest that a process can look its own people up. */
#include <stdbool.h>
#include <stdlib.h>

#include "tests/bench/flat.h"
#include "tests/bench/floor/floor.h"

struct place {
	uint64_t hash;
	const void *record; /* NULL: free */
};

struct table {
	struct place *places;
	uint64_t mask;
};

static struct table tables[FLAT_TABLES];
static const struct packed_user **users;
static uint64_t n_users;

static bool make(struct table *table, uint32_t n)
{
	uint64_t size = 16;

	while (size < 2ull * n)
		size *= 2;
	table->places = calloc(size, sizeof(*table->places));
	table->mask = size - 1;
	return table->places;
}

static bool make_all(const struct source *source)
{
	for (int table = 0; table < FLAT_TABLES; table++)
		if (!make(&tables[table], table < FLAT_GROUP_NAME ? source->n_users : source->n_groups))
			return false;
	return true;
}

static void enter(struct table *table, uint64_t hash, const void *record)
{
	uint64_t at = hash & table->mask;

	while (table->places[at].record)
		at = (at + 1) & table->mask;
	table->places[at] = (struct place){ hash, record };
}

static bool fill(const struct source *source)
{
	for (uint32_t i = 0; i < source->n_users; i++) {
		void *record = malloc(packed_user_size(source, i));

		if (!record)
			return false;
		packed_user_make(source, i, record);
		users[i] = record;
		enter(&tables[FLAT_USER_NAME], packed_hash(source->users[i].name, strlen(source->users[i].name)), record);
		enter(&tables[FLAT_USER_UID], packed_hash_id(source->users[i].uid), record);
	}
	for (uint32_t i = 0; i < source->n_groups; i++) {
		void *record = malloc(packed_group_size(source, i));

		if (!record)
			return false;
		packed_group_make(source, i, record);
		enter(&tables[FLAT_GROUP_NAME], packed_hash(source->groups[i].name, strlen(source->groups[i].name)), record);
		enter(&tables[FLAT_GROUP_GID], packed_hash_id(source->groups[i].gid), record);
	}
	return true;
}

/* What cannot be filled is empty, and every answer then is counted as wrong. */
__attribute__((constructor)) static void start(void)
{
	struct source source;

	if (source_read(BENCH_DIR, &source) < 0)
		return;
	users = calloc(source.n_users, sizeof(*users));
	if (users && make_all(&source) && fill(&source))
		n_users = source.n_users;
	source_free(&source);
}

static inline const void *next(enum flat_table table, uint64_t hash, uint64_t *place)
{
	const struct place *places = tables[table].places, *at;

	if (!places)
		return NULL;
	do
		at = &places[(*place)++ & tables[table].mask];
	while (at->record && at->hash != hash);
	return at->record;
}

#include "tests/bench/floor/tables.h"

const struct packed_user *floor_user_next(uint64_t *cursor)
{
	return *cursor < n_users ? users[(*cursor)++] : NULL;
}
