/* Public keys that clients register: JWK, RFC 7517, RFC 7518, RFC 8037. */
#ifndef FED_JWK_H
#define FED_JWK_H

#include <jansson.h>
#include <openssl/evp.h>

/* A public key of a kind that fed_jws_verify knows (P-256, RSA, Ed25519); NULL for anything else, a private key included. */
EVP_PKEY *fed_jwk_read(const json_t *jwk);

#endif
