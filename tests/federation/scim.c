#include "tests/federation/scim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"
#include "tests/federation/tokens.h"

#define PAGE_DEFAULT 100

int fed_scim_reply(struct fed_reply *reply, unsigned status, json_t *body)
{
	int error = fed_reply_json(reply, status, body);
	reply->content_type = "application/scim+json";
	return error;
}

int fed_scim_error(struct fed_reply *reply, unsigned status, const char *scim_type, const char *detail)
{
	char text[8];
	snprintf(text, sizeof(text), "%u", status);
	json_t *body = json_pack("{s[s],ss,ss}", "schemas", SCIM_MESSAGE "Error", "status", text, "detail", detail);
	if (body && scim_type)
		json_object_set_new(body, "scimType", json_string(scim_type));
	return fed_scim_reply(reply, status, body);
}

json_t *fed_scim_values(const json_t *list)
{
	json_t *out = json_array(), *one;
	size_t i;
	json_array_foreach (list, i, one)
		json_array_append_new(out, json_pack("{sO}", "value", one));
	return out;
}

json_t *fed_scim_plain(const json_t *list)
{
	json_t *out = json_array(), *one;
	size_t i;
	json_array_foreach (list, i, one) {
		json_t *value = json_is_object(one) ? json_object_get(one, "value") : one;
		if (json_is_string(value))
			json_array_append(out, value);
	}
	return out;
}

int fed_scim_set_time(json_t *object, const char *name, const json_t *row, const char *column)
{
	char text[FED_ISO_SIZE];
	if (!json_is_integer(json_object_get(row, column)))
		return 0;
	return json_object_set_new(object, name, json_string(fed_iso_from_ms(fed_int(row, column), text))) == 0 ? 0 : -ENOMEM;
}

int fed_scim_get_time(const json_t *object, const char *name, json_t *changes, const char *column)
{
	json_t *value = json_object_get(object, name);
	int64_t ms;
	if (!value || json_is_null(value))
		return json_object_set_new(changes, column, json_null()) == 0 ? 0 : -ENOMEM;
	if (!json_is_string(value) || fed_iso_to_ms(json_string_value(value), &ms) != 0)
		return -EINVAL;
	return json_object_set_new(changes, column, json_integer(ms)) == 0 ? 0 : -ENOMEM;
}

/* --- one resource --- */

static void etag_of(const json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "W/\"%lld\"", (long long)fed_int(row, "version"));
}

static json_t *with_meta(const struct fed *fed, const struct scim_type *type, const json_t *row)
{
	char etag[32], *location = NULL;
	json_t *document = type->render(row);
	etag_of(row, etag, sizeof(etag));
	if (asprintf(&location, "%s/scim/v2/%s/%s", fed->issuer, type->path, fed_text(row, "id")) < 0)
		location = NULL;
	json_t *meta = location ? json_pack("{ss,ss,ss}", "resourceType", type->name, "location", location, "version", etag) : NULL;
	free(location);
	if (!document || !meta || fed_scim_set_time(meta, "created", row, "created_ms") != 0 ||
	    fed_scim_set_time(meta, "lastModified", row, "modified_ms") != 0 || json_object_set(document, "meta", meta) != 0) {
		json_decref(document);
		document = NULL;
	}
	json_decref(meta);
	return document;
}

static int find_row(struct fed *fed, const struct scim_type *type, const char *id, json_t **ret_row)
{
	char *sql = NULL;
	if (asprintf(&sql, "SELECT %s FROM %s WHERE r.id = ?1", type->columns, type->from) < 0)
		return -ENOMEM;
	int error = fed_sql_row(fed->db, sql, json_pack("[s]", id), ret_row);
	free(sql);
	return error;
}

static int reply_row(struct fed *fed, struct fed_reply *reply, const struct scim_type *type, unsigned status, const json_t *row)
{
	char etag[32];
	json_t *document = with_meta(fed, type, row);
	etag_of(row, etag, sizeof(etag));
	int error = document ? fed_reply_header(reply, "ETag", etag) : -ENOMEM;
	if (!error && status == 201)
		error = fed_reply_header(reply, "Location", fed_text(json_object_get(document, "meta"), "location"));
	if (error) {
		json_decref(document);
		return error;
	}
	return fed_scim_reply(reply, status, document);
}

