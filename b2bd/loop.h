/*
 * The agent's one event loop: curl_multi_poll over libcurl's transfers and our
 * own descriptors, timers in one list. Single thread; callbacks must not block.
 *
 * curl's own poll was chosen because the transfers are what the agent mostly
 * waits for: no glue between two event libraries, no dependency more, and the
 * number of descriptors is small (a socket per log-in in progress).
 */
#ifndef B2B_LOOP_H
#define B2B_LOOP_H

#include <curl/curl.h>
#include <stdint.h>

struct b2b_loop; /* opaque */
struct b2b_io;   /* a watched descriptor; opaque */

/* Returns 0 or -ENOMEM. The loop owns a CURLM; free it last. */
int b2b_loop_new(struct b2b_loop **ret_loop);
void b2b_loop_free(struct b2b_loop *loop); /* NULL is legal */
CURLM *b2b_loop_curl(struct b2b_loop *loop);

/* Called with what curl finished, after every turn and between callbacks where one took long; set once by http.c. */
void b2b_loop_on_curl(struct b2b_loop *loop, void (*done)(void *arg, CURLMsg *msg), void *arg);

/*
 * Watch FD for EVENTS (POLLIN|POLLOUT; POLLHUP and POLLERR come by themselves). The descriptor stays the caller's.
 * READY may remove any io, its own included. Returns 0 or -ENOMEM.
 */
int b2b_io_add(struct b2b_loop *loop, int fd, short events, void (*ready)(void *arg, short revents), void *arg,
               struct b2b_io **ret_io);
void b2b_io_events(struct b2b_io *io, short events);
void b2b_io_remove(struct b2b_io *io); /* NULL is legal */

/* A timer lives inside its owner's struct, zeroed at first; it fires once per set. */
struct b2b_timer {
	struct b2b_timer *next;
	uint64_t due_ns; /* b2b_now_ns clock */
	void (*fire)(void *arg);
	void *arg;
	struct b2b_loop *loop; /* NULL: not armed */
};
void b2b_timer_set(struct b2b_loop *loop, struct b2b_timer *timer, uint64_t delay_ns, void (*fire)(void *arg), void *arg);
void b2b_timer_stop(struct b2b_timer *timer);

/* Run until b2b_loop_stop. Returns stop's code. */
int b2b_loop_run(struct b2b_loop *loop);
void b2b_loop_stop(struct b2b_loop *loop, int code);

/* One turn, waiting at most MAX_MS: for tests. */
void b2b_loop_turn(struct b2b_loop *loop, int max_ms);

#endif
