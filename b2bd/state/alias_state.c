#include "b2bd/state/alias_state.h"

#include <errno.h>
#include <string.h>

#include "b2bd/state/schema.h"
#include "b2bd/state/statement.h"

const char b2b_schema_alias[] =
	"CREATE TABLE alias (uid INTEGER NOT NULL REFERENCES principal (uid), digest BLOB NOT NULL, PRIMARY KEY (uid, digest))"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX alias_digest ON alias (digest);";

static void bind(sqlite3_stmt *row, int index, const struct b2b_alias *alias)
{
	sqlite3_bind_blob(row, index, alias->digest, sizeof(alias->digest), SQLITE_TRANSIENT);
}

/* The uid of ID; whoever moved has another in every organisation, and lives in one. */
static int uid_of(struct b2b_state *state, const char *id, int64_t *ret_uid)
{
	static const char select[] = "SELECT uid FROM principal WHERE id = ? ORDER BY state = 3, modified_ms DESC, uid LIMIT 1";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, id);
	return b2b_statement_number(row, ret_uid);
}

/* Are they what is kept already, as in nearly every pass over nearly everybody? 1, 0, or a negative errno. */
static int unchanged(struct b2b_state *state, int64_t uid, const struct b2b_aliases *aliases)
{
	static const char select[] = "SELECT digest FROM alias WHERE uid = ? ORDER BY digest";
	sqlite3_stmt *row = NULL;
	bool same = true;
	size_t n = 0;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, uid);
	while (same && (r = b2b_row_next(row)) > 0) {
		same = n < aliases->n && sqlite3_column_bytes(row, 0) == B2B_ALIAS_BYTES &&
		       memcmp(sqlite3_column_blob(row, 0), aliases->list[n].digest, B2B_ALIAS_BYTES) == 0;
		n++;
	}
	sqlite3_reset(row);
	return r < 0 ? r : same && n == aliases->n;
}

static int drop(struct b2b_state *state, int64_t uid)
{
	static const char sql[] = "DELETE FROM alias WHERE uid = ?";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, sql, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, uid);
	return b2b_statement_run(row);
}

static int insert(struct b2b_state *state, int64_t uid, const struct b2b_alias *alias)
{
	static const char sql[] = "INSERT INTO alias (uid, digest) VALUES (?, ?)";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, sql, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, uid);
	bind(row, 2, alias);
	return b2b_statement_run(row);
}

int b2b_alias_put(struct b2b_state *state, const char *id, const struct b2b_aliases *aliases)
{
	int64_t uid;
	size_t i;
	int r = uid_of(state, id, &uid);

	if (r < 0)
		return r == -ENOENT ? 0 : r; /* removed before this host ever knew who that is */
	r = unchanged(state, uid, aliases);
	if (r)
		return r < 0 ? r : 0;
	r = drop(state, uid);
	for (i = 0; i < aliases->n && r == 0; i++)
		r = insert(state, uid, &aliases->list[i]);
	return r;
}

int b2b_alias_each(struct b2b_state *state, const struct b2b_aliases *aliases, int (*each)(void *arg, uint32_t uid), void *arg)
{
	static const char select[] = "SELECT uid FROM alias JOIN principal USING (uid) WHERE digest = ? AND state <> 3";
	sqlite3_stmt *row = NULL;
	size_t i;
	int r = b2b_row_prepare(state, &row, select);

	for (i = 0; i < aliases->n && r == 0; i++) {
		bind(row, 1, &aliases->list[i]);
		while ((r = b2b_row_next(row)) > 0) {
			r = each(arg, (uint32_t)sqlite3_column_int64(row, 0));
			if (r)
				break;
		}
		sqlite3_reset(row);
	}
	sqlite3_finalize(row);
	return r;
}