static int get_one(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct scim_type *type)
{
	json_t *row = NULL;
	char etag[32];
	const char *known = fed_header(request, "If-None-Match");
	int error = find_row(fed, type, request->rest, &row);
	if (error == -ENOENT)
		return fed_scim_error(reply, 404, NULL, "no such resource");
	if (error)
		return error;
	etag_of(row, etag, sizeof(etag));
	error = known && strcmp(known, etag) == 0 ? fed_reply_empty(reply, 304) : reply_row(fed, reply, type, 200, row);
	json_decref(row);
	return error;
}

/* --- lists --- */

struct page {
	int64_t start, count; /* start is 1-based */
	const char *cursor;   /* RFC 9865: "" for the first page; NULL: the page is told by start */
	const char *after;    /* id that the cursor goes on after; "" at first */
	char *condition;
	json_t *params;
	const char *wrong;    /* scimType of what was asked wrongly */
};

/* A cursor is when it was given, a dot, and the last id before it. 0 or -EINVAL. */
static int read_cursor(const struct fed *fed, struct page *page, const char **ret_why)
{
	const char *dot = strchr(page->cursor, '.');
	char given[24];
	int64_t given_ms;
	page->after = "";
	if (!*page->cursor)
		return 0;
	page->wrong = fed->misbehaviour.expire_cursors ? "expiredCursor" : "invalidCursor";
	*ret_why = "the cursor is not known, or not any more";
	if (!dot || fed->misbehaviour.expire_cursors)
		return -EINVAL;
	snprintf(given, sizeof(given), "%.*s", (int)(dot - page->cursor), page->cursor);
	if (fed_number(given, 0, INT64_MAX, &given_ms) != 0)
		return -EINVAL;
	if (b2b_wall_ms() - given_ms > SCIM_CURSOR_S * 1000) {
		page->wrong = "expiredCursor";
		return -EINVAL;
	}
	page->after = fed->misbehaviour.repeat_page ? "" : dot + 1;
	return 0;
}

static int read_page(struct fed *fed, const struct scim_type *type, const struct fed_request *request, struct page *page, const char **ret_why)
{
	const char *start = fed_query(request, "startIndex"), *count = fed_query(request, "count"), *filter = fed_query(request, "filter");
	page->start = 1;
	page->count = PAGE_DEFAULT;
	page->wrong = "invalidValue";
	*ret_why = "startIndex and count are numbers";
	if (start && fed_number(start, INT64_MIN, INT64_MAX, &page->start) != 0)
		return -EINVAL;
	if (count && fed_number(count, INT64_MIN, INT64_MAX, &page->count) != 0)
		return -EINVAL;
	/* Section 3.4.2.4: less than 1 is 1, a negative count is 0. */
	page->start = page->start < 1 || fed->misbehaviour.repeat_page ? 1 : page->start;
	page->count = page->count < 0 ? 0 : page->count > SCIM_PAGE_MAX ? SCIM_PAGE_MAX : page->count;
	page->cursor = fed_query(request, "cursor");
	if (page->cursor && read_cursor(fed, page, ret_why) != 0)
		return -EINVAL;
	page->params = json_array();
	page->wrong = "invalidFilter";
	if (filter)
		return fed_scim_filter(type, filter, page->params, &page->condition, ret_why);
	page->condition = strdup("1");
	return page->condition && page->params ? 0 : -ENOMEM;
}

static int count_rows(struct fed *fed, const struct scim_type *type, const struct page *page, int64_t *ret_total)
{
	char *sql = NULL;
	if (asprintf(&sql, "SELECT count(*) FROM %s WHERE %s", type->from, page->condition) < 0)
		return -ENOMEM;
	int error = fed_sql_number(fed->db, sql, json_copy(page->params), ret_total);
	free(sql);
	return error;
}

static int fetch_rows(struct fed *fed, const struct scim_type *type, const struct page *page, json_t **ret_rows)
{
	json_t *params = json_copy(page->params);
	char *sql = NULL;
	int n;
	if (page->cursor) /* one more tells whether there is a next page */
		n = asprintf(&sql, "SELECT %s FROM %s WHERE (%s) AND r.id > ?%zu ORDER BY r.id LIMIT %lld", type->columns, type->from, page->condition,
			     json_array_size(params) + 1, (long long)page->count + 1);
	else
		n = asprintf(&sql, "SELECT %s FROM %s WHERE %s ORDER BY r.id LIMIT %lld OFFSET %lld", type->columns, type->from, page->condition,
			     (long long)page->count, (long long)(page->start - 1));
	if (n < 0 || !params || (page->cursor && json_array_append_new(params, json_string(page->after)) != 0)) {
		json_decref(params);
		free(n < 0 ? NULL : sql);
		return -ENOMEM;
	}
	int error = fed_sql(fed->db, sql, params, ret_rows);
	free(sql);
	return error;
}

