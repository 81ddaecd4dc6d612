/*
 * Commands as signers that share no code with ours: `jose` for keys, compact JWS and JWE; `openssl` for EdDSA, which jose does not know.
 * Everything exits the test on failure.
 */
#ifndef B2B_TESTS_JOSE_H
#define B2B_TESTS_JOSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

bool jose_is_here(void);
bool jose_has_eddsa(void); /* the command openssl */

/* A new private JWK for ALG ("RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256", "ECDH-ES") with that KID. Caller decrefs. */
json_t *jose_key(const char *alg, const char *kid);

/* Its public half. Caller decrefs. */
json_t *jose_public(const json_t *key);

/* PAYLOAD signed with KEY under the protected header HEADER (JSON). Caller frees. */
char *jose_sign(const json_t *key, const char *header, const char *payload, size_t len);

/* PAYLOAD encrypted to KEY (JWE, compact). Caller frees. */
char *jose_encrypt(const json_t *key, const char *payload, size_t len);

#endif
