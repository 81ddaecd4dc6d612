#include "b2bd/guard_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

/* A request from when it is queued until its last answer. */
struct request {
	struct request *next;
	struct b2b_guard_message message;
	int fd; /* our duplicate while it is not sent yet; -1: none */
	bool sent;
	void (*done)(void *arg, const struct b2b_guard_message *answer);
	void *arg;
};

struct b2b_guard_link {
	int fd;
	struct b2b_io *io;
	uint32_t serial;
	struct request *requests; /* in the order of sending */
	void (*gone)(void *arg);
	void (*reload)(void *arg);
	void *arg;
};

static void request_free(struct request *request)
{
	if (request->fd >= 0)
		close(request->fd);
	free(request);
}

/* Returns 0 or a negative errno; -EAGAIN: the guard's queue is full. */
static int send_request(int fd, const struct request *request)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char packet[B2B_GUARD_PACKET] = { 0 };
	struct iovec iov = { .iov_base = packet, .iov_len = sizeof(packet) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *rights;

	memcpy(packet, &request->message, sizeof(request->message));
	if (request->fd >= 0) {
		memset(&control, 0, sizeof(control));
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &request->fd, sizeof(int));
	}
	return sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void send_queued(struct b2b_guard_link *link)
{
	struct request *request;
	int r;

	for (request = link->requests; request; request = request->next) {
		if (request->sent)
			continue;
		r = send_request(link->fd, request);
		if (r < 0) {
			if (r != -EAGAIN && r != -EINTR && r != -EPIPE && r != -ECONNRESET)
				b2b_log(LOG_ERR, "guard: a message could not be sent: %s", strerror(-r));
			/* a guard that is gone is noticed by reading */
			b2b_io_events(link->io, POLLIN | POLLOUT);
			return;
		}
		request->sent = true;
		if (request->fd >= 0)
			close(request->fd);
		request->fd = -1;
	}
	b2b_io_events(link->io, POLLIN);
}

static bool is_last(const struct b2b_guard_message *answer, const struct request *request)
{
	return request->message.type != B2B_GUARD_END || answer->left == 0;
}

static void answered(struct b2b_guard_link *link, const struct b2b_guard_message *answer)
{
	struct request **at, *request;
	void (*done)(void *arg, const struct b2b_guard_message *answer);
	void *arg;

	for (at = &link->requests; *at; at = &(*at)->next) {
		if ((*at)->message.serial == answer->serial && (*at)->sent)
			break;
	}
	request = *at;
	if (!request)
		return;
	done = request->done;
	arg = request->arg;
	if (is_last(answer, request)) {
		*at = request->next;
		request_free(request);
	}
	if (done)
		done(arg, answer);
}

/* One message a turn: what is called back may send, or stop everything. */
static void receive(struct b2b_guard_link *link)
{
	char packet[B2B_GUARD_PACKET + 1];
	struct b2b_guard_message message;
	ssize_t n = recv(link->fd, packet, sizeof(packet), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		b2b_io_remove(link->io);
		link->io = NULL;
		link->gone(link->arg);
		return;
	}
	if (n != B2B_GUARD_PACKET) {
		b2b_log(LOG_ERR, "guard: a message of %zd bytes was dropped", n);
		return;
	}
	memcpy(&message, packet, sizeof(message));
	if (message.type == B2B_GUARD_RELOAD)
		link->reload(link->arg);
	else if (message.type == B2B_GUARD_DONE)
		answered(link, &message);
}

static void ready(void *arg, short revents)
{
	struct b2b_guard_link *link = arg;

	if (revents & POLLOUT)
		send_queued(link);
	if (revents & (POLLIN | POLLHUP | POLLERR))
		receive(link);
}

int b2b_guard_link_new(struct b2b_loop *loop, int fd, void (*gone)(void *arg), void (*reload)(void *arg), void *arg,
                       struct b2b_guard_link **ret_link)
{
	struct b2b_guard_link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return -ENOMEM;
	link->gone = gone;
	link->reload = reload;
	link->arg = arg;
	/* A reload makes a new link over the same socket: a late answer to its predecessor must not match a new request. */
	link->serial = (uint32_t)(b2b_now_ns() >> 10);
	r = b2b_io_add(loop, fd, POLLIN, ready, link, &link->io);
	if (r < 0) {
		free(link);
		return r;
	}
	link->fd = fd;
	*ret_link = link;
	return 0;
}

void b2b_guard_link_free(struct b2b_guard_link *link)
{
	struct request *request;

	if (!link)
		return;
	while ((request = link->requests)) {
		link->requests = request->next;
		request_free(request);
	}
	b2b_io_remove(link->io);
	close(link->fd);
	free(link);
}

/* Behind everything sent and everything as urgent: an end does not wait for snapshots. */
static void enqueue(struct b2b_guard_link *link, struct request *request)
{
	struct request **at;

	for (at = &link->requests; *at; at = &(*at)->next) {
		if (request->message.type == B2B_GUARD_END && !(*at)->sent && (*at)->message.type == B2B_GUARD_INSTALL)
			break;
	}
	request->next = *at;
	*at = request;
}

int b2b_guard_send(struct b2b_guard_link *link, const struct b2b_guard_message *message, int fd,
                   void (*done)(void *arg, const struct b2b_guard_message *answer), void *arg)
{
	struct request *request;

	request = calloc(1, sizeof(*request));
	if (!request)
		return -ENOMEM;
	request->message = *message;
	request->message.serial = ++link->serial;
	request->done = done;
	request->arg = arg;
	request->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0 && request->fd < 0) {
		free(request);
		return -ENOMEM;
	}
	enqueue(link, request);
	if (link->io)
		send_queued(link);
	return 0;
}
