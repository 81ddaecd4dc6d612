#include "b2bd/federation/status_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/claims.h"
#include "b2bd/federation/jws.h"
#include "b2bd/json.h"

#define URI_MAX 1024
#define FIRST_ROOM 4096

void b2b_status_list_clear(struct b2b_status_list *list)
{
	free(list->bytes);
	*list = (struct b2b_status_list){ 0 };
}

/* Nothing but what RFC 3986 lets stand in a URI: it goes into requests and logs. */
static bool is_uri(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~' || strchr("\"<>\\^`{|}", text[i]))
			return false;
	}
	return strncmp(text, "https://", 8) == 0 && len <= URI_MAX;
}

enum b2b_token_fault b2b_status_place_read(const json_t *claims, struct b2b_status_place *ret_place)
{
	const json_t *status = json_object_get(claims, "status"), *list = json_object_get(status, "status_list"),
		     *index = json_object_get(list, "idx");
	const char *uri = b2b_json_text(list, "uri");
	char *copy;

	if (!status)
		return B2B_TOKEN_OK;
	if (!json_is_integer(index) || json_integer_value(index) < 0 || !uri || !is_uri(uri))
		return B2B_TOKEN_CLAIM_STATUS;
	copy = strdup(uri);
	if (!copy)
		return B2B_TOKEN_MALFORMED;
	*ret_place = (struct b2b_status_place){ .uri = copy, .index = (uint64_t)json_integer_value(index) };
	return B2B_TOKEN_OK;
}

/* Room for more, twice as much each time; false: no memory. */
static bool grow(unsigned char **bytes, size_t *room)
{
	size_t more = *room ? *room * 2 : FIRST_ROOM;
	unsigned char *moved = realloc(*bytes, more);

	if (!moved)
		return false;
	*bytes = moved;
	*room = more;
	return true;
}

/* The whole of STREAM's input, which must be all of one zlib stream. *ret_bytes is the caller's also on a fault. */
static enum b2b_token_fault inflate_all(z_stream *stream, unsigned char **ret_bytes, size_t *ret_len)
{
	size_t room = 0;
	int r = Z_OK;

	while (r == Z_OK) {
		if (stream->total_out == room) {
			if (room >= B2B_STATUS_LIST_BYTES_MAX)
				return B2B_TOKEN_LIST_LARGE;
			if (!grow(ret_bytes, &room))
				return B2B_TOKEN_MALFORMED;
		}
		stream->next_out = *ret_bytes + stream->total_out;
		stream->avail_out = (uInt)(room - stream->total_out);
		r = inflate(stream, Z_NO_FLUSH);
	}
	if (r == Z_MEM_ERROR)
		return B2B_TOKEN_MALFORMED;
	if (r != Z_STREAM_END || stream->avail_in)
		return B2B_TOKEN_LIST_DATA;
	*ret_len = stream->total_out;
	return B2B_TOKEN_OK;
}

static enum b2b_token_fault unpack(unsigned char *packed, size_t len, unsigned char **ret_bytes, size_t *ret_len)
{
	z_stream stream = { .next_in = packed, .avail_in = (uInt)len };
	unsigned char *bytes = NULL;
	enum b2b_token_fault fault;

	if (len > B2B_STATUS_LIST_MAX)
		return B2B_TOKEN_LIST_LARGE;
	if (inflateInit(&stream) != Z_OK)
		return B2B_TOKEN_MALFORMED;
	fault = inflate_all(&stream, &bytes, ret_len);
	inflateEnd(&stream);
	if (fault == B2B_TOKEN_OK)
		*ret_bytes = bytes;
	else
		free(bytes);
	return fault;
}

enum b2b_token_fault b2b_status_list_unpack(int64_t bits, const char *lst, struct b2b_status_list *ret_list)
{
	unsigned char *packed, *bytes;
	size_t len, n_bytes;
	enum b2b_token_fault fault;
	int r;

