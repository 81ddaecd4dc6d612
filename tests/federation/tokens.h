/* Tokens as the service keeps them: opaque handles, stored by digest, valid only while their person is. */
#ifndef FED_TOKENS_H
#define FED_TOKENS_H

#include "tests/federation/http.h"

/* Note TEXT, a secret, where the option --secrets says. */
void fed_secret(const struct fed *fed, const char *text);

/* What a token stands for. Strings are borrowed. */
struct fed_grant {
	const char *client;
	const char *scope;
	const char *person; /* NULL: the client itself */
	const char *sid, *acr;
	const json_t *amr;
	int64_t auth_time;
};

/* A new token of KIND ("access", "refresh") for LIFE_S seconds. 0 or a negative errno; caller frees *ret_token. */
int fed_token_new(struct fed *fed, const char *kind, const struct fed_grant *grant, int64_t life_s, char **ret_token);

/*
 * The row of TOKEN (columns of the table tokens; amr parsed) when it is alive: not expired, not revoked, and its person
 * and their organisations stand. 0 (caller decrefs), -ENOENT, or a negative errno.
 */
int fed_token_find(struct fed *fed, const char *token, json_t **ret_row);
int fed_token_revoke(struct fed *fed, const char *token, const char *client); /* with all of its log-in; 0 also when there is none */

/*
 * For resources: does REQUEST carry an access token with SCOPE? 0 with the client's name in *ret_client (a new string,
 * may be NULL if not wanted); -EACCES with the reply (401 or 403, RFC 6750) already made; or a negative errno.
 */
int fed_require_scope(struct fed *fed, const struct fed_request *request, struct fed_reply *reply, const char *scope, char **ret_client);

/* An ID token (OIDC Core section 2) for GRANT; 0 or a negative errno; caller frees. */
int fed_id_token(struct fed *fed, const struct fed_grant *grant, char **ret_jwt);

/* An access token as a JWT (RFC 9068) for AUDIENCE, which is not kept here: it cannot be revoked. 0 or a negative errno; caller frees. */
int fed_access_jwt(struct fed *fed, const struct fed_grant *grant, const char *audience, int64_t life_s, char **ret_jwt);

#endif
