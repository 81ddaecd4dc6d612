/* tinycdb: a constant database, mapped once. */
#include <cdb.h>
#include <fcntl.h>
#include <pthread.h>

#include "tests/bench/floor/cdb.h"
#include "tests/bench/floor/floor.h"

static struct cdb database; /* no memory of its own: no file */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
	int fd = open(BENCH_DIR "/cdb", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && cdb_init(&database, fd) < 0)
		memset(&database, 0, sizeof(database));
}

/* A search leaves its place in the structure: each has a copy. */
static const void *find(char kind, const void *text, size_t len)
{
	char key[BENCH_CDB_KEY_SIZE];
	unsigned size = bench_cdb_key(key, kind, text, len);
	struct cdb own;

	pthread_once(&once, start);
	own = database;
	return size && own.cdb_mem && cdb_find(&own, key, size) > 0 ? cdb_getdata(&own) : NULL;
}

const struct packed_user *floor_user_by_name(const char *name)
{
	return find(BENCH_CDB_USER, name, strlen(name));
}

const struct packed_user *floor_user_by_uid(uint32_t uid)
{
	return find(BENCH_CDB_UID, &uid, sizeof(uid));
}

const struct packed_group *floor_group_by_name(const char *name)
{
	return find(BENCH_CDB_GROUP, name, strlen(name));
}

const struct packed_group *floor_group_by_gid(uint32_t gid)
{
	return find(BENCH_CDB_GID, &gid, sizeof(gid));
}

const struct packed_user *floor_user_next(uint64_t *cursor)
{
	unsigned at = (unsigned)*cursor;
	struct cdb own;

	pthread_once(&once, start);
	own = database;
	if (!own.cdb_mem)
		return NULL;
	if (at == 0)
		cdb_seqinit(&at, &own);
	while (cdb_seqnext(&at, &own) > 0)
		if (*(const char *)cdb_getkey(&own) == BENCH_CDB_USER) {
			*cursor = at;
			return cdb_getdata(&own);
		}
	return NULL;
}
