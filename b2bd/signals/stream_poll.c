/* RFC 8936: one poll after the other, held by the service while nothing happens. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/signals/stream_private.h"
#include "b2bd/state/refused.h"
#include "b2bd/state/seen.h"
#include "common/clock.h"
#include "common/log.h"

#define MARGIN_LEAST_MS 1000
#define SHORT_TIMEOUT_MS 10000
#define ANSWER_MAX (8u << 20)
#define HELD_NS B2B_NS_PER_S             /* an empty answer sooner than this was not held */
#define UNHELD_MAX_NS (5 * B2B_NS_PER_S)
#define REPEATS_FREE 3                   /* answers with nothing new: an acknowledgement that was lost looks like that, too */
#define PROVE_PAUSE_NS (2 * B2B_NS_PER_S)
#define WITHHELD_NS B2B_NS_PER_S
#define KEY_PAUSE_NS (2 * B2B_NS_PER_S)
#define KEY_PATIENCE_NS (180 * B2B_NS_PER_S) /* then events that no key fits are refused, and a full pass makes up for them */
#define REFUSAL_GAP_NS (60 * B2B_NS_PER_S)

struct arrival {
	struct b2b_event event;
	size_t place; /* in the answer */
};

struct batch {
	struct b2b_stream *stream;
	struct arrival *arrivals;
	size_t n;
	uint64_t received_ns;
	bool unknown_key; /* some wait for a key */
	bool withheld;    /* some could not be stored */
	bool refused;     /* some were, for good */
	bool news;        /* some had not come before */
	bool more;        /* the service holds more back */
	struct b2b_poll_report reported; /* with the poll */
	bool onward;      /* some had not been */
};

/* What was refused is made up for once: whoever sends it again and again must not keep the lease back for ever. */
static int lose(struct batch *batch, const char *jti, enum b2b_token_fault fault)
{
	struct b2b_stream *stream = batch->stream;
	int r = stream->handlers.lost(stream->arg);

	if (r == 0)
		r = b2b_refused_note(stream->state, jti, b2b_wall_s());
	if (r < 0)
		return r;
	b2b_log(LOG_WARNING, "signals: an event was refused: %s", b2b_token_fault_text(fault));
	stream->refused++;
	batch->refused = true;
	batch->news = true;
	return 0;
}

/* KNOWN: it was refused before; negative where that cannot be told. */
static void refuse(struct batch *batch, const char *jti, enum b2b_token_fault fault, int known)
{
	int r = known ? known : lose(batch, jti, fault);

	if (r < 0) {
		b2b_log(LOG_ERR, "signals: event %s is not refused yet: %s", jti, strerror(-r));
		batch->withheld = true;
		return;
	}
	b2b_poll_refuse(&batch->stream->report, jti, fault);
}

static void refusal_gap(void *arg)
{
	struct b2b_stream *stream = arg;

	stream->refusal_gap_ns = b2b_now_ns();
	b2b_stream_gap(stream);
}

/* Whoever sends what is refused must not make every host read the directory all the time: the lease waits, for a minute at most. */
static void arrange_refusal_gap(struct b2b_stream *stream)
{
	uint64_t past = b2b_now_ns() - stream->refusal_gap_ns;

	if (!stream->refusal_gap_ns || past >= REFUSAL_GAP_NS)
		refusal_gap(stream);
	else
		b2b_timer_set(stream->api.loop, &stream->refusal_timer, REFUSAL_GAP_NS - past, refusal_gap, stream);
}

static void acknowledge(struct batch *batch, const char *jti)
{
	b2b_poll_ack(&batch->stream->report, jti);
}

static bool wait_for_key(struct b2b_stream *stream)
{
	if (!stream->unknown_key_ns)
		stream->unknown_key_ns = b2b_now_ns();
	return b2b_now_ns() - stream->unknown_key_ns < KEY_PATIENCE_NS;
}

static void check_set(struct batch *batch, const char *jti, const char *jwt)
{
	struct b2b_stream *stream = batch->stream;
	struct b2b_token_expect expect = { .issuer = stream->conf->federation.issuer, .audience = stream->audience, .now = b2b_wall_s(),
		                           .skew_s = stream->conf->federation.clock_skew_s,
		                           .critical_subject_members = (const char *const *)stream->config.critical_subject_members };
	struct b2b_event *event = &batch->arrivals[batch->n].event;
	enum b2b_token_fault fault = b2b_set_verify(jwt, strlen(jwt), b2b_federation_jwks(stream->api.federation), &expect, event);
	int known;

	if (fault == B2B_TOKEN_OK && strcmp(event->jti, jti)) {
		b2b_event_clear(event);
		fault = B2B_TOKEN_CLAIM;
	}
	if (fault != B2B_TOKEN_OK) {
		known = b2b_refused_has(stream->state, jti);
		if (fault == B2B_TOKEN_KEY_UNKNOWN && known <= 0 && wait_for_key(stream))
			batch->unknown_key = true;
		else
			refuse(batch, jti, fault, known);
		return;
	}
	event->received_ns = batch->received_ns;
	event->no_closings = !stream->stream.delivers;
	batch->arrivals[batch->n].place = batch->n;
	batch->n++;
}

