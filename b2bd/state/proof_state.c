#include "b2bd/state/proof_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/state/rows.h"
#include "b2bd/state/schema.h"
#include "b2bd/state/statement.h"

const char b2b_schema_proof[] =
	"CREATE TABLE proof ("
	" id INTEGER PRIMARY KEY, uid INTEGER NOT NULL, level INTEGER NOT NULL, auth_time_s INTEGER NOT NULL, session_expiry_s INTEGER NOT NULL,"
	" acr TEXT NOT NULL, jti TEXT NOT NULL, sid TEXT NOT NULL, in_person INTEGER NOT NULL, made_s INTEGER NOT NULL,"
	" way INTEGER NOT NULL, sealed BLOB, ends_s INTEGER NOT NULL, verified_s INTEGER NOT NULL, next_s INTEGER NOT NULL,"
	" failures INTEGER NOT NULL, unsure INTEGER NOT NULL) STRICT;"
	"CREATE INDEX proof_by_uid ON proof (uid, made_s);"
	"CREATE INDEX proof_by_next ON proof (next_s) WHERE next_s > 0;"
	"ALTER TABLE session ADD COLUMN proof INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE session ADD COLUMN why INTEGER NOT NULL DEFAULT 27;"
	"CREATE INDEX session_by_proof ON session (proof) WHERE proof <> 0;";

const char b2b_schema_proof_status[] =
	"ALTER TABLE proof ADD COLUMN status_list INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE proof ADD COLUMN status_index INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX proof_by_status ON proof (status_list) WHERE status_list > 0;";

const char b2b_schema_proof_source[] = "ALTER TABLE proof ADD COLUMN source TEXT NOT NULL DEFAULT '';";

#define COLUMNS \
	"id, uid, level, auth_time_s, session_expiry_s, acr, jti, sid, in_person, made_s, way, sealed, ends_s, verified_s, next_s, failures, unsure," \
	" status_list, status_index, source"

void b2b_proof_clear(struct b2b_proof *proof)
{
	free(proof->sealed);
	memset(proof, 0, sizeof(*proof));
}

static void bind_course(sqlite3_stmt *row, int at, const struct b2b_proof *proof)
{
	b2b_row_int(row, at, proof->way);
	sqlite3_bind_blob64(row, at + 1, proof->sealed, proof->sealed_len, SQLITE_TRANSIENT);
	b2b_row_int(row, at + 2, proof->ends_s);
	b2b_row_int(row, at + 3, proof->verified_s);
	b2b_row_int(row, at + 4, proof->next_s);
	b2b_row_int(row, at + 5, proof->failures);
	b2b_row_int(row, at + 6, proof->unsure);
}

int b2b_proof_add(struct b2b_state *state, const struct b2b_proof *proof)
{
	static const char insert[] = "INSERT INTO proof (" COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
	const struct b2b_authentication *authentication = &proof->authentication;
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, insert, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, proof->id);
	b2b_row_int(row, 2, authentication->uid);
	b2b_row_int(row, 3, authentication->level);
	b2b_row_int(row, 4, authentication->auth_time_s);
	b2b_row_int(row, 5, authentication->session_expiry_s);
	b2b_row_text(row, 6, authentication->acr);
	b2b_row_text(row, 7, authentication->jti);
	b2b_row_text(row, 8, authentication->sid);
	b2b_row_int(row, 9, proof->in_person);
	b2b_row_int(row, 10, proof->made_s);
	bind_course(row, 11, proof);
	b2b_row_int(row, 18, authentication->status_list);
	b2b_row_int(row, 19, authentication->status_index);
	b2b_row_text(row, 20, proof->source);
	return b2b_statement_run(row);
}

static int read_proof(sqlite3_stmt *row, struct b2b_proof *ret)
{
	struct b2b_proof proof = { .id = sqlite3_column_int64(row, 0) };
	struct b2b_authentication *authentication = &proof.authentication;

	authentication->proof = proof.id;
	authentication->uid = (uint32_t)sqlite3_column_int64(row, 1);
	authentication->level = (enum b2b_assurance)sqlite3_column_int(row, 2);
	authentication->auth_time_s = sqlite3_column_int64(row, 3);
	authentication->session_expiry_s = sqlite3_column_int64(row, 4);
	b2b_row_copy(row, 5, authentication->acr, sizeof(authentication->acr));
	b2b_row_copy(row, 6, authentication->jti, sizeof(authentication->jti));
	b2b_row_copy(row, 7, authentication->sid, sizeof(authentication->sid));
	proof.in_person = sqlite3_column_int(row, 8) != 0;
	proof.made_s = sqlite3_column_int64(row, 9);
	proof.way = (enum b2b_reverify)sqlite3_column_int(row, 10);
	proof.sealed_len = (size_t)sqlite3_column_bytes(row, 11);
	proof.ends_s = sqlite3_column_int64(row, 12);
	proof.verified_s = sqlite3_column_int64(row, 13);
	proof.next_s = sqlite3_column_int64(row, 14);
	proof.failures = (uint32_t)sqlite3_column_int64(row, 15);
	proof.unsure = sqlite3_column_int(row, 16) != 0;
	authentication->status_list = sqlite3_column_int64(row, 17);
	authentication->status_index = sqlite3_column_int64(row, 18);
	b2b_row_copy(row, 19, proof.source, sizeof(proof.source));
	authentication->token_end_s = proof.way == B2B_REVERIFY_LIFE ? proof.ends_s : 0;
	if (proof.sealed_len) {
		proof.sealed = malloc(proof.sealed_len);
		if (!proof.sealed)
			return -ENOMEM;
		memcpy(proof.sealed, sqlite3_column_blob(row, 11), proof.sealed_len);
	}
	*ret = proof;
	return 0;
}

