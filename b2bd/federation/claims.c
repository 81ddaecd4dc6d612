#include "b2bd/federation/claims.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/mapper.h"
#include "b2bd/federation/status_list.h"
#include "b2bd/json.h"

enum b2b_token_fault b2b_claims_issuer(const json_t *claims, const char *issuer)
{
	const char *iss = b2b_json_text(claims, "iss");

	if (!iss)
		return B2B_TOKEN_CLAIM_ISS;
	return strcmp(iss, issuer) == 0 ? B2B_TOKEN_OK : B2B_TOKEN_ISSUER;
}

enum b2b_token_fault b2b_claims_audience(const json_t *claims, const char *audience, bool *ret_others)
{
	const json_t *aud = json_object_get(claims, "aud"), *one;
	size_t i, ours = 0;

	if (json_is_string(aud)) {
		*ret_others = false;
		return strcmp(json_string_value(aud), audience) == 0 ? B2B_TOKEN_OK : B2B_TOKEN_AUDIENCE;
	}
	if (!json_is_array(aud))
		return B2B_TOKEN_CLAIM_AUD;
	json_array_foreach (aud, i, one) {
		if (!json_is_string(one))
			return B2B_TOKEN_CLAIM_AUD;
		ours += strcmp(json_string_value(one), audience) == 0;
	}
	*ret_others = json_array_size(aud) > ours;
	return ours ? B2B_TOKEN_OK : B2B_TOKEN_AUDIENCE;
}

/* The fault that names the claim. */
static enum b2b_token_fault wrong(const char *name)
{
	static const struct {
		const char *name;
		enum b2b_token_fault fault;
	} faults[] = {
		{ "sub", B2B_TOKEN_CLAIM_SUB },
		{ "exp", B2B_TOKEN_CLAIM_EXP },
		{ "iat", B2B_TOKEN_CLAIM_IAT },
		{ "nbf", B2B_TOKEN_CLAIM_NBF },
		{ "auth_time", B2B_TOKEN_CLAIM_AUTH_TIME },
		{ "session_expiry", B2B_TOKEN_CLAIM_SESSION_EXPIRY },
		{ "acr", B2B_TOKEN_CLAIM_ACR },
		{ "jti", B2B_TOKEN_CLAIM_JTI },
		{ "sid", B2B_TOKEN_CLAIM_SID },
		{ "client_id", B2B_TOKEN_CLAIM_CLIENT_ID },
	};
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		if (strcmp(faults[i].name, name) == 0)
			return faults[i].fault;
	}
	return B2B_TOKEN_CLAIM;
}

enum b2b_token_fault b2b_claims_date(const json_t *claims, const char *name, bool required, int64_t *ret_date)
{
	int64_t date = 0;
	int r = b2b_json_seconds(claims, name, &date);

	if (r < 0 && (required || r != -ENOENT))
		return wrong(name);
	*ret_date = date;
	return B2B_TOKEN_OK;
}

enum b2b_token_fault b2b_claims_times(const json_t *claims, const struct b2b_token_expect *expect, bool iat_optional,
                                      struct b2b_id_token *token)
{
	int64_t not_before = 0, latest = expect->now + expect->skew_s;
	enum b2b_token_fault fault;

	if ((fault = b2b_claims_date(claims, "exp", true, &token->expires_at)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_date(claims, "iat", !iat_optional, &token->issued_at)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_date(claims, "nbf", false, &not_before)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_date(claims, "auth_time", false, &token->auth_time)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_date(claims, "session_expiry", false, &token->session_expiry)) != B2B_TOKEN_OK)
		return fault;
	if (token->issued_at > token->expires_at)
		return B2B_TOKEN_BACKWARDS;
	if (expect->now >= token->expires_at + (int64_t)expect->skew_s)
		return B2B_TOKEN_EXPIRED;
	/* an authentication in the future would be young for ever */
	if (token->issued_at > latest || not_before > latest || token->auth_time > latest)
		return B2B_TOKEN_NOT_YET;
	return B2B_TOKEN_OK;
}

enum b2b_token_fault b2b_claims_life(const struct b2b_token_expect *expect, const struct b2b_id_token *token)
{
	int64_t from = token->issued_at ? token->issued_at : expect->now;

	return expect->life_max_s && token->expires_at - from > (int64_t)expect->life_max_s ? B2B_TOKEN_LIFE : B2B_TOKEN_OK;
}

bool b2b_claim_is_identifier(const json_t *value)
{
	size_t len = json_string_length(value), i;
	const char *text = json_string_value(value);

	if (!text || len == 0 || len > B2B_CLAIM_MAX)
		return false;
	for (i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	}
	return true;
}

enum b2b_token_fault b2b_claims_copy(const json_t *claims, const char *name, bool required, char **ret_text)
{
	const json_t *value = json_object_get(claims, name);
	char *text = NULL;

	if (value || required) {
		if (!b2b_claim_is_identifier(value))
			return wrong(name);
		text = strdup(json_string_value(value));
		if (!text)
			return B2B_TOKEN_MALFORMED;
	}
	*ret_text = text;
	return B2B_TOKEN_OK;
}

enum b2b_token_fault b2b_claims_person(const json_t *claims, const char *organisation_claim, struct b2b_id_token *token)
{
	enum b2b_token_fault fault;

	if ((fault = b2b_claims_copy(claims, "sub", true, &token->subject)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_copy(claims, "acr", false, &token->acr)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_copy(claims, "jti", false, &token->jti)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_copy(claims, "sid", false, &token->sid)) != B2B_TOKEN_OK ||
	    (fault = b2b_status_place_read(claims, &token->status)) != B2B_TOKEN_OK)
		return fault;
	return b2b_mapper_only_organisation(claims, organisation_claim, &token->organisation);
}

/* To a certificate of ours (RFC 8705 3.1), and to nothing besides. */
static bool bound_to_us(const json_t *cnf, const struct b2b_token_expect *expect)
{
	const char *bound_to = b2b_json_text(cnf, "x5t#S256");

	if (!bound_to || json_object_size(cnf) != 1)
		return false;
	for (size_t i = 0; i < sizeof(expect->certificates) / sizeof(*expect->certificates); i++)
		if (expect->certificates[i] && strcmp(expect->certificates[i], bound_to) == 0)
			return true;
	return false;
}

enum b2b_token_fault b2b_claims_bearer(const json_t *claims, const struct b2b_token_expect *expect)
{
	const json_t *cnf = json_object_get(claims, "cnf");

	if (json_object_get(claims, "events"))
		return B2B_TOKEN_EVENTS;
	if (cnf && !bound_to_us(cnf, expect))
		return B2B_TOKEN_BOUND;
	return json_object_get(claims, "act") ? B2B_TOKEN_ACTOR : B2B_TOKEN_OK;
}
