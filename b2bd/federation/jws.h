/* The signature check that every kind of token shares: compact JWS, RFC 7515 5.2 with RFC 8725 3. */
#ifndef B2B_JWS_H
#define B2B_JWS_H

#include "b2bd/federation/token.h"

/* A kind of token: what the header's `typ` must be. Media types: case-insensitive, "application/" may be left out (RFC 7515 4.1.9). */
struct b2b_jws_typ {
	const char *name;
	bool may_be_absent;
	const char *other; /* a second name that is taken as well; NULL: none */
	size_t max;        /* bytes of the whole token; 0: B2B_TOKEN_MAX */
};

/*
 * Check form, algorithm, crit, typ, key and signature, in this order. Returns B2B_TOKEN_OK and *ret_payload
 * (an object; json_decref it), or the first fault. jku, jwk, x5u, x5c are not looked at.
 */
enum b2b_token_fault b2b_jws_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks, const struct b2b_jws_typ *typ,
                                    json_t **ret_payload);

/* Has TEXT a header, JSON in base64url, and two dots or more? It is then a signed or encrypted token, be it valid or not. */
bool b2b_jws_looks_like(const char *text, size_t len);

#endif
