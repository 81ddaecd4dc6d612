#include "tests/federation/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define JSON_DEPTH 32

const char *fed_query(const struct fed_request *request, const char *name)
{
	return json_string_value(json_object_get(request->query, name));
}

const char *fed_form(const struct fed_request *request, const char *name)
{
	return json_string_value(json_object_get(request->form, name));
}

const char *fed_header(const struct fed_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *fed_cookie(const struct fed_request *request, const char *name, char *buf, size_t size)
{
	const char *value = MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
	if (!value || strlen(value) >= size)
		return NULL;
	snprintf(buf, size, "%s", value);
	return buf;
}

const char *fed_bearer(const struct fed_request *request)
{
	const char *value = fed_header(request, "Authorization");
	if (!value || strncasecmp(value, "Bearer ", 7) != 0)
		return NULL;
	value += 7;
	return *value ? value : NULL;
}

const char *fed_peer(const struct fed_request *request, char *buf, size_t size)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	buf[0] = '\0';
	if (info && info->client_addr && info->client_addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr, buf, (socklen_t)size);
	else if (info && info->client_addr && info->client_addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr, buf, (socklen_t)size);
	return buf;
}

static bool too_deep(const char *text, size_t len)
{
	int depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < len; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '{' || text[i] == '['))
			depth++;
		else if (!quoted && (text[i] == '}' || text[i] == ']'))
			depth--;
		if (depth > JSON_DEPTH)
			return true;
	}
	return false;
}

int fed_body_json(const struct fed_request *request, json_t **ret_body)
{
	if (!request->body || too_deep(request->body, request->body_len))
		return -EBADMSG;
	json_t *body = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(body)) {
		json_decref(body);
		return -EBADMSG;
	}
	*ret_body = body;
	return 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo form encoding of LEN characters as a JSON string; NULL for bad escapes, NUL or text that is not UTF-8. */
static json_t *decode(const char *text, size_t len)
{
	char *out = malloc(len + 1);
	size_t n = 0;
	json_t *value = NULL;
	if (!out)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		char c = text[i] == '+' ? ' ' : text[i];
		if (c == '%') {
			int high = i + 2 < len ? hex_value(text[i + 1]) : -1, low = i + 2 < len ? hex_value(text[i + 2]) : -1;
			if (high < 0 || low < 0)
				goto out;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0')
			goto out;
		out[n++] = c;
	}
	value = json_stringn(out, n);
out:
	free(out);
	return value;
}

static int take_pair(const char *text, size_t len, json_t *out)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	json_t *name = decode(text, name_len);
	json_t *value = equals ? decode(equals + 1, len - name_len - 1) : json_string("");
	int error = -EBADMSG;
	if (name && value && !json_object_get(out, json_string_value(name)))
		error = json_object_set(out, json_string_value(name), value) == 0 ? 0 : -ENOMEM;
	json_decref(name);
	json_decref(value);
	return error;
}

int fed_form_parse(const char *text, json_t *out)
{
	while (*text) {
		size_t len = strcspn(text, "&");
		int error = len ? take_pair(text, len, out) : 0;
		if (error)
			return error;
		text += len;
		text += *text == '&';
	}
	return 0;
}

int fed_reply_text(struct fed_reply *reply, unsigned status, const char *content_type, char *text)
{
	if (!text)
		return -ENOMEM;
	free(reply->body);
	reply->status = status;
	reply->content_type = content_type;
	reply->body = text;
	reply->len = strlen(text);
	return 0;
}

int fed_reply_json(struct fed_reply *reply, unsigned status, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return fed_reply_text(reply, status, "application/json", text);
}

int fed_reply_empty(struct fed_reply *reply, unsigned status)
{
	reply->status = status;
	return 0;
}

int fed_reply_header(struct fed_reply *reply, const char *name, const char *value)
{
	char *copy = strdup(value);
	if (!copy || reply->n_headers >= FED_HEADERS_MAX) {
		free(copy);
		return -ENOMEM;
	}
	reply->headers[reply->n_headers].name = name;
	reply->headers[reply->n_headers++].value = copy;
	return 0;
}

int fed_reply_oauth_error(struct fed_reply *reply, unsigned status, const char *error, const char *description)
{
	if (status == 401 && fed_reply_header(reply, "WWW-Authenticate", "Basic realm=\"b2b-federation\", charset=\"UTF-8\"") != 0)
		return -ENOMEM;
	if (fed_reply_header(reply, "Cache-Control", "no-store") != 0)
		return -ENOMEM;
	return fed_reply_json(reply, status, json_pack("{ss,ss}", "error", error, "error_description", description));
}

void fed_reply_clear(struct fed_reply *reply)
{
	free(reply->body);
	for (size_t i = 0; i < reply->n_headers; i++)
		free(reply->headers[i].value);
	*reply = (struct fed_reply){ 0 };
}
