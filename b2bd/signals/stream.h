/*
 * Shared Signals: one SSF 1.0 stream of this host (created or adopted), polled by RFC 8936 with long polling.
 *
 * For every SET: validated (token.h), handed to EVENT, acknowledged in the next poll only when EVENT said that it is
 * durable. A SET seen before (by jti, in state) is acknowledged again and not handed on. A refused SET is reported
 * in setErrs, as often as it comes. A service that sends nothing but what was reported to it is polled with pauses.
 */
#ifndef B2B_STREAM_H
#define B2B_STREAM_H

#include "b2bd/federation/federation.h"
#include "b2bd/state/state.h"

struct b2b_stream; /* opaque */

struct b2b_stream_handlers {
	/*
	 * A valid event. Store it durably together with b2b_stream_seen() in one transaction, then return 0: it will be
	 * acknowledged. A negative errno withholds the acknowledgement; it comes again.
	 */
	int (*event)(void *arg, const struct b2b_event *event);
	/*
	 * A poll was completed (also an empty one), the service holds nothing more back, all that it brought was dealt with, and
	 * a verification event came lately where the service offers them: the lease may be renewed.
	 */
	void (*polled)(void *arg);
	/*
	 * An event is about to be refused, for the first time: it may have been a revocation, and need not come again. The lease must not
	 * be renewed beyond where a full pass that began later makes up for it; the pass itself is asked for by a gap, at most one a minute.
	 * A negative errno withholds the refusal; the event comes again.
	 */
	int (*lost)(void *arg);
	/* The stream is new, was paused, or lost events: a full directory pass is needed. */
	void (*gap)(void *arg);
};

int b2b_stream_new(struct b2b_loop *loop, struct b2b_http *http, struct b2b_federation *federation, struct b2b_state *state,
                   const struct b2b_conf *conf, const struct b2b_policy *policy, const struct b2b_stream_handlers *handlers, void *arg,
                   struct b2b_stream **ret_stream);
void b2b_stream_free(struct b2b_stream *stream); /* NULL is legal */

/* Note JTI as seen, in the caller's transaction. Returns 0 or a negative errno. */
int b2b_stream_seen(struct b2b_state *state, const char *jti, int64_t now_s);

/*
 * Delete the stream at the service, and have none until the agent starts anew; meanwhile nothing renews the lease. DONE is
 * called exactly once, with 0 or a negative errno and WHY in words (then the stream is set up again); when the stream is
 * freed, too. Returns 0, -ENOTCONN where it is not set up (there may be one all the same: try again), or -EALREADY.
 */
int b2b_stream_delete(struct b2b_stream *stream, void (*done)(void *arg, int error, const char *why), void *arg);

struct b2b_stream_status {
	bool connected;          /* last poll succeeded */
	bool closings;           /* the stream delivers what closes accounts, as far as the service says */
	int64_t last_poll_s;     /* wall clock; 0 never */
	int64_t failing_since_s; /* 0: not failing */
	const char *why;
	uint64_t events, refused;
	uint32_t pause_s;        /* how long an event may lie at the service unasked for: 0 where it holds polls and brings news */
};
void b2b_stream_get_status(const struct b2b_stream *stream, struct b2b_stream_status *ret_status);

#endif
