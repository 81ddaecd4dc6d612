#include "b2bd/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

/* poll(2) does not count time asleep, the timers do: look at least this often. */
#define WAIT_MAX_MS 10000
#define SLOW_NS (5 * B2B_NS_PER_MS) /* a callback that waited for the disk, say */

struct b2b_io {
	struct b2b_io *next;
	struct b2b_loop *loop;
	int fd;
	short events;
	bool removed; /* freed when no callback can hold it any more */
	void (*ready)(void *arg, short revents);
	void *arg;
};

struct b2b_loop {
	CURLM *curl;
	void (*curl_done)(void *arg, CURLMsg *msg);
	void *curl_arg;
	struct b2b_io *ios;
	size_t n_ios;          /* removed ones included */
	struct pollfd *polled; /* scratch of one turn, room for n_room */
	struct curl_waitfd *waited;
	struct b2b_io **owners;
	size_t n_room;
	struct b2b_timer *timers; /* by due_ns, ascending */
	unsigned depth;           /* within a turn: removed ios stay in memory */
	bool stopped;
	int code;
};

/* libcurl wants this once per process and before any thread; nothing undoes it, others may use libcurl too. */
static int init_curl(void)
{
	static bool done;

	if (!done && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	done = true;
	return 0;
}

int b2b_loop_new(struct b2b_loop **ret_loop)
{
	struct b2b_loop *loop;

	if (init_curl() < 0)
		return -ENOMEM;
	loop = calloc(1, sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	loop->curl = curl_multi_init();
	if (!loop->curl) {
		free(loop);
		return -ENOMEM;
	}
	*ret_loop = loop;
	return 0;
}

static void sweep(struct b2b_loop *loop)
{
	struct b2b_io **at = &loop->ios;

	while (*at) {
		struct b2b_io *io = *at;

		if (!io->removed) {
			at = &io->next;
			continue;
		}
		*at = io->next;
		loop->n_ios--;
		free(io);
	}
}

void b2b_loop_free(struct b2b_loop *loop)
{
	struct b2b_io *io;

	if (!loop)
		return;
	while (loop->timers)
		b2b_timer_stop(loop->timers);
	for (io = loop->ios; io; io = io->next)
		io->removed = true;
	sweep(loop);
	curl_multi_cleanup(loop->curl);
	free(loop->polled);
	free(loop->waited);
	free(loop->owners);
	free(loop);
}

CURLM *b2b_loop_curl(struct b2b_loop *loop)
{
	return loop->curl;
}

void b2b_loop_on_curl(struct b2b_loop *loop, void (*done)(void *arg, CURLMsg *msg), void *arg)
{
	loop->curl_done = done;
	loop->curl_arg = arg;
}

/* Room is made when a descriptor is added, so that a turn cannot fail for want of memory. */
static int make_room(struct b2b_loop *loop, size_t n)
{
	size_t room = loop->n_room ? loop->n_room : 16;
	void *bigger;

	if (n <= loop->n_room)
		return 0;
	while (room < n)
		room *= 2;
	if (!(bigger = reallocarray(loop->polled, room, sizeof(*loop->polled))))
		return -ENOMEM;
	loop->polled = bigger;
	if (!(bigger = reallocarray(loop->waited, room, sizeof(*loop->waited))))
		return -ENOMEM;
	loop->waited = bigger;
	if (!(bigger = reallocarray(loop->owners, room, sizeof(*loop->owners))))
		return -ENOMEM;
	loop->owners = bigger;
	loop->n_room = room;
	return 0;
}

int b2b_io_add(struct b2b_loop *loop, int fd, short events, void (*ready)(void *arg, short revents), void *arg,
               struct b2b_io **ret_io)
{
	struct b2b_io *io;

	if (make_room(loop, loop->n_ios + 1) < 0)
		return -ENOMEM;
	io = calloc(1, sizeof(*io));
	if (!io)
		return -ENOMEM;
	io->loop = loop;
	io->fd = fd;
	io->events = events;
	io->ready = ready;
	io->arg = arg;
	io->next = loop->ios;
	loop->ios = io;
	loop->n_ios++;
	*ret_io = io;
	return 0;
}

void b2b_io_events(struct b2b_io *io, short events)
{
	io->events = events;
}

void b2b_io_remove(struct b2b_io *io)
{
	if (!io)
		return;
	io->removed = true;
	if (!io->loop->depth)
		sweep(io->loop);
}

void b2b_timer_set(struct b2b_loop *loop, struct b2b_timer *timer, uint64_t delay_ns, void (*fire)(void *arg), void *arg)
{
	struct b2b_timer **at = &loop->timers;
	uint64_t now = b2b_now_ns();

	b2b_timer_stop(timer);
	timer->due_ns = delay_ns < UINT64_MAX - now ? now + delay_ns : UINT64_MAX;
	timer->fire = fire;
	timer->arg = arg;
	timer->loop = loop;
	while (*at && (*at)->due_ns <= timer->due_ns)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
}

void b2b_timer_stop(struct b2b_timer *timer)
{
	struct b2b_timer **at;

	if (!timer->loop)
		return;
	for (at = &timer->loop->timers; *at; at = &(*at)->next) {
		if (*at == timer) {
			*at = timer->next;
			break;
		}
	}
	timer->next = NULL;
	timer->loop = NULL;
}

static int wait_ms(const struct b2b_loop *loop, int max_ms)
{
	int left;

	if (max_ms < 0 || max_ms > WAIT_MAX_MS)
		max_ms = WAIT_MAX_MS;
	if (!loop->timers)
		return max_ms;
	left = b2b_ms_left(loop->timers->due_ns);
	return left < max_ms ? left : max_ms;
}

static size_t gather(struct b2b_loop *loop)
{
	struct b2b_io *io;
	size_t n = 0;

	for (io = loop->ios; io; io = io->next) {
		if (io->removed)
			continue;
		loop->polled[n] = (struct pollfd){ .fd = io->fd, .events = io->events };
		loop->waited[n] = (struct curl_waitfd){ .fd = io->fd };
		loop->waited[n].events = (short)((io->events & POLLIN ? CURL_WAIT_POLLIN : 0) | (io->events & POLLOUT ? CURL_WAIT_POLLOUT : 0));
		loop->owners[n++] = io;
	}
	return n;
}

/*
 * curl waits for its sockets, its own time-outs and our descriptors in one call, and takes a signal as a return. It
 * does not pass POLLHUP and POLLERR of ours on: so they are asked for again, without waiting. If curl cannot
 * wait (no memory), our own descriptors are waited for instead, shortly, for the loop must not spin.
 */
static size_t wait_for_events(struct b2b_loop *loop, int max_ms)
{
	size_t n = gather(loop);
	int own_ms = 0;

	if (curl_multi_poll(loop->curl, loop->waited, (unsigned)n, wait_ms(loop, max_ms), NULL) != CURLM_OK)
		own_ms = wait_ms(loop, 100);
	if (n == 0 && own_ms == 0)
		return 0;
	return poll(loop->polled, n, own_ms) > 0 ? n : 0;
}

static void turn_curl(struct b2b_loop *loop)
{
	CURLMsg *msg;
	int running, queued;

	curl_multi_perform(loop->curl, &running);
	while ((msg = curl_multi_info_read(loop->curl, &queued))) {
		if (msg->msg == CURLMSG_DONE && loop->curl_done)
			loop->curl_done(loop->curl_arg, msg);
	}
}

/* What comes over the network may be a revocation: it waits for one that waits for the disk, but not for all of them. */
static uint64_t hear_in_between(struct b2b_loop *loop, uint64_t began_ns)
{
	if (b2b_now_ns() - began_ns < SLOW_NS)
		return began_ns;
	turn_curl(loop);
	return b2b_now_ns();
}

/* What was due when the turn began; a timer set again by its callback waits for the next turn. */
static void fire_timers(struct b2b_loop *loop)
{
	uint64_t now = b2b_now_ns(), began_ns = now;

	while (loop->timers && loop->timers->due_ns <= now) {
		struct b2b_timer *timer = loop->timers;

		b2b_timer_stop(timer);
		timer->fire(timer->arg);
		began_ns = hear_in_between(loop, began_ns);
	}
}

/* A callback that adds a descriptor may move the arrays: they are read anew at every index. */
static void dispatch(struct b2b_loop *loop, size_t n)
{
	uint64_t began_ns = b2b_now_ns();
	size_t i;

	for (i = 0; i < n; i++) {
		struct b2b_io *io = loop->owners[i];
		short revents = loop->polled[i].revents;

		if (!revents || io->removed)
			continue;
		io->ready(io->arg, revents);
		began_ns = hear_in_between(loop, began_ns);
	}
}

void b2b_loop_turn(struct b2b_loop *loop, int max_ms)
{
	size_t n = wait_for_events(loop, max_ms);

	loop->depth++;
	fire_timers(loop);
	dispatch(loop, n);
	turn_curl(loop);
	loop->depth--;
	sweep(loop);
}

int b2b_loop_run(struct b2b_loop *loop)
{
	while (!loop->stopped)
		b2b_loop_turn(loop, -1);
	loop->stopped = false;
	return loop->code;
}

void b2b_loop_stop(struct b2b_loop *loop, int code)
{
	loop->stopped = true;
	loop->code = code;
}
