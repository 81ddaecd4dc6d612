#include "b2bd/clock_watch.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct b2b_clock_watch {
	struct b2b_io *io;
	int fd;
	void (*changed)(void *arg);
	void *arg;
};

/* A timer that never fires, but is cancelled when the clock is set (timerfd_create(2)). */
static int arm(int fd)
{
	static const struct itimerspec never = { .it_value = { .tv_sec = INT64_MAX } };

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0 ? -errno : 0;
}

static void ready(void *arg, short revents)
{
	struct b2b_clock_watch *watch = arg;
	uint64_t fired;

	(void)revents;
	if (read(watch->fd, &fired, sizeof(fired)) >= 0 || errno != ECANCELED)
		return;
	watch->changed(watch->arg);
}

int b2b_clock_watch_new(struct b2b_loop *loop, void (*changed)(void *arg), void *arg, struct b2b_clock_watch **ret_watch)
{
	struct b2b_clock_watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	watch->changed = changed;
	watch->arg = arg;
	watch->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	r = watch->fd < 0 ? -errno : arm(watch->fd);
	if (r == 0)
		r = b2b_io_add(loop, watch->fd, POLLIN, ready, watch, &watch->io);
	if (r < 0) {
		b2b_clock_watch_free(watch);
		return r;
	}
	*ret_watch = watch;
	return 0;
}

void b2b_clock_watch_free(struct b2b_clock_watch *watch)
{
	if (!watch)
		return;
	b2b_io_remove(watch->io);
	if (watch->fd >= 0)
		close(watch->fd);
	free(watch);
}
