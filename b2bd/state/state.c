#include "b2bd/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "b2bd/state/schema.h"
#include "b2bd/state/seen_ids.h"
#include "b2bd/state/state_private.h"
#include "b2bd/state/statement.h"
#include "common/log.h"

#define APPLICATION_ID 0x62326264          /* "b2bd": another program's database is not ours to change */
#define CHECK_WHOLE_MAX (64ll << 20)       /* bytes: a check of every page of more would hold up the start */
#define BUSY_MS 2000

sqlite3 *b2b_state_db(struct b2b_state *state)
{
	return state->db;
}


static int execute(struct b2b_state *state, const char *sql)
{
	return b2b_sqlite_errno(sqlite3_exec(state->db, sql, NULL, NULL, NULL));
}

static int pragma_number(struct b2b_state *state, const char *sql, int64_t *ret_number)
{
	sqlite3_stmt *row = NULL;
	int r = b2b_row_prepare(state, &row, sql);

	if (r < 0)
		return r;
	r = b2b_row_next(row);
	if (r > 0)
		*ret_number = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return r > 0 ? 0 : r < 0 ? r : -EBADMSG;
}

static int check_pages(struct b2b_state *state)
{
	sqlite3_stmt *row = NULL;
	int64_t pages = 0, size = 0;
	char verdict[128];
	int r = pragma_number(state, "PRAGMA page_count", &pages);

	if (r == 0)
		r = pragma_number(state, "PRAGMA page_size", &size);
	if (r < 0 || pages * size > CHECK_WHOLE_MAX)
		return r;
	r = b2b_row_prepare(state, &row, "PRAGMA quick_check(1)");
	if (r < 0)
		return r;
	r = b2b_row_next(row);
	if (r > 0) {
		b2b_row_copy(row, 0, verdict, sizeof(verdict));
		r = 0;
		if (sqlite3_stricmp(verdict, "ok")) {
			b2b_log(LOG_ERR, "state: the database is damaged: %s", verdict);
			r = -EBADMSG;
		}
	}
	sqlite3_finalize(row);
	return r;
}

static int apply_steps(struct b2b_state *state, size_t from)
{
	char sql[128];
	size_t i;
	int r = b2b_state_begin(state);

	if (r < 0)
		return r;
	for (i = from; i < b2b_schema_n_steps && r == 0; i++)
		r = execute(state, b2b_schema_steps[i]);
	if (r == 0) {
		snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %zu", APPLICATION_ID, b2b_schema_n_steps);
		r = execute(state, sql);
	}
	if (r < 0) {
		b2b_log(LOG_ERR, "state: the schema could not be brought up to date: %s", sqlite3_errmsg(state->db));
		b2b_state_rollback(state);
		return r;
	}
	return b2b_state_commit(state);
}

static int migrate(struct b2b_state *state)
{
	int64_t application = 0, version = 0;
	int r = pragma_number(state, "PRAGMA application_id", &application);

	if (r == 0)
		r = pragma_number(state, "PRAGMA user_version", &version);
	if (r < 0)
		return r;
	if (application != APPLICATION_ID && (application || version)) {
		b2b_log(LOG_ERR, "state: the database belongs to another program");
		return -EBADMSG;
	}
	if (version < 0 || (size_t)version > b2b_schema_n_steps) {
		b2b_log(LOG_ERR, "state: the database has schema %lld, this program knows %zu; it was written by a newer version",
		        (long long)version, b2b_schema_n_steps);
		return -EBADMSG;
	}
	return (size_t)version < b2b_schema_n_steps ? apply_steps(state, (size_t)version) : 0;
}

static int prepare_database(struct b2b_state *state)
{
	int r = execute(state, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON;"
	                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");

	if (r == 0)
		r = check_pages(state);
	return r == 0 ? migrate(state) : r;
}

/* SQLite would create it for everybody to read; the journals take the database's mode. */
static int create_private(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int open_database(const char *path, struct b2b_state **ret_state)
{
	struct b2b_state *state = calloc(1, sizeof(*state));
	int code;

	if (!state)
		return -ENOMEM;
	code = sqlite3_open_v2(path, &state->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE, NULL);
	if (code != SQLITE_OK) {
		b2b_state_close(state);
		return b2b_sqlite_errno(code);
	}
	sqlite3_extended_result_codes(state->db, 1);
	sqlite3_busy_timeout(state->db, BUSY_MS);
	sqlite3_db_config(state->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	*ret_state = state;
	return 0;
}

int b2b_state_open(const char *dir, struct b2b_state **ret_state)
{
	struct b2b_state *state = NULL;
	char path[4096];
	int r;

	if (snprintf(path, sizeof(path), "%s/agent.db", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	r = create_private(path);
	if (r == 0)
		r = open_database(path, &state);
	if (r == 0)
		r = prepare_database(state);
	if (r < 0) {
		b2b_log(LOG_ERR, "state: %s cannot be used: %s", path, r == -EBADMSG ? "it is damaged, or not this version's" : strerror(-r));
		b2b_state_close(state);
		return r;
	}
	*ret_state = state;
	return 0;
}

int b2b_state_open_reader(struct b2b_state *state, struct b2b_state **ret_reader)
{
	struct b2b_state *reader = NULL;
	int r = open_database(sqlite3_db_filename(state->db, "main"), &reader);

	if (r < 0)
		return r;
	r = execute(reader, "PRAGMA query_only = ON; BEGIN");
	if (r < 0) {
		b2b_state_close(reader);
		return r;
	}
	*ret_reader = reader;
	return 0;
}

bool b2b_state_idle(struct b2b_state *state)
{
	sqlite3_stmt *row = NULL;

	if (!sqlite3_get_autocommit(state->db))
		return false;
	while ((row = sqlite3_next_stmt(state->db, row))) {
		if (sqlite3_stmt_busy(row))
			return false;
	}
	return true;
}

void b2b_state_close(struct b2b_state *state)
{
	size_t i;

	if (!state)
		return;
	for (i = 0; i < state->n_statements; i++)
		sqlite3_finalize(state->statements[i].row);
	free(state->statements);
	b2b_seen_ids_clear(&state->seen);
	b2b_ledger_notes_clear(&state->notes);
	sqlite3_close(state->db);
	free(state);
}

/* Not within a transaction. */
static int wait_for_disk(struct b2b_state *state, bool wait)
{
	int r = state->relaxed == !wait ? 0 : execute(state, wait ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");

	if (r == 0)
		state->relaxed = !wait;
	return r;
}

static int begin(struct b2b_state *state, bool wait)
{
	int r;

	if (!sqlite3_get_autocommit(state->db))
		return -EBUSY;
	r = wait_for_disk(state, wait);
	return r == 0 ? execute(state, "BEGIN IMMEDIATE") : r;
}

int b2b_state_begin(struct b2b_state *state)
{
	return begin(state, true);
}

int b2b_state_begin_relaxed(struct b2b_state *state)
{
	int r = begin(state, false);

	if (r < 0 && r != -EBUSY)
		wait_for_disk(state, true);
	return r;
}

int b2b_state_commit(struct b2b_state *state)
{
	int r = execute(state, "COMMIT");

	if (r < 0) {
		b2b_state_rollback(state);
		return r;
	}
	return wait_for_disk(state, true);
}

void b2b_state_rollback(struct b2b_state *state)
{
	/* after some errors SQLite has rolled back by itself */
	if (!sqlite3_get_autocommit(state->db))
		execute(state, "ROLLBACK");
	wait_for_disk(state, true);
	b2b_ledger_notes_undone(&state->notes);
}
