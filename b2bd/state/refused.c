#include "b2bd/state/refused.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "b2bd/state/schema.h"
#include "b2bd/state/statement.h"

#define DIGEST_BYTES 32
#define DIGEST_SIZE (2 * DIGEST_BYTES + 1)

const char b2b_schema_refused[] =
	"CREATE TABLE refused_event (digest TEXT NOT NULL PRIMARY KEY, seen_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX refused_event_by_time ON refused_event (seen_s);";

/* SQL, about the event JTI in its first parameter. */
static int prepare(struct b2b_state *state, const char *sql, const char *jti, sqlite3_stmt **ret_row)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[DIGEST_SIZE];
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, sql, &row);

	if (r < 0)
		return r;
	if (EVP_Digest(jti, strlen(jti), digest, NULL, EVP_sha256(), NULL) != 1 ||
	    OPENSSL_buf2hexstr_ex(text, sizeof(text), NULL, digest, DIGEST_BYTES, '\0') != 1)
		return -ENOMEM;
	b2b_row_text(row, 1, text);
	*ret_row = row;
	return 0;
}

int b2b_refused_has(struct b2b_state *state, const char *jti)
{
	sqlite3_stmt *row = NULL;
	int64_t count;
	int r = prepare(state, "SELECT count(*) FROM refused_event WHERE digest = ?", jti, &row);

	if (r == 0)
		r = b2b_statement_number(row, &count);
	return r < 0 ? r : count > 0;
}

int b2b_refused_note(struct b2b_state *state, const char *jti, int64_t now_s)
{
	static const char insert[] = "INSERT INTO refused_event (digest, seen_s) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING";
	sqlite3_stmt *row = NULL;
	int r = prepare(state, insert, jti, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 2, now_s);
	return b2b_statement_run(row);
}

int b2b_refused_prune(struct b2b_state *state, int64_t before_s, uint32_t limit)
{
	static const char drop[] =
		"DELETE FROM refused_event WHERE digest IN (SELECT digest FROM refused_event WHERE seen_s < ? ORDER BY seen_s LIMIT ?)";

	return b2b_statement_prune(state, drop, before_s, limit);
}
