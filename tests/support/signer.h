/* Keys and compact JWS for tests, made with OpenSSL directly and not with the code under test (but its base64url). */
#ifndef B2B_TESTS_SIGNER_H
#define B2B_TESTS_SIGNER_H

#include <jansson.h>
#include <openssl/evp.h>

#include "b2bd/federation/token.h"

/* A new key: "RS256", "PS256" (both RSA 2048), "RSA1024", "ES256", "ES384", "ES512", "EdDSA". Aborts on failure, as all of these do. */
EVP_PKEY *signer_key(const char *kind);

/* The public JWK with kid, alg and use where they are not NULL. Caller json_decrefs. */
json_t *signer_jwk(const EVP_PKEY *key, const char *kid, const char *alg, const char *use);

/* The set of that one key, as an issuer's; caller frees. */
struct b2b_jwks *signer_jwks(const EVP_PKEY *key, const char *kid, const char *alg);

/* base64url(HEADER).base64url(PAYLOAD).signature; ALG says how it is really signed, "none" leaves the signature empty. Caller frees. */
char *signer_compact(EVP_PKEY *key, const char *alg, const char *header, const char *payload);

/* The same from a JSON payload and the usual header {"alg","kid","typ"}; KID and TYP may be NULL. */
char *signer_token(EVP_PKEY *key, const char *alg, const char *kid, const char *typ, const json_t *payload);

#endif
