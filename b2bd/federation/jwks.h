/* The inside of a key set, for the signature check; parsing and freeing are in token.h. */
#ifndef B2B_JWKS_H
#define B2B_JWKS_H

#include "b2bd/federation/signature.h"
#include "b2bd/federation/token.h"

#define B2B_JWKS_KEYS_MAX 64

struct b2b_key {
	char *kid;         /* NULL where the key has none */
	enum b2b_alg alg;  /* the one algorithm that it is used with (RFC 8725 3.1) */
	bool by_kind;      /* the key itself does not name it */
	EVP_PKEY *pkey;
	bool distrusted;   /* refused, by root's word */
};

struct b2b_jwks {
	struct b2b_key keys[B2B_JWKS_KEYS_MAX];
	size_t n;
	unsigned algs; /* those that the issuer may sign with, by B2B_ALG_BIT */
};

/*
 * Narrow what the issuer of JWKS may sign with to ALGS (B2B_ALG_BIT of each); until then it is B2B_ALGS_ALL. RSA keys that name no
 * algorithm are for RS256, or where it is not among ALGS, for PS256.
 */
void b2b_jwks_allow(struct b2b_jwks *jwks, unsigned algs);

/*
 * One public key from its JWK (RFC 7517 4, RFC 7518 6, RFC 8037 2). Returns 0 and *ret_key (caller clears), or -EINVAL for
 * one that is not for checking signatures, not public, not of an allowed kind, or broken; -ENOMEM.
 */
int b2b_key_from_jwk(const json_t *jwk, struct b2b_key *ret_key);
void b2b_key_clear(struct b2b_key *key);

#endif
