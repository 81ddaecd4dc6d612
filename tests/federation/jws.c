#include "tests/federation/jws.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/federation/text.h"

#define JWS_MAX 16384
#define ES256_HALF 32

static const EVP_MD *digest_of(const char *alg)
{
	return strcmp(alg, "EdDSA") == 0 ? NULL : EVP_sha256();
}

/* JWS wants r and s side by side, OpenSSL gives DER (RFC 7518 section 3.4). */
static int der_to_raw(const unsigned char *der, size_t len, unsigned char *raw)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	int error = -EIO;
	if (sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, ES256_HALF) == ES256_HALF &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + ES256_HALF, ES256_HALF) == ES256_HALF)
		error = 0;
	ECDSA_SIG_free(sig);
	return error;
}

static int raw_to_der(const unsigned char *raw, unsigned char **ret_der, size_t *ret_len)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, ES256_HALF, NULL), *s = BN_bin2bn(raw + ES256_HALF, ES256_HALF, NULL);
	int len = -1;
	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL;
		len = i2d_ECDSA_SIG(sig, ret_der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	if (len <= 0)
		return -EBADMSG;
	*ret_len = (size_t)len;
	return 0;
}

/* Signature over TEXT as base64url. */
static int sign_text(const struct fed_key *key, const char *text, char **ret_signature)
{
	unsigned char signature[1024], raw[(size_t)2 * ES256_HALF];
	size_t len = sizeof(signature);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int error = -EIO;
	if (context && EVP_DigestSignInit(context, NULL, digest_of(key->alg), NULL, key->pkey) == 1 &&
	    EVP_DigestSign(context, signature, &len, (const unsigned char *)text, strlen(text)) == 1)
		error = 0;
	EVP_MD_CTX_free(context);
	if (!error && strcmp(key->alg, "ES256") == 0) {
		error = der_to_raw(signature, len, raw);
		*ret_signature = error ? NULL : fed_base64url(raw, sizeof(raw));
	} else if (!error) {
		*ret_signature = fed_base64url(signature, len);
	}
	return error ? error : *ret_signature ? 0 : -ENOMEM;
}

/* JSON as base64url, in a new string; NULL without memory. */
static char *part_from(const json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	char *part = text ? fed_base64url(text, strlen(text)) : NULL;
	free(text);
	return part;
}

static int assemble(const struct fed_key *key, const char *kid, const char *typ, const json_t *claims, char **ret_jws)
{
	json_t *header = json_pack("{ss,ss,ss}", "typ", typ, "alg", key->alg, "kid", kid);
	char *first = part_from(header), *second = part_from(claims), *text = NULL, *signature = NULL;
	int error = -ENOMEM;
	if (!first || !second || asprintf(&text, "%s.%s", first, second) < 0) {
		text = NULL;
		goto out;
	}
	error = sign_text(key, text, &signature);
	if (!error && asprintf(ret_jws, "%s.%s", text, signature) < 0)
		error = -ENOMEM;
out:
	json_decref(header);
	free(first);
	free(second);
	free(text);
	free(signature);
	return error;
}

int fed_jws_sign(struct fed *fed, const char *typ, json_t *claims, char **ret_jws)
{
	const struct fed_misbehaviour *misbehaviour = &fed->misbehaviour;
	const struct fed_key *right = fed_keys_signing(fed->keys), *key = right;
	int error = -ENOMEM;
	if (!claims)
		return -ENOMEM;
	if (misbehaviour->wrong_key || misbehaviour->unknown_kid)
		key = fed_keys_foreign(fed->keys);
	if (!key || (misbehaviour->wrong_issuer && json_object_set_new(claims, "iss", json_string(misbehaviour->wrong_issuer)) != 0) ||
	    (misbehaviour->wrong_audience && json_object_set_new(claims, "aud", json_string(misbehaviour->wrong_audience)) != 0))
		goto out;
	error = assemble(key, misbehaviour->unknown_kid ? key->kid : right->kid, typ, claims, ret_jws);
out:
	json_decref(claims);
	return error;
}

/* Parse LEN characters of base64url as a JSON object. */
static int object_from(const char *text, size_t len, json_t **ret_object)
{
	unsigned char *data = NULL;
	size_t n = 0;
	int error = fed_base64url_decode(text, len, &data, &n);
	if (error)
		return error;
	json_t *object = json_loadb((const char *)data, n, JSON_REJECT_DUPLICATES, NULL);
	free(data);
	if (!json_is_object(object)) {
		json_decref(object);
		return -EBADMSG;
	}
	*ret_object = object;
	return 0;
}

static int find_parts(const char *jws, const char **ret_second, const char **ret_third)
{
	if (strlen(jws) > JWS_MAX)
		return -EBADMSG;
	const char *second = strchr(jws, '.'), *third = second ? strchr(second + 1, '.') : NULL;
	if (!third || strchr(third + 1, '.'))
		return -EBADMSG;
	*ret_second = second + 1;
	*ret_third = third + 1;
	return 0;
}

int fed_jws_peek(const char *jws, json_t **ret_claims)
{
	const char *second, *third;
	if (find_parts(jws, &second, &third) != 0)
		return -EBADMSG;
	return object_from(second, (size_t)(third - 1 - second), ret_claims);
}

static int check_signature(EVP_PKEY *pkey, const char *alg, const char *text, size_t text_len, const unsigned char *signature, size_t len)
{
	unsigned char *der = NULL;
	int error = 0;
	if (strcmp(alg, "ES256") == 0) {
		if (len != (size_t)2 * ES256_HALF)
			return -EACCES;
		error = raw_to_der(signature, &der, &len);
		if (error)
			return error;
		signature = der;
	}
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	error = -EACCES;
	if (context && EVP_DigestVerifyInit(context, NULL, digest_of(alg), NULL, pkey) == 1 &&
	    EVP_DigestVerify(context, signature, len, (const unsigned char *)text, text_len) == 1)
		error = 0;
	EVP_MD_CTX_free(context);
	OPENSSL_free(der);
	return error;
}

int fed_jws_verify(const char *jws, EVP_PKEY *pkey, json_t **ret_claims)
{
	const char *second, *third, *alg = fed_key_alg(pkey);
	json_t *header = NULL, *claims = NULL;
	unsigned char *signature = NULL;
	size_t len = 0;
	int error = -EBADMSG;
	if (find_parts(jws, &second, &third) != 0 || object_from(jws, (size_t)(second - 1 - jws), &header) != 0 ||
	    object_from(second, (size_t)(third - 1 - second), &claims) != 0 || fed_base64url_decode(third, strlen(third), &signature, &len) != 0)
		goto out;
	const char *said = json_string_value(json_object_get(header, "alg"));
	error = -EACCES;
	if (!alg || !said || strcmp(alg, said) != 0 || json_object_get(header, "crit"))
		goto out;
	error = check_signature(pkey, alg, jws, (size_t)(third - 1 - jws), signature, len);
	if (!error)
		*ret_claims = json_incref(claims);
out:
	json_decref(header);
	json_decref(claims);
	free(signature);
	return error;
}
