#include "tests/federation/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/clock.h"
#include "tests/federation/http.h"
#include "tests/federation/jws.h"
#include "tests/federation/sql.h"
#include "tests/federation/text.h"

#define BITS 2
#define LEAST_PLACES 4096  /* how many tokens there are is nobody's business */
#define LIFE_TTLS 20       /* exp, in times of the ttl */
#define LARGE_BYTES 2000000

int fed_status_give(struct fed *fed, const char *person, const char *jti, json_t *claims)
{
	int64_t place;
	json_t *status;
	if (!fed->status_lists)
		return 0;
	int error = fed_sql_number(fed->db, "INSERT INTO statuses(jti, person) VALUES(?1, ?2) RETURNING place", json_pack("[s,s]", jti, person), &place);
	if (error)
		return error;
	status = json_pack("{s{sI,so}}", "status_list", "idx", (json_int_t)place, "uri", json_sprintf("%s/status-lists/1", fed->status_lists));
	return status && json_object_set_new(claims, "status", status) == 0 ? 0 : -ENOMEM;
}

int fed_status_set(struct fed *fed, const char *person, int64_t status)
{
	if (status < 0 || status >= 1 << BITS)
		return -EINVAL;
	int error = fed_sql(fed->db, "UPDATE statuses SET status = ?1 WHERE person = ?2", json_pack("[I,s]", (json_int_t)status, person), NULL);
	if (error)
		return error;
	return fed_sql(fed->db,
		       "INSERT INTO settings(name, value) VALUES('status-version', 1) ON CONFLICT(name) DO UPDATE SET value = value + 1",
		       json_array(), NULL);
}

/* The array, least significant bits first (section 4.1). Caller frees. */
static int make_array(struct fed *fed, unsigned char **ret_bytes, size_t *ret_len)
{
	json_t *rows = NULL, *row;
	int64_t last = 0;
	size_t i;
	int error = fed_sql_number(fed->db, "SELECT coalesce(max(place), 0) FROM statuses", json_array(), &last);
	if (!error)
		error = fed_sql(fed->db, "SELECT place, status FROM statuses WHERE status <> 0", json_array(), &rows);
	if (error)
		return error;
	size_t len = (size_t)(last < LEAST_PLACES ? LEAST_PLACES : last + 1) * BITS / 8 + 1;
	unsigned char *bytes = calloc(1, len);
	json_array_foreach (rows, i, row) {
		int64_t place = fed_int(row, "place");
		if (bytes)
			bytes[place * BITS / 8] |= (unsigned char)(fed_int(row, "status") << (place % (8 / BITS) * BITS));
	}
	json_decref(rows);
	*ret_bytes = bytes;
	*ret_len = len;
	return bytes ? 0 : -ENOMEM;
}

/* As `lst`: base64url of a zlib stream. NULL: no memory. */
static char *pack(const unsigned char *bytes, size_t len)
{
	uLongf room = compressBound(len);
	unsigned char *packed = malloc(room);
	char *text = packed && compress2(packed, &room, bytes, len, 9) == Z_OK ? fed_base64url(packed, room) : NULL;
	free(packed);
	return text;
}

static bool lies(const struct fed *fed, const char *how)
{
	return fed->misbehaviour.status_list && strcmp(fed->misbehaviour.status_list, how) == 0;
}

/* Caller frees. */
static int make_lst(struct fed *fed, char **ret_lst)
{
	unsigned char *bytes = NULL;
	size_t len = 0;
	if (lies(fed, "large")) {
		*ret_lst = malloc(LARGE_BYTES + 1);
		if (*ret_lst) {
			memset(*ret_lst, 'A', LARGE_BYTES);
			(*ret_lst)[LARGE_BYTES] = '\0';
		}
		return *ret_lst ? 0 : -ENOMEM;
	}
	int error = make_array(fed, &bytes, &len);
	if (!error && lies(fed, "large-unpacked")) {
		free(bytes);
		len = 16 * 1024 * 1024;
		bytes = calloc(1, len);
		error = bytes ? 0 : -ENOMEM;
	}
	if (error)
		return error;
	*ret_lst = pack(bytes, len);
	free(bytes);
	return *ret_lst ? 0 : -ENOMEM;
}

static int make_token(struct fed *fed, char **ret_jwt)
{
	char *lst = NULL;
	int64_t now = b2b_wall_s() - (lies(fed, "old") || lies(fed, "expired") ? 3600 : 0);
	int error = make_lst(fed, &lst);
	if (error)
		return error;
	json_t *claims = json_pack("{ss,so,sI,sI,sI,s{si,ss}}", "iss", fed->issuer, "sub", json_sprintf("%s/status-lists/1", fed->status_lists), "iat",
				   (json_int_t)now, "exp", (json_int_t)(now + (lies(fed, "old") ? 86400 : fed->status_ttl_s * LIFE_TTLS)), "ttl",
				   (json_int_t)fed->status_ttl_s, "status_list", "bits", BITS, "lst", lst);
	free(lst);
	return claims ? fed_jws_sign(fed, "statuslist+jwt", claims, ret_jwt) : -ENOMEM;
}

/* What makes a copy that somebody has still good: the statuses, and that it is not over soon. */
static int make_etag(struct fed *fed, char buf[64])
{
	int64_t version = 0, places = 0;
	int error = fed_sql_number(fed->db, "SELECT coalesce((SELECT value FROM settings WHERE name = 'status-version'), 0)", json_array(), &version);
	if (!error)
		error = fed_sql_number(fed->db, "SELECT coalesce(max(place), 0) / 4096 FROM statuses", json_array(), &places);
	snprintf(buf, 64, "\"%lld-%lld-%lld-%s\"", (long long)version, (long long)places,
		 (long long)(b2b_wall_s() / (fed->status_ttl_s * LIFE_TTLS / 2)), fed->misbehaviour.status_list ? fed->misbehaviour.status_list : "");
	return error;
}

static int list(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	char etag[64], control[64], *jwt = NULL;
	const char *known = fed_header(request, "If-None-Match");
	if (!fed->status_lists)
		return fed_reply_json(reply, 404, json_pack("{ss}", "error", "no status lists; see --status-lists"));
	int error = make_etag(fed, etag);
	fed->status_asked++;
	snprintf(control, sizeof(control), "public, max-age=%lld", (long long)fed->status_ttl_s);
	if (!error)
		error = fed_reply_header(reply, "Cache-Control", control);
	if (!error)
		error = fed_reply_header(reply, "ETag", etag);
	if (error || (known && strcmp(known, etag) == 0))
		return error ? error : fed_reply_empty(reply, 304);
	error = make_token(fed, &jwt);
	return error ? error : fed_reply_text(reply, 200, "application/statuslist+jwt", jwt);
}

/* How often the list was asked for: what a cache in front lets through. */
static int asked(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	(void)request;
	return fed_reply_json(reply, 200, json_pack("{sI}", "asked", (json_int_t)fed->status_asked));
}

const struct fed_route fed_status_routes[] = {
	{ "GET", "/status-lists/1", "statuslist", list },
	{ "GET", "/status-lists/asked", "control", asked },
	{ NULL, NULL, NULL, NULL },
};
