/* Certificates for tests, with whatever fault a test wants. */
#ifndef B2B_TESTS_CERTIFICATE_H
#define B2B_TESTS_CERTIFICATE_H

#include <openssl/x509.h>

struct certificate_wish {
	const char *subject; /* its common name */
	const char *names;   /* subjectAltName as OpenSSL writes it ("IP:127.0.0.1"); NULL: none */
	long from_s, until_s; /* seconds from now; both 0: an hour around now */
	const char *digest;  /* "SHA1", …; NULL: SHA-256 */
};

/* A certificate for KEY by ISSUER (with ISSUER_KEY), or one that signs itself and may sign others where ISSUER is NULL. Aborts on failure. */
X509 *certificate_make(EVP_PKEY *key, const struct certificate_wish *wish, X509 *issuer, EVP_PKEY *issuer_key);
/* As PEM into PATH, mode 0640. */
void certificate_write(const char *path, X509 *certificate);
void certificate_write_key(const char *path, EVP_PKEY *key);

#endif
