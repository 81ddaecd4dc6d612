/*
 * A request and its reply, and the table that leads one to the other. Every endpoint family has one file with
 * its handlers and one table of routes; server.c asks them in turn.
 */
#ifndef FED_HTTP_H
#define FED_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/federation/service.h"

#define FED_BODY_MAX (1024 * 1024)
#define FED_HEADERS_MAX 8

/* What a handler returns besides 0 and a negative errno: not now; run me again when woken or at wait_until_ms. */
#define FED_WAIT 1

struct MHD_Connection;

struct fed_request {
	struct MHD_Connection *connection;
	const char *method;
	const char *path;
	const char *rest;      /* of the path, after the route's own; "" for an exact route */
	char *body;            /* NUL-terminated, body_len bytes */
	size_t body_len;
	json_t *query;         /* name -> value */
	json_t *form;          /* of an application/x-www-form-urlencoded body; else empty */
	/* A waiting request: what wakes it, and until when (CLOCK_BOOTTIME milliseconds). */
	char topic[64];
	int64_t wait_until_ms; /* 0 at the first call */
	bool timed_out;
	bool stopping;         /* the service ends: answer now */
	void *memory;          /* the handler's own between calls; freed by free() with the request */
};

struct fed_reply {
	unsigned status;
	const char *content_type;
	char *body;            /* malloc'd; freed with the reply */
	size_t len;
	struct {
		const char *name;
		char *value;
	} headers[FED_HEADERS_MAX];
	size_t n_headers;
	bool drop;             /* close the connection instead */
};

typedef int fed_handler(struct fed *fed, struct fed_request *request, struct fed_reply *reply);

struct fed_route {
	const char *method;
	const char *path;   /* ending in "/" : everything below it; else exactly this */
	const char *family; /* what misbehaviour is aimed at */
	fed_handler *handler;
};

/* Tables end with a NULL path. */
extern const struct fed_route fed_discovery_routes[], fed_device_routes[], fed_token_routes[], fed_introspect_routes[];
extern const struct fed_route fed_ciba_routes[], fed_scim_routes[], fed_ssf_routes[], fed_poll_routes[], fed_control_routes[];
extern const struct fed_route fed_registration_routes[], fed_status_routes[];
extern const struct fed_route fed_page_routes[], fed_page_device_routes[], fed_page_desk_routes[], fed_page_invitation_routes[];

/* Request. Values are NULL when absent, and live as long as the request. */
const char *fed_query(const struct fed_request *request, const char *name);
const char *fed_form(const struct fed_request *request, const char *name);
const char *fed_header(const struct fed_request *request, const char *name);
const char *fed_cookie(const struct fed_request *request, const char *name, char *buf, size_t size);
/* "Bearer xyz" -> "xyz"; NULL when there is none. */
const char *fed_bearer(const struct fed_request *request);
/* Address of the other end as text into BUF; returns BUF. */
const char *fed_peer(const struct fed_request *request, char *buf, size_t size);
/* The body as a JSON object, duplicates refused, at most 32 deep. 0 or -EBADMSG. Caller decrefs. */
int fed_body_json(const struct fed_request *request, json_t **ret_body);
/* Split "a=b&c=d" into OUT. 0, -EBADMSG for bad escapes, NUL, foreign bytes or a name given twice, -ENOMEM. */
int fed_form_parse(const char *text, json_t *out);

/* Reply. Each returns 0 or -ENOMEM, so that a handler can end with it. JSON is stolen. */
int fed_reply_json(struct fed_reply *reply, unsigned status, json_t *json);
int fed_reply_empty(struct fed_reply *reply, unsigned status);
int fed_reply_text(struct fed_reply *reply, unsigned status, const char *content_type, char *text); /* TEXT is stolen */
/* RFC 6749 section 5.2: {"error":…,"error_description":…}, not to be stored. */
int fed_reply_oauth_error(struct fed_reply *reply, unsigned status, const char *error, const char *description);
int fed_reply_header(struct fed_reply *reply, const char *name, const char *value); /* NAME is static */
void fed_reply_clear(struct fed_reply *reply);

#endif
