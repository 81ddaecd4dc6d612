/* Compact JWS, RFC 7515: made with the service's keys, checked with a client's. */
#ifndef FED_JWS_H
#define FED_JWS_H

#include <jansson.h>

#include "tests/federation/service.h"

/*
 * Sign CLAIMS (stolen) with the active key as a token of TYP. Misbehaviour (wrong key, kid, issuer, audience) happens
 * here, for every kind of token alike. Returns 0 or a negative errno; caller frees *ret_jws.
 */
int fed_jws_sign(struct fed *fed, const char *typ, json_t *claims, char **ret_jws);

/*
 * Check JWS by PKEY, whose one fitting algorithm must be the header's; no "crit". Returns 0 with the claims (caller
 * decrefs), -EBADMSG when it cannot be read, -EACCES when it is not by this key.
 */
int fed_jws_verify(const char *jws, EVP_PKEY *pkey, json_t **ret_claims);

/* The claims of JWS, unchecked: only to find whose key to check by. 0 or -EBADMSG. */
int fed_jws_peek(const char *jws, json_t **ret_claims);

#endif