static int reply_list(struct fed *fed, struct fed_reply *reply, const struct scim_type *type, const struct page *page, int64_t total, json_t *rows)
{
	json_t *resources = json_array(), *row, *list;
	char *next = NULL;
	size_t i;
	int error = resources ? 0 : -ENOMEM;
	if (!error && page->cursor && page->count && json_array_size(rows) > (size_t)page->count) {
		json_array_remove(rows, (size_t)page->count);
		error = asprintf(&next, "%lld.%s", (long long)b2b_wall_ms(), fed_text(json_array_get(rows, (size_t)page->count - 1), "id")) < 0 ? -ENOMEM : 0;
	}
	json_array_foreach (rows, i, row)
		if (!error && json_array_append_new(resources, with_meta(fed, type, row)) != 0)
			error = -ENOMEM;
	if (error) {
		json_decref(resources);
		return error;
	}
	list = json_pack("{s[s],sI,sI,so}", "schemas", SCIM_MESSAGE "ListResponse", "totalResults", (json_int_t)total, "itemsPerPage",
			 (json_int_t)json_array_size(resources), "Resources", resources);
	if (list)
		json_object_set_new(list, page->cursor ? "nextCursor" : "startIndex", page->cursor ? json_string(next) : json_integer(page->start));
	free(next);
	return fed_scim_reply(reply, 200, list);
}

static int get_list(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct scim_type *type)
{
	struct page page = { 0 };
	const char *why = NULL;
	json_t *rows = NULL;
	int64_t total = 0;
	int error = read_page(fed, type, request, &page, &why);
	if (error == -EINVAL) {
		error = fed_scim_error(reply, 400, page.wrong, why);
		goto out;
	}
	if (!error && fed->misbehaviour.empty_page) {
		error = reply_list(fed, reply, type, &page, 0, NULL);
		goto out;
	}
	if (!error)
		error = count_rows(fed, type, &page, &total);
	if (!error)
		error = fetch_rows(fed, type, &page, &rows);
	if (!error)
		error = reply_list(fed, reply, type, &page, total, rows);
out:
	json_decref(rows);
	json_decref(page.params);
	free(page.condition);
	return error;
}

/* --- changes --- */

static int reply_change_error(struct fed_reply *reply, int error)
{
	switch (error) {
	case -ENOENT:
		return fed_scim_error(reply, 404, NULL, "no such resource");
	case -EEXIST:
		return fed_scim_error(reply, 409, "uniqueness", "another resource has that name or id");
	case -EINVAL:
		return fed_scim_error(reply, 400, "invalidValue", "an attribute is missing or has a value that cannot be");
	case -EPERM:
		return fed_scim_error(reply, 400, "mutability", "this cannot be changed, or not any more");
	case -ENOTSUP:
		return fed_scim_error(reply, 501, NULL, "not for this type of resource");
	default:
		return error;
	}
}

/* Run CHANGE in a transaction of its own. */
static int create_one(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct scim_type *type)
{
	json_t *document = NULL, *made = NULL, *row = NULL;
	if (fed_body_json(request, &document) != 0)
		return fed_scim_error(reply, 400, "invalidSyntax", "the body is not a JSON object");
	int error = fed_store_begin(fed);
	if (!error)
		error = fed_store_end(fed, type->create ? type->create(fed, document, &made) : -ENOTSUP, NULL);
	if (!error)
		error = find_row(fed, type, fed_text(made, "id"), &row);
	error = error ? reply_change_error(reply, error) : reply_row(fed, reply, type, 201, row);
	json_decref(document);
	json_decref(made);
	json_decref(row);
	return error;
}

/* What is to stand there after a PUT or PATCH. */
static int wanted_document(struct fed *fed, const struct fed_request *request, const struct scim_type *type, const json_t *row, json_t **ret_document,
			   const char **ret_why)
{
	json_t *body = NULL, *document = NULL;
	*ret_why = "the body is not a JSON object";
	if (fed_body_json(request, &body) != 0)
		return -EBADMSG;
	if (strcmp(request->method, "PUT") == 0) {
		*ret_document = body;
		return 0;
	}
	document = with_meta(fed, type, row);
	int error = document ? fed_scim_patch(document, body, ret_why) : -ENOMEM;
	json_decref(body);
	if (error) {
		json_decref(document);
		return error == -EINVAL ? -EBADMSG : error;
	}
	*ret_document = document;
	return 0;
}

