#include "tests/federation/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/federation/directory.h"
#include "tests/federation/jws.h"
#include "tests/federation/sql.h"
#include "tests/federation/status.h"
#include "tests/federation/text.h"

void fed_secret(const struct fed *fed, const char *text)
{
	if (!fed->secrets)
		return;
	fprintf(fed->secrets, "%s\n", text);
	fflush(fed->secrets);
}

int fed_token_new(struct fed *fed, const char *kind, const struct fed_grant *grant, int64_t life_s, char **ret_token)
{
	char hash[FED_SHA256_HEX], *token = fed_random_text(32);
	int64_t now = b2b_wall_s();
	int error = token ? fed_sha256_hex(token, hash) : -ENOMEM;
	if (!error)
		error = fed_sql(fed->db, "DELETE FROM tokens WHERE expires < ?1", json_pack("[I]", (json_int_t)(now - 86400)), NULL);
	if (!error)
		error = fed_sql(fed->db,
				"INSERT INTO tokens(hash, kind, client, scope, person, sid, acr, amr, auth_time, issued, expires)"
				" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
				json_pack("[s,s,s,s,s?,s?,s?,O?,I,I,I]", hash, kind, grant->client, grant->scope, grant->person, grant->sid, grant->acr,
					  grant->amr, (json_int_t)grant->auth_time, (json_int_t)now, (json_int_t)(now + life_s)),
				NULL);
	if (error) {
		free(token);
		return error;
	}
	fed_secret(fed, token);
	*ret_token = token;
	return 0;
}

static int person_stands(struct fed *fed, const char *id, bool *ret_stands)
{
	json_t *person = NULL;
	int error = fed_person_get(fed, id, &person);
	if (!error)
		error = fed_person_stands(fed, person, ret_stands);
	json_decref(person);
	return error;
}

int fed_token_find(struct fed *fed, const char *token, json_t **ret_row)
{
	char hash[FED_SHA256_HEX];
	json_t *row = NULL;
	bool stands = true;
	int error = fed_sha256_hex(token, hash);
	if (!error)
		error = fed_sql_row(fed->db, "SELECT *, amr AS amr_json FROM tokens WHERE hash = ?1 AND revoked = 0 AND expires > ?2",
				    json_pack("[s,I]", hash, (json_int_t)b2b_wall_s()), &row);
	if (!error && fed_text(row, "person"))
		error = person_stands(fed, fed_text(row, "person"), &stands);
	if (!error && !stands)
		error = -ENOENT;
	if (error) {
		json_decref(row);
		return error;
	}
	*ret_row = row;
	return 0;
}

int fed_token_revoke(struct fed *fed, const char *token, const char *client)
{
	char hash[FED_SHA256_HEX];
	int error = fed_sha256_hex(token, hash);
	if (error)
		return error;
	return fed_sql(fed->db,
		       "UPDATE tokens SET revoked = 1 WHERE client = ?2 AND"
		       " (hash = ?1 OR sid IN (SELECT sid FROM tokens WHERE hash = ?1 AND client = ?2 AND kind = 'refresh'))",
		       json_pack("[s,s]", hash, client), NULL);
}

static int refuse_bearer(struct fed_reply *reply, unsigned status, const char *error)
{
	char *challenge = NULL;
	if (asprintf(&challenge, "Bearer realm=\"b2b-federation\", error=\"%s\"", error) < 0)
		return -ENOMEM;
	int result = fed_reply_header(reply, "WWW-Authenticate", challenge);
	free(challenge);
	if (!result)
		result = fed_reply_json(reply, status, json_pack("{ss,ss}", "error", error, "error_description",
								 status == 403 ? "the token's scope does not cover this" : "no valid access token"));
	return result ? result : -EACCES;
}

