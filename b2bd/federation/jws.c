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

static enum b2b_token_fault fault_of(enum b2b_json_fault why)
{
	switch (why) {
	case B2B_JSON_DEEP:
		return B2B_TOKEN_DEEP;
	case B2B_JSON_DUPLICATE:
		return B2B_TOKEN_DUPLICATE;
	case B2B_JSON_SYNTAX:
		break;
	}
	return B2B_TOKEN_MALFORMED;
}

static enum b2b_token_fault decode_object(const char *text, size_t len, json_t **ret_object)
{
	unsigned char *bytes;
	size_t n;
	enum b2b_json_fault why;
	int r;

	if (b2b_base64url_decode(text, len, &bytes, &n) < 0)
		return B2B_TOKEN_MALFORMED;
	r = b2b_json_parse_why((const char *)bytes, n, ret_object, &why);
	explicit_bzero(bytes, n);
	free(bytes);
	if (r < 0)
		return r == -EBADMSG ? fault_of(why) : B2B_TOKEN_MALFORMED;
	return B2B_TOKEN_OK;
}

/* Exactly two dots; four would be encryption (RFC 7516 3.1). COMPACT is to be cleared either way. */
static enum b2b_token_fault split(const char *jwt, size_t len, struct compact *compact)
{
	const char *first = jwt ? memchr(jwt, '.', len) : NULL, *second, *more;
	enum b2b_token_fault fault;

	if (!first)
		return B2B_TOKEN_MALFORMED;
	second = memchr(first + 1, '.', len - (size_t)(first + 1 - jwt));
	if (!second)
		return B2B_TOKEN_MALFORMED;
	more = memchr(second + 1, '.', len - (size_t)(second + 1 - jwt));
	if (more && memchr(more + 1, '.', len - (size_t)(more + 1 - jwt)))
		return B2B_TOKEN_ENCRYPTED;
	compact->signed_len = (size_t)(second - jwt);
	if ((fault = decode_object(jwt, (size_t)(first - jwt), &compact->header)) != B2B_TOKEN_OK ||
	    (fault = decode_object(first + 1, (size_t)(second - first - 1), &compact->payload)) != B2B_TOKEN_OK)
		return fault;
	return b2b_base64url_decode(second + 1, len - compact->signed_len - 1, &compact->signature, &compact->signature_len) == 0
	               ? B2B_TOKEN_OK
	               : B2B_TOKEN_MALFORMED;
}

static bool is_named(const char *name, const char *wanted)
{
	static const char prefix[] = "application/";

	if (strncasecmp(name, prefix, sizeof(prefix) - 1) == 0)
		name += sizeof(prefix) - 1;
	return wanted && strcasecmp(name, wanted) == 0;
}

static bool typ_fits(const json_t *header, const struct b2b_jws_typ *typ)
{
	const json_t *value = json_object_get(header, "typ");
	const char *name = json_string_value(value);

	if (!value)
		return typ->may_be_absent;
	return name && (is_named(name, typ->name) || is_named(name, typ->other));
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
		if (key->distrusted) {
			fault = B2B_TOKEN_KEY_DISTRUSTED;
			continue;
		}
		if (key->alg == alg && signed_by(compact, jwt, key))
			return B2B_TOKEN_OK;
		if (key->alg == alg)
			fault = B2B_TOKEN_SIGNATURE;
		else if (fault == B2B_TOKEN_KEY_UNKNOWN)
			fault = B2B_TOKEN_KEY_ALG;
	}
	return fault;
}

/* Without one it must be clear which key is meant (OIDC Core 10.1). */
static enum b2b_token_fault check_unnamed(const struct compact *compact, const char *jwt, const struct b2b_jwks *jwks, enum b2b_alg alg)
{
	const struct b2b_key *found = NULL;
	enum b2b_token_fault fault = B2B_TOKEN_KEY_UNKNOWN;
	size_t i;

	for (i = 0; jwks && i < jwks->n; i++) {
		if (jwks->keys[i].alg != alg)
			continue;
		if (jwks->keys[i].distrusted) {
			fault = B2B_TOKEN_KEY_DISTRUSTED;
			continue;
		}
		if (found)
			return B2B_TOKEN_KEY_UNKNOWN;
		found = &jwks->keys[i];
	}
	if (!found)
		return fault;
	return signed_by(compact, jwt, found) ? B2B_TOKEN_OK : B2B_TOKEN_SIGNATURE;
}

static enum b2b_token_fault check_header(const struct compact *compact, const char *jwt, const struct b2b_jwks *jwks,
                                         const struct b2b_jws_typ *typ)
{
	const json_t *kid = json_object_get(compact->header, "kid");
	const char *name = b2b_json_text(compact->header, "alg");
	enum b2b_alg alg = b2b_alg_parse(name);

	if (name && strcasecmp(name, "none") == 0)
		return B2B_TOKEN_UNSIGNED;
	if (alg == B2B_ALG_NONE || (jwks && !(jwks->algs & B2B_ALG_BIT(alg))))
		return B2B_TOKEN_ALG;
	/* no extension is understood; b64 (RFC 7797) must be listed there too, but is refused on its own */
	if (json_object_get(compact->header, "crit") || json_object_get(compact->header, "b64"))
		return B2B_TOKEN_CRIT;
	if (!typ_fits(compact->header, typ))
		return B2B_TOKEN_TYP;
	if (kid && !json_is_string(kid))
		return B2B_TOKEN_KID;
	return kid ? check_named(compact, jwt, jwks, json_string_value(kid), alg) : check_unnamed(compact, jwt, jwks, alg);
}

enum b2b_token_fault b2b_jws_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks, const struct b2b_jws_typ *typ,
                                    json_t **ret_payload)
{
	struct compact compact = { 0 };
	enum b2b_token_fault fault;

	if (len > (typ->max ? typ->max : B2B_TOKEN_MAX))
		return B2B_TOKEN_LARGE;
	fault = split(jwt, len, &compact);
	if (fault == B2B_TOKEN_OK)
		fault = check_header(&compact, jwt, jwks, typ);
	if (fault == B2B_TOKEN_OK) {
		*ret_payload = compact.payload;
		compact.payload = NULL;
	}
	compact_clear(&compact);
	return fault;
}

bool b2b_jws_looks_like(const char *text, size_t len)
{
	const char *first = memchr(text, '.', len);
	json_t *header = NULL;

	if (!first || !memchr(first + 1, '.', len - (size_t)(first + 1 - text)))
		return false;
	/* a header that is JSON but for a fault still is one */
	switch (decode_object(text, (size_t)(first - text), &header)) {
	case B2B_TOKEN_OK:
	case B2B_TOKEN_DEEP:
	case B2B_TOKEN_DUPLICATE:
		json_decref(header);
		return true;
	default:
		return false;
	}
}
