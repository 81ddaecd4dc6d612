/*
 * A stream from inside. stream.c: its life, its failures, its status. stream_setup.c: from nothing to a stream that is
 * as it should be and enabled; stream_subjects.c: about whom; stream_verify.c: that it works. stream_poll.c: polling it, and
 * what comes. stream_delete.c: its end.
 */
#ifndef B2B_STREAM_PRIVATE_H
#define B2B_STREAM_PRIVATE_H

#include "b2bd/api_call.h"
#include "b2bd/signals/poll.h"
#include "b2bd/signals/ssf.h"
#include "b2bd/signals/stream.h"

#define B2B_STREAM_WHY_SIZE 256
#define B2B_STREAM_STATE_SIZE 33
#define B2B_STREAM_STEP_TIMEOUT_MS 10000

struct b2b_stream {
	struct b2b_api api;
	struct b2b_state *state;
	const struct b2b_conf *conf;
	const struct b2b_policy *policy;
	const char *audience;
	struct b2b_stream_handlers handlers;
	void *arg;
	struct b2b_timer timer; /* the next step */
	void (*step)(struct b2b_stream *stream); /* what that is */
	struct b2b_http_call *http_call;
	struct b2b_api_call *call;

	/* set up */
	int place;              /* of the configuration document: 0 inserted, 1 appended */
	struct b2b_ssf_config config;
	struct b2b_ssf_stream stream;
	uint32_t subject, subjects_taken; /* organisations that are being added to it */
	char verify_state[B2B_STREAM_STATE_SIZE]; /* of the verification that is awaited; "" none */
	uint64_t verified_ns;   /* when one came; 0: none since the set-up */
	int64_t began_s;        /* when this agent took the stream up, by the wall clock */
	uint64_t shared_ns;     /* when another host's verification event came last; 0: never */
	bool unverifiable;      /* the service offers none */
	bool verify_put_off;    /* the last one could not be asked for; logged */
	uint64_t verify_due_ns; /* when it is late, or where none is awaited, when the next one is asked for */

	/* its deletion, while somebody waits for it */
	void (*delete_done)(void *arg, int error, const char *why);
	void *delete_arg;
	bool deleted;           /* for good */

	/* polling */
	struct b2b_poll_report report;
	bool immediately;       /* the last held poll was cut off by ourselves: complete a short one */
	uint64_t asked_ns;
	uint64_t unheld_ns;     /* pause between polls of a server that does not hold them, or repeats itself */
	unsigned repeats;       /* answers in a row that came at once and brought what was known already; counted so far as there is no pause */
	uint64_t unknown_key_ns; /* since when events cannot be checked for want of a key; 0: not */

	/* state of affairs */
	unsigned failures;
	bool connected;
	int64_t last_poll_s, failing_since_s;
	uint64_t events, refused;
	uint64_t pruned_ns;     /* when old events were last forgotten */
	uint64_t refusal_gap_ns; /* when a refused event last asked for a full pass */
	struct b2b_timer refusal_timer; /* runs while another one has to wait for its turn */
	char why[B2B_STREAM_WHY_SIZE];
};

/* stream.c */
void b2b_stream_later(struct b2b_stream *stream, uint64_t delay_ns, void (*step)(struct b2b_stream *stream));
/* Something failed: STEP again with back-off. Noted for status; logged when it begins. */
void b2b_stream_fail(struct b2b_stream *stream, void (*step)(struct b2b_stream *stream), const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "why" for an answer that is not the one wanted. */
void b2b_stream_fail_response(struct b2b_stream *stream, void (*step)(struct b2b_stream *stream), const char *what,
                              const struct b2b_http_response *response);
/* The stream is to be set up anew: it is gone, or silent. */
void b2b_stream_restart(struct b2b_stream *stream, const char *why);
void b2b_stream_gap(struct b2b_stream *stream);
/* Nothing is under way any more, and no step follows. */
void b2b_stream_stop(struct b2b_stream *stream);
/* A poll was answered: what failed is over. */
void b2b_stream_well(struct b2b_stream *stream);

/*
 * A step of the set-up: METHOD to URL, with BODY as JSON where it is not NULL; takes both over, and NULL for URL is no memory.
 * AGAIN is tried where it cannot even be asked.
 */
void b2b_stream_request(struct b2b_stream *stream, const char *method, char *url, char *body, void (*again)(struct b2b_stream *stream),
                        void (*done)(void *arg, const struct b2b_http_response *response));
/* URL with the stream's id as its query; malloc'ed, NULL for want of memory. */
char *b2b_stream_url(const struct b2b_stream *stream, const char *url);

/* stream_setup.c */
void b2b_stream_discover(struct b2b_stream *stream);

/* stream_subjects.c: say of whom events are wanted, where that is necessary, then verify */
void b2b_stream_add_subjects(struct b2b_stream *stream);

/* stream_verify.c */
void b2b_stream_verify(struct b2b_stream *stream); /* ask for a verification event, then poll */
/* A verification event with a state came: the awaited one, or another host's. */
void b2b_stream_verified(struct b2b_stream *stream, const struct b2b_event *event);
/* Did another host's come lately? Then this one hears only a part of what happens. */
bool b2b_stream_shared(const struct b2b_stream *stream);
/* Do polls mean something: has the stream proved itself lately, as far as the service offers that? */
bool b2b_stream_vouched(const struct b2b_stream *stream);
/* It has not, and no verification event is awaited: one has to be asked for, and until then no poll may be held for long. */
bool b2b_stream_unproven(const struct b2b_stream *stream);

/* stream_delete.c */
void b2b_stream_delete_forget(struct b2b_stream *stream); /* at the end: whoever waits is told */

/* stream_poll.c */
void b2b_stream_poll(struct b2b_stream *stream);
uint32_t b2b_stream_pause_s(const struct b2b_stream *stream); /* the longest between two polls as the service answers now; 0: none */

#endif
