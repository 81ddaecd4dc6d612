#include "tests/support/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/scratch.h"

#define MUST(x) ((x) ? (void)0 : must_failed(#x, __LINE__))
static void must_failed(const char *what, int line)
{
	fprintf(stderr, "certificate.c:%d: %s\n", line, what);
	abort();
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	MUST(extension && X509_add_ext(certificate, extension, -1));
	X509_EXTENSION_free(extension);
}

X509 *certificate_make(EVP_PKEY *key, const struct certificate_wish *wish, X509 *issuer, EVP_PKEY *issuer_key)
{
	static int serial;
	X509 *certificate = X509_new();
	const EVP_MD *digest = EVP_PKEY_is_a(issuer ? issuer_key : key, "ED25519") ? NULL : EVP_get_digestbyname(wish->digest ? wish->digest : "SHA256");
	int around = !wish->from_s && !wish->until_s;

	MUST(certificate && X509_set_version(certificate, 2));
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), around ? -60 : wish->from_s);
	X509_gmtime_adj(X509_getm_notAfter(certificate), around ? 3600 : wish->until_s);
	MUST(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)wish->subject, -1, -1, 0));
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
	X509_set_pubkey(certificate, key);
	add_extension(certificate, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
	if (wish->names)
		add_extension(certificate, NID_subject_alt_name, wish->names);
	MUST(X509_sign(certificate, issuer ? issuer_key : key, digest));
	return certificate;
}

static void write_bio(const char *path, BIO *bio)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	scratch_write(path, text, (size_t)len, 0640);
	BIO_free(bio);
}

void certificate_write(const char *path, X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());

	MUST(bio && PEM_write_bio_X509(bio, certificate) == 1);
	write_bio(path, bio);
}

void certificate_write_key(const char *path, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	MUST(bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	write_bio(path, bio);
}
