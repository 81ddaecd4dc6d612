/*
 * HTTPS requests on the loop: libcurl multi, TLS >= 1.2 with names checked,
 * no redirects, https only, every wait bounded, answers capped.
 */
#ifndef B2B_HTTP_H
#define B2B_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "b2bd/loop.h"

struct b2b_http;      /* the client: shared connections, CA; opaque */
struct b2b_http_call; /* one request under way; opaque */

/* CA_FILE: PEM bundle, NULL for the system's. PROXY: URL or NULL. Strings are copied. Returns 0 or -ENOMEM. */
int b2b_http_new(struct b2b_loop *loop, const char *ca_file, const char *proxy, struct b2b_http **ret_http);
/*
 * The certificate (PEM, a chain may follow) and its key (PEM) that are shown to every server that asks for one; copied.
 * Connections made with another are not used any more. Returns 0 or -ENOMEM.
 */
int b2b_http_set_certificate(struct b2b_http *http, const char *certificate, const char *key);
void b2b_http_free(struct b2b_http *http); /* cancels what is under way; NULL is legal */

struct b2b_http_request {
	const char *method;        /* "GET", "POST", … */
	const char *url;           /* https:// */
	const char *content_type;  /* of the body; NULL: none */
	const char *accept;        /* NULL: application/json */
	const char *bearer;        /* access token, or NULL */
	const char *basic_user;    /* HTTP basic, already form-encoded where RFC 6749 2.3.1 wants it; or NULL */
	const char *basic_password;
	const char *content_language; /* or NULL */
	const char *if_none_match; /* an etag as it was given; NULL: none */
	const void *body;
	size_t body_len;
	uint32_t timeout_ms;       /* of the whole exchange; 0: 10 s */
	size_t max_body;           /* of the answer; 0: 1 MiB */
};

struct b2b_http_response {
	int error;             /* 0, or a negative errno: no HTTP answer (-ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH, -EPROTO TLS, -EFBIG …) */
	const char *error_text; /* what to tell the administrator; says which host and, for TLS, why */
	long status;           /* HTTP status */
	const char *body;      /* NUL-terminated, body_len bytes */
	size_t body_len;
	const char *content_type; /* "" where absent */
	long retry_after_s;    /* -1 where absent */
	long max_age_s;        /* Cache-Control max-age, -1 where absent */
	const char *etag;      /* NULL where absent */
};

/*
 * Start one; everything in REQUEST is copied. DONE is called exactly once from the loop, never from within this
 * call, and never after b2b_http_cancel. Returns 0 or a negative errno (-EINVAL for a URL that is not https).
 */
int b2b_http_start(struct b2b_http *http, const struct b2b_http_request *request,
                   void (*done)(void *arg, const struct b2b_http_response *response), void *arg,
                   struct b2b_http_call **ret_call);
void b2b_http_cancel(struct b2b_http_call *call); /* NULL is legal */

#endif
