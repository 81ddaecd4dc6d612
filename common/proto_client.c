/* The asking end: for modules inside other people's processes, so no allocation, no signal, no wait past the deadline. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/proto.h"

/* Only root can have put the socket there. */
static int check_directory(void)
{
	struct stat st;

	if (lstat(B2B_RUN_DIR, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH)) ? 0 : -EPERM;
}

static int wait_for(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&poll_fd, 1, b2b_ms_left(deadline_ns));
	} while (n < 0 && errno == EINTR && b2b_ms_left(deadline_ns) > 0);
	if (n < 0)
		return errno == EINTR ? -ETIMEDOUT : -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

/* A unix socket connects at once, or says EAGAIN while the agent's queue is full: then once more, until the deadline. */
static int connect_before(int fd, const struct sockaddr_un *address, uint64_t deadline_ns)
{
	struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };

	while (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (b2b_ms_left(deadline_ns) == 0)
			return -ETIMEDOUT;
		ppoll(NULL, 0, &pause, NULL);
	}
	return 0;
}

int b2b_agent_connect(uint64_t deadline_ns)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = B2B_SOCKET_PATH };
	int fd, r = check_directory();

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect_before(fd, &address, deadline_ns);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int b2b_agent_send(int fd, uint16_t type, const void *body, uint64_t deadline_ns)
{
	struct b2b_packet_head head = { .version = B2B_PROTO_VERSION, .type = type, .length = b2b_body_size(type) };
	struct iovec parts[2] = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, head.length } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	int r;

	if (!head.length)
		return -EINVAL;
	while (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
		r = wait_for(fd, POLLOUT, deadline_ns);
		if (r < 0)
			return r;
	}
	return 0;
}

static ssize_t receive_packet(int fd, void *buf, size_t size, uint64_t deadline_ns)
{
	ssize_t n;
	int r;

	for (;;) {
		n = recv(fd, buf, size, MSG_DONTWAIT);
		if (n > 0)
			return n;
		if (n == 0 || errno == ECONNRESET)
			return -EPIPE;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = wait_for(fd, POLLIN, deadline_ns);
		if (r < 0)
			return r;
	}
}

int b2b_agent_receive(int fd, uint16_t type, uint16_t *ret_type, void *body, size_t size, uint64_t deadline_ns)
{
	union {
		struct b2b_packet_head head;
		uint64_t align;
		unsigned char bytes[B2B_PACKET_MAX + 1]; /* one more, so that a longer packet is not mistaken for a whole one */
	} in;
	ssize_t n = receive_packet(fd, in.bytes, sizeof(in.bytes), deadline_ns);
	int r = 0;

	if (n < 0)
		return (int)n;
	if (b2b_packet_check(in.bytes, (size_t)n) < 0 || in.head.length > size || (!ret_type && in.head.type != type)) {
		r = -EBADMSG;
	} else {
		memcpy(body, in.bytes + sizeof(in.head), in.head.length);
		if (ret_type)
			*ret_type = in.head.type;
	}
	explicit_bzero(in.bytes, (size_t)n); /* tickets travel here */
	return r;
}
