#include "tests/federation/jwk.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "tests/federation/keys.h"
#include "tests/federation/sql.h"
#include "tests/federation/text.h"

/* Member NAME's bytes; NULL where there are none, or not WIDTH (0: any number). */
static unsigned char *bytes_of(const json_t *jwk, const char *name, size_t width, size_t *ret_len)
{
	const char *text = fed_text(jwk, name);
	unsigned char *data = NULL;
	if (!text || fed_base64url_decode(text, strlen(text), &data, ret_len) != 0)
		return NULL;
	if (*ret_len == 0 || (width && *ret_len != width)) {
		free(data);
		return NULL;
	}
	return data;
}

static EVP_PKEY *from_params(const char *kind, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	EVP_PKEY *pkey = NULL;
	if (!params || !context || EVP_PKEY_fromdata_init(context) != 1 || EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *read_ec(const json_t *jwk)
{
	unsigned char point[65] = { 4 };
	size_t len;
	unsigned char *x = bytes_of(jwk, "x", 32, &len), *y = bytes_of(jwk, "y", 32, &len);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	if (x && y && build) {
		memcpy(point + 1, x, 32);
		memcpy(point + 33, y, 32);
		if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
		    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) == 1)
			pkey = from_params("EC", build);
	}
	OSSL_PARAM_BLD_free(build);
	free(x);
	free(y);
	return pkey;
}

static EVP_PKEY *read_rsa(const json_t *jwk)
{
	size_t n_len = 0, e_len = 0;
	unsigned char *n = bytes_of(jwk, "n", 0, &n_len), *e = bytes_of(jwk, "e", 0, &e_len);
	BIGNUM *modulus = n ? BN_bin2bn(n, (int)n_len, NULL) : NULL, *exponent = e ? BN_bin2bn(e, (int)e_len, NULL) : NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	if (modulus && exponent && build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		pkey = from_params("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(modulus);
	BN_free(exponent);
	free(n);
	free(e);
	return pkey;
}

static EVP_PKEY *read_okp(const json_t *jwk)
{
	size_t len;
	unsigned char *x = bytes_of(jwk, "x", 32, &len);
	EVP_PKEY *pkey = x ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, len) : NULL;
	free(x);
	return pkey;
}

EVP_PKEY *fed_jwk_read(const json_t *jwk)
{
	static const struct {
		const char *kty, *crv;
		EVP_PKEY *(*read)(const json_t *jwk);
	} kinds[] = { { "EC", "P-256", read_ec }, { "RSA", NULL, read_rsa }, { "OKP", "Ed25519", read_okp } };
	const char *kty = fed_text(jwk, "kty"), *crv = fed_text(jwk, "crv");
	EVP_PKEY *pkey = NULL;
	for (size_t i = 0; kty && !json_object_get(jwk, "d") && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kty, kinds[i].kty) == 0 && (!kinds[i].crv || (crv && strcmp(crv, kinds[i].crv) == 0)))
			pkey = kinds[i].read(jwk);
	if (pkey && fed_key_alg(pkey))
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}
