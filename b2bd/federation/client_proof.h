/* What the host proves itself with, as it lies in root's files: key, secret, certificate. For client_identity.c. */
#ifndef B2B_CLIENT_PROOF_H
#define B2B_CLIENT_PROOF_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "b2bd/federation/signature.h"
#include "common/conf.h"

/* A file's text that wipes itself. */
struct b2b_secret_text {
	char *text; /* NUL-terminated */
	size_t size; /* as allocated, without the NUL */
	struct stat seen; /* of the file that it was read from */
};

struct b2b_client_proof {
	EVP_PKEY *key;  /* of client_key; NULL with a secret */
	enum b2b_alg alg;
	char *kid;
	char *x5t; /* x5t#S256 of the certificate (RFC 8705 3.1); NULL without one */
	struct b2b_secret_text key_text, certificate, secret; /* what client_auth needs; else empty */
};

/* Does AUTH use a certificate in the TLS handshake (RFC 8705)? */
bool b2b_client_auth_tls(enum b2b_client_auth auth);

/*
 * Read the files that CONF names, each a trusted one that not everybody can read; a certificate must be of the key. Returns 0
 * (caller clears), or a negative errno with error[B2B_CONF_ERROR_SIZE] saying which file and why.
 */
int b2b_client_proof_load(const struct b2b_conf_federation *conf, struct b2b_client_proof *ret_proof, char *error);
void b2b_client_proof_clear(struct b2b_client_proof *proof); /* wipes */

/* Is one of the files another than the one that was read? One that cannot be seen is not. */
bool b2b_client_proof_outdated(const struct b2b_conf_federation *conf, const struct b2b_client_proof *proof);

#endif
