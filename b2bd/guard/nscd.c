#include "b2bd/guard/nscd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "b2bd/sandbox.h"
#include "common/clock.h"
#include "common/log.h"

#define ANSWER_NS B2B_NS_PER_S /* for both databases */
#define ONCE_MORE_MS 1000
#define HUNG_MS 2000
#define DIED_MS 1000

/* nscd-client.h of glibc */
#define NSCD_VERSION 2
#define NSCD_INVALIDATE 10

struct nscd_request {
	int32_t version, type, key_len;
};

struct b2b_nscd {
	int fd;
	pid_t child;
};

static int open_daemon(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* With its queue full it is as good as hung: EAGAIN. */
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int take_answer(int fd, uint64_t deadline_ns)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int32_t answer = 0;
	int n;

	do
		n = poll(&wait, 1, b2b_ms_left(deadline_ns));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return -ETIMEDOUT;
	if (n < 0 || recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) != (ssize_t)sizeof(answer))
		return -EPROTO;
	return answer == 0 ? 0 : -EPROTO; /* positive: it does not know such a database, or refuses */
}

static int invalidate(const char *path, const char *database, uint64_t deadline_ns)
{
	struct nscd_request request = { NSCD_VERSION, NSCD_INVALIDATE, (int32_t)strlen(database) + 1 };
	char packet[sizeof(request) + 16];
	size_t size = sizeof(request) + (size_t)request.key_len;
	int fd = open_daemon(path), r;

	if (fd < 0)
		return fd;
	memcpy(packet, &request, sizeof(request));
	memcpy(packet + sizeof(request), database, (size_t)request.key_len);
	r = send(fd, packet, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size ? take_answer(fd, deadline_ns) : -EPROTO;
	close(fd);
	return r;
}

/* Returns 0, also where there is no daemon, or a negative errno: it was not told. */
static int tell(const char *path)
{
	uint64_t deadline_ns = b2b_now_ns() + ANSWER_NS;
	int r = invalidate(path, "passwd", deadline_ns), s = invalidate(path, "group", deadline_ns);

	r = r < 0 ? r : s; /* initgroups is kept with group */
	return r == -ENOENT || r == -ECONNREFUSED ? 0 : r;
}

/* Everything that was asked for meanwhile is one request. False: whoever asks is gone. */
static bool drain(int fd)
{
	char asked[64];
	ssize_t n;

	do
		n = read(fd, asked, sizeof(asked));
	while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 && errno == EAGAIN;
}

/* AGAIN: another has died, perhaps over a request that it had taken. */
_Noreturn static void serve(const char *path, int fd, bool again)
{
	struct pollfd asked = { .fd = fd, .events = POLLIN };
	int pause_ms = again ? 0 : -1, before = 0;

	for (;;) {
		int n = poll(&asked, 1, pause_ms), r;

		if (n < 0)
			continue;
		if (n > 0 && !drain(fd))
			_exit(0);
		r = tell(path);
		if (r < 0 && before == 0)
			b2b_log(LOG_ERR, "event=nscd-not-told error=\"%s\"; it may show revoked people as they were; tried again until it is", strerror(-r));
		before = r;
		pause_ms = r < 0 ? HUNG_MS : n > 0 ? ONCE_MORE_MS : -1;
	}
}

static bool keep_only(int fd)
{
	return fd == STDERR_FILENO + 1 || close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0) == 0;
}

/* How the child ended: 0 whoever asks is gone, -1 there was none, else as wait() has it. */
static int serve_in_child(const char *path, int fd, bool again)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0)
		serve(path, fd, again);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Of all that the guard has, only the log and the pipe are left. */
_Noreturn static void run(const char *path, int fd)
{
	struct pollfd gone = { .fd = fd };
	bool again = false;

	signal(SIGPIPE, SIG_IGN);
	if (!keep_only(fd) || close_range((unsigned)fd + 1, ~0u, 0) < 0 || b2b_sandbox_nscd() < 0)
		_exit(1);
	/* What is asked meanwhile stays in the pipe. */
	for (int status; (status = serve_in_child(path, fd, again)) != 0; again = true) {
		b2b_log(LOG_ERR, "event=process-died process=nscd status=%d; it is started again", status);
		if (poll(&gone, 1, DIED_MS) > 0)
			break;
	}
	_exit(0);
}

int b2b_nscd_start(const char *path, struct b2b_nscd **ret_nscd)
{
	struct b2b_nscd *nscd = calloc(1, sizeof(*nscd));
	int ends[2], r;

	if (!nscd)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = -errno;
		free(nscd);
		return r;
	}
	nscd->fd = ends[1];
	nscd->child = fork();
	if (nscd->child == 0) {
		free(nscd);
		run(path, ends[0]);
	}
	r = nscd->child < 0 ? -errno : 0;
	close(ends[0]);
	if (r < 0) {
		close(ends[1]);
		free(nscd);
		return r;
	}
	*ret_nscd = nscd;
	return 0;
}

void b2b_nscd_free(struct b2b_nscd *nscd)
{
	if (!nscd)
		return;
	if (nscd->fd >= 0)
		close(nscd->fd);
	while (waitpid(nscd->child, NULL, 0) < 0 && errno == EINTR)
		;
	free(nscd);
}

void b2b_nscd_forget(struct b2b_nscd *nscd)
{
	if (!nscd || nscd->fd < 0)
		return;
	/* A full pipe says already what this would. */
	if (write(nscd->fd, "", 1) == 1 || errno == EAGAIN || errno == EINTR)
		return;
	b2b_log(LOG_ERR, "event=nscd-not-told error=\"%s\"; restart b2bd, and nscd where it runs", strerror(errno));
	close(nscd->fd);
	nscd->fd = -1;
}
