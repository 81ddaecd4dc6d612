/* The database: schema, the transaction, and the first content (the seed). */
#ifndef FED_STORE_H
#define FED_STORE_H

#include "tests/federation/service.h"

/* Open or make PATH: WAL, every commit durable. 0 or a negative errno. */
int fed_store_open(const char *path, sqlite3 **ret_db);
/* Returns 0, or -EBUSY: something is still read from it. NULL is legal. */
int fed_store_close(sqlite3 *db);

/* One transaction at a time. Commit makes it durable, and only then wakes the polls that it has something for; returns the wall clock
 * (milliseconds) just after in *ret_committed_ms (may be NULL). A commit that fails is rolled back. */
int fed_store_begin(struct fed *fed);
int fed_store_commit(struct fed *fed, int64_t *ret_committed_ms);
void fed_store_rollback(struct fed *fed);
/* STREAM has something to hand out once the open transaction is committed. 0 or -ENOMEM. */
int fed_store_wakes(struct fed *fed, const char *stream);
/* End a transaction by ERROR: commit at 0, else roll back and return ERROR. */
int fed_store_end(struct fed *fed, int error, int64_t *ret_committed_ms);

/* Milliseconds for "last modified": the clock, but never the same twice, so that no delta misses one. */
int fed_store_stamp(struct fed *fed, int64_t *ret_ms);

/* Fill an empty database from PATH (NULL: the seed that is built in). 0 or a negative errno; says on stderr what is wrong. */
int fed_seed(struct fed *fed, const char *path);

#endif
