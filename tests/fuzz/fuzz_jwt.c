/*
 * ID tokens, and access tokens in form of JWT. Input that begins with '{' is a payload: it is signed, so that the claims are reached; anything else is a
 * compact token as it stands, against the published keys of RFC 7515 A.2 and A.3.
 */
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/jws.h"
#include "b2bd/json.h"
#include "tests/support/signer.h"

#define NOW 1790000000

static const char published[] =
	"{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ"
	"PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo"
	"7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW"
	"yuXpoQ\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static EVP_PKEY *key;
static struct b2b_jwks *own, *theirs;
static bool wants_access, any_typ; /* how the input at hand is judged */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void prepare(void)
{
	key = signer_key("EdDSA");
	own = signer_jwks(key, NULL, NULL);
	if (b2b_jwks_parse(published, strlen(published), &theirs) < 0)
		abort();
}

static void check(const struct b2b_id_token *token)
{
	if (!token->subject || !*token->subject || token->expires_at + 60 <= NOW || token->auth_time > NOW + 60 || token->issued_at > NOW + 60)
		abort();
	if (json_object_get(token->claims, "events") || json_object_get(token->claims, "nonce"))
		abort();
	if (!wants_access)
		return;
	if (json_object_get(token->claims, "cnf") || json_object_get(token->claims, "act") || json_object_get(token->claims, "at_hash") ||
	    !token->client_id || (!any_typ && !token->jti) || token->expires_at - token->issued_at > 3600)
		abort();
}

static enum b2b_token_fault judge(const char *jwt, size_t len, const struct b2b_jwks *jwks, const char *mapping, struct b2b_id_token *token)
{
	const struct b2b_token_expect expect = { .issuer = "https://a.example", .audience = "web7", .client_id = "web7", .now = NOW, .skew_s = 60,
		                                 .life_max_s = 3600, .any_typ = any_typ };

	return wants_access ? b2b_access_token_verify(jwt, len, jwks, &expect, mapping, token)
	                    : b2b_id_token_verify(jwt, len, jwks, &expect, mapping, token);
}

static void verify(const char *jwt, size_t len, const struct b2b_jwks *jwks)
{
	static const char *const mappings[] = { "organization", "organization/number", "https://example.com/org" };
	struct b2b_id_token token;
	size_t i;

	for (i = 0; i < sizeof(mappings) / sizeof(*mappings); i++) {
		if (judge(jwt, len, jwks, mappings[i], &token) != B2B_TOKEN_OK)
			continue;
		check(&token);
		b2b_id_token_clear(&token);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *jwt;

	if (!key)
		prepare();
	if (size == 0 || data[0] != '{') {
		wants_access = any_typ = false;
		verify((const char *)data, size, theirs);
		return 0;
	}
	text = strndup((const char *)data, size);
	wants_access = size % 4 != 0;
	any_typ = size % 4 == 1;
	jwt = signer_compact(key, "EdDSA", wants_access && !any_typ ? "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}" : "{\"alg\":\"EdDSA\"}", text);
	verify(jwt, strlen(jwt), own);
	free(jwt);
	free(text);
	return 0;
}
