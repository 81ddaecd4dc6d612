/*
 * Signing keys: ES256, RS256 and EdDSA, one of each active, former ones still in the JWKS until dropped.
 * Kept in the database; standards: JWK RFC 7517, JWA RFC 7518, EdDSA RFC 8037.
 */
#ifndef FED_KEYS_H
#define FED_KEYS_H

#include <jansson.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdbool.h>

struct fed_key {
	char *kid;
	const char *alg; /* "ES256", "RS256", "EdDSA" */
	EVP_PKEY *pkey;
	bool active;
};

struct fed_keys; /* opaque */

/* Read the keys, making those that are missing. 0 or a negative errno. DB must outlive them. */
int fed_keys_open(sqlite3 *db, struct fed_keys **ret_keys);
void fed_keys_free(struct fed_keys *keys); /* NULL is legal */

/*
 * Make a new key for ALG (NULL: all three). The former stay in the JWKS, unless DROP: then what they signed no
 * longer verifies. 0, -EINVAL for an algorithm that is not ours, or a negative errno.
 */
int fed_keys_rotate(struct fed_keys *keys, const char *alg, bool drop);

/* The algorithm that signs from now on. 0 or -EINVAL. Lives in the database. */
int fed_keys_choose(struct fed_keys *keys, const char *alg);
const struct fed_key *fed_keys_signing(const struct fed_keys *keys); /* never NULL */
/* A key that is in no JWKS, for misbehaviour; of the signing algorithm. NULL without memory. */
const struct fed_key *fed_keys_foreign(struct fed_keys *keys);

json_t *fed_keys_jwks(const struct fed_keys *keys); /* {"keys":[…]}; caller decrefs; NULL without memory */

/* Which algorithm fits a key of PKEY's type; NULL for none. */
const char *fed_key_alg(const EVP_PKEY *pkey);

#endif
