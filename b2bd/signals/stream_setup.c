/* From nothing to a stream that is enabled: SSF 1.0, 7 and 8.1. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "b2bd/signals/stream_private.h"
#include "common/clock.h"
#include "common/log.h"

#define STEP_TIMEOUT_MS 10000
#define READY_EVERY_NS (200 * B2B_NS_PER_MS)
#define VERIFY_EVERY_NS (300 * B2B_NS_PER_S) /* a stream may be silent because nothing happens, or because it is broken */
#define VERIFY_LATE_NS (90 * B2B_NS_PER_S)

static void create(struct b2b_stream *stream);
static void adopt(struct b2b_stream *stream);
static void look_at_status(struct b2b_stream *stream);
static void enable(struct b2b_stream *stream);

/* URL with stream_id as its query; malloc'ed. */
static char *of_stream(const char *url, const char *stream_id)
{
	char *escaped = curl_easy_escape(NULL, stream_id, 0), *full = NULL;

	if (escaped && asprintf(&full, "%s%cstream_id=%s", url, strchr(url, '?') ? '&' : '?', escaped) < 0)
		full = NULL;
	curl_free(escaped);
	return full;
}

/* BODY NULL is a GET, else a POST; takes over URL and BODY. STEP is tried again where it cannot even be asked. */
static void request(struct b2b_stream *stream, char *url, char *body, bool has_body, void (*again)(struct b2b_stream *stream),
                    void (*done)(void *arg, const struct b2b_http_response *response))
{
	struct b2b_http_request request = { .method = has_body ? "POST" : "GET", .url = url, .body = body, .timeout_ms = STEP_TIMEOUT_MS };
	int r = url && (body || !has_body) ? 0 : -ENOMEM;

	if (has_body && body) {
		request.content_type = "application/json";
		request.body_len = strlen(body);
	}
	if (r == 0)
		r = b2b_api_start(&stream->api, &request, done, stream, &stream->call);
	free(url);
	free(body);
	if (r < 0)
		b2b_stream_fail(stream, again, "the stream cannot be asked for: %s", strerror(-r));
}

static void discovered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;
	struct b2b_ssf_config config;
	int r;

	stream->http_call = NULL;
	if (response->error || response->status != 200) {
		/* Keycloak appends where SSF 7.1 inserts */
		stream->place = !stream->place;
		b2b_stream_fail_response(stream, b2b_stream_discover, "the signals' configuration", response);
		return;
	}
	r = b2b_ssf_config_parse(response->body, response->body_len, stream->conf->federation.issuer, &config);
	if (r < 0) {
		b2b_stream_fail(stream, b2b_stream_discover, "the signals' configuration %s",
		                r == -EPERM             ? "is another issuer's"
		                : r == -EPROTONOSUPPORT ? "offers no polling"
		                                        : "is malformed");
		return;
	}
	b2b_ssf_config_clear(&stream->config);
	stream->config = config;
	create(stream);
}

void b2b_stream_discover(struct b2b_stream *stream)
{
	const struct b2b_conf_federation *federation = &stream->conf->federation;
	struct b2b_http_request request = { .method = "GET", .timeout_ms = STEP_TIMEOUT_MS };
	char *url;
	int r;

	if (!b2b_federation_ready(stream->api.federation)) {
		b2b_stream_later(stream, READY_EVERY_NS, b2b_stream_discover);
		return;
	}
	url = federation->ssf_url ? strdup(federation->ssf_url) : b2b_ssf_well_known(federation->issuer, stream->place);
	request.url = url;
	r = url ? b2b_http_start(stream->api.http, &request, discovered, stream, &stream->http_call) : -ENOMEM;
	free(url);
	if (r < 0)
		b2b_stream_fail(stream, b2b_stream_discover, "the signals' configuration cannot be asked for: %s", strerror(-r));
}

/* The stream as the transmitter describes it: what was asked for is not always what one gets (8.1.1.1). */
static bool take_stream(struct b2b_stream *stream, const struct b2b_http_response *response, void (*again)(struct b2b_stream *stream))
{
	struct b2b_ssf_stream found;
	int r = b2b_ssf_stream_parse(response->body, response->body_len, stream->conf->federation.issuer, stream->audience, &found);

	if (r < 0) {
		b2b_stream_fail(stream, again, "the stream %s",
		                r == -EPERM             ? "is of another issuer or for another audience"
		                : r == -EPROTONOSUPPORT ? "is not polled"
		                : r == -ENOENT          ? "is not there"
		                                        : "is described by a malformed document");
		return false;
	}
	if (!found.delivers)
		b2b_log(LOG_WARNING, "signals: the stream %s does not deliver session-revoked and account-disabled", found.id);
	b2b_ssf_stream_clear(&stream->stream);
	stream->stream = found;
	return true;
}

