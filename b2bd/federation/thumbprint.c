/* RFC 7638: the required members of a JWK in lexical order without white space, hashed. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/client_identity.h"
#include "b2bd/federation/signature.h"

static char *number(const EVP_PKEY *key, const char *param)
{
	BIGNUM *value = NULL;
	unsigned char *bytes = NULL;
	char *text = NULL;

	if (EVP_PKEY_get_bn_param(key, param, &value) == 1 && (bytes = malloc((size_t)BN_num_bytes(value) + 1)))
		text = b2b_base64url_encode(bytes, (size_t)BN_bn2bin(value, bytes));
	free(bytes);
	BN_free(value);
	return text;
}

/* Both coordinates from the numbers, padded: a PEM file may give the point compressed. */
static char *coordinate(const EVP_PKEY *key, const char *param, int len)
{
	unsigned char bytes[48];
	BIGNUM *value = NULL;
	char *text = NULL;

	if (EVP_PKEY_get_bn_param(key, param, &value) == 1 && BN_bn2binpad(value, bytes, len) == len)
		text = b2b_base64url_encode(bytes, (size_t)len);
	BN_free(value);
	return text;
}

static char *rsa_jwk(const EVP_PKEY *key)
{
	char *n = number(key, OSSL_PKEY_PARAM_RSA_N), *e = number(key, OSSL_PKEY_PARAM_RSA_E), *jwk = NULL;

	if (n && e && asprintf(&jwk, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e, n) < 0)
		jwk = NULL;
	free(n);
	free(e);
	return jwk;
}

static char *ec_jwk(const EVP_PKEY *key, const char *crv, int len)
{
	char *x = coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, len), *y = coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, len), *jwk = NULL;

	if (x && y && asprintf(&jwk, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", crv, x, y) < 0)
		jwk = NULL;
	free(x);
	free(y);
	return jwk;
}

static char *okp_jwk(const EVP_PKEY *key)
{
	unsigned char raw[32];
	size_t len = sizeof(raw);
	char *x = EVP_PKEY_get_raw_public_key(key, raw, &len) == 1 ? b2b_base64url_encode(raw, len) : NULL, *jwk = NULL;

	if (x && asprintf(&jwk, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x) < 0)
		jwk = NULL;
	free(x);
	return jwk;
}

char *b2b_key_jwk(const EVP_PKEY *key)
{
	switch (b2b_alg_of_key(key)) {
	case B2B_ALG_RS256:
	case B2B_ALG_PS256:
		return rsa_jwk(key);
	case B2B_ALG_ES256:
		return ec_jwk(key, "P-256", 32);
	case B2B_ALG_ES384:
		return ec_jwk(key, "P-384", 48);
	case B2B_ALG_EDDSA:
		return okp_jwk(key);
	case B2B_ALG_NONE:
		break;
	}
	return NULL;
}

char *b2b_key_thumbprint(const EVP_PKEY *key)
{
	char *jwk = b2b_key_jwk(key), *text = NULL;
	unsigned char digest[32];

	if (jwk && EVP_Digest(jwk, strlen(jwk), digest, NULL, EVP_sha256(), NULL) == 1)
		text = b2b_base64url_encode(digest, sizeof(digest));
	free(jwk);
	return text;
}
