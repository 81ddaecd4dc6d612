/* One JSON Web Key. */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/jwks.h"
#include "b2bd/json.h"

#define KID_MAX 255
#define PART_MAX 2048 /* base64url characters of a modulus of 8,192 bits are 1,366 */

void b2b_key_clear(struct b2b_key *key)
{
	free(key->kid);
	EVP_PKEY_free(key->pkey);
	*key = (struct b2b_key){ 0 };
}

static int part(const json_t *jwk, const char *name, unsigned char **ret_bytes, size_t *ret_len)
{
	const char *text = b2b_json_text(jwk, name);
	size_t len = text ? strlen(text) : 0;

	return len && len <= PART_MAX ? b2b_base64url_decode(text, len, ret_bytes, ret_len) : -EBADMSG;
}

static EVP_PKEY *from_params(const char *kind, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *key = NULL;

	if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* An exponent of 1 makes every signature right; a large one only costs time. */
static bool exponent_sane(const BIGNUM *e)
{
	return BN_is_odd(e) && BN_num_bits(e) >= 2 && BN_num_bits(e) <= 64;
}

static EVP_PKEY *from_rsa(const json_t *jwk)
{
	unsigned char *n_bytes = NULL, *e_bytes = NULL;
	size_t n_len = 0, e_len = 0;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *key = NULL;

	if (!build || part(jwk, "n", &n_bytes, &n_len) < 0 || part(jwk, "e", &e_bytes, &e_len) < 0)
		goto out;
	n = BN_bin2bn(n_bytes, (int)n_len, NULL);
	e = BN_bin2bn(e_bytes, (int)e_len, NULL);
	if (!n || !e || !BN_is_odd(n) || !exponent_sane(e))
		goto out;
	if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = from_params("RSA", build);
out:
	BN_free(n);
	BN_free(e);
	free(n_bytes);
	free(e_bytes);
	OSSL_PARAM_BLD_free(build);
	return key;
}

/* A point that is not on the curve is refused by OpenSSL's decoding. */
static EVP_PKEY *from_point(const char *group, const unsigned char *x, const unsigned char *y, size_t len)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	unsigned char point[1 + 2 * 48] = { 4 }; /* uncompressed */
	EVP_PKEY *key = NULL;

	memcpy(point + 1, x, len);
	memcpy(point + 1 + len, y, len);
	if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * len) == 1)
		key = from_params("EC", build);
	OSSL_PARAM_BLD_free(build);
	return key;
}

static EVP_PKEY *from_ec(const json_t *jwk)
{
	const char *crv = b2b_json_text(jwk, "crv");
	unsigned char *x = NULL, *y = NULL;
	size_t x_len = 0, y_len = 0, want;
	EVP_PKEY *key = NULL;

	if (!crv || (strcmp(crv, "P-256") != 0 && strcmp(crv, "P-384") != 0))
		return NULL;
	want = strcmp(crv, "P-256") == 0 ? 32 : 48; /* RFC 7518 6.2.1.2: leading zeros are kept */
	if (part(jwk, "x", &x, &x_len) == 0 && part(jwk, "y", &y, &y_len) == 0 && x_len == want && y_len == want)
		key = from_point(crv, x, y, want);
	free(x);
	free(y);
	return key;
}

static EVP_PKEY *from_okp(const json_t *jwk)
{
	const char *crv = b2b_json_text(jwk, "crv");
	unsigned char *x = NULL;
	size_t len = 0;
	EVP_PKEY *key = NULL;

	if (!crv || strcmp(crv, "Ed25519") != 0)
		return NULL;
	if (part(jwk, "x", &x, &len) == 0 && len == 32)
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, len);
	free(x);
	return key;
}

static EVP_PKEY *from_kty(const json_t *jwk)
{
	const char *kty = b2b_json_text(jwk, "kty");

	if (kty && strcmp(kty, "RSA") == 0)
		return from_rsa(jwk);
	if (kty && strcmp(kty, "EC") == 0)
		return from_ec(jwk);
	return kty && strcmp(kty, "OKP") == 0 ? from_okp(jwk) : NULL;
}

/* RFC 7517 4.2, 4.3. */
static bool for_checking(const json_t *jwk)
{
	const json_t *use = json_object_get(jwk, "use"), *ops = json_object_get(jwk, "key_ops"), *op;
	bool verify = false;
	size_t i;

	if (use && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
		return false;
	if (!ops)
		return true;
	json_array_foreach (ops, i, op)
		verify = verify || (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0);
	return verify;
}

/* A key's own word, or what its kind stands for; RSA without a word is RS256, the default of OIDC. */
static enum b2b_alg alg_of(const json_t *jwk, const EVP_PKEY *key)
{
	const json_t *word = json_object_get(jwk, "alg");
	enum b2b_alg own = b2b_alg_of_key(key), said;

	if (!word)
		return own;
	said = b2b_alg_parse(json_string_value(word));
	return said == own || (said == B2B_ALG_PS256 && own == B2B_ALG_RS256) ? said : B2B_ALG_NONE;
}

int b2b_key_from_jwk(const json_t *jwk, struct b2b_key *ret_key)
{
	const json_t *kid = json_object_get(jwk, "kid");
	struct b2b_key key = { 0 };

	/* "d": somebody published the private key as well, so anybody may have signed */
	if (!json_is_object(jwk) || !for_checking(jwk) || json_object_get(jwk, "d") ||
	    (kid && (!json_is_string(kid) || json_string_length(kid) > KID_MAX)))
		return -EINVAL;
	key.pkey = from_kty(jwk);
	ERR_clear_error(); /* libcurl reads the same queue */
	if (!key.pkey)
		return -EINVAL;
	key.alg = alg_of(jwk, key.pkey);
	key.by_kind = !json_object_get(jwk, "alg");
	if (key.alg == B2B_ALG_NONE) {
		b2b_key_clear(&key);
		return -EINVAL;
	}
	if (kid && !(key.kid = strdup(json_string_value(kid)))) {
		b2b_key_clear(&key);
		return -ENOMEM;
	}
	*ret_key = key;
	return 0;
}
