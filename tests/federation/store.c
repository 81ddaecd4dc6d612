#include "tests/federation/store.h"

#include <errno.h>
#include <stdio.h>

#include "common/clock.h"
#include "tests/federation/server.h"
#include "tests/federation/sql.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, value);"
	"CREATE TABLE IF NOT EXISTS keys(kid TEXT PRIMARY KEY, alg TEXT NOT NULL, pem TEXT NOT NULL, active INTEGER NOT NULL, created_ms INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS organisations(id TEXT PRIMARY KEY, alias TEXT UNIQUE NOT NULL, display TEXT NOT NULL,"
	" parent TEXT REFERENCES organisations(id), state TEXT NOT NULL, not_before INTEGER, not_after INTEGER,"
	" created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 1);"
	"CREATE TABLE IF NOT EXISTS people(id TEXT PRIMARY KEY, organisation TEXT NOT NULL REFERENCES organisations(id),"
	" local TEXT NOT NULL, user_name TEXT NOT NULL COLLATE NOCASE, external_id TEXT, display TEXT NOT NULL, kind TEXT NOT NULL, owner TEXT,"
	" state TEXT NOT NULL, not_before INTEGER, not_after INTEGER, shell TEXT, emails TEXT NOT NULL, roles TEXT NOT NULL,"
	" ssh_keys TEXT NOT NULL, acr TEXT NOT NULL, amr TEXT NOT NULL, password TEXT, administrator INTEGER NOT NULL DEFAULT 0, invitation TEXT,"
	" created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 1);"
	/* A name may be given again only when its former bearer has been removed. */
	"CREATE UNIQUE INDEX IF NOT EXISTS people_name ON people(organisation, local) WHERE state <> 'removed';"
	"CREATE INDEX IF NOT EXISTS people_user_name ON people(user_name);"
	"CREATE INDEX IF NOT EXISTS people_modified ON people(modified_ms);"
	"CREATE TABLE IF NOT EXISTS groups(id TEXT PRIMARY KEY, organisation TEXT NOT NULL REFERENCES organisations(id), local TEXT NOT NULL,"
	" display TEXT NOT NULL, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 1,"
	" UNIQUE(organisation, local));"
	"CREATE TABLE IF NOT EXISTS members(group_id TEXT NOT NULL REFERENCES groups(id) ON DELETE CASCADE,"
	" person TEXT NOT NULL REFERENCES people(id), PRIMARY KEY(group_id, person)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS members_person ON members(person);"
	"CREATE TABLE IF NOT EXISTS tokens(hash TEXT PRIMARY KEY, kind TEXT NOT NULL, client TEXT NOT NULL, scope TEXT NOT NULL, person TEXT,"
	" sid TEXT, acr TEXT, amr TEXT, auth_time INTEGER, issued INTEGER NOT NULL, expires INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX IF NOT EXISTS tokens_sid ON tokens(sid);"
	"CREATE INDEX IF NOT EXISTS tokens_expires ON tokens(expires);"
	"CREATE TABLE IF NOT EXISTS devices(hash TEXT PRIMARY KEY, user_code TEXT UNIQUE NOT NULL, client TEXT NOT NULL, scope TEXT NOT NULL,"
	" asked TEXT, state TEXT NOT NULL, person TEXT, peer TEXT, login_hint TEXT, binding_message TEXT, acr TEXT, amr TEXT, auth_time INTEGER,"
	" interval_ms INTEGER NOT NULL, polled_ms INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, expires INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS assertions(client TEXT NOT NULL, jti TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY(client, jti)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS assertions_expires ON assertions(expires);"
	"CREATE TABLE IF NOT EXISTS registrations(id TEXT PRIMARY KEY, metadata TEXT NOT NULL, secret TEXT, token TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS streams(id TEXT PRIMARY KEY, client TEXT UNIQUE NOT NULL, requested TEXT NOT NULL, description TEXT,"
	" status TEXT NOT NULL, reason TEXT, created_ms INTEGER NOT NULL, verified_ms INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS outbox(seq INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, jti TEXT UNIQUE NOT NULL, type TEXT NOT NULL,"
	" sub_id TEXT NOT NULL, event TEXT NOT NULL, txn TEXT, created_ms INTEGER NOT NULL, sent_ms INTEGER, acked_ms INTEGER, error TEXT);"
	"CREATE INDEX IF NOT EXISTS outbox_open ON outbox(stream, seq) WHERE acked_ms IS NULL;"
	/* AUTOINCREMENT: a place never passes from one token to another. */
	"CREATE TABLE IF NOT EXISTS statuses(place INTEGER PRIMARY KEY AUTOINCREMENT, jti TEXT NOT NULL, person TEXT NOT NULL,"
	" status INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX IF NOT EXISTS statuses_person ON statuses(person);"
	"CREATE TABLE IF NOT EXISTS web_sessions(hash TEXT PRIMARY KEY, person TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS removed_subjects(stream TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY(stream, subject)) WITHOUT ROWID;";

