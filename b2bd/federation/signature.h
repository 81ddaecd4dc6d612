/* JWA signatures (RFC 7518 3.3-3.5, RFC 8037 3.1) by OpenSSL: the algorithms that this host allows, and no other. */
#ifndef B2B_SIGNATURE_H
#define B2B_SIGNATURE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

/* In the order of the configuration's key algorithms, from RS256 on. */
enum b2b_alg { B2B_ALG_NONE = 0, B2B_ALG_RS256, B2B_ALG_PS256, B2B_ALG_ES256, B2B_ALG_ES384, B2B_ALG_EDDSA };
#define B2B_ALG_BIT(alg) (1u << ((alg) - 1))
#define B2B_ALGS_ALL                                                                                                    \
	(B2B_ALG_BIT(B2B_ALG_RS256) | B2B_ALG_BIT(B2B_ALG_PS256) | B2B_ALG_BIT(B2B_ALG_ES256) | B2B_ALG_BIT(B2B_ALG_ES384) | \
	 B2B_ALG_BIT(B2B_ALG_EDDSA))

/* By its JOSE name, case-sensitive; B2B_ALG_NONE for all that is not allowed. "Ed25519" (RFC 9864) is EdDSA here. */
enum b2b_alg b2b_alg_parse(const char *name);
const char *b2b_alg_name(enum b2b_alg alg); /* static */

/* What KEY may be used with when nothing narrows it: B2B_ALG_NONE for a kind, curve or size that is not allowed. */
enum b2b_alg b2b_alg_of_key(const EVP_PKEY *key);

/* Is SIGNATURE (JOSE form: r||s for ECDSA) KEY's over DATA by ALG? */
bool b2b_signature_valid(enum b2b_alg alg, EVP_PKEY *key, const void *data, size_t len, const unsigned char *signature,
                         size_t signature_len);

/* Sign DATA; JOSE form. Caller frees *ret_signature. Returns 0, -EINVAL (key and algorithm do not fit), -ENOMEM, -EIO. */
int b2b_signature_make(enum b2b_alg alg, EVP_PKEY *key, const void *data, size_t len, unsigned char **ret_signature, size_t *ret_len);

#endif
