/*
 * The service's answers about access tokens: the input as a plain answer, and where it is JSON also within a signed one. Both judge it
 * alike, and what is taken is active, meant for this host and of bounded life.
 */
#include <stdlib.h>
#include <string.h>

#include "b2bd/json.h"
#include "tests/support/signer.h"

#define NOW 1790000000

static EVP_PKEY *key;
static struct b2b_jwks *jwks;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct b2b_id_token *token)
{
	const json_t *aud = json_object_get(token->claims, "aud");

	if (!json_is_true(json_object_get(token->claims, "active")) || !token->subject || !*token->subject)
		abort();
	if (token->expires_at + 60 <= NOW || token->expires_at - (token->issued_at ? token->issued_at : NOW) > 3600)
		abort();
	if (!aud && (!token->client_id || strcmp(token->client_id, "web7") != 0))
		abort();
	if (json_is_string(aud) && strcmp(json_string_value(aud), "https://web7.example") != 0)
		abort();
	if (json_object_get(token->claims, "cnf") || json_object_get(token->claims, "act"))
		abort();
	if (token->status.uri && strncmp(token->status.uri, "https://", 8) != 0)
		abort();
}

/* The same within a frame; JSON that is no object has none to be within. */
static enum b2b_token_fault judge_signed(const char *text, size_t len, const struct b2b_token_expect *expect, bool *ret_framed)
{
	struct b2b_id_token token = { 0 };
	enum b2b_token_fault fault = B2B_TOKEN_INTROSPECTION;
	json_t *answer, *frame;
	char *jwt;

	*ret_framed = b2b_json_parse(text, len, &answer) == 0;
	if (!*ret_framed)
		return fault;
	frame = json_pack("{s:s,s:s,s:i,s:o}", "iss", expect->issuer, "aud", "web7", "iat", NOW, "token_introspection", answer);
	jwt = signer_token(key, "EdDSA", NULL, "token-introspection+jwt", frame);
	fault = b2b_introspection_verify(jwt, strlen(jwt), jwks, expect, "organization", &token);
	if (fault == B2B_TOKEN_OK)
		check(&token);
	b2b_id_token_clear(&token);
	json_decref(frame);
	free(jwt);
	return fault;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct b2b_token_expect expect = { .issuer = "https://a.example", .audience = "https://web7.example", .client_id = "web7", .now = NOW,
		                                 .skew_s = 60, .life_max_s = 3600 };
	struct b2b_id_token token = { 0 };
	enum b2b_token_fault plain, within;
	bool framed;

	if (!key) {
		key = signer_key("EdDSA");
		jwks = signer_jwks(key, NULL, NULL);
	}
	plain = b2b_introspection_read((const char *)data, size, &expect, "organization", &token);
	if (plain == B2B_TOKEN_OK)
		check(&token);
	b2b_id_token_clear(&token);
	within = judge_signed((const char *)data, size, &expect, &framed);
	/* a level deeper, and larger by the frame: those may differ */
	if (framed && plain != within && within != B2B_TOKEN_DEEP && within != B2B_TOKEN_LARGE)
		abort();
	return 0;
}
