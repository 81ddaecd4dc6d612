#include "b2bd/signals/stream_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/state/seen.h"
#include "common/clock.h"
#include "common/log.h"

#define BACKOFF_FIRST_NS (500 * B2B_NS_PER_MS)
#define BACKOFF_SHIFT_MAX 6            /* half a minute */
#define GAP_AFTER_S 300                /* longer without a poll: events may have been dropped */
#define PRUNE_EVERY (64 * 1024)        /* events */
#define FORGET_AFTER_S (30 * 86400)
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

/* Half fixed, half by chance: a thousand hosts must not come back in one second. */
static uint64_t backoff(unsigned failures)
{
	uint64_t whole = BACKOFF_FIRST_NS << (failures > BACKOFF_SHIFT_MAX ? BACKOFF_SHIFT_MAX : failures);

	return whole / 2 + b2b_now_ns() * 2654435761u % (whole / 2);
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
	if (response->error)
		b2b_stream_fail(stream, next, "%s: %s", what, response->error_text);
	else
		b2b_stream_fail(stream, next, "%s: status %ld", what, response->status);
}

void b2b_stream_gap(struct b2b_stream *stream)
{
	stream->handlers.gap(stream->arg);
}

void b2b_stream_restart(struct b2b_stream *stream, const char *why)
{
	stream->verify_state[0] = '\0';
	b2b_stream_fail(stream, b2b_stream_discover, "%s", why);
	b2b_stream_gap(stream);
}

static void prune(struct b2b_stream *stream)
{
	if (stream->events % PRUNE_EVERY == 0)
		b2b_seen_prune(stream->state, b2b_wall_s() - FORGET_AFTER_S, PRUNE_ROWS);
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
                   const struct b2b_conf *conf, const struct b2b_stream_handlers *handlers, void *arg, struct b2b_stream **ret_stream)
{
	struct b2b_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	stream->api = (struct b2b_api){ .loop = loop, .http = http, .federation = federation };
	stream->state = state;
	stream->conf = conf;
	stream->audience = conf->host.audience ? conf->host.audience : conf->federation.client_id;
	stream->handlers = *handlers;
	stream->arg = arg;
	b2b_stream_later(stream, 0, b2b_stream_discover);
	*ret_stream = stream;
	return 0;
}

void b2b_stream_free(struct b2b_stream *stream)
{
	if (!stream)
		return;
	b2b_timer_stop(&stream->timer);
	b2b_federation_forget(stream->api.federation, stream);
	b2b_http_cancel(stream->http_call);
	b2b_api_cancel(stream->call);
	b2b_ssf_config_clear(&stream->config);
	b2b_ssf_stream_clear(&stream->stream);
	b2b_poll_report_clear(&stream->report);
	free(stream);
}

void b2b_stream_get_status(const struct b2b_stream *stream, struct b2b_stream_status *ret_status)
{
	*ret_status = (struct b2b_stream_status){ .connected = stream->connected, .last_poll_s = stream->last_poll_s,
		                                  .failing_since_s = stream->failing_since_s, .why = stream->why,
		                                  .events = stream->events, .refused = stream->refused };
}
