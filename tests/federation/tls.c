#include "tests/federation/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIFE_S (825L * 86400)
#define PEM_MAX (256 * 1024)

static int read_file(const char *path, char **ret_text)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;
	char *text = calloc(1, PEM_MAX);
	size_t n = text ? fread(text, 1, PEM_MAX - 1, file) : 0;
	fclose(file);
	if (!text || n == 0) {
		free(text);
		return text ? -EINVAL : -ENOMEM;
	}
	*ret_text = text;
	return 0;
}

void fed_tls_clear(struct fed_tls *tls)
{
	free(tls->certificate);
	if (tls->key)
		explicit_bzero(tls->key, strlen(tls->key));
	free(tls->key);
	free(tls->client_ca);
	*tls = (struct fed_tls){ 0 };
}

int fed_tls_read_client_ca(struct fed_tls *tls, const char *path)
{
	return read_file(path, &tls->client_ca);
}

int fed_tls_read(const char *certificate_path, const char *key_path, struct fed_tls *ret_tls)
{
	struct fed_tls tls = { 0 };
	int error = read_file(certificate_path, &tls.certificate);
	if (!error)
		error = read_file(key_path, &tls.key);
	if (error) {
		fed_tls_clear(&tls);
		return error;
	}
	*ret_tls = tls;
	return 0;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
	bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

static bool set_serial(X509 *certificate)
{
	unsigned char bytes[16];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] &= 0x7f;
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return set;
}

/* A certificate for KEY; ISSUER NULL: a CA that signs itself. */
static X509 *certify(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key, const char *names)
{
	X509 *certificate = X509_new();
	if (!certificate || X509_set_version(certificate, 2) != 1 || !set_serial(certificate))
		goto fail;
	X509_NAME *subject = X509_get_subject_name(certificate);
	if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) != 1 ||
	    X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject) != 1 ||
	    !X509_gmtime_adj(X509_getm_notBefore(certificate), -300) || !X509_gmtime_adj(X509_getm_notAfter(certificate), LIFE_S) ||
	    X509_set_pubkey(certificate, key) != 1)
		goto fail;
	X509 *signer = issuer ? issuer : certificate;
	if (!add_extension(certificate, signer, NID_subject_key_identifier, "hash") ||
	    !add_extension(certificate, signer, NID_authority_key_identifier, "keyid:always") ||
	    !add_extension(certificate, signer, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE,pathlen:0") ||
	    !add_extension(certificate, signer, NID_key_usage, issuer ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign") ||
	    (issuer && (!add_extension(certificate, signer, NID_ext_key_usage, "serverAuth") ||
			!add_extension(certificate, signer, NID_subject_alt_name, names))))
		goto fail;
	if (X509_sign(certificate, issuer_key, EVP_sha256()) > 0)
		return certificate;
fail:
	X509_free(certificate);
	return NULL;
}

static char *bio_text(BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	return len > 0 ? strndup(data, (size_t)len) : NULL;
}

static char *certificate_pem(X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = bio && PEM_write_bio_X509(bio, certificate) == 1 ? bio_text(bio) : NULL;
	BIO_free(bio);
	return text;
}

static char *key_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 ? bio_text(bio) : NULL;
	BIO_free(bio);
	return text;
}

static int write_file(int dir, const char *name, const char *text, mode_t mode)
{
	char temporary[64];
	snprintf(temporary, sizeof(temporary), "%s.new", name);
	int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	size_t len = strlen(text);
	int error = write(fd, text, len) == (ssize_t)len ? 0 : -EIO;
	if (close(fd) != 0 && !error)
		error = -errno;
	if (!error && renameat(dir, temporary, dir, name) != 0)
		error = -errno;
	return error;
}

static int read_ca(int dir, X509 **ret_certificate, EVP_PKEY **ret_key)
{
	int certificate_fd = openat(dir, "ca.pem", O_RDONLY | O_CLOEXEC), key_fd = openat(dir, "ca.key", O_RDONLY | O_CLOEXEC);
	FILE *certificate_file = certificate_fd >= 0 ? fdopen(certificate_fd, "r") : NULL, *key_file = key_fd >= 0 ? fdopen(key_fd, "r") : NULL;
	X509 *certificate = certificate_file ? PEM_read_X509(certificate_file, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = key_file ? PEM_read_PrivateKey(key_file, NULL, NULL, NULL) : NULL;
	if (certificate_file)
		fclose(certificate_file);
	if (key_file)
		fclose(key_file);
	if (!certificate || !key || X509_check_private_key(certificate, key) != 1) {
		X509_free(certificate);
		EVP_PKEY_free(key);
		return -ENOENT;
	}
	*ret_certificate = certificate;
	*ret_key = key;
	return 0;
}

static int make_ca(int dir, X509 **ret_certificate, EVP_PKEY **ret_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = key ? certify(key, "b2b-federation test CA", NULL, key, NULL) : NULL;
	char *key_text = certificate ? key_pem(key) : NULL, *text = certificate ? certificate_pem(certificate) : NULL;
	int error = key_text && text ? write_file(dir, "ca.key", key_text, 0600) : -ENOMEM;
	if (!error)
		error = write_file(dir, "ca.pem", text, 0644);
	if (key_text)
		explicit_bzero(key_text, strlen(key_text));
	free(key_text);
	free(text);
	if (error) {
		X509_free(certificate);
		EVP_PKEY_free(key);
		return error;
	}
	*ret_certificate = certificate;
	*ret_key = key;
	return 0;
}

/* "DNS:localhost,IP:127.0.0.1,…"; -EINVAL for a name that would say more than a name. */
static int alternative_names(const char *const *names, size_t n_names, char **ret_text)
{
	char *text = NULL;
	size_t size = 0;
	struct in_addr address;
	int error = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	fputs("DNS:localhost,IP:127.0.0.1,IP:::1", out);
	for (size_t i = 0; i < n_names; i++) {
		if (strspn(names[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != strlen(names[i]) || !*names[i])
			error = -EINVAL;
		fprintf(out, ",%s:%s", inet_pton(AF_INET, names[i], &address) == 1 ? "IP" : "DNS", names[i]);
	}
	if (fclose(out) != 0)
		error = -ENOMEM;
	if (error) {
		free(text);
		return error;
	}
	*ret_text = text;
	return 0;
}

int fed_tls_make(const char *dir, const char *const *names, size_t n_names, struct fed_tls *ret_tls)
{
	X509 *ca = NULL, *certificate = NULL;
	EVP_PKEY *ca_key = NULL, *key = NULL;
	char *alternatives = NULL;
	struct fed_tls tls = { 0 };
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	int error = alternative_names(names, n_names, &alternatives);
	if (!error && read_ca(dir_fd, &ca, &ca_key) != 0)
		error = make_ca(dir_fd, &ca, &ca_key);
	if (error)
		goto out;
	error = -EIO;
	key = EVP_EC_gen("P-256");
	certificate = key ? certify(key, "b2b-federation", ca, ca_key, alternatives) : NULL;
	if (!certificate)
		goto out;
	tls.certificate = certificate_pem(certificate);
	tls.key = key_pem(key);
	error = tls.certificate && tls.key ? 0 : -ENOMEM;
out:
	close(dir_fd);
	free(alternatives);
	X509_free(ca);
	X509_free(certificate);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	if (error)
		fed_tls_clear(&tls);
	else
		*ret_tls = tls;
	return error;
}