/* The row whose parameter is KEY. */
static int take_one(sqlite3_stmt *row, int64_t key, struct b2b_proof *ret_proof)
{
	int r;

	b2b_row_int(row, 1, key);
	r = b2b_row_next(row);
	r = r > 0 ? read_proof(row, ret_proof) : r < 0 ? r : -ENOENT;
	sqlite3_reset(row);
	return r;
}

int b2b_proof_get(struct b2b_state *state, int64_t id, struct b2b_proof *ret_proof)
{
	static const char select[] = "SELECT " COLUMNS " FROM proof WHERE id = ?";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	return r < 0 ? r : take_one(row, id, ret_proof);
}

int b2b_proof_latest(struct b2b_state *state, uint32_t uid, struct b2b_proof *ret_proof)
{
	static const char select[] = "SELECT " COLUMNS " FROM proof WHERE uid = ? AND in_person ORDER BY auth_time_s DESC, made_s DESC LIMIT 1";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	return r < 0 ? r : take_one(row, uid, ret_proof);
}

int b2b_proof_forget_latest(struct b2b_state *state)
{
	static const char update[] = "UPDATE proof SET in_person = 0 WHERE in_person";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, update, &row);

	return r < 0 ? r : b2b_statement_run(row);
}

int b2b_proof_update(struct b2b_state *state, const struct b2b_proof *proof)
{
	static const char update[] =
		"UPDATE proof SET way = ?2, sealed = ?3, ends_s = ?4, verified_s = ?5, next_s = ?6, failures = ?7, unsure = ?8 WHERE id = ?1";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, update, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, proof->id);
	bind_course(row, 2, proof);
	r = b2b_statement_run(row);
	if (r == 0 && sqlite3_changes(b2b_state_db(state)) == 0)
		r = -ENOENT;
	return r;
}

int b2b_proof_drop(struct b2b_state *state, int64_t id)
{
	static const char drop[] = "DELETE FROM proof WHERE id = ?";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, drop, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, id);
	return b2b_statement_run(row);
}

/*
 * See struct b2b_proof_use; its members are the first two parameters. A session may still be opened by one that has just ceased to be the
 * latest: it is kept, and asked about again once there is that session.
 */
#define IN_USE(also) \
	"(made_s >= ?1 OR EXISTS (SELECT 1 FROM session WHERE session.proof = proof.id) OR (in_person AND auth_time_s >= ?2" also "))"
#define LATEST \
	" AND id = (SELECT other.id FROM proof other WHERE other.uid = proof.uid AND other.in_person" \
	" ORDER BY other.auth_time_s DESC, other.made_s DESC LIMIT 1)"

static void bind_use(sqlite3_stmt *row, const struct b2b_proof_use *use)
{
	b2b_row_int(row, 1, use->made_s);
	b2b_row_int(row, 2, use->proven_s);
}

int b2b_proof_prune(struct b2b_state *state, const struct b2b_proof_use *use, uint32_t limit)
{
	static const char drop[] = "DELETE FROM proof WHERE id IN (SELECT id FROM proof WHERE NOT " IN_USE("") " LIMIT ?3)";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, drop, &row);

	if (r < 0)
		return r;
	bind_use(row, use);
	b2b_row_int(row, 3, limit);
	return b2b_statement_run(row);
}

int b2b_proof_due(struct b2b_state *state, const struct b2b_proof_use *use, int64_t now_s, uint32_t limit, int64_t *ret_ids, size_t *ret_n,
                  int64_t *ret_next)
{
	static const char select[] = "SELECT id FROM proof WHERE next_s > 0 AND next_s <= ?3 AND " IN_USE(LATEST) " ORDER BY next_s LIMIT ?4";
	static const char next[] = "SELECT coalesce(min(next_s), 0) FROM proof WHERE next_s > ?";
	sqlite3_stmt *row = NULL;
	size_t n = 0;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	bind_use(row, use);
	b2b_row_int(row, 3, now_s);
	b2b_row_int(row, 4, limit);
	while ((r = b2b_row_next(row)) > 0)
		ret_ids[n++] = sqlite3_column_int64(row, 0);
	sqlite3_reset(row);
	*ret_n = n;
	if (r == 0)
		r = b2b_statement(state, next, &row);
	if (r < 0)
		return r;
	b2b_row_int(row, 1, now_s > 0 ? now_s : 0);
	return b2b_statement_number(row, ret_next);
}

int b2b_proof_figures(struct b2b_state *state, struct b2b_proof_figures *ret_figures)
{
	static const char select[] = "SELECT count(*) FILTER (WHERE p.way = 2), count(*) FILTER (WHERE p.way = 4), count(*) FILTER (WHERE p.way = 8),"
	                             " count(*) FILTER (WHERE p.way IS NULL OR p.way NOT IN (2, 4, 8)),"
	                             " coalesce(min(p.verified_s) FILTER (WHERE p.way IN (2, 4)), 0),"
	                             " (SELECT count(*) FROM proof WHERE failures > 0 AND way IN (2, 4))"
	                             " FROM session s LEFT JOIN proof p ON p.id = s.proof";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	r = b2b_row_next(row);
	if (r > 0) {
		ret_figures->refresh = (uint64_t)sqlite3_column_int64(row, 0);
		ret_figures->introspection = (uint64_t)sqlite3_column_int64(row, 1);
		ret_figures->life = (uint64_t)sqlite3_column_int64(row, 2);
		ret_figures->none = (uint64_t)sqlite3_column_int64(row, 3);
		ret_figures->oldest_s = sqlite3_column_int64(row, 4);
		ret_figures->failing = (uint64_t)sqlite3_column_int64(row, 5);
	}
	sqlite3_reset(row);
	return r < 0 ? r : 0;
}
