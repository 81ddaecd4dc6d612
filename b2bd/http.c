#include "b2bd/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "b2bd/http_answer.h"

#define TIMEOUT_MS 10000
#define UNANSWERED_MS 9000
#define PROBE_AFTER_S 10
#define PROBE_EVERY_S 3
#define CONNECT_MS 5000
#define BODY_MAX (1024 * 1024)
#define HEADERS_MAX (64 * 1024)
#define HEADER_LINE_MAX (80 * 1024) /* an access token with some hundred groups is 8 kB; this is where it is refused */

struct b2b_http {
	struct b2b_loop *loop;
	char *ca_file;
	char *proxy;
	char *certificate, *key; /* PEM; NULL: none */
	struct b2b_http_call *calls;
};

struct b2b_http_call {
	struct b2b_http_call *next;
	struct b2b_http *http;
	CURL *easy;
	struct curl_slist *headers;
	void (*done)(void *arg, const struct b2b_http_response *response);
	void *arg;
	char *request_body;
	size_t request_len;
	char *body;
	size_t body_len, body_room, body_max;
	size_t headers_len;
	bool too_large;
	bool delivering; /* DONE is running: a cancel from within has nothing to do */
	char why[CURL_ERROR_SIZE];
	struct b2b_http_tls tls;
};

static void curl_finished(void *arg, CURLMsg *msg);

int b2b_http_new(struct b2b_loop *loop, const char *ca_file, const char *proxy, struct b2b_http **ret_http)
{
	struct b2b_http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	http->loop = loop;
	http->ca_file = ca_file ? strdup(ca_file) : NULL;
	http->proxy = proxy ? strdup(proxy) : NULL;
	if ((ca_file && !http->ca_file) || (proxy && !http->proxy)) {
		b2b_http_free(http);
		return -ENOMEM;
	}
	b2b_loop_on_curl(loop, curl_finished, http);
	*ret_http = http;
	return 0;
}

static void wipe_free(void *secret, size_t len)
{
	if (secret)
		explicit_bzero(secret, len);
	free(secret);
}

static void wipe_text(char *text)
{
	wipe_free(text, text ? strlen(text) : 0);
}

int b2b_http_set_certificate(struct b2b_http *http, const char *certificate, const char *key)
{
	char *new_certificate, *new_key;

	if (http->certificate && strcmp(http->certificate, certificate) == 0 && strcmp(http->key, key) == 0)
		return 0;
	new_certificate = strdup(certificate);
	new_key = strdup(key);
	if (!new_certificate || !new_key) {
		free(new_certificate);
		wipe_text(new_key);
		return -ENOMEM;
	}
	free(http->certificate);
	wipe_text(http->key);
	http->certificate = new_certificate;
	http->key = new_key;
	return 0;
}

