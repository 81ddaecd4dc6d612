/* From nothing to a stream that is enabled: SSF 1.0, 7 and 8.1. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/signals/stream_private.h"
#include "common/clock.h"
#include "common/log.h"

#define READY_EVERY_NS (200 * B2B_NS_PER_MS)

static void create(struct b2b_stream *stream);
static void adopt(struct b2b_stream *stream);
static void look_at_status(struct b2b_stream *stream);
static void enable(struct b2b_stream *stream);

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
	struct b2b_http_request request = { .method = "GET", .timeout_ms = B2B_STREAM_STEP_TIMEOUT_MS };
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
		                r == -EPERM    ? "is of another issuer or for another audience"
		                : r == -ENOENT ? "is not there"
		                               : "is described by a malformed document");
		return false;
	}
	b2b_ssf_stream_clear(&stream->stream);
	stream->stream = found;
	return true;
}

/* It is as it will be: can a host live with it? */
static void use_stream(struct b2b_stream *stream)
{
	if (!stream->stream.poll_url) {
		b2b_stream_fail(stream, create, "the stream is not polled, and the service does not change that");
		return;
	}
	if (!stream->stream.delivers)
		b2b_log(LOG_WARNING, "signals: the stream %s does not deliver what ends sessions and what closes accounts", stream->stream.id);
	look_at_status(stream);
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
	use_stream(stream);
}

static void create(struct b2b_stream *stream)
{
	b2b_stream_request(stream, "POST", strdup(stream->config.configuration_endpoint), b2b_ssf_create_body(), create, created);
}

static void update(struct b2b_stream *stream, const char *method, void (*done)(void *arg, const struct b2b_http_response *response))
{
	b2b_stream_request(stream, method, strdup(stream->config.configuration_endpoint), b2b_ssf_update_body(stream->stream.id), create, done);
}

/* What was not asked for before was not kept for us either. */
static bool updated(struct b2b_stream *stream, const struct b2b_http_response *response)
{
	if (response->error || response->status < 200 || response->status > 202)
		return false;
	b2b_log(LOG_INFO, "signals: stream %s was brought up to date", stream->stream.id);
	b2b_stream_gap(stream);
	/* 202: it will be; then this is the old one still, or nothing */
	if (response->status == 202 || take_stream(stream, response, create))
		use_stream(stream);
	return true;
}

static void put_done(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;

	stream->call = NULL;
	if (updated(stream, response))
		return;
	/* better the events that it does bring than none */
	b2b_log(LOG_WARNING, "signals: stream %s differs from what this host asks for, and could not be changed (%s, status %ld)",
	        stream->stream.id, response->error ? response->error_text : "refused", response->status);
	use_stream(stream);
}

static void patch_done(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;

	stream->call = NULL;
	if (response->error)
		b2b_stream_fail_response(stream, create, "the change of the stream", response);
	else if (!updated(stream, response))
		update(stream, "PUT", put_done); /* some offer but one of the two */
}

static void adopted(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;

	stream->call = NULL;
	if (response->error || response->status != 200) {
		b2b_stream_fail_response(stream, create, "this host's stream", response);
		return;
	}
	if (!take_stream(stream, response, create))
		return;
	if (stream->stream.as_asked)
		use_stream(stream);
	else
		update(stream, "PATCH", patch_done);
}

/* This host's stream from an earlier life: what happened meanwhile waits in it. */
static void adopt(struct b2b_stream *stream)
{
	b2b_stream_request(stream, "GET", strdup(stream->config.configuration_endpoint), NULL, create, adopted);
}

static void status_known(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;
	char text[B2B_SSF_STATUS_SIZE];
	int enabled;

	stream->call = NULL;
	if (response->error || response->status != 200) {
		b2b_stream_fail_response(stream, look_at_status, "the stream's status", response);
		return;
	}
	enabled = b2b_ssf_status_enabled(response->body, response->body_len, text);
	if (enabled < 0) {
		b2b_stream_fail(stream, look_at_status, "the stream's status is malformed");
	} else if (enabled) {
		b2b_stream_add_subjects(stream);
	} else {
		b2b_log(LOG_NOTICE, "signals: the stream was %s; it is enabled again", text);
		enable(stream);
	}
}

static void look_at_status(struct b2b_stream *stream)
{
	if (!stream->config.status_endpoint) {
		b2b_stream_add_subjects(stream);
		return;
	}
	b2b_stream_request(stream, "GET", b2b_stream_url(stream, stream->config.status_endpoint), NULL, look_at_status, status_known);
}

/* The answer tells the status as it is now (8.1.2.2); a transmitter need not do as it is asked. */
static void enabled_now(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;
	char text[B2B_SSF_STATUS_SIZE];

	stream->call = NULL;
	if (response->error || response->status < 200 || response->status > 202) {
		b2b_stream_fail_response(stream, look_at_status, "the stream was not enabled", response);
		return;
	}
	if (b2b_ssf_status_enabled(response->body, response->body_len, text) == 0) {
		b2b_stream_fail(stream, look_at_status, "the service keeps the stream %s", text);
		return;
	}
	/* a disabled stream drops what happens (8.1.2.1) */
	b2b_stream_gap(stream);
	b2b_stream_add_subjects(stream);
}

static void enable(struct b2b_stream *stream)
{
	b2b_stream_request(stream, "POST", strdup(stream->config.status_endpoint), b2b_ssf_status_body(stream->stream.id), look_at_status,
	                   enabled_now);
}
