#include "tests/crash/cuts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/support/scratch.h"

#define PLAIN 40

struct cuts {
	const struct disk_log *log;
	const char *dir;
	void (*check)(void *arg, const char *dir, int mark);
	void *arg;
	struct disk_cut cut;
	bool present[DISK_OPS];
	uint64_t *seen; /* states with the mark they were looked at with: a hash table, 0 is free */
	size_t room, n_seen;
	size_t n_states, n_cuts, n_whole, most; /* cuts of which all subsets were looked at; most unsynced operations of any */
	bool thorough;
};

static char where[256];

const char *cuts_where(void)
{
	return where;
}

static bool insert(uint64_t *table, size_t room, uint64_t key)
{
	for (size_t i = key % room;; i = (i + 1) % room) {
		if (table[i] == key)
			return false;
		if (table[i] == 0) {
			table[i] = key;
			return true;
		}
	}
}

static void grow(struct cuts *cuts)
{
	size_t room = cuts->room ? cuts->room * 2 : 1024;
	uint64_t *table = calloc(room, sizeof(*table));

	if (!table)
		err(1, "states");
	for (size_t i = 0; i < cuts->room; i++) {
		if (cuts->seen[i])
			insert(table, room, cuts->seen[i]);
	}
	free(cuts->seen);
	cuts->seen = table;
	cuts->room = room;
}

/* Was this state looked at before, for the same mark? */
static bool is_new(struct cuts *cuts, uint64_t hash)
{
	uint64_t key = (hash ^ (uint64_t)cuts->cut.mark * 0x9e3779b97f4a7c15u) | 1;

	if (2 * cuts->n_seen >= cuts->room)
		grow(cuts);
	if (!insert(cuts->seen, cuts->room, key))
		return false;
	cuts->n_seen++;
	return true;
}

static void describe(const struct cuts *cuts)
{
	int len = snprintf(where, sizeof(where), "cut at %zu, present ", cuts->cut.at);

	for (size_t i = 0; i < cuts->cut.n_unsynced && len < (int)sizeof(where) - 1; i++)
		len += snprintf(where + len, sizeof(where) - (size_t)len, "%d", cuts->present[i]);
}

static void look(struct cuts *cuts)
{
	struct disk_state *state = disk_state_new(cuts->log, &cuts->cut, cuts->present);

	if (is_new(cuts, disk_state_hash(state))) {
		cuts->n_states++;
		describe(cuts);
		if (access(cuts->dir, F_OK) == 0)
			scratch_remove(cuts->dir);
		if (mkdir(cuts->dir, 0755) < 0)
			err(1, "%s", cuts->dir);
		disk_state_write(state, cuts->dir);
		cuts->check(cuts->arg, cuts->dir, cuts->cut.mark);
	}
	disk_state_free(state);
}

static void all_subsets(struct cuts *cuts)
{
	for (uint64_t subset = 0; subset < 1ull << cuts->cut.n_unsynced; subset++) {
		for (size_t i = 0; i < cuts->cut.n_unsynced; i++)
			cuts->present[i] = subset >> i & 1;
		look(cuts);
	}
}

static void set_all(struct cuts *cuts, bool present)
{
	for (size_t i = 0; i < cuts->cut.n_unsynced; i++)
		cuts->present[i] = present;
}

/* None, all, each alone, each alone missing, the first so many: what random choices hardly meet. Of very many, some. */
static void plain_subsets(struct cuts *cuts)
{
	size_t step = cuts->thorough ? 1 : cuts->cut.n_unsynced / PLAIN + 1;

	for (int present = 0; present < 2; present++) {
		set_all(cuts, present);
		look(cuts);
		for (size_t i = 0; i < cuts->cut.n_unsynced; i += step) {
			set_all(cuts, present);
			cuts->present[i] = !present;
			look(cuts);
		}
	}
	set_all(cuts, false);
	for (size_t i = 0; i < cuts->cut.n_unsynced; i++) {
		cuts->present[i] = true;
		if (i % step == 0)
			look(cuts);
	}
}

static void random_subsets(struct cuts *cuts, unsigned n)
{
	while (n-- > 0) {
		for (size_t i = 0; i < cuts->cut.n_unsynced; i++)
			cuts->present[i] = random() % 2;
		look(cuts);
	}
}

size_t cuts_run(const char *what, const struct disk_log *log, const char *dir, void (*check)(void *arg, const char *dir, int mark), void *arg)
{
	struct cuts *cuts = calloc(1, sizeof(*cuts));
	const char *given = secure_getenv("CRASH_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)b2b_wall_ms(), all;
	size_t n_whole;

	if (!cuts)
		err(1, "cuts");
	*cuts = (struct cuts){ .log = log, .dir = dir, .check = check, .arg = arg, .thorough = secure_getenv("LONG") != NULL };
	all = cuts->thorough ? CUTS_ALL_LONG : CUTS_ALL;
	srandom(seed);
	for (size_t at = 0; disk_next_cut(log, at, &cuts->cut); at = cuts->cut.at + 1) {
		cuts->n_cuts++;
		if (cuts->cut.n_unsynced > cuts->most)
			cuts->most = cuts->cut.n_unsynced;
		if (cuts->cut.n_unsynced <= all) {
			all_subsets(cuts);
			cuts->n_whole++;
			continue;
		}
		plain_subsets(cuts);
		random_subsets(cuts, cuts->thorough ? CUTS_RANDOM_LONG : CUTS_RANDOM);
	}
	print_message("%s, blocks of %u: %zu operations, %zu cuts, %zu of them with at most %u unsynced and thus whole, the others with up to %zu, "
	              "%zu states, seed %u\n", what, log->block, log->n, cuts->n_cuts, cuts->n_whole, all, cuts->most, cuts->n_states, seed);
	n_whole = cuts->n_whole;
	free(cuts->seen);
	free(cuts);
	return n_whole;
}
