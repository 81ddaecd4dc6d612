#include "b2bd/federation/signature.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048 /* RFC 7518 3.3 */
#define RSA_BITS_MAX 8192 /* a larger one only costs time */

static const struct {
	enum b2b_alg alg;
	const char *name;
} names[] = {
	{ B2B_ALG_RS256, "RS256" }, { B2B_ALG_PS256, "PS256" }, { B2B_ALG_ES256, "ES256" },
	{ B2B_ALG_ES384, "ES384" }, { B2B_ALG_EDDSA, "EdDSA" }, { B2B_ALG_EDDSA, "Ed25519" },
};

enum b2b_alg b2b_alg_parse(const char *name)
{
	size_t i;

	for (i = 0; name && i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i].name, name) == 0)
			return names[i].alg;
	}
	return B2B_ALG_NONE;
}

const char *b2b_alg_name(enum b2b_alg alg)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (names[i].alg == alg)
			return names[i].name;
	}
	return "none";
}

static enum b2b_alg alg_of_curve(const EVP_PKEY *key)
{
	char curve[32] = "";

	if (EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1)
		return B2B_ALG_NONE;
	if (strcmp(curve, "prime256v1") == 0 || strcmp(curve, "P-256") == 0)
		return B2B_ALG_ES256;
	return strcmp(curve, "secp384r1") == 0 || strcmp(curve, "P-384") == 0 ? B2B_ALG_ES384 : B2B_ALG_NONE;
}

enum b2b_alg b2b_alg_of_key(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "RSA"))
		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX ? B2B_ALG_RS256 : B2B_ALG_NONE;
	if (EVP_PKEY_is_a(key, "EC"))
		return alg_of_curve(key);
	return EVP_PKEY_is_a(key, "ED25519") ? B2B_ALG_EDDSA : B2B_ALG_NONE;
}

/* Does ALG belong to KEY's kind? PS256 is the one that b2b_alg_of_key does not name. */
static bool fits(enum b2b_alg alg, const EVP_PKEY *key)
{
	enum b2b_alg own = b2b_alg_of_key(key);

	return own != B2B_ALG_NONE && (own == alg || (own == B2B_ALG_RS256 && alg == B2B_ALG_PS256));
}

static const EVP_MD *digest_of(enum b2b_alg alg)
{
	if (alg == B2B_ALG_EDDSA)
		return NULL; /* Ed25519 hashes by itself */
	return alg == B2B_ALG_ES384 ? EVP_sha384() : EVP_sha256();
}

/* RFC 7518 3.5: MGF1 with SHA-256, salt as long as the hash. */
static bool set_padding(enum b2b_alg alg, EVP_PKEY_CTX *ctx)
{
	if (alg == B2B_ALG_RS256)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
	if (alg != B2B_ALG_PS256)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* Bytes of r and of s; 0: not ECDSA. */
static size_t half_of(enum b2b_alg alg)
{
	if (alg == B2B_ALG_ES256)
		return 32;
	return alg == B2B_ALG_ES384 ? 48 : 0;
}

/* r||s (RFC 7518 3.4) as the DER that OpenSSL takes; caller frees with OPENSSL_free. */
static unsigned char *der_of(const unsigned char *raw, size_t half, size_t *ret_len)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)half, NULL), *s = BN_bin2bn(raw + half, (int)half, NULL);
	unsigned char *der = NULL;
	int len;

	if (!pair || !r || !s || ECDSA_SIG_set0(pair, r, s) != 1)
		goto out;
	r = s = NULL; /* PAIR's now */
	len = i2d_ECDSA_SIG(pair, &der);
	if (len > 0)
		*ret_len = (size_t)len;
out:
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return der;
}

static bool valid(enum b2b_alg alg, EVP_PKEY *key, const void *data, size_t len, const unsigned char *signature, size_t signature_len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL; /* belongs to MD */
	bool ok = md && EVP_DigestVerifyInit(md, &ctx, digest_of(alg), NULL, key) == 1 && set_padding(alg, ctx) &&
	          EVP_DigestVerify(md, signature, signature_len, data, len) == 1;

	EVP_MD_CTX_free(md);
	ERR_clear_error(); /* libcurl reads the same queue */
	return ok;
}

bool b2b_signature_valid(enum b2b_alg alg, EVP_PKEY *key, const void *data, size_t len, const unsigned char *signature,
                         size_t signature_len)
{
	size_t half = half_of(alg), der_len = 0;
	unsigned char *der;
	bool ok;

	if (!fits(alg, key))
		return false;
	if (!half)
		return valid(alg, key, data, len, signature, signature_len);
	if (signature_len != 2 * half)
		return false;
	der = der_of(signature, half, &der_len);
	ok = der && valid(alg, key, data, len, der, der_len);
	OPENSSL_free(der);
	return ok;
}

/* DER to r||s, in a buffer of 2 * HALF bytes; caller frees. */
static unsigned char *raw_of(const unsigned char *der, size_t der_len, size_t half)
{
	const unsigned char *at = der;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
	unsigned char *raw = malloc(2 * half);

	if (!pair || !raw || BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)half) < 0 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + half, (int)half) < 0) {
		free(raw);
		raw = NULL;
	}
	ECDSA_SIG_free(pair);
	return raw;
}

static int make(enum b2b_alg alg, EVP_PKEY *key, const void *data, size_t len, unsigned char **ret_signature, size_t *ret_len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL; /* belongs to MD */
	unsigned char *signature = NULL;
	size_t size = 0;
	int r = -EIO;

	if (!md || EVP_DigestSignInit(md, &ctx, digest_of(alg), NULL, key) != 1 || !set_padding(alg, ctx) ||
	    EVP_DigestSign(md, NULL, &size, data, len) != 1)
		goto out;
	signature = malloc(size);
	if (!signature) {
		r = -ENOMEM;
		goto out;
	}
	if (EVP_DigestSign(md, signature, &size, data, len) != 1)
		goto out;
	*ret_signature = signature;
	*ret_len = size;
	signature = NULL;
	r = 0;
out:
	free(signature);
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return r;
}

int b2b_signature_make(enum b2b_alg alg, EVP_PKEY *key, const void *data, size_t len, unsigned char **ret_signature, size_t *ret_len)
{
	unsigned char *signature, *raw;
	size_t size, half = half_of(alg);
	int r;

	if (!fits(alg, key))
		return -EINVAL;
	r = make(alg, key, data, len, &signature, &size);
	if (r == 0 && half) {
		raw = raw_of(signature, size, half);
		free(signature);
		if (!raw)
			return -ENOMEM;
		signature = raw;
		size = 2 * half;
	}
	if (r == 0) {
		*ret_signature = signature;
		*ret_len = size;
	}
	return r;
}