int fed_require_scope(struct fed *fed, const struct fed_request *request, struct fed_reply *reply, const char *scope, char **ret_client)
{
	const char *token = fed_bearer(request);
	json_t *row = NULL;
	int error = token ? fed_token_find(fed, token, &row) : -ENOENT;
	if (!error && strcmp(fed_text(row, "kind"), "access") != 0)
		error = -ENOENT;
	if (error == -ENOENT) {
		json_decref(row);
		return refuse_bearer(reply, 401, "invalid_token");
	}
	if (!error && !fed_scope_has(fed_text(row, "scope"), scope))
		error = refuse_bearer(reply, 403, "insufficient_scope");
	if (!error && ret_client) {
		*ret_client = strdup(fed_text(row, "client"));
		error = *ret_client ? 0 : -ENOMEM;
	}
	json_decref(row);
	return error;
}

/* What an ID token and an access token say alike. Caller decrefs. */
static int claims_of(struct fed *fed, const struct fed_grant *grant, const char *audience, int64_t life_s, json_t **ret_claims)
{
	json_t *person = NULL, *claims = NULL;
	char *jti = fed_random_text(18);
	int64_t now = b2b_wall_s() + (life_s < 0 ? 2 * life_s : 0); /* one that is over was good once */
	int error = jti ? fed_person_get(fed, grant->person, &person) : -ENOMEM;
	if (!error) {
		claims = json_pack("{ss,ss,ss,sI,sI,sI,ss,sO,ss,ss,ss,ss,s{s{ss}}}", "iss", fed->issuer, "sub", fed_text(person, "id"), "aud", audience,
				   "exp", (json_int_t)(now + (life_s < 0 ? -life_s : life_s)), "iat", (json_int_t)now, "auth_time", (json_int_t)grant->auth_time, "acr",
				   grant->acr, "amr", grant->amr, "jti", jti, "sid", grant->sid, "preferred_username",
				   fed_text(person, "user_name"), "name", fed_text(person, "display"), "organization", fed_text(person, "alias"), "id",
				   fed_text(person, "organisation"));
		error = claims ? fed_status_give(fed, fed_text(person, "id"), jti, claims) : -ENOMEM;
	}
	json_decref(person);
	free(jti);
	if (error)
		json_decref(claims);
	else
		*ret_claims = claims;
	return error;
}

static int sign(struct fed *fed, const char *typ, json_t *claims, char **ret_jwt)
{
	int error = fed_jws_sign(fed, typ, claims, ret_jwt);
	if (!error)
		fed_secret(fed, *ret_jwt);
	return error;
}

/* For hosts without a directory: the person's own name, roles and groups. */
static int add_delegation(struct fed *fed, const char *person, json_t *claims)
{
	json_t *row = NULL;
	int error = fed_sql_row(fed->db,
				"SELECT substr(p.user_name, 1, instr(p.user_name, '@') - 1) AS login, p.roles AS roles_json, (SELECT json_group_array(g.local) FROM members m"
				" JOIN groups g ON g.id = m.group_id WHERE m.person = p.id) AS groups_json FROM people p WHERE p.id = ?1",
				json_pack("[s]", person), &row);
	if (!error && json_object_update(claims, row) != 0)
		error = -ENOMEM;
	json_decref(row);
	return error;
}

int fed_id_token(struct fed *fed, const struct fed_grant *grant, char **ret_jwt)
{
	json_t *claims = NULL;
	int error = claims_of(fed, grant, grant->client, fed->id_token_s, &claims);
	if (!error)
		error = add_delegation(fed, grant->person, claims);
	if (error)
		json_decref(claims);
	return error ? error : sign(fed, "JWT", claims, ret_jwt);
}

int fed_access_jwt(struct fed *fed, const struct fed_grant *grant, const char *audience, int64_t life_s, char **ret_jwt)
{
	json_t *claims;
	int error = claims_of(fed, grant, audience, life_s, &claims);
	if (error)
		return error;
	json_object_set_new(claims, "client_id", json_string(grant->client));
	json_object_set_new(claims, "scope", json_string(grant->scope));
	return sign(fed, "at+jwt", claims, ret_jwt);
}