static int by_time(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->event.time_ms != y->event.time_ms)
		return x->event.time_ms > y->event.time_ms ? 1 : -1;
	return (x->place > y->place) - (x->place < y->place);
}

/* The transmitter stopped or began again: what happened in between did not reach us (SSF 8.1.5). */
static void control_event(struct b2b_stream *stream, const struct b2b_event *event)
{
	if (event->kind == B2B_EVENT_VERIFICATION && event->state) {
		b2b_stream_verified(stream, event);
	} else if (event->kind == B2B_EVENT_STREAM_UPDATED) {
		b2b_log(LOG_NOTICE, "signals: the service says that the stream is %s (%s)", event->state ? event->state : "changed",
		        event->reason ? event->reason : "no reason is given");
		if (event->state && !strcmp(event->state, "enabled"))
			b2b_stream_gap(stream);
		else
			b2b_stream_restart(stream, "the service changed the stream");
	}
}

static void handle(struct batch *batch, const struct b2b_event *event)
{
	struct b2b_stream *stream = batch->stream;
	int r = b2b_seen_has(stream->state, event->jti);

	if (r > 0) { /* the acknowledgement was lost */
		acknowledge(batch, event->jti);
		return;
	}
	if (r == 0)
		r = stream->handlers.event(stream->arg, event);
	if (r < 0) {
		b2b_log(LOG_ERR, "signals: event %s is not acknowledged: %s", event->jti, strerror(-r));
		batch->withheld = true;
		return;
	}
	stream->events++;
	batch->news = true;
	acknowledge(batch, event->jti);
	control_event(stream, event);
}

/* RFC 8936 promises no order; what disables and what enables must not be taken the wrong way round. */
static int handle_sets(struct batch *batch, json_t *sets)
{
	const char *jti;
	json_t *set;
	size_t i;

	if (!json_object_size(sets))
		return 0;
	batch->arrivals = calloc(json_object_size(sets), sizeof(*batch->arrivals));
	if (!batch->arrivals)
		return -ENOMEM;
	json_object_foreach(sets, jti, set) {
		batch->onward = batch->onward || !b2b_poll_reported(&batch->reported, jti);
		check_set(batch, jti, json_string_value(set));
	}
	qsort(batch->arrivals, batch->n, sizeof(*batch->arrivals), by_time);
	for (i = 0; i < batch->n; i++) {
		handle(batch, &batch->arrivals[i].event);
		b2b_event_clear(&batch->arrivals[i].event);
	}
	free(batch->arrivals);
	return 0;
}

static void keys_fetched(void *arg, bool fetched)
{
	struct b2b_stream *stream = arg;

	b2b_stream_later(stream, fetched ? 0 : KEY_PAUSE_NS, b2b_stream_poll);
}

static void poll_when_keys_are_there(struct b2b_stream *stream)
{
	b2b_federation_follow_keys(stream->api.federation, keys_fetched, stream);
}

/* Polls that are not held go on beside the question for a verification event. */
static void prove(struct b2b_stream *stream, uint64_t now)
{
	uint64_t left = stream->verify_due_ns > now ? stream->verify_due_ns - now : 0;

	stream->immediately = false;
	if (left > PROVE_PAUSE_NS)
		b2b_stream_later(stream, PROVE_PAUSE_NS, b2b_stream_poll);
	else
		b2b_stream_later(stream, left, b2b_stream_verify);
}

/*
 * How long not to ask, where answers come at once and bring nothing new: the service does not hold polls, or sends for ever what was
 * reported to it. One that goes through a backlog of what was seen is not kept waiting.
 */
static uint64_t pause_ns(struct b2b_stream *stream, const struct batch *batch, bool empty, uint64_t now)
{
	bool idle = empty ? !stream->immediately : !batch->news && !(batch->more && batch->onward);

	if (!idle || now - stream->asked_ns >= HELD_NS) {
		stream->unheld_ns = 0;
		stream->repeats = 0;
	} else if (!empty && stream->repeats < REPEATS_FREE) {
		stream->repeats++;
	} else {
		stream->unheld_ns = stream->unheld_ns ? stream->unheld_ns * 2 : B2B_NS_PER_S;
		if (stream->unheld_ns > UNHELD_MAX_NS)
			stream->unheld_ns = UNHELD_MAX_NS;
	}
	return stream->unheld_ns;
}