int fed_store_open(const char *path, sqlite3 **ret_db)
{
	sqlite3 *db = NULL;
	char *text = NULL;
	int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (code == SQLITE_OK)
		sqlite3_busy_timeout(db, 2000);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;", NULL, NULL, &text);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, schema, NULL, NULL, &text);
	if (code != SQLITE_OK) {
		fprintf(stderr, "b2b-federation: %s: %s\n", path, text ? text : sqlite3_errstr(code));
		sqlite3_free(text);
		sqlite3_close(db);
		return -EIO;
	}
	*ret_db = db;
	return 0;
}

int fed_store_close(sqlite3 *db)
{
	for (sqlite3_stmt *statement; db && (statement = sqlite3_next_stmt(db, NULL));)
		sqlite3_finalize(statement); /* what fed_sql keeps */
	return sqlite3_close(db) == SQLITE_OK ? 0 : -EBUSY;
}

int fed_store_begin(struct fed *fed)
{
	return fed_sql(fed->db, "BEGIN IMMEDIATE", json_array(), NULL);
}

int fed_store_wakes(struct fed *fed, const char *stream)
{
	if (!fed->queued)
		fed->queued = json_object();
	return json_object_set_new(fed->queued, stream, json_null()) == 0 ? 0 : -ENOMEM;
}

static void forget_queued(struct fed *fed)
{
	json_decref(fed->queued);
	fed->queued = NULL;
}

void fed_store_rollback(struct fed *fed)
{
	forget_queued(fed);
	if (!sqlite3_get_autocommit(fed->db))
		fed_sql(fed->db, "ROLLBACK", json_array(), NULL);
}

int fed_store_commit(struct fed *fed, int64_t *ret_committed_ms)
{
	const char *stream;
	json_t *nothing;
	int error = fed_sql(fed->db, "COMMIT", json_array(), NULL);
	if (error) {
		fed_store_rollback(fed);
		return error;
	}
	if (ret_committed_ms)
		*ret_committed_ms = b2b_wall_ms();
	json_object_foreach (fed->queued, stream, nothing)
		fed_server_wake(fed->server, stream);
	forget_queued(fed);
	return 0;
}

int fed_store_end(struct fed *fed, int error, int64_t *ret_committed_ms)
{
	if (!error)
		return fed_store_commit(fed, ret_committed_ms);
	fed_store_rollback(fed);
	return error;
}

int fed_store_stamp(struct fed *fed, int64_t *ret_ms)
{
	json_t *row = NULL;
	int error = fed_sql_row(fed->db,
				"INSERT INTO settings(name, value) VALUES('stamp', ?1)"
				" ON CONFLICT(name) DO UPDATE SET value = max(value + 1, excluded.value) RETURNING value",
				json_pack("[I]", (json_int_t)b2b_wall_ms()), &row);
	if (error)
		return error;
	*ret_ms = fed_int(row, "value");
	json_decref(row);
	return 0;
}
