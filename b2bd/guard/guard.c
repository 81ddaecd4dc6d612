#include "b2bd/guard/guard.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "b2bd/guard/end.h"
#include "b2bd/guard/install.h"
#include "b2bd/guard/linger.h"
#include "b2bd/guard/message.h"
#include "b2bd/guard/warn.h"
#include "common/clock.h"
#include "common/index.h"
#include "common/log.h"
#include "common/session_record.h"

#define BURST 64 /* messages before ENDs get their turn again */
#define ANSWERS_MAX 16384

struct answer {
	struct answer *next;
	struct b2b_guard_message message;
};

struct guard {
	const struct b2b_guard_setup *setup;
	const struct b2b_policy *policy; /* setup's, or one that was read since; those stay for the jobs that use them */
	struct b2b_ends *ends;
	struct b2b_warnings *warnings;
	struct b2b_installer *installer;
	struct b2b_cache *cache;         /* names of those who linger */
	int agent_fd, inotify_fd;
	struct answer *first, **last;    /* not taken by the agent yet */
	size_t n_answers;
	bool stop;
};

static void drop_answers(struct guard *guard)
{
	while (guard->first) {
		struct answer *answer = guard->first;

		guard->first = answer->next;
		free(answer);
	}
	guard->last = &guard->first;
	guard->n_answers = 0;
}

static void drop_agent(struct guard *guard)
{
	if (guard->agent_fd >= 0)
		close(guard->agent_fd);
	guard->agent_fd = -1;
	drop_answers(guard);
	b2b_ends_forget(guard->ends);
	b2b_installer_forget(guard->installer);
}

/* One packet. Returns 0, -EAGAIN, or what closes the connection. */
static int send_packet(int fd, const struct b2b_guard_message *message)
{
	char packet[B2B_GUARD_PACKET] = { 0 };

	memcpy(packet, message, sizeof(*message));
	if (send(fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno == EINTR || errno == ENOBUFS ? -EAGAIN : -errno;
	return 0;
}

static void flush(struct guard *guard)
{
	while (guard->first && guard->agent_fd >= 0) {
		struct answer *answer = guard->first;
		int r = send_packet(guard->agent_fd, &answer->message);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			drop_agent(guard);
			return;
		}
		guard->first = answer->next;
		if (!guard->first)
			guard->last = &guard->first;
		guard->n_answers--;
		free(answer);
	}
}

static void say(void *arg, const struct b2b_guard_message *message)
{
	struct guard *guard = arg;
	struct answer *answer;

	if (guard->agent_fd < 0)
		return;
	answer = guard->n_answers < ANSWERS_MAX ? calloc(1, sizeof(*answer)) : NULL;
	if (!answer) {
		/* It does not listen, or there is no memory: a new agent resumes what is pending. */
		b2b_log(LOG_ERR, "event=agent-dropped reason=answers-not-taken");
		drop_agent(guard);
		return;
	}
	answer->message = *message;
	*guard->last = answer;
	guard->last = &answer->next;
	guard->n_answers++;
}

static void end_lingering(struct guard *guard)
{
	const struct b2b_scope closed = { .policy = guard->policy, .lives = guard->setup->lives };

	b2b_linger_end(B2B_LINGER_DIR, &closed, guard->cache);
}

/* An END is over: what a caching daemon kept of it meanwhile is old. */
static void ended(void *arg, const struct b2b_guard_message *message)
{
	struct guard *guard = arg;

	b2b_nscd_forget(guard->setup->nscd);
	end_lingering(guard);
	say(guard, message);
}

/* Is the next that the agent says an END? */
static bool end_waits(const struct guard *guard)
{
	struct b2b_guard_message message;

	return guard->agent_fd >= 0 && recv(guard->agent_fd, &message, sizeof(message), MSG_PEEK | MSG_DONTWAIT) == (ssize_t)sizeof(message) &&
	       message.type == B2B_GUARD_END;
}

static void refuse(struct guard *guard, const struct b2b_guard_message *message, int error)
{
	struct b2b_guard_message done = { .type = B2B_GUARD_DONE, .serial = message->serial, .result = error };

	b2b_log(LOG_ERR, "event=agent-refused type=%u error=\"%s\"", message->type, strerror(-error));
	say(guard, &done);
}

static void installed(void *arg, uint32_t serial, int result, uint64_t generation)
{
	struct b2b_guard_message done = { .type = B2B_GUARD_DONE, .serial = serial, .result = result, .generation = generation };

	if (result < 0)
		b2b_log(LOG_ERR, "event=install-failed error=\"%s\"", strerror(-result));
	say(arg, &done);
}

static void handle(struct guard *guard, const void *packet, size_t size, int fd)
{
	struct b2b_guard_message message = { 0 };
	int r = b2b_guard_message_check(packet, size, fd >= 0, guard->policy, &message);

	if (r == 0 && message.type == B2B_GUARD_INSTALL) {
		r = b2b_installer_add(guard->installer, guard->policy, message.serial, message.org, fd);
		fd = -1; /* the installer's */
	} else if (r == 0 && message.type == B2B_GUARD_TELL) {
		r = b2b_warnings_add(guard->warnings, &message);
	} else if (r == 0) {
		b2b_nscd_forget(guard->setup->nscd); /* the words are closed already */
		end_lingering(guard);
		r = b2b_ends_add(guard->ends, &message);
	}
	if (r < 0)
		refuse(guard, &message, r);
	if (fd >= 0)
		close(fd);
}

/* Every descriptor of the packet: the first into *ret_fd, more are closed and make the packet wrong. */
static int take_fds(struct msghdr *header, int *ret_fd)
{
	int n = 0;

	*ret_fd = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (n++ == 0)
				*ret_fd = fd;
			else
				close(fd);
		}
	}
	return n;
}