uint32_t b2b_stream_pause_s(const struct b2b_stream *stream)
{
	return stream->unheld_ns ? UNHELD_MAX_NS / B2B_NS_PER_S : 0;
}

/* When to ask next: at once, unless nothing would be different then. */
static void poll_next(struct b2b_stream *stream, const struct batch *batch, bool empty)
{
	uint64_t now = b2b_now_ns(), pause;

	if (stream->failing_since_s) /* handling an event began the set-up anew */
		return;
	if (batch->unknown_key) {
		poll_when_keys_are_there(stream);
		return;
	}
	stream->unknown_key_ns = 0;
	if (now >= stream->verify_due_ns && *stream->verify_state) {
		b2b_stream_restart(stream, "a verification event did not come");
		return;
	}
	if (empty && b2b_stream_unproven(stream)) {
		prove(stream, now);
		return;
	}
	pause = batch->withheld ? WITHHELD_NS : pause_ns(stream, batch, empty, now);
	stream->immediately = false;
	b2b_stream_later(stream, pause, now >= stream->verify_due_ns ? b2b_stream_verify : b2b_stream_poll);
}

static void answer(struct b2b_stream *stream, struct b2b_poll_answer *answer)
{
	struct batch batch = { .stream = stream, .received_ns = b2b_now_ns(), .more = answer->more, .reported = stream->report };
	bool empty = !json_object_size(answer->sets);
	int r;

	/* answered: what was reported with it has arrived */
	stream->report = (struct b2b_poll_report){ 0 };
	b2b_stream_well(stream);
	r = handle_sets(&batch, answer->sets);
	b2b_poll_report_clear(&batch.reported);
	if (batch.refused)
		arrange_refusal_gap(stream);
	/* what waits for a key or for room may be a revocation */
	if (r == 0 && !answer->more && !batch.unknown_key && !batch.withheld && b2b_stream_vouched(stream))
		stream->handlers.polled(stream->arg);
	if (r < 0) {
		b2b_stream_fail(stream, b2b_stream_poll, "events could not be taken: %s", strerror(-r));
		return;
	}
	poll_next(stream, &batch, empty && !answer->more);
}

static void polled(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;
	struct b2b_poll_answer parsed;

	stream->call = NULL;
	if (response->error == -ETIMEDOUT && !stream->immediately) {
		/* held for longer than we may wait: a poll that is answered at once renews the lease */
		stream->immediately = true;
		b2b_stream_poll(stream);
		return;
	}
	if (!response->error && (response->status == 404 || response->status == 410)) {
		b2b_stream_restart(stream, "the stream is gone");
		return;
	}
	if (response->error || response->status != 200) {
		b2b_stream_fail_response(stream, b2b_stream_poll, "the poll", response);
		return;
	}
	if (b2b_poll_parse(response->body, response->body_len, &parsed) < 0) {
		b2b_stream_fail(stream, b2b_stream_poll, "the poll was answered with something else than events");
		return;
	}
	answer(stream, &parsed);
	b2b_poll_answer_clear(&parsed);
}

static uint32_t timeout_ms(const struct b2b_stream *stream)
{
	uint32_t hold_ms = stream->conf->host.poll_hold_s * 1000, margin_ms = hold_ms / 5;

	if (stream->immediately)
		return SHORT_TIMEOUT_MS;
	return hold_ms + (margin_ms < MARGIN_LEAST_MS ? MARGIN_LEAST_MS : margin_ms);
}

void b2b_stream_poll(struct b2b_stream *stream)
{
	/* a first poll that is not held says at once whether the stream works */
	bool immediately = stream->immediately || !stream->connected || b2b_stream_unproven(stream);
	char *body = b2b_poll_body(&stream->report, immediately);
	struct b2b_http_request request = { .method = "POST", .url = stream->stream.poll_url, .content_type = "application/json",
		                            .max_body = ANSWER_MAX, .body = body };
	int r = -ENOMEM;

	stream->immediately = immediately;
	if (b2b_poll_has_refusals(&stream->report))
		request.content_language = "en";
	if (body) {
		request.body_len = strlen(body);
		request.timeout_ms = timeout_ms(stream);
		stream->asked_ns = b2b_now_ns();
		r = b2b_api_start(&stream->api, &request, polled, stream, &stream->call);
	}
	free(body);
	if (r < 0)
		b2b_stream_fail(stream, b2b_stream_poll, "the poll could not be sent: %s", strerror(-r));
}