/* Among them the Authorization header. */
static void headers_free(struct curl_slist *headers)
{
	struct curl_slist *at;

	for (at = headers; at; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(headers);
}

static void call_free(struct b2b_http_call *call)
{
	struct b2b_http_call **at;

	for (at = &call->http->calls; *at; at = &(*at)->next) {
		if (*at == call) {
			*at = call->next;
			break;
		}
	}
	if (call->easy) {
		curl_multi_remove_handle(b2b_loop_curl(call->http->loop), call->easy);
		curl_easy_cleanup(call->easy);
	}
	headers_free(call->headers);
	wipe_free(call->request_body, call->request_len);
	wipe_free(call->body, call->body_room);
	free(call);
}

void b2b_http_free(struct b2b_http *http)
{
	if (!http)
		return;
	while (http->calls)
		call_free(http->calls);
	b2b_loop_on_curl(http->loop, NULL, NULL);
	free(http->ca_file);
	free(http->proxy);
	free(http->certificate);
	wipe_text(http->key);
	free(http);
}

void b2b_http_cancel(struct b2b_http_call *call)
{
	if (call && !call->delivering)
		call_free(call);
}

/* What goes into a header line must not be able to end it (RFC 9110 5.5). */
static bool header_safe(const char *text)
{
	for (; text && *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	}
	return true;
}

static int add_header(struct b2b_http_call *call, const char *name, const char *value)
{
	size_t name_len = strlen(name), value_len = strlen(value), size = name_len + value_len + 3;
	struct curl_slist *longer;
	char *line;

	if (value_len > HEADER_LINE_MAX)
		return -EINVAL;
	line = calloc(1, size);
	if (!line)
		return -ENOMEM;
	memcpy(line, name, name_len);
	memcpy(line + name_len, ": ", 2);
	if (value_len)
		memcpy(line + name_len + 2, value, value_len);
	else
		line[name_len + 1] = '\0'; /* "Name:" alone takes curl's own default out */
	longer = curl_slist_append(call->headers, line);
	wipe_free(line, size);
	if (!longer)
		return -ENOMEM;
	call->headers = longer;
	return 0;
}

static int add_bearer(struct b2b_http_call *call, const char *token)
{
	size_t size = strlen(token) + sizeof("Bearer ");
	char *value = malloc(size);
	int r;

	if (!value)
		return -ENOMEM;
	snprintf(value, size, "Bearer %s", token);
	r = add_header(call, "Authorization", value);
	wipe_free(value, size);
	return r;
}

static int add_basic(struct b2b_http_call *call, const char *user, const char *password)
{
	size_t pair_size = strlen(user) + 1 + strlen(password) + 1;
	size_t size = sizeof("Basic ") + 4 * (pair_size / 3 + 1);
	char *pair = malloc(pair_size), *value = malloc(size);
	int r = -ENOMEM, len;

	if (pair && value && pair_size < HEADER_LINE_MAX) {
		len = snprintf(pair, pair_size, "%s:%s", user, password);
		memcpy(value, "Basic ", 6);
		EVP_EncodeBlock((unsigned char *)value + 6, (const unsigned char *)pair, len);
		r = add_header(call, "Authorization", value);
	}
	wipe_free(pair, pair_size);
	wipe_free(value, size);
	return r;
}

static int add_headers(struct b2b_http_call *call, const struct b2b_http_request *request)
{
	int r;

	if (!header_safe(request->content_type) || !header_safe(request->accept) || !header_safe(request->bearer) ||
	    !header_safe(request->content_language) || !header_safe(request->if_none_match))
		return -EINVAL;
	/* no Expect: a server that does not know 100-continue would cost a second */
	if ((r = add_header(call, "Accept", request->accept ? request->accept : "application/json")) < 0 ||
	    (r = add_header(call, "Content-Type", request->content_type ? request->content_type : "")) < 0 ||
	    (r = add_header(call, "Expect", "")) < 0)
		return r;
	if (request->content_language && (r = add_header(call, "Content-Language", request->content_language)) < 0)
		return r;
	if (request->if_none_match && (r = add_header(call, "If-None-Match", request->if_none_match)) < 0)
		return r;
	if (request->bearer)
		return add_bearer(call, request->bearer);
	if (request->basic_user)
		return add_basic(call, request->basic_user, request->basic_password ? request->basic_password : "");
	return 0;
}

static bool grow(struct b2b_http_call *call, size_t need)
{
	size_t room = call->body_room ? call->body_room : 4096;
	char *bigger;

	if (need <= call->body_room)
		return true;
	while (room < need)
		room *= 2;
	bigger = malloc(room); /* not realloc: what it leaves behind could hold a token */
	if (!bigger)
		return false;
	if (call->body)
		memcpy(bigger, call->body, call->body_len);
	wipe_free(call->body, call->body_room);
	call->body = bigger;
	call->body_room = room;
	return true;
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct b2b_http_call *call = arg;
	size_t len = size * n;

	if (len > call->body_max - call->body_len) {
		call->too_large = true;
		return 0;
	}
	if (!grow(call, call->body_len + len + 1))
		return 0;
	memcpy(call->body + call->body_len, data, len);
	call->body_len += len;
	return len;
}

static size_t take_header(char *data, size_t size, size_t n, void *arg)
{
	struct b2b_http_call *call = arg;

	(void)data;
	call->headers_len += size * n;
	if (call->headers_len > HEADERS_MAX) {
		call->too_large = true;
		return 0;
	}
	return size * n;
}

static long timeout_of(const struct b2b_http_request *request)
{
	return request->timeout_ms ? (long)request->timeout_ms : TIMEOUT_MS;
}

static CURLcode set_security(CURL *easy, const struct b2b_http *http)
{
	CURLcode r = CURLE_OK;

	r |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	r |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	r |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	r |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	r |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (http->ca_file) {
		/* this bundle and nothing else: without the second line the system's directory would count as well */
		r |= curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
		r |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	/* "" keeps https_proxy of the environment out */
	r |= curl_easy_setopt(easy, CURLOPT_PROXY, http->proxy ? http->proxy : "");
	r |= curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	return r;
}

/* From memory: the files were judged when they were read. curl does not give a connection to who shows another certificate. */
static CURLcode set_certificate(CURL *easy, const struct b2b_http *http)
{
	struct curl_blob certificate = { .data = http->certificate, .flags = CURL_BLOB_COPY }, key = { .data = http->key, .flags = CURL_BLOB_COPY };
	CURLcode r = CURLE_OK;

	if (!http->certificate)
		return CURLE_OK;
	certificate.len = strlen(http->certificate);
	key.len = strlen(http->key);
	r |= curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate);
	r |= curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
	return r;
}

/*
 * A network that swallows packets says nothing, and TCP tries on at intervals that double: a connection of which nothing is
 * acknowledged for UNANSWERED_MS is given up, because a new one starts afresh once the network is back. A poll that is held
 * sends nothing itself: it is probed. Refused options cost only the time.
 */
static int hurry_connection(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	unsigned unanswered_ms = UNANSWERED_MS;
	int probe_after_s = PROBE_AFTER_S, probe_every_s = PROBE_EVERY_S, on = 1;

	(void)arg;
	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof(unanswered_ms));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &probe_after_s, sizeof(probe_after_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe_every_s, sizeof(probe_every_s));
	return CURL_SOCKOPT_OK;
}

