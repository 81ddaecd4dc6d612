/*
 * Status lists: the input is unpacked as it is, as a list of each width; where it is JSON it is also the claims of a signed list, and of a
 * token that may name a place in one. Whatever is taken stays within its bounds.
 */
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/status_list.h"
#include "b2bd/json.h"
#include "tests/support/signer.h"

#define NOW 1790000000
#define URI "https://a.example/1"

static EVP_PKEY *key;
static struct b2b_jwks *jwks;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct b2b_status_list *list)
{
	uint64_t n = (uint64_t)list->n_bytes * 8 / list->bits, i;

	if (list->n_bytes > B2B_STATUS_LIST_BYTES_MAX)
		abort();
	for (i = 0; i < n; i += n / 64 + 1) {
		int status = b2b_status_list_get(list, i);

		if (status < 0 || status >= 1 << list->bits)
			abort();
	}
	if (b2b_status_list_get(list, n) != -ERANGE || b2b_status_list_get(list, UINT64_MAX) != -ERANGE)
		abort();
	b2b_status_list_clear(list);
}

static void unpack(const uint8_t *data, size_t size)
{
	static const int64_t widths[] = { 1, 2, 4, 8 };
	char *lst = b2b_base64url_encode(data, size), *raw = strndup((const char *)data, size);
	struct b2b_status_list list = { 0 };

	if (b2b_status_list_unpack(widths[size % 4], lst, &list) == B2B_TOKEN_OK)
		check(&list);
	if (b2b_status_list_unpack(widths[size % 4], raw, &list) == B2B_TOKEN_OK)
		check(&list);
	free(lst);
	free(raw);
}

static void as_claims(const char *text, size_t len)
{
	const struct b2b_token_expect expect = { .issuer = "https://a.example", .now = NOW, .skew_s = 60 };
	struct b2b_status_list list = { 0 };
	struct b2b_status_place place = { 0 };
	json_t *claims;
	char *jwt;

	if (b2b_json_parse(text, len, &claims) < 0)
		return;
	if (b2b_status_place_read(claims, &place) == B2B_TOKEN_OK && place.uri && strncmp(place.uri, "https://", 8) != 0)
		abort();
	free(place.uri);
	jwt = signer_token(key, "EdDSA", NULL, "statuslist+jwt", claims);
	if (b2b_status_list_verify(jwt, strlen(jwt), jwks, &expect, URI, &list) == B2B_TOKEN_OK) {
		if (list.issued_at > NOW + 60 || (list.expires_at && list.expires_at + 60 <= NOW))
			abort();
		check(&list);
	}
	free(jwt);
	json_decref(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!key) {
		key = signer_key("EdDSA");
		jwks = signer_jwks(key, NULL, NULL);
	}
	if (size && data[0] == '{')
		as_claims((const char *)data, size);
	else
		unpack(data, size);
	return 0;
}
