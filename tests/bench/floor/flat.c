/* A flat file, mapped once and for ever. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/flat.h"
#include "tests/bench/floor/floor.h"

static const char *image;

static const char *map(void)
{
	int fd = open(BENCH_DIR "/flat", O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at;

	if (fd < 0)
		return NULL;
	at = fstat(fd, &st) == 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	close(fd);
	if (at != MAP_FAILED)
		__atomic_store_n(&image, (const char *)at, __ATOMIC_RELEASE);
	return __atomic_load_n(&image, __ATOMIC_ACQUIRE);
}

static inline const char *get(void)
{
	const char *at = __atomic_load_n(&image, __ATOMIC_ACQUIRE);

	return at ? at : map();
}

static inline const void *next(enum flat_table table, uint64_t hash, uint64_t *place)
{
	const char *base = get();
	const struct flat_header *header = (const struct flat_header *)(const void *)base;
	const struct flat_place *places, *at;
	uint64_t mask;

	if (!base)
		return NULL;
	places = (const struct flat_place *)(const void *)(base + header->tables[table].at);
	mask = header->tables[table].mask;
	do
		at = &places[(*place)++ & mask];
	while (at->at && at->hash != (uint32_t)hash);
	return at->at ? base + (uint64_t)at->at * 8 : NULL;
}

#include "tests/bench/floor/tables.h"

const struct packed_user *floor_user_next(uint64_t *cursor)
{
	const char *base = get();
	const struct flat_header *header = (const struct flat_header *)(const void *)base;
	uint64_t at = *cursor ? *cursor : base ? header->users_at : 0;
	const struct packed_user *user;

	if (!base || at >= header->users_end)
		return NULL;
	user = (const struct packed_user *)(const void *)(base + at);
	*cursor = at + ((sizeof(*user) + ((user->size + 3u) & ~3u) + user->n_groups * sizeof(uint32_t) + 7u) & ~7u);
	return user;
}
