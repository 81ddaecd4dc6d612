#include "b2bd/federation/jwks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/client_identity.h"
#include "b2bd/json.h"

static int collect(const json_t *list, struct b2b_jwks *jwks)
{
	const json_t *jwk;
	size_t i;

	json_array_foreach (list, i, jwk) {
		int r = jwks->n < B2B_JWKS_KEYS_MAX ? b2b_key_from_jwk(jwk, &jwks->keys[jwks->n]) : -EINVAL;

		if (r == -ENOMEM)
			return r;
		if (r == 0)
			jwks->n++;
	}
	return 0;
}

int b2b_jwks_parse(const char *json, size_t len, struct b2b_jwks **ret_jwks)
{
	struct b2b_jwks *jwks = NULL;
	json_t *root, *list;
	int r = b2b_json_parse(json, len, &root);

	if (r < 0)
		return r;
	list = json_object_get(root, "keys");
	if (!json_is_array(list)) {
		r = -EBADMSG;
		goto out;
	}
	jwks = calloc(1, sizeof(*jwks));
	if (jwks)
		jwks->algs = B2B_ALGS_ALL;
	r = jwks ? collect(list, jwks) : -ENOMEM;
	if (r == 0) {
		*ret_jwks = jwks;
		jwks = NULL;
	}
out:
	b2b_jwks_free(jwks);
	json_decref(root);
	return r;
}

void b2b_jwks_free(struct b2b_jwks *jwks)
{
	size_t i;

	if (!jwks)
		return;
	for (i = 0; i < jwks->n; i++)
		b2b_key_clear(&jwks->keys[i]);
	free(jwks);
}

size_t b2b_jwks_count(const struct b2b_jwks *jwks)
{
	return jwks ? jwks->n : 0;
}

void b2b_jwks_allow(struct b2b_jwks *jwks, unsigned algs)
{
	size_t i;

	jwks->algs = algs;
	for (i = 0; i < jwks->n; i++) {
		struct b2b_key *key = &jwks->keys[i];

		if (key->by_kind && EVP_PKEY_is_a(key->pkey, "RSA"))
			key->alg = algs & B2B_ALG_BIT(B2B_ALG_RS256) ? B2B_ALG_RS256 : B2B_ALG_PS256;
	}
}

/* 1, 0, or -ENOMEM. */
static int is_named(const struct b2b_key *key, const char *const *names, size_t n)
{
	char *thumbprint = n ? b2b_key_thumbprint(key->pkey) : NULL;
	int r = n && !thumbprint ? -ENOMEM : 0;
	size_t i;

	for (i = 0; i < n && r <= 0; i++) {
		if ((key->kid && !strcmp(key->kid, names[i])) || (thumbprint && !strcmp(thumbprint, names[i])))
			r = 1;
	}
	free(thumbprint);
	return r;
}

void b2b_jwks_distrust(struct b2b_jwks *jwks, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; jwks && i < jwks->n; i++)
		jwks->keys[i].distrusted = is_named(&jwks->keys[i], names, n) != 0;
}

char *b2b_jwks_thumbprint(const struct b2b_jwks *jwks, const char *name)
{
	size_t i;

	for (i = 0; jwks && i < jwks->n; i++) {
		if (is_named(&jwks->keys[i], &name, 1) > 0)
			return b2b_key_thumbprint(jwks->keys[i].pkey);
	}
	return NULL;
}
