#include "b2bd/federation/client_proof.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/client_identity.h"
#include "common/trusted_file.h"

#define FILE_MAX_SIZE 65536 /* a certificate may bring a chain */

bool b2b_client_auth_tls(enum b2b_client_auth auth)
{
	return auth == B2B_CLIENT_TLS || auth == B2B_CLIENT_SELF_SIGNED_TLS;
}

static void clear_text(struct b2b_secret_text *secret)
{
	if (secret->text)
		explicit_bzero(secret->text, secret->size);
	free(secret->text);
	*secret = (struct b2b_secret_text){ 0 };
}

void b2b_client_proof_clear(struct b2b_client_proof *proof)
{
	EVP_PKEY_free(proof->key); /* OpenSSL clears private numbers */
	free(proof->kid);
	free(proof->x5t);
	clear_text(&proof->key_text);
	clear_text(&proof->certificate);
	clear_text(&proof->secret);
	*proof = (struct b2b_client_proof){ 0 };
}

static int complain(char *error, int code, const char *path, const char *what)
{
	snprintf(error, B2B_CONF_ERROR_SIZE, "%s: %s", path ? path : "[federation]", what);
	return code;
}

/* A file that only root can have written, and that not everybody can read. */
static int read_file(const char *path, struct b2b_secret_text *ret, char *error)
{
	struct b2b_secret_text read = { 0 };
	int r;

	if (!path)
		return complain(error, -EINVAL, path, "client_key, client_certificate or client_secret_file is needed, as client_auth says");
	/* Looked at before it is read: should it be replaced between the two, it counts as outdated and is read again. */
	if (lstat(path, &read.seen) < 0)
		return complain(error, -errno, path, strerror(errno));
	r = b2b_trusted_read(path, FILE_MAX_SIZE, &read.text, &read.size);
	if (r == -EPERM)
		return complain(error, r, path, "must be a regular file of root's that nobody else can write");
	if (r < 0)
		return complain(error, r, path, strerror(-r));
	if (read.seen.st_mode & S_IRWXO) {
		clear_text(&read);
		return complain(error, -EPERM, path, "everybody can read it; expected mode 0640, root:b2b");
	}
	*ret = read;
	return 0;
}

/* Without this, OpenSSL would ask on the terminal for the passphrase of an encrypted key. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int load_key(const struct b2b_conf_federation *conf, struct b2b_client_proof *proof, char *error)
{
	const char *path = conf->client_key;
	BIO *bio;
	int r = read_file(path, &proof->key_text, error);

	if (r < 0)
		return r;
	bio = BIO_new_mem_buf(proof->key_text.text, (int)proof->key_text.size);
	proof->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	if (!proof->key)
		return complain(error, -EBADMSG, path, "no private key in PEM without passphrase");
	proof->alg = b2b_alg_of_key(proof->key);
	if (proof->alg == B2B_ALG_NONE)
		return complain(error, -EINVAL, path, "expected a key on P-256 or P-384, Ed25519, or RSA of 2,048 to 8,192 bits");
	proof->kid = conf->client_key_id ? strdup(conf->client_key_id) : b2b_key_thumbprint(proof->key);
	return proof->kid ? 0 : complain(error, -ENOMEM, path, strerror(ENOMEM));
}

static char *certificate_thumbprint(const X509 *certificate)
{
	unsigned char digest[32];
	unsigned int len = sizeof(digest);

	return X509_digest(certificate, EVP_sha256(), digest, &len) == 1 ? b2b_base64url_encode(digest, len) : NULL;
}

/* A certificate and a key that do not belong together would be found out only by the service's refusal. */
static int load_certificate(const struct b2b_conf_federation *conf, struct b2b_client_proof *proof, char *error)
{
	const char *path = conf->client_certificate;
	X509 *certificate;
	BIO *bio;
	bool fits;
	int r = read_file(path, &proof->certificate, error);

	if (r < 0)
		return r;
	bio = BIO_new_mem_buf(proof->certificate.text, (int)proof->certificate.size);
	certificate = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	fits = certificate && X509_check_private_key(certificate, proof->key) == 1;
	ERR_clear_error();
	if (!certificate)
		return complain(error, -EBADMSG, path, "no certificate in PEM");
	proof->x5t = certificate_thumbprint(certificate);
	X509_free(certificate);
	if (!proof->x5t)
		return complain(error, -ENOMEM, path, strerror(ENOMEM));
	return fits ? 0 : complain(error, -EINVAL, path, "its first certificate is not of the key in client_key");
}

/* One line; the newline that editors leave is not part of it. */
static int load_secret(const struct b2b_conf_federation *conf, struct b2b_client_proof *proof, char *error)
{
	const char *path = conf->client_secret_file;
	char *text;
	size_t len;
	int r = read_file(path, &proof->secret, error);

	if (r < 0)
		return r;
	text = proof->secret.text;
	len = proof->secret.size;
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	if (len == 0 || strlen(text) != len || strpbrk(text, "\r\n"))
		return complain(error, -EBADMSG, path, "expected the secret as its one line");
	return 0;
}

int b2b_client_proof_load(const struct b2b_conf_federation *conf, struct b2b_client_proof *ret_proof, char *error)
{
	struct b2b_client_proof proof = { 0 };
	bool tls = b2b_client_auth_tls(conf->client_auth);
	int r = tls || conf->client_auth == B2B_CLIENT_PRIVATE_KEY_JWT ? load_key(conf, &proof, error) : load_secret(conf, &proof, error);

	if (r == 0 && tls)
		r = load_certificate(conf, &proof, error);
	if (r < 0)
		b2b_client_proof_clear(&proof);
	else
		*ret_proof = proof;
	return r;
}

static bool outdated(const char *path, const struct b2b_secret_text *read)
{
	struct stat now;

	return read->text && path && lstat(path, &now) == 0 &&
	       (now.st_dev != read->seen.st_dev || now.st_ino != read->seen.st_ino || now.st_size != read->seen.st_size ||
	        now.st_mtim.tv_sec != read->seen.st_mtim.tv_sec || now.st_mtim.tv_nsec != read->seen.st_mtim.tv_nsec);
}

bool b2b_client_proof_outdated(const struct b2b_conf_federation *conf, const struct b2b_client_proof *proof)
{
	return outdated(conf->client_key, &proof->key_text) || outdated(conf->client_certificate, &proof->certificate) ||
	       outdated(conf->client_secret_file, &proof->secret);
}