static CURLcode set_limits(CURL *easy, const struct b2b_http_call *call, long timeout_ms)
{
	CURLcode r = CURLE_OK;

	r |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* a cancelled call does not wait for its resolver thread: getaddrinfo may take half a minute, the loop may not */
	r |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	r |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	r |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < CONNECT_MS ? timeout_ms : (long)CONNECT_MS);
	r |= curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)call->body_max);
	r |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	r |= curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, hurry_connection);
	r |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "b2bd");
	return r;
}

static CURLcode set_exchange(CURL *easy, struct b2b_http_call *call, const struct b2b_http_request *request)
{
	CURLcode r = CURLE_OK;

	r |= curl_easy_setopt(easy, CURLOPT_URL, request->url);
	if (call->request_body || strcmp(request->method, "POST") == 0) {
		r |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->request_len);
		r |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->request_body ? call->request_body : "");
	}
	r |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	r |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
	r |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	r |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	r |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	r |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	r |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->why);
	r |= curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	return r;
}

static int copy_body(struct b2b_http_call *call, const struct b2b_http_request *request)
{
	if (!request->body || !request->body_len)
		return 0;
	call->request_body = malloc(request->body_len);
	if (!call->request_body)
		return -ENOMEM;
	memcpy(call->request_body, request->body, request->body_len);
	call->request_len = request->body_len;
	return 0;
}

static int call_prepare(struct b2b_http_call *call, const struct b2b_http_request *request)
{
	int r;

	call->body_max = request->max_body ? request->max_body : BODY_MAX;
	if (!grow(call, 1))
		return -ENOMEM;
	if ((r = copy_body(call, request)) < 0 || (r = add_headers(call, request)) < 0)
		return r;
	call->easy = curl_easy_init();
	if (!call->easy)
		return -ENOMEM;
	call->tls.ca_file = call->http->ca_file;
	if (b2b_http_tls_watch(call->easy, &call->tls) != CURLE_OK || set_security(call->easy, call->http) != CURLE_OK || set_certificate(call->easy, call->http) != CURLE_OK ||
	    set_limits(call->easy, call, timeout_of(request)) != CURLE_OK ||
	    set_exchange(call->easy, call, request) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

int b2b_http_start(struct b2b_http *http, const struct b2b_http_request *request,
                   void (*done)(void *arg, const struct b2b_http_response *response), void *arg,
                   struct b2b_http_call **ret_call)
{
	struct b2b_http_call *call;
	int r;

	if (!request->url || strncasecmp(request->url, "https://", 8) != 0 || !request->url[8] || !request->method)
		return -EINVAL;
	call = calloc(1, sizeof(*call));
	if (!call)
		return -ENOMEM;
	call->http = http;
	call->done = done;
	call->arg = arg;
	call->next = http->calls;
	http->calls = call;
	r = call_prepare(call, request);
	if (r == 0 && curl_multi_add_handle(b2b_loop_curl(http->loop), call->easy) != CURLM_OK)
		r = -ENOMEM;
	if (r < 0) {
		call_free(call);
		return r;
	}
	*ret_call = call;
	return 0;
}

static void curl_finished(void *arg, CURLMsg *msg)
{
	CURLcode code = msg->data.result; /* MSG is gone once the handle is removed */
	char text[B2B_HTTP_TEXT_SIZE] = "";
	struct b2b_http_response response;
	struct b2b_http_call *call = NULL;

	(void)arg;
	if (curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call) != CURLE_OK || !call)
		return;
	b2b_http_answer_read(call->easy, code, call->too_large, call->why, &call->tls, text, &response);
	if (response.error < 0)
		call->body_len = 0; /* half an answer is none */
	call->body[call->body_len] = '\0';
	response.body = call->body;
	response.body_len = call->body_len;
	call->delivering = true;
	call->done(call->arg, &response);
	call_free(call);
}
