#include "b2bd/signals/stream_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/jitter.h"
#include "b2bd/state/directory_state.h"
#include "b2bd/state/refused.h"
#include "b2bd/state/seen.h"
#include "b2bd/state/session_state.h"
#include "common/clock.h"
#include "common/log.h"

#define BACKOFF_FIRST_NS B2B_NS_PER_S
#define BACKOFF_SHIFT_MAX 5            /* half a minute */
#define GAP_AFTER_S 300                /* longer without a poll: events may have been dropped */
#define RETRY_AFTER_MAX_NS (60 * B2B_NS_PER_S)
#define PRUNE_EVERY_NS (10 * B2B_NS_PER_S)
#define FORGET_AFTER_S B2B_SESSION_VOID_KEPT_S
#define PRUNE_ROWS 1000

static void step(void *arg)
{
	struct b2b_stream *stream = arg;

	stream->step(stream);
}

void b2b_stream_later(struct b2b_stream *stream, uint64_t delay_ns, void (*next)(struct b2b_stream *stream))
{
	stream->step = next;
	b2b_timer_set(stream->api.loop, &stream->timer, delay_ns, step, stream);
}

/* Nearly all of it by chance: whoever serves ten thousand hosts must not meet them all in a quarter of a second when it comes back. */
static uint64_t backoff(unsigned failures)
{
	uint64_t whole = BACKOFF_FIRST_NS << (failures > BACKOFF_SHIFT_MAX ? BACKOFF_SHIFT_MAX : failures);

	return b2b_jitter_ns(whole / 16, whole);
}

void b2b_stream_fail(struct b2b_stream *stream, void (*next)(struct b2b_stream *stream), const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(stream->why, sizeof(stream->why), format, args);
	va_end(args);
	stream->connected = false;
	if (!stream->failing_since_s) {
		stream->failing_since_s = b2b_wall_s();
		b2b_log(LOG_WARNING, "signals: %s", stream->why);
	}
	b2b_stream_later(stream, backoff(stream->failures++), next);
}

void b2b_stream_fail_response(struct b2b_stream *stream, void (*next)(struct b2b_stream *stream), const char *what,
                              const struct b2b_http_response *response)
{
	uint64_t wanted_ns = response->retry_after_s > 0 ? (uint64_t)response->retry_after_s * B2B_NS_PER_S : 0;
	uint64_t pause_ns = backoff(stream->failures);

	if (response->error)
		b2b_stream_fail(stream, next, "%s: %s", what, response->error_text);
	else
		b2b_stream_fail(stream, next, "%s: status %ld", what, response->status);
	/* a service under load says when to come back (RFC 9110 10.2.3); the lease does not let it say so for long */
	if (wanted_ns > RETRY_AFTER_MAX_NS)
		wanted_ns = RETRY_AFTER_MAX_NS;
	if (!response->error && wanted_ns > pause_ns)
		b2b_stream_later(stream, wanted_ns + pause_ns, next);
}

char *b2b_stream_url(const struct b2b_stream *stream, const char *url)
{
	char *escaped = curl_easy_escape(NULL, stream->stream.id, 0), *full = NULL;

	if (escaped && asprintf(&full, "%s%cstream_id=%s", url, strchr(url, '?') ? '&' : '?', escaped) < 0)
		full = NULL;
	curl_free(escaped);
	return full;
}

void b2b_stream_request(struct b2b_stream *stream, const char *method, char *url, char *body, void (*again)(struct b2b_stream *stream),
                        void (*done)(void *arg, const struct b2b_http_response *response))
{
	struct b2b_http_request request = { .method = method, .url = url, .body = body, .timeout_ms = B2B_STREAM_STEP_TIMEOUT_MS };
	bool carries = *method == 'P'; /* POST, PUT, PATCH */
	int r = -ENOMEM;

	if (body) {
		request.content_type = "application/json";
		request.body_len = strlen(body);
	}
	if (url && (body || !carries))
		r = b2b_api_start(&stream->api, &request, done, stream, &stream->call);
	free(url);
	free(body);
	if (r < 0)
		b2b_stream_fail(stream, again, "the stream cannot be asked for: %s", strerror(-r));
}