	if (bits != 1 && bits != 2 && bits != 4 && bits != 8)
		return B2B_TOKEN_LIST_BITS;
	r = b2b_base64url_decode(lst, strlen(lst), &packed, &len);
	if (r < 0)
		return r == -ENOMEM ? B2B_TOKEN_MALFORMED : B2B_TOKEN_LIST_DATA;
	fault = unpack(packed, len, &bytes, &n_bytes);
	free(packed);
	if (fault == B2B_TOKEN_OK) {
		ret_list->bits = (unsigned)bits;
		ret_list->bytes = bytes;
		ret_list->n_bytes = n_bytes;
	}
	return fault;
}

static enum b2b_token_fault read_times(const json_t *claims, const struct b2b_token_expect *expect, struct b2b_status_list *list)
{
	const json_t *ttl = json_object_get(claims, "ttl");
	enum b2b_token_fault fault;

	if ((fault = b2b_claims_date(claims, "iat", true, &list->issued_at)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_date(claims, "exp", false, &list->expires_at)) != B2B_TOKEN_OK)
		return fault;
	if (ttl && (!json_is_number(ttl) || b2b_json_seconds(claims, "ttl", &list->ttl_s) < 0 || list->ttl_s == 0))
		return B2B_TOKEN_CLAIM;
	if (list->issued_at > expect->now + (int64_t)expect->skew_s)
		return B2B_TOKEN_NOT_YET;
	return json_object_get(claims, "exp") && expect->now >= list->expires_at + (int64_t)expect->skew_s ? B2B_TOKEN_EXPIRED : B2B_TOKEN_OK;
}

static enum b2b_token_fault read_list(const json_t *claims, const struct b2b_token_expect *expect, const char *uri,
                                      struct b2b_status_list *list)
{
	const json_t *body = json_object_get(claims, "status_list"), *bits = json_object_get(body, "bits");
	const char *sub = b2b_json_text(claims, "sub"), *lst = b2b_json_text(body, "lst");
	enum b2b_token_fault fault;

	if (json_object_get(claims, "iss") && (fault = b2b_claims_issuer(claims, expect->issuer)) != B2B_TOKEN_OK)
		return fault;
	if (!sub || strcmp(sub, uri) != 0)
		return sub ? B2B_TOKEN_LIST_URI : B2B_TOKEN_CLAIM_SUB;
	if (json_object_get(claims, "events"))
		return B2B_TOKEN_EVENTS;
	if ((fault = read_times(claims, expect, list)) != B2B_TOKEN_OK)
		return fault;
	if (!lst)
		return B2B_TOKEN_LIST_DATA;
	return json_is_integer(bits) ? b2b_status_list_unpack(json_integer_value(bits), lst, list) : B2B_TOKEN_LIST_BITS;
}

enum b2b_token_fault b2b_status_list_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks, const struct b2b_token_expect *expect,
                                            const char *uri, struct b2b_status_list *ret_list)
{
	static const struct b2b_jws_typ typ = { .name = "statuslist+jwt", .max = 2 * B2B_STATUS_LIST_MAX };
	struct b2b_status_list list = { 0 };
	json_t *claims = NULL;
	enum b2b_token_fault fault = b2b_jws_verify(jwt, len, jwks, &typ, &claims);

	if (fault == B2B_TOKEN_OK)
		fault = read_list(claims, expect, uri, &list);
	if (fault == B2B_TOKEN_OK)
		*ret_list = list;
	else
		b2b_status_list_clear(&list);
	json_decref(claims);
	return fault;
}

int b2b_status_list_get(const struct b2b_status_list *list, uint64_t index)
{
	unsigned in_byte = 8 / list->bits;

	if (index / in_byte >= list->n_bytes)
		return -ERANGE;
	/* least significant first (section 4.1) */
	return list->bytes[index / in_byte] >> (index % in_byte * list->bits) & ((1u << list->bits) - 1);
}
