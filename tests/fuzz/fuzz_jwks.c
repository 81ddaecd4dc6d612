/* Key sets: every key that is taken has one allowed algorithm, a public key that it fits, and can be asked about a signature. */
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/client_identity.h"
#include "b2bd/federation/jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct b2b_key *key)
{
	static const unsigned char signature[512];
	enum b2b_alg own = b2b_alg_of_key(key->pkey);
	char *thumbprint;

	if (own == B2B_ALG_NONE || (own != key->alg && !(own == B2B_ALG_RS256 && key->alg == B2B_ALG_PS256)))
		abort();
	if (b2b_signature_valid(key->alg, key->pkey, "data", 4, signature, 64))
		abort();
	thumbprint = b2b_key_thumbprint(key->pkey);
	if (!thumbprint || strlen(thumbprint) != 43)
		abort();
	free(thumbprint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct b2b_jwks *jwks;
	size_t i;

	if (b2b_jwks_parse((const char *)data, size, &jwks) < 0)
		return 0;
	if (b2b_jwks_count(jwks) > B2B_JWKS_KEYS_MAX)
		abort();
	for (i = 0; i < jwks->n; i++)
		check(&jwks->keys[i]);
	b2b_jwks_free(jwks);
	return 0;
}