void b2b_stream_gap(struct b2b_stream *stream)
{
	stream->handlers.gap(stream->arg);
}

void b2b_stream_restart(struct b2b_stream *stream, const char *why)
{
	stream->verify_state[0] = '\0';
	stream->verified_ns = 0; /* until it has proved itself anew, its polls mean nothing */
	stream->unverifiable = false;
	b2b_stream_fail(stream, b2b_stream_discover, "%s", why);
	b2b_stream_gap(stream);
}

/* More a minute than any service sends, so that what is remembered does not grow for ever. */
static void prune(struct b2b_stream *stream)
{
	int64_t before_s = b2b_wall_s() - FORGET_AFTER_S;
	uint64_t now = b2b_now_ns();

	if (stream->pruned_ns && now - stream->pruned_ns < PRUNE_EVERY_NS)
		return;
	stream->pruned_ns = now;
	b2b_seen_prune(stream->state, before_s, PRUNE_ROWS);
	b2b_refused_prune(stream->state, before_s, PRUNE_ROWS);
	b2b_event_ahead_prune(stream->state, before_s, PRUNE_ROWS);
	b2b_session_void_prune(stream->state, before_s, PRUNE_ROWS);
}

void b2b_stream_well(struct b2b_stream *stream)
{
	int64_t now = b2b_wall_s();
	bool gap = stream->failing_since_s && now - stream->failing_since_s > GAP_AFTER_S;

	if (stream->failing_since_s)
		b2b_log(LOG_NOTICE, "signals: polls are answered again");
	stream->failures = 0;
	stream->failing_since_s = 0;
	stream->why[0] = '\0';
	stream->connected = true;
	stream->last_poll_s = now;
	prune(stream);
	if (gap)
		b2b_stream_gap(stream);
}

int b2b_stream_new(struct b2b_loop *loop, struct b2b_http *http, struct b2b_federation *federation, struct b2b_state *state,
                   const struct b2b_conf *conf, const struct b2b_policy *policy, const struct b2b_stream_handlers *handlers, void *arg, struct b2b_stream **ret_stream)
{
	struct b2b_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	stream->api = (struct b2b_api){ .loop = loop, .http = http, .federation = federation };
	stream->state = state;
	stream->conf = conf;
	stream->policy = policy;
	stream->audience = conf->host.audience ? conf->host.audience : conf->federation.client_id;
	stream->handlers = *handlers;
	stream->arg = arg;
	stream->began_s = b2b_wall_s();
	b2b_stream_later(stream, 0, b2b_stream_discover);
	*ret_stream = stream;
	return 0;
}

void b2b_stream_stop(struct b2b_stream *stream)
{
	b2b_timer_stop(&stream->timer);
	b2b_federation_forget(stream->api.federation, stream);
	b2b_http_cancel(stream->http_call);
	b2b_api_cancel(stream->call);
	stream->http_call = NULL;
	stream->call = NULL;
}

void b2b_stream_free(struct b2b_stream *stream)
{
	if (!stream)
		return;
	b2b_stream_stop(stream);
	b2b_timer_stop(&stream->refusal_timer);
	b2b_stream_delete_forget(stream);
	b2b_ssf_config_clear(&stream->config);
	b2b_ssf_stream_clear(&stream->stream);
	b2b_poll_report_clear(&stream->report);
	free(stream);
}

/* Polls that are answered are not all there is to it. */
static const char *trouble(const struct b2b_stream *stream)
{
	if (stream->deleted)
		return "the stream was deleted";
	if (b2b_stream_shared(stream))
		return "another host has this client_id and takes events away from this one; give every host a client_id of its own";
	if (stream->connected && !b2b_stream_vouched(stream))
		return "polls are answered, but the verification event that was asked for has not come";
	return stream->why;
}

void b2b_stream_get_status(const struct b2b_stream *stream, struct b2b_stream_status *ret_status)
{
	*ret_status = (struct b2b_stream_status){ .connected = stream->connected, .closings = stream->stream.delivers, .last_poll_s = stream->last_poll_s,
		                                  .failing_since_s = stream->failing_since_s, .why = trouble(stream),
		                                  .events = stream->events, .refused = stream->refused,
		                                  .pause_s = b2b_stream_pause_s(stream) };
}
