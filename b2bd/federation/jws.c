#include "b2bd/federation/jws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/jwks.h"
#include "b2bd/json.h"

struct compact {
	size_t signed_len; /* header.payload */
	json_t *header, *payload;
	unsigned char *signature;
	size_t signature_len;
};

static void compact_clear(struct compact *compact)
{
	json_decref(compact->header);
	json_decref(compact->payload);
	free(compact->signature);
}

static json_t *decode_object(const char *text, size_t len)
{
	unsigned char *bytes;
	size_t n;
	json_t *object = NULL;

	if (b2b_base64url_decode(text, len, &bytes, &n) < 0)
		return NULL;
	if (b2b_json_parse((const char *)bytes, n, &object) < 0)
		object = NULL;
	explicit_bzero(bytes, n);
	free(bytes);
	return object;
}

/* Exactly two dots. False: malformed; COMPACT is to be cleared either way. */
static bool split(const char *jwt, size_t len, struct compact *compact)
{
	const char *first, *second;

	if (!jwt || len > B2B_TOKEN_MAX || !(first = memchr(jwt, '.', len)))
		return false;
	second = memchr(first + 1, '.', len - (size_t)(first + 1 - jwt));
	if (!second)
		return false;
	compact->signed_len = (size_t)(second - jwt);
	compact->header = decode_object(jwt, (size_t)(first - jwt));
	compact->payload = decode_object(first + 1, (size_t)(second - first - 1));
	return compact->header && compact->payload &&
	       b2b_base64url_decode(second + 1, len - compact->signed_len - 1, &compact->signature, &compact->signature_len) == 0;
}

static bool typ_fits(const json_t *header, const struct b2b_jws_typ *typ)
{
	static const char prefix[] = "application/";
	const json_t *value = json_object_get(header, "typ");
	const char *name = json_string_value(value);

	if (!value)
		return typ->may_be_absent;
	if (!name)
		return false;
	if (strncasecmp(name, prefix, sizeof(prefix) - 1) == 0)
		name += sizeof(prefix) - 1;
	return strcasecmp(name, typ->name) == 0;
}

static bool signed_by(const struct compact *compact, const char *jwt, const struct b2b_key *key)
{
	return b2b_signature_valid(key->alg, key->pkey, jwt, compact->signed_len, compact->signature, compact->signature_len);
}

/* With a kid: the keys of that name, and their own algorithm. Names can be shared (RFC 7517 4.5). */
static enum b2b_token_fault check_named(const struct compact *compact, const char *jwt, const struct b2b_jwks *jwks, const char *kid,
                                        enum b2b_alg alg)
{
	enum b2b_token_fault fault = B2B_TOKEN_KEY_UNKNOWN;
	size_t i;

	for (i = 0; jwks && i < jwks->n; i++) {
		const struct b2b_key *key = &jwks->keys[i];

		if (!key->kid || strcmp(key->kid, kid) != 0)
			continue;
		if (key->alg == alg && signed_by(compact, jwt, key))
			return B2B_TOKEN_OK;
		if (key->alg == alg)
			fault = B2B_TOKEN_SIGNATURE;
		else if (fault == B2B_TOKEN_KEY_UNKNOWN)
			fault = B2B_TOKEN_ALG;
	}
	return fault;
}

/* Without one it must be clear which key is meant (OIDC Core 10.1). */
static enum b2b_token_fault check_unnamed(const struct compact *compact, const char *jwt, const struct b2b_jwks *jwks, enum b2b_alg alg)
{
	const struct b2b_key *found = NULL;
	size_t i;

	for (i = 0; jwks && i < jwks->n; i++) {
		if (jwks->keys[i].alg != alg)
			continue;
		if (found)
			return B2B_TOKEN_KEY_UNKNOWN;
		found = &jwks->keys[i];
	}
	if (!found)
		return B2B_TOKEN_KEY_UNKNOWN;
	return signed_by(compact, jwt, found) ? B2B_TOKEN_OK : B2B_TOKEN_SIGNATURE;
}

static enum b2b_token_fault check_header(const struct compact *compact, const char *jwt, const struct b2b_jwks *jwks,
                                         const struct b2b_jws_typ *typ)
{
	const json_t *kid = json_object_get(compact->header, "kid");
	enum b2b_alg alg = b2b_alg_parse(b2b_json_text(compact->header, "alg"));

	if (alg == B2B_ALG_NONE)
		return B2B_TOKEN_ALG;
	/* no extension is understood; b64 (RFC 7797) must be listed there too, but is refused on its own */
	if (json_object_get(compact->header, "crit") || json_object_get(compact->header, "b64"))
		return B2B_TOKEN_CRIT;
	if (!typ_fits(compact->header, typ))
		return B2B_TOKEN_TYP;
	if (kid && !json_is_string(kid))
		return B2B_TOKEN_MALFORMED;
	return kid ? check_named(compact, jwt, jwks, json_string_value(kid), alg) : check_unnamed(compact, jwt, jwks, alg);
}

enum b2b_token_fault b2b_jws_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks, const struct b2b_jws_typ *typ,
                                    json_t **ret_payload)
{
	struct compact compact = { 0 };
	enum b2b_token_fault fault = split(jwt, len, &compact) ? check_header(&compact, jwt, jwks, typ) : B2B_TOKEN_MALFORMED;

	if (fault == B2B_TOKEN_OK) {
		*ret_payload = compact.payload;
		compact.payload = NULL;
	}
	compact_clear(&compact);
	return fault;
}
