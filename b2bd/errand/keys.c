/* Keys that are made here, where OpenSSL is, and shown as JWK. The order is root's; root writes the files. */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "b2bd/errand/errand.h"
#include "b2bd/federation/base64url.h"
#include "b2bd/federation/client_identity.h"
#include "b2bd/federation/client_proof.h"

#define CERTIFICATE_S (5 * 365 * 86400L) /* registered as it is; it ends when it is replaced, not by its date */
#define BACKDATE_S 300                  /* clocks differ */

static void put_bio(struct b2b_errand *errand, const char *name, BIO *bio)
{
	char *data = NULL, *text;
	long len = bio ? BIO_get_mem_data(bio, &data) : 0;

	text = len > 0 ? strndup(data, (size_t)len) : NULL;
	b2b_line_put(errand->out, name, text);
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static X509 *certify(EVP_PKEY *key, const char *name)
{
	X509 *certificate = X509_new();
	uint32_t serial;

	if (certificate && getrandom(&serial, sizeof(serial), 0) == (ssize_t)sizeof(serial) && X509_set_version(certificate, 2) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(certificate), (long)(serial >> 1) + 1) == 1 &&
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(certificate), -BACKDATE_S) && X509_gmtime_adj(X509_getm_notAfter(certificate), CERTIFICATE_S) &&
	    X509_set_pubkey(certificate, key) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0)
		return certificate;
	X509_free(certificate);
	return NULL;
}

void b2b_errand_key(struct b2b_errand *errand)
{
	const char *kind = b2b_lines_get(errand->order, "kind"), *name = b2b_lines_get(errand->order, "name");
	EVP_PKEY *key = kind && strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(3072) : EVP_EC_gen("P-256");
	BIO *pem = BIO_new(BIO_s_secmem()), *shown = BIO_new(BIO_s_mem());
	X509 *certificate = key && name ? certify(key, name) : NULL;

	if (!key || !shown || (name && !certificate) || !pem || PEM_write_bio_PKCS8PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    (certificate && PEM_write_bio_X509(shown, certificate) != 1)) {
		b2b_errand_fail(errand, "the key could not be made");
	} else {
		put_bio(errand, "key", pem);
		put_bio(errand, "certificate", shown);
	}
	X509_free(certificate);
	BIO_free(pem);
	BIO_free(shown);
	EVP_PKEY_free(key);
}

/* RFC 7517 4.7: DER in ordinary base64, the certificate of the key itself. */
static json_t *x5c(const struct b2b_client_proof *proof)
{
	BIO *bio = BIO_new_mem_buf(proof->certificate.text, (int)proof->certificate.size);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	unsigned char *der = NULL, *text;
	int len = certificate ? i2d_X509(certificate, &der) : 0;
	json_t *list = NULL;

	text = len > 0 ? malloc((size_t)len / 3 * 4 + 8) : NULL;
	if (text) {
		EVP_EncodeBlock(text, der, len);
		list = json_pack("[s]", text);
	}
	free(text);
	OPENSSL_free(der);
	X509_free(certificate);
	BIO_free(bio);
	return list;
}

/* The public key of the file KEY_PATH, with what says how it is used. */
static json_t *jwk_of(struct b2b_errand *errand, const char *key_path)
{
	struct b2b_conf_federation conf = { .client_key = (char *)(uintptr_t)key_path,
		                            .client_certificate = (char *)(uintptr_t)b2b_lines_get(errand->order, "certificate_file") };
	char error[B2B_CONF_ERROR_SIZE], *text;
	struct b2b_client_proof proof;
	json_t *jwk;

	conf.client_auth = conf.client_certificate ? B2B_CLIENT_SELF_SIGNED_TLS : B2B_CLIENT_PRIVATE_KEY_JWT;
	if (b2b_client_proof_load(&conf, &proof, error) < 0) {
		b2b_errand_fail(errand, "%s", error);
		return NULL;
	}
	text = b2b_key_jwk(proof.key);
	jwk = text ? json_loads(text, 0, NULL) : NULL;
	if (!jwk || json_object_set_new(jwk, "kid", json_string(proof.kid)) < 0 || json_object_set_new(jwk, "use", json_string("sig")) < 0 ||
	    json_object_set_new(jwk, "alg", json_string(b2b_alg_name(proof.alg))) < 0 ||
	    (conf.client_certificate && json_object_set_new(jwk, "x5c", x5c(&proof)) < 0)) {
		b2b_errand_fail(errand, "%s: no memory", key_path);
		json_decref(jwk);
		jwk = NULL;
	}
	free(text);
	b2b_client_proof_clear(&proof);
	return jwk;
}

json_t *b2b_errand_jwks(struct b2b_errand *errand)
{
	json_t *keys = json_array();

	for (size_t i = 0; keys && i < errand->order->n; i++) {
		json_t *jwk;

		if (strcmp(errand->order->line[i].name, "key_file") != 0)
			continue;
		jwk = jwk_of(errand, errand->order->line[i].value);
		if (!jwk) {
			json_decref(keys);
			return NULL;
		}
		json_array_append_new(keys, jwk);
	}
	if (!keys || json_array_size(keys) == 0) {
		b2b_errand_fail(errand, "the order says no key_file");
		json_decref(keys);
		return NULL;
	}
	return json_pack("{s:o}", "keys", keys);
}
