/*
 * The cdb file, BENCH_DIR/cdb. A key is a letter for the kind, then the name or id, filled up with NUL to a multiple of 8, as
 * is the data: then records lie as aligned in the file as they were made.
 */
#ifndef B2B_BENCH_CDB_H
#define B2B_BENCH_CDB_H

#include <stdint.h>
#include <string.h>

#define BENCH_CDB_KEY_SIZE 40
#define BENCH_CDB_USER 'u'
#define BENCH_CDB_UID 'U'
#define BENCH_CDB_GROUP 'g'
#define BENCH_CDB_GID 'G'

/* Make the key of KIND for the LEN bytes at TEXT, at most BENCH_CDB_KEY_SIZE - 1. Returns its length, 0 when it is too long. */
static inline unsigned bench_cdb_key(char key[BENCH_CDB_KEY_SIZE], char kind, const void *text, size_t len)
{
	if (len >= BENCH_CDB_KEY_SIZE)
		return 0;
	memset(key, 0, BENCH_CDB_KEY_SIZE);
	key[0] = kind;
	memcpy(key + 1, text, len);
	return (unsigned)(len + 8) & ~7u;
}

#endif