static void created(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;

	stream->call = NULL;
	if (!response->error && response->status == 409) {
		adopt(stream);
		return;
	}
	if (response->error || (response->status != 201 && response->status != 200)) {
		b2b_stream_fail_response(stream, create, "the stream was not created", response);
		return;
	}
	if (!take_stream(stream, response, create))
		return;
	b2b_log(LOG_INFO, "signals: stream %s was created", stream->stream.id);
	b2b_stream_gap(stream);
	look_at_status(stream);
}

static void create(struct b2b_stream *stream)
{
	request(stream, strdup(stream->config.configuration_endpoint), b2b_ssf_create_body(), true, create, created);
}

static void adopted(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;

	stream->call = NULL;
	if (response->error || response->status != 200) {
		b2b_stream_fail_response(stream, create, "this host's stream", response);
		return;
	}
	if (take_stream(stream, response, create))
		look_at_status(stream);
}

/* This host's stream from an earlier life: what happened meanwhile waits in it. */
static void adopt(struct b2b_stream *stream)
{
	request(stream, strdup(stream->config.configuration_endpoint), NULL, false, create, adopted);
}

static void status_known(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;
	int enabled;

	stream->call = NULL;
	if (response->error || response->status != 200) {
		b2b_stream_fail_response(stream, look_at_status, "the stream's status", response);
		return;
	}
	enabled = b2b_ssf_status_enabled(response->body, response->body_len);
	if (enabled < 0)
		b2b_stream_fail(stream, look_at_status, "the stream's status is malformed");
	else if (enabled)
		b2b_stream_verify(stream);
	else
		enable(stream);
}

static void look_at_status(struct b2b_stream *stream)
{
	if (!stream->config.status_endpoint) {
		b2b_stream_verify(stream);
		return;
	}
	request(stream, of_stream(stream->config.status_endpoint, stream->stream.id), NULL, false, look_at_status, status_known);
}

static void enabled_now(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;

	stream->call = NULL;
	if (response->error || response->status < 200 || response->status > 202) {
		b2b_stream_fail_response(stream, look_at_status, "the stream was not enabled", response);
		return;
	}
	/* a disabled stream drops what happens (8.1.2.1) */
	b2b_stream_gap(stream);
	b2b_stream_verify(stream);
}

static void enable(struct b2b_stream *stream)
{
	request(stream, strdup(stream->config.status_endpoint), b2b_ssf_status_body(stream->stream.id), true, look_at_status, enabled_now);
}

/* Refused or not, events are polled for: verification only tells a silent stream from a broken one. */
static void verification_asked(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;

	stream->call = NULL;
	if (response->error || (response->status != 204 && response->status != 200)) {
		stream->verify_state[0] = '\0';
		stream->verify_due_ns = b2b_now_ns() + VERIFY_EVERY_NS;
	}
	b2b_stream_poll(stream);
}

static int make_state(char ret_state[B2B_STREAM_STATE_SIZE])
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return -EAGAIN;
	snprintf(ret_state, B2B_STREAM_STATE_SIZE, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	return 0;
}

void b2b_stream_verify(struct b2b_stream *stream)
{
	stream->verify_due_ns = b2b_now_ns() + VERIFY_LATE_NS;
	if (!stream->config.verification_endpoint || make_state(stream->verify_state) < 0) {
		stream->verify_state[0] = '\0';
		stream->verify_due_ns = UINT64_MAX;
		b2b_stream_poll(stream);
		return;
	}
	request(stream, strdup(stream->config.verification_endpoint), b2b_ssf_verify_body(stream->stream.id, stream->verify_state), true,
	        b2b_stream_verify, verification_asked);
}

void b2b_stream_verified(struct b2b_stream *stream, const char *state)
{
	if (!*stream->verify_state || strcmp(stream->verify_state, state))
		return;
	stream->verify_state[0] = '\0';
	stream->verify_due_ns = b2b_now_ns() + VERIFY_EVERY_NS;
}
