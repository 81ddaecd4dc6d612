/* What the service answers about an access token: RFC 7662 2.2, plain or signed (RFC 9701 5). */
#include <string.h>
#include <strings.h>

#include "b2bd/federation/claims.h"
#include "b2bd/federation/jws.h"
#include "b2bd/json.h"

/* token_type is of RFC 6749 7.1; services that introspect their refresh tokens as well say so there, or as Keycloak in `typ`. */
static enum b2b_token_fault check_type(const json_t *answer, const struct b2b_token_expect *expect)
{
	const json_t *type = json_object_get(answer, "token_type"), *typ = json_object_get(answer, "typ");
	const char *name = json_string_value(type);

	if (name && strcasecmp(name, "DPoP") == 0)
		return B2B_TOKEN_BOUND;
	if (type && (!name || (strcasecmp(name, "Bearer") != 0 && strcasecmp(name, "access_token") != 0)))
		return B2B_TOKEN_TYP;
	if (typ && (!json_is_string(typ) || strcmp(json_string_value(typ), "Bearer") != 0))
		return B2B_TOKEN_TYP;
	return b2b_claims_bearer(answer, expect);
}

/* Where nothing is said of the audience, a token that was given to this host itself is meant for it; any other may be another's. */
static enum b2b_token_fault check_audience(const json_t *answer, const struct b2b_token_expect *expect)
{
	const char *client_id = b2b_json_text(answer, "client_id");
	bool others;

	if (!expect->audience)
		return B2B_TOKEN_OK;
	if (json_object_get(answer, "aud"))
		return b2b_claims_audience(answer, expect->audience, &others);
	return client_id && strcmp(client_id, expect->client_id) == 0 ? B2B_TOKEN_OK : B2B_TOKEN_AUDIENCE;
}

static enum b2b_token_fault read_answer(const json_t *answer, const struct b2b_token_expect *expect, const char *organisation_claim,
                                        struct b2b_id_token *token)
{
	const json_t *active = json_object_get(answer, "active");
	enum b2b_token_fault fault;

	if (!json_is_boolean(active))
		return B2B_TOKEN_INTROSPECTION;
	if (!json_is_true(active))
		return B2B_TOKEN_INACTIVE;
	if (json_object_get(answer, "iss") && (fault = b2b_claims_issuer(answer, expect->issuer)) != B2B_TOKEN_OK)
		return fault;
	if ((fault = check_type(answer, expect)) != B2B_TOKEN_OK || (fault = check_audience(answer, expect)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_times(answer, expect, true, token)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_life(expect, token)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_copy(answer, "client_id", false, &token->client_id)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_person(answer, organisation_claim, token)) != B2B_TOKEN_OK)
		return fault;
	/* client_id is optional (RFC 7662 2.2): without it the subject could be a client's, whose name somebody chose */
	token->of_client = !token->client_id || strcmp(token->subject, token->client_id) == 0;
	return B2B_TOKEN_OK;
}

/* Takes ANSWER. */
static enum b2b_token_fault judge(json_t *answer, const struct b2b_token_expect *expect, const char *organisation_claim,
                                  struct b2b_id_token *ret_token)
{
	struct b2b_id_token token = { .claims = answer };
	enum b2b_token_fault fault = read_answer(answer, expect, organisation_claim, &token);

	if (fault == B2B_TOKEN_OK)
		*ret_token = token;
	else
		b2b_id_token_clear(&token);
	return fault;
}

enum b2b_token_fault b2b_introspection_read(const char *text, size_t len, const struct b2b_token_expect *expect,
                                            const char *organisation_claim, struct b2b_id_token *ret_token)
{
	json_t *answer;

	if (len > B2B_TOKEN_MAX)
		return B2B_TOKEN_LARGE;
	if (b2b_json_parse(text, len, &answer) < 0)
		return B2B_TOKEN_INTROSPECTION;
	return judge(answer, expect, organisation_claim, ret_token);
}

/* RFC 9701 5: the frame is the service's to this host, made for this request; the answer is in its own claim. */
static enum b2b_token_fault read_frame(const json_t *frame, const struct b2b_token_expect *expect)
{
	enum b2b_token_fault fault;
	int64_t made = 0;
	bool others;

	if ((fault = b2b_claims_issuer(frame, expect->issuer)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_audience(frame, expect->client_id, &others)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_date(frame, "iat", true, &made)) != B2B_TOKEN_OK)
		return fault;
	if (made > expect->now + (int64_t)expect->skew_s)
		return B2B_TOKEN_NOT_YET;
	/* an older one was made for another question */
	if (made + B2B_INTROSPECTION_AGE_S + (int64_t)expect->skew_s < expect->now)
		return B2B_TOKEN_EXPIRED;
	/* RFC 9701 5: neither, so that it is never taken for an access token */
	if (json_object_get(frame, "sub") || json_object_get(frame, "exp"))
		return B2B_TOKEN_TYP;
	return json_is_object(json_object_get(frame, "token_introspection")) ? B2B_TOKEN_OK : B2B_TOKEN_INTROSPECTION;
}

enum b2b_token_fault b2b_introspection_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks,
                                              const struct b2b_token_expect *expect, const char *organisation_claim,
                                              struct b2b_id_token *ret_token)
{
	static const struct b2b_jws_typ typ = { .name = "token-introspection+jwt" };
	json_t *frame = NULL;
	enum b2b_token_fault fault = b2b_jws_verify(jwt, len, jwks, &typ, &frame);

	if (fault == B2B_TOKEN_OK)
		fault = read_frame(frame, expect);
	if (fault == B2B_TOKEN_OK)
		fault = judge(json_incref(json_object_get(frame, "token_introspection")), expect, organisation_claim, ret_token);
	json_decref(frame);
	return fault;
}