static int version_fits(const struct fed_request *request, const json_t *row)
{
	char etag[32];
	const char *wanted = fed_header(request, "If-Match");
	etag_of(row, etag, sizeof(etag));
	return !wanted || strcmp(wanted, "*") == 0 || strcmp(wanted, etag) == 0;
}

static int change_one(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct scim_type *type)
{
	json_t *row = NULL, *document = NULL;
	const char *why = NULL;
	int error = find_row(fed, type, request->rest, &row);
	if (error)
		return reply_change_error(reply, error);
	if (!version_fits(request, row)) {
		error = fed_scim_error(reply, 412, NULL, "the resource has changed meanwhile");
		goto out;
	}
	error = wanted_document(fed, request, type, row, &document, &why);
	if (error == -EBADMSG) {
		error = fed_scim_error(reply, 400, "invalidSyntax", why);
		goto out;
	}
	if (!error)
		error = fed_store_begin(fed);
	if (!error)
		error = fed_store_end(fed, type->replace ? type->replace(fed, row, document) : -ENOTSUP, NULL);
	json_decref(row);
	row = NULL;
	if (!error)
		error = find_row(fed, type, request->rest, &row);
	error = error ? reply_change_error(reply, error) : reply_row(fed, reply, type, 200, row);
out:
	json_decref(row);
	json_decref(document);
	return error;
}

static int remove_one(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct scim_type *type)
{
	json_t *row = NULL;
	int error = find_row(fed, type, request->rest, &row);
	if (error)
		return reply_change_error(reply, error);
	if (!version_fits(request, row)) {
		json_decref(row);
		return fed_scim_error(reply, 412, NULL, "the resource has changed meanwhile");
	}
	error = fed_store_begin(fed);
	if (!error)
		error = fed_store_end(fed, type->remove ? type->remove(fed, row) : -ENOTSUP, NULL);
	json_decref(row);
	return error ? reply_change_error(reply, error) : fed_reply_empty(reply, 204);
}

/* --- routing within a type --- */

static int serve(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct scim_type *type)
{
	bool reads = strcmp(request->method, "GET") == 0;
	int error = fed_require_scope(fed, request, reply, reads ? "directory" : FED_SCOPE_WRITE, NULL);
	if (error)
		return error == -EACCES ? 0 : error;
	if (!*request->rest) {
		if (reads)
			return get_list(fed, request, reply, type);
		return strcmp(request->method, "POST") == 0 ? create_one(fed, request, reply, type) : fed_scim_error(reply, 405, NULL, "name a resource");
	}
	if (reads)
		return get_one(fed, request, reply, type);
	if (strcmp(request->method, "POST") == 0)
		return fed_scim_error(reply, 405, NULL, "post to the type, not to a resource");
	return strcmp(request->method, "DELETE") == 0 ? remove_one(fed, request, reply, type) : change_one(fed, request, reply, type);
}

static int users(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	return serve(fed, request, reply, &fed_scim_users);
}

static int groups(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	return serve(fed, request, reply, &fed_scim_groups);
}

static int organisations(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	return serve(fed, request, reply, &fed_scim_organisations);
}

#define RESOURCE(path, handler)                                                                                                                \
	{ "GET", "/scim/v2/" path, "scim", handler }, { "POST", "/scim/v2/" path, "scim", handler }, { "GET", "/scim/v2/" path "/", "scim", handler },   \
		{ "PUT", "/scim/v2/" path "/", "scim", handler }, { "PATCH", "/scim/v2/" path "/", "scim", handler },                                  \
		{ "DELETE", "/scim/v2/" path "/", "scim", handler }

const struct fed_route fed_scim_routes[] = {
	RESOURCE("Users", users),
	RESOURCE("Groups", groups),
	RESOURCE("Organizations", organisations),
	{ "GET", "/scim/v2/ServiceProviderConfig", "scim", fed_scim_service_provider },
	{ "GET", "/scim/v2/Schemas", "scim", fed_scim_schemas },
	{ "GET", "/scim/v2/ResourceTypes", "scim", fed_scim_resource_types },
	{ NULL, NULL, NULL, NULL },
};
