/* Access token in the form of a JWT, RFC 9068, as somebody presents it to this host to log in with. */
#include <string.h>

#include "b2bd/federation/claims.h"
#include "b2bd/federation/jws.h"
#include "b2bd/json.h"

/* What only ID tokens have (OIDC Core 3.1.3.6, 3.3.2.11): one must never pass for an access token, for its audience is our client_id. */
static bool is_of_id_token(const json_t *claims)
{
	return json_object_get(claims, "nonce") || json_object_get(claims, "at_hash") || json_object_get(claims, "c_hash") ||
	       json_object_get(claims, "s_hash");
}

/* Keycloak writes its own kinds (Bearer, ID, Refresh, …) into a claim. */
static bool says_access(const json_t *claims)
{
	const json_t *typ = json_object_get(claims, "typ");
	const char *name = json_string_value(typ);

	if (typ)
		return name && strcmp(name, "Bearer") == 0;
	return json_is_string(json_object_get(claims, "scope")) || json_is_string(json_object_get(claims, "scp"));
}

/* `client_id`; services that do not follow RFC 9068 say `azp`. Where there are both they must be one. */
static enum b2b_token_fault read_client(const json_t *claims, bool any_typ, char **ret_client)
{
	const char *client_id = b2b_json_text(claims, "client_id"), *azp = b2b_json_text(claims, "azp");

	if (client_id && json_object_get(claims, "azp") && (!azp || strcmp(client_id, azp) != 0))
		return B2B_TOKEN_AZP;
	if (any_typ && !json_object_get(claims, "client_id") && b2b_claim_is_identifier(json_object_get(claims, "azp")))
		return b2b_claims_copy(claims, "azp", true, ret_client);
	return b2b_claims_copy(claims, "client_id", true, ret_client);
}

static enum b2b_token_fault read_claims(const json_t *claims, const struct b2b_token_expect *expect, const char *organisation_claim,
                                        struct b2b_id_token *token)
{
	enum b2b_token_fault fault;
	bool others;

	if ((fault = b2b_claims_issuer(claims, expect->issuer)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_audience(claims, expect->audience, &others)) != B2B_TOKEN_OK)
		return fault;
	if (is_of_id_token(claims) || (expect->any_typ && !says_access(claims)))
		return B2B_TOKEN_TYP;
	if ((fault = b2b_claims_bearer(claims, expect)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_times(claims, expect, false, token)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_life(expect, token)) != B2B_TOKEN_OK ||
	    (fault = read_client(claims, expect->any_typ, &token->client_id)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_person(claims, organisation_claim, token)) != B2B_TOKEN_OK)
		return fault;
	if (!token->jti && !expect->any_typ)
		return B2B_TOKEN_CLAIM_JTI;
	token->of_client = strcmp(token->subject, token->client_id) == 0;
	return B2B_TOKEN_OK;
}

enum b2b_token_fault b2b_access_token_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks,
                                             const struct b2b_token_expect *expect, const char *organisation_claim,
                                             struct b2b_id_token *ret_token)
{
	static const struct b2b_jws_typ strict = { .name = "at+jwt" }, any = { .name = "at+jwt", .other = "JWT", .may_be_absent = true };
	struct b2b_id_token token = { 0 };
	enum b2b_token_fault fault = b2b_jws_verify(jwt, len, jwks, expect->any_typ ? &any : &strict, &token.claims);

	if (fault == B2B_TOKEN_OK)
		fault = read_claims(token.claims, expect, organisation_claim, &token);
	if (fault == B2B_TOKEN_OK)
		*ret_token = token;
	else
		b2b_id_token_clear(&token);
	return fault;
}
