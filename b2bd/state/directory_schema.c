#include "b2bd/state/schema.h"

/*
 * People are never deleted, only removed: the files they left still belong to somebody with a name.
 * holds_name: a removed person's name may pass to a new one, who then holds it.
 */
const char b2b_schema_directory[] =
	"CREATE TABLE org (id TEXT NOT NULL PRIMARY KEY, state INTEGER NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,"
	" modified_ms INTEGER NOT NULL, disabled_ms INTEGER NOT NULL DEFAULT 0, cutoff_ms INTEGER NOT NULL DEFAULT 0)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE principal (uid INTEGER PRIMARY KEY REFERENCES ledger (id), id TEXT NOT NULL, org_id TEXT NOT NULL,"
	" subject TEXT NOT NULL, local TEXT NOT NULL, holds_name INTEGER NOT NULL, display TEXT NOT NULL, kind INTEGER NOT NULL,"
	" state INTEGER NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, roles INTEGER NOT NULL,"
	" shell TEXT NOT NULL, modified_ms INTEGER NOT NULL, disabled_ms INTEGER NOT NULL DEFAULT 0,"
	" cutoff_ms INTEGER NOT NULL DEFAULT 0, UNIQUE (id, org_id)) STRICT;"
	"CREATE UNIQUE INDEX principal_name ON principal (local, org_id) WHERE holds_name = 1;"
	"CREATE INDEX principal_subject ON principal (subject);"
	"CREATE INDEX principal_from ON principal (not_before) WHERE not_before > 0;"
	"CREATE INDEX principal_until ON principal (not_after) WHERE not_after > 0;"
	"CREATE TABLE grp (gid INTEGER PRIMARY KEY REFERENCES ledger (id), id TEXT NOT NULL, org_id TEXT NOT NULL,"
	" local TEXT NOT NULL, UNIQUE (id, org_id), UNIQUE (local, org_id)) STRICT;"
	"CREATE TABLE group_member (gid INTEGER NOT NULL REFERENCES grp (gid) ON DELETE CASCADE,"
	" uid INTEGER NOT NULL REFERENCES principal (uid), PRIMARY KEY (gid, uid)) STRICT, WITHOUT ROWID;"
	/* what the bits of principal.roles meant when they were stored */
	"CREATE TABLE role_bit (bit INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
	"CREATE TABLE directory_pass (one INTEGER PRIMARY KEY CHECK (one = 1), pass INTEGER NOT NULL, complete_s INTEGER NOT NULL) STRICT;"
	"INSERT INTO directory_pass VALUES (1, 0, 0);";

const char b2b_schema_owner[] =
	"ALTER TABLE principal ADD COLUMN owner TEXT NOT NULL DEFAULT '';"
	"CREATE INDEX principal_owner ON principal (owner) WHERE owner <> '';";
