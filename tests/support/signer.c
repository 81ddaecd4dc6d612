#include "tests/support/signer.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/base64url.h"

#define MUST(x) ((x) ? (void)0 : must_failed(#x, __LINE__))
static void must_failed(const char *what, int line)
{
	fprintf(stderr, "signer.c:%d: %s\n", line, what);
	abort();
}

EVP_PKEY *signer_key(const char *kind)
{
	EVP_PKEY *key = NULL;

	if (strcmp(kind, "RS256") == 0 || strcmp(kind, "PS256") == 0)
		key = EVP_RSA_gen(2048);
	else if (strcmp(kind, "RSA1024") == 0)
		key = EVP_RSA_gen(1024);
	else if (strcmp(kind, "ES256") == 0)
		key = EVP_EC_gen("P-256");
	else if (strcmp(kind, "ES384") == 0)
		key = EVP_EC_gen("P-384");
	else if (strcmp(kind, "ES512") == 0)
		key = EVP_EC_gen("P-521");
	else if (strcmp(kind, "EdDSA") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	MUST(key);
	return key;
}

static void set_bytes(json_t *jwk, const char *name, const unsigned char *bytes, size_t len)
{
	char *text = b2b_base64url_encode(bytes, len);

	MUST(text && json_object_set_new(jwk, name, json_string(text)) == 0);
	free(text);
}

static void set_number(json_t *jwk, const char *name, const EVP_PKEY *key, const char *param)
{
	unsigned char bytes[2048];
	BIGNUM *number = NULL;

	MUST(EVP_PKEY_get_bn_param(key, param, &number) == 1 && BN_num_bytes(number) <= (int)sizeof(bytes));
	set_bytes(jwk, name, bytes, (size_t)BN_bn2bin(number, bytes));
	BN_free(number);
}

static void set_text(json_t *object, const char *name, const char *value)
{
	if (value)
		MUST(json_object_set_new(object, name, json_string(value)) == 0);
}

static void set_ec(json_t *jwk, const EVP_PKEY *key)
{
	unsigned char point[256];
	size_t len = 0, half;

	MUST(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len) == 1 && point[0] == 4);
	half = (len - 1) / 2;
	set_text(jwk, "kty", "EC");
	set_text(jwk, "crv", half == 32 ? "P-256" : half == 48 ? "P-384" : "P-521");
	set_bytes(jwk, "x", point + 1, half);
	set_bytes(jwk, "y", point + 1 + half, half);
}

json_t *signer_jwk(const EVP_PKEY *key, const char *kid, const char *alg, const char *use)
{
	json_t *jwk = json_object();
	unsigned char raw[32];
	size_t len = sizeof(raw);

	if (EVP_PKEY_is_a(key, "RSA")) {
		set_text(jwk, "kty", "RSA");
		set_number(jwk, "n", key, OSSL_PKEY_PARAM_RSA_N);
		set_number(jwk, "e", key, OSSL_PKEY_PARAM_RSA_E);
	} else if (EVP_PKEY_is_a(key, "EC")) {
		set_ec(jwk, key);
	} else {
		MUST(EVP_PKEY_get_raw_public_key(key, raw, &len) == 1);
		set_text(jwk, "kty", "OKP");
		set_text(jwk, "crv", "Ed25519");
		set_bytes(jwk, "x", raw, len);
	}
	set_text(jwk, "kid", kid);
	set_text(jwk, "alg", alg);
	set_text(jwk, "use", use);
	return jwk;
}

struct b2b_jwks *signer_jwks(const EVP_PKEY *key, const char *kid, const char *alg)
{
	json_t *set = json_pack("{s:[o]}", "keys", signer_jwk(key, kid, alg, "sig"));
	char *text = json_dumps(set, 0);
	struct b2b_jwks *jwks = NULL;

	MUST(text && b2b_jwks_parse(text, strlen(text), &jwks) == 0);
	free(text);
	json_decref(set);
	return jwks;
}

/* OpenSSL's DER as r||s of HALF bytes each. */
static size_t to_raw(unsigned char *signature, size_t len, size_t half)
{
	const unsigned char *at = signature;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);

	MUST(pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, (int)half) > 0 &&
	     BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + half, (int)half) > 0);
	ECDSA_SIG_free(pair);
	return 2 * half;
}

static size_t sign(EVP_PKEY *key, const char *alg, const char *input, unsigned char *signature, size_t size)
{
	bool ed = strcmp(alg, "EdDSA") == 0, pss = strcmp(alg, "PS256") == 0;
	const EVP_MD *md = ed ? NULL : strcmp(alg, "ES384") == 0 ? EVP_sha384() : strcmp(alg, "ES512") == 0 ? EVP_sha512() : EVP_sha256();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters = NULL;
	size_t len = size;

	MUST(ctx && EVP_DigestSignInit(ctx, &parameters, md, NULL, key) == 1);
	if (pss)
		MUST(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
	MUST(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)input, strlen(input)) == 1);
	EVP_MD_CTX_free(ctx);
	if (EVP_PKEY_is_a(key, "EC"))
		len = to_raw(signature, len, (size_t)(EVP_PKEY_get_bits(key) + 7) / 8);
	return len;
}

char *signer_compact(EVP_PKEY *key, const char *alg, const char *header, const char *payload)
{
	char *h = b2b_base64url_encode(header, strlen(header)), *p = b2b_base64url_encode(payload, strlen(payload));
	char *s, *input = NULL, *token = NULL;
	unsigned char signature[1024];
	size_t len;

	MUST(h && p && asprintf(&input, "%s.%s", h, p) > 0);
	len = strcmp(alg, "none") == 0 ? 0 : sign(key, alg, input, signature, sizeof(signature));
	s = b2b_base64url_encode(signature, len);
	MUST(s && asprintf(&token, "%s.%s", input, s) > 0);
	free(h);
	free(p);
	free(s);
	free(input);
	return token;
}

char *signer_token(EVP_PKEY *key, const char *alg, const char *kid, const char *typ, const json_t *payload)
{
	json_t *header = json_object();
	char *h, *p, *token;

	set_text(header, "alg", alg);
	set_text(header, "kid", kid);
	set_text(header, "typ", typ);
	h = json_dumps(header, JSON_COMPACT);
	p = json_dumps(payload, JSON_COMPACT);
	MUST(h && p);
	token = signer_compact(key, alg, h, p);
	free(h);
	free(p);
	json_decref(header);
	return token;
}
