/* ID token, OIDC Core 2 and 3.1.3.7, as it comes over the back channel of a device log-in. */
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/claims.h"
#include "b2bd/federation/jws.h"
#include "b2bd/json.h"

void b2b_id_token_clear(struct b2b_id_token *token)
{
	free(token->subject);
	free(token->organisation);
	free(token->acr);
	free(token->jti);
	json_decref(token->claims);
	*token = (struct b2b_id_token){ 0 };
}

/* Several audiences: the token must have been given to us (OIDC Core 3.1.3.7, 3-5). */
static enum b2b_token_fault check_audience(const json_t *claims, const char *client_id)
{
	const json_t *azp = json_object_get(claims, "azp");
	bool several = false;
	enum b2b_token_fault fault = b2b_claims_audience(claims, client_id, &several);

	if (fault != B2B_TOKEN_OK)
		return fault;
	if (!azp)
		return several ? B2B_TOKEN_AZP : B2B_TOKEN_OK;
	return json_is_string(azp) && strcmp(json_string_value(azp), client_id) == 0 ? B2B_TOKEN_OK : B2B_TOKEN_AZP;
}

/* Claims that show a token of another kind or another request (RFC 8725 3.12, RFC 8417 4.5-4.6). */
static enum b2b_token_fault check_kind(const json_t *claims)
{
	if (json_object_get(claims, "events"))
		return B2B_TOKEN_EVENTS;
	return json_object_get(claims, "nonce") ? B2B_TOKEN_NONCE : B2B_TOKEN_OK;
}

/* An optional time: 0 where absent. */
static bool optional_time(const json_t *claims, const char *name, int64_t *ret_time)
{
	int64_t when = 0;

	if (json_object_get(claims, name) && b2b_json_seconds(claims, name, &when) < 0)
		return false;
	*ret_time = when;
	return true;
}

static enum b2b_token_fault read_times(const json_t *claims, const struct b2b_token_expect *expect, struct b2b_id_token *token)
{
	int64_t not_before, latest = expect->now + expect->skew_s;

	if (b2b_json_seconds(claims, "exp", &token->expires_at) < 0 || b2b_json_seconds(claims, "iat", &token->issued_at) < 0 ||
	    !optional_time(claims, "nbf", &not_before) || !optional_time(claims, "auth_time", &token->auth_time) ||
	    !optional_time(claims, "session_expiry", &token->session_expiry) || token->issued_at > token->expires_at)
		return B2B_TOKEN_CLAIM;
	if (expect->now >= token->expires_at + (int64_t)expect->skew_s)
		return B2B_TOKEN_EXPIRED;
	/* an authentication in the future would be young for ever */
	return token->issued_at > latest || not_before > latest || token->auth_time > latest ? B2B_TOKEN_NOT_YET : B2B_TOKEN_OK;
}

static enum b2b_token_fault read_names(const json_t *claims, const char *organisation_claim, struct b2b_id_token *token)
{
	enum b2b_token_fault fault;

	if ((fault = b2b_claims_copy(claims, "sub", true, &token->subject)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_copy(claims, "acr", false, &token->acr)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_copy(claims, "jti", false, &token->jti)) != B2B_TOKEN_OK)
		return fault;
	return b2b_claims_organisation(claims, organisation_claim, &token->organisation);
}

static enum b2b_token_fault read_claims(const json_t *claims, const struct b2b_token_expect *expect, const char *organisation_claim,
                                        struct b2b_id_token *token)
{
	enum b2b_token_fault fault;

	if ((fault = b2b_claims_issuer(claims, expect->issuer)) != B2B_TOKEN_OK ||
	    (fault = check_audience(claims, expect->audience)) != B2B_TOKEN_OK || (fault = check_kind(claims)) != B2B_TOKEN_OK ||
	    (fault = read_times(claims, expect, token)) != B2B_TOKEN_OK)
		return fault;
	return read_names(claims, organisation_claim, token);
}

enum b2b_token_fault b2b_id_token_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks,
                                         const struct b2b_token_expect *expect, const char *organisation_claim,
                                         struct b2b_id_token *ret_token)
{
	static const struct b2b_jws_typ typ = { .name = "JWT", .may_be_absent = true };
	struct b2b_id_token token = { 0 };
	enum b2b_token_fault fault = b2b_jws_verify(jwt, len, jwks, &typ, &token.claims);

	if (fault == B2B_TOKEN_OK)
		fault = read_claims(token.claims, expect, organisation_claim, &token);
	if (fault == B2B_TOKEN_OK)
		*ret_token = token;
	else
		b2b_id_token_clear(&token);
	return fault;
}