/* Returns the packet's size, -EAGAIN, or 0 or another negative errno where the other side is gone. */
static ssize_t receive(int fd, void *packet, size_t size, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec part = { .iov_base = packet, .iov_len = size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	ssize_t got;
	int n;

	got = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	n = take_fds(&header, ret_fd);
	if (n > 1 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		if (*ret_fd >= 0)
			close(*ret_fd);
		*ret_fd = -1;
		return got > 1 ? 1 : got; /* a size that no message has */
	}
	return got;
}

/* Was there a message? */
static bool serve_one(struct guard *guard)
{
	_Alignas(8) char packet[B2B_GUARD_PACKET];
	int fd = -1;
	ssize_t got = receive(guard->agent_fd, packet, sizeof(packet), &fd);

	if (got == -EAGAIN)
		return false;
	if (got <= 0) {
		drop_agent(guard);
		return false;
	}
	handle(guard, packet, (size_t)got, fd);
	return true;
}

static void serve_agent(struct guard *guard)
{
	for (int i = 0; i < BURST && guard->agent_fd >= 0 && serve_one(guard); i++)
		;
}

static bool hear(void *arg)
{
	struct guard *guard = arg;
	int n = 0;

	while (n < BURST && end_waits(guard) && serve_one(guard))
		n++;
	return n > 0;
}

static bool same_org(const struct b2b_policy_org *a, const struct b2b_policy_org *b)
{
	return strcmp(a->id, b->id) == 0 && strcmp(a->alias, b->alias) == 0 && a->parent == b->parent && a->range_lo == b->range_lo &&
	       a->range_hi == b->range_hi;
}

bool b2b_guard_same_slots(const struct b2b_policy *a, const struct b2b_policy *b)
{
	if (a->n_orgs != b->n_orgs || a->visibility != b->visibility || a->partners_gid != b->partners_gid)
		return false;
	for (uint32_t i = 0; i < a->n_orgs; i++) {
		if (!same_org(&a->orgs[i], &b->orgs[i]))
			return false;
	}
	return true;
}

/* The former policy is not freed: an install that waits may point to it, and this is rare. */
static void read_policy(struct guard *guard)
{
	struct b2b_policy *policy = NULL;
	int r = b2b_index_read(guard->setup->cache_dir, &policy);

	if (r == 0 && b2b_guard_same_slots(guard->policy, policy)) {
		guard->policy = policy;
		b2b_ends_policy(guard->ends, policy);
		b2b_warnings_policy(guard->warnings, policy);
	} else {
		b2b_log(LOG_ERR, "event=reload-failed error=\"%s\"", r < 0 ? strerror(-r) : "other organisations");
		b2b_policy_free(policy);
	}
}

static void serve_orders(struct guard *guard)
{
	const struct b2b_guard_message reload = { .type = B2B_GUARD_RELOAD };
	uint32_t order = 0;
	int fd = -1;
	ssize_t got = receive(guard->setup->order_fd, &order, sizeof(order), &fd);

	if (got == -EAGAIN)
		return;
	if (got <= 0) {
		guard->stop = true;
	} else if (got == (ssize_t)sizeof(order) && order == B2B_ORDER_AGENT && fd >= 0) {
		drop_agent(guard);
		guard->agent_fd = fd;
		fd = -1;
	} else if (got == (ssize_t)sizeof(order) && order == B2B_ORDER_RELOAD) {
		say(guard, &reload);
	} else if (got == (ssize_t)sizeof(order) && order == B2B_ORDER_POLICY) {
		read_policy(guard);
	}
	if (fd >= 0)
		close(fd);
}

static void serve_registry(struct guard *guard)
{
	_Alignas(struct inotify_event) char events[4096];

	while (read(guard->inotify_fd, events, sizeof(events)) > 0)
		; /* which ones does not matter: all are read again */
	b2b_ends_registered(guard->ends);
}

static void turn(struct guard *guard)
{
	enum { ORDERS, AGENT, REGISTRY, ENDS, INSTALLER, N };
	uint64_t due_ns = b2b_ends_due(guard->ends);
	struct pollfd fds[N] = {
		[ORDERS] = { .fd = guard->setup->order_fd, .events = POLLIN },
		[AGENT] = { .fd = guard->agent_fd, .events = (short)(POLLIN | (guard->first ? POLLOUT : 0)) },
		[REGISTRY] = { .fd = guard->inotify_fd, .events = POLLIN },
		[ENDS] = { .fd = b2b_ends_fd(guard->ends), .events = POLLIN },
		[INSTALLER] = { .fd = b2b_installer_fd(guard->installer), .events = POLLIN },
	};

	if (poll(fds, N, due_ns == UINT64_MAX ? -1 : b2b_ms_left(due_ns)) < 0)
		return;
	if (fds[ORDERS].revents)
		serve_orders(guard);
	if (fds[AGENT].revents && fds[AGENT].fd == guard->agent_fd)
		serve_agent(guard);
	if (fds[REGISTRY].revents)
		serve_registry(guard);
	if (fds[INSTALLER].revents) {
		b2b_installer_ready(guard->installer);
		b2b_nscd_forget(guard->setup->nscd);
	}
	b2b_ends_run(guard->ends);
	b2b_warnings_run(guard->warnings);
	flush(guard);
}

static int prepare(struct guard *guard)
{
	struct b2b_ends_setup ends = { .policy = guard->policy, .lives = guard->setup->lives, .own = guard->setup->own, .answer = ended, .hear = hear, .arg = guard };
	struct b2b_ends_setup warnings = ends;
	int r;

	warnings.answer = say;
	r = b2b_ends_new(&ends, &guard->ends);
	if (r == 0)
		r = b2b_warnings_new(&warnings, &guard->warnings);
	if (r == 0)
		r = b2b_cache_new(guard->setup->cache_dir, &guard->cache);
	if (r == 0)
		r = b2b_installer_new(guard->setup->cache_dir, guard->setup->lives, installed, guard, &guard->installer);
	if (r < 0)
		return r;
	guard->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* Without it the periodic look still finds what registers late. */
	if (guard->inotify_fd < 0 || inotify_add_watch(guard->inotify_fd, B2B_SESSION_DIR, IN_MOVED_TO | IN_ONLYDIR) < 0)
		b2b_log(LOG_WARNING, "event=registry-not-watched error=\"%s\"", strerror(errno));
	return 0;
}

int b2b_guard_run(const struct b2b_guard_setup *setup)
{
	struct guard guard = { .setup = setup, .policy = setup->policy, .agent_fd = -1, .inotify_fd = -1 };
	int r;

	guard.last = &guard.first;
	r = prepare(&guard);
	if (r < 0)
		goto out;
	end_lingering(&guard);
	b2b_nscd_forget(setup->nscd); /* of what happened while there was no guard */
	while (!guard.stop)
		turn(&guard);
	drop_agent(&guard);
out:
	if (guard.inotify_fd >= 0)
		close(guard.inotify_fd);
	b2b_installer_free(guard.installer);
	b2b_cache_free(guard.cache);
	b2b_warnings_free(guard.warnings);
	b2b_ends_free(guard.ends);
	return r;
}
