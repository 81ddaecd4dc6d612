/* ID token, OIDC Core 2 and 3.1.3.7, as it comes over the back channel of a device log-in. */
#include <string.h>

#include "b2bd/federation/claims.h"
#include "b2bd/federation/jws.h"

/* OIDC Core 3.1.3.7, 3-5: we trust no further audience, so that several are one too many, whatever `azp` says. */
static enum b2b_token_fault check_audience(const json_t *claims, const char *client_id)
{
	const json_t *azp = json_object_get(claims, "azp");
	bool others = false;
	enum b2b_token_fault fault = b2b_claims_audience(claims, client_id, &others);

	if (fault != B2B_TOKEN_OK)
		return fault;
	if (others)
		return B2B_TOKEN_AUDIENCE_MORE;
	if (!azp)
		return B2B_TOKEN_OK;
	return json_is_string(azp) && strcmp(json_string_value(azp), client_id) == 0 ? B2B_TOKEN_OK : B2B_TOKEN_AZP;
}

/* Claims that show a token of another kind or another request (RFC 8725 3.12, RFC 8417 4.5-4.6). */
static enum b2b_token_fault check_kind(const json_t *claims)
{
	if (json_object_get(claims, "events"))
		return B2B_TOKEN_EVENTS;
	return json_object_get(claims, "nonce") ? B2B_TOKEN_NONCE : B2B_TOKEN_OK;
}

static enum b2b_token_fault read_claims(const json_t *claims, const struct b2b_token_expect *expect, const char *organisation_claim,
                                        struct b2b_id_token *token)
{
	enum b2b_token_fault fault;

	if ((fault = b2b_claims_issuer(claims, expect->issuer)) != B2B_TOKEN_OK ||
	    (fault = check_audience(claims, expect->audience)) != B2B_TOKEN_OK || (fault = check_kind(claims)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_times(claims, expect, false, token)) != B2B_TOKEN_OK)
		return fault;
	return b2b_claims_person(claims, organisation_claim, token);
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
