/* A guard in a process of its own inside the world, spoken to as the agent does; and people's processes for it to end. */
#ifndef TEST_GUARD_HARNESS_H
#define TEST_GUARD_HARNESS_H

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "b2bd/guard/end.h"
#include "b2bd/guard/guard.h"
#include "common/org_dir.h"
#include "tests/unit/test_guard_world.h"

#define ALICE (ACME_LO + 1)
#define BOB (EMEA_LO + 1)
#define ERIN (GLOBEX_LO + 1)
#define TEXT "Your access has ended; ask your organisation's administrator."

static struct b2b_policy *policy;
static struct b2b_live *lives[WORLD_ORGS];
static int agent_fd = -1, order_fd = -1;
static pid_t guard_pid;
static uint32_t serial;

static inline void give_agent(int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	uint32_t what = B2B_ORDER_AGENT;
	struct iovec part = { .iov_base = &what, .iov_len = sizeof(what) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	assert_true(sendmsg(order_fd, &header, MSG_NOSIGNAL) > 0);
}

static inline int start_guard(void **state)
{
	int orders[2], ends[2];

	(void)state;
	assert_true(world_inside);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, orders), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	guard_pid = fork();
	if (guard_pid == 0) {
		struct b2b_guard_setup setup = { .cache_dir = WORLD_CACHE, .policy = policy, .lives = lives, .own = getpid(), .order_fd = orders[1] };

		close(orders[0]);
		close(ends[0]);
		close(ends[1]);
		_exit(b2b_guard_run(&setup) == 0 ? 0 : 1);
	}
	close(orders[1]);
	order_fd = orders[0];
	agent_fd = ends[0];
	give_agent(ends[1]);
	close(ends[1]);
	return 0;
}

/* The guard stops when its orders end; then nothing of this world is left but its first process and this one. */
static inline int stop_guard(void **state)
{
	int status = -1;

	(void)state;
	close(order_fd);
	close(agent_fd);
	waitpid(guard_pid, &status, 0);
	assert_true(world_inside);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	for (int i = 0; i < WORLD_ORGS; i++)
		b2b_live_store_org(lives[i], B2B_LIVE_OPEN, false);
	b2b_live_store(lives[ACME], ALICE, B2B_LIVE_OPEN, false);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return 0;
}

static void make_world(void)
{
	world_enter();
	policy = world_policy();
	for (int i = 0; i < WORLD_ORGS; i++) {
		if (b2b_org_dir_create(WORLD_CACHE, policy, i) < 0 || b2b_live_create(WORLD_CACHE, policy, i, &lives[i]) < 0) {
			puts("FAIL world: no live files");
			exit(1);
		}
		b2b_live_store_org(lives[i], B2B_LIVE_OPEN, false);
	}
	b2b_live_store(lives[ACME], ALICE, B2B_LIVE_OPEN, false);
	b2b_live_store(lives[EMEA], BOB, B2B_LIVE_OPEN, false);
	b2b_live_store(lives[GLOBEX], ERIN, B2B_LIVE_OPEN, false);
}

static void drop_world(void)
{
	for (int i = 0; i < WORLD_ORGS; i++)
		b2b_live_unmap(lives[i]);
	free(policy->orgs);
	free(policy);
}

static inline void send_message(struct b2b_guard_message *message, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	char packet[B2B_GUARD_PACKET] = { 0 };
	struct iovec part = { .iov_base = packet, .iov_len = sizeof(packet) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	message->serial = ++serial;
	memcpy(packet, message, sizeof(*message));
	if (fd >= 0) {
		struct cmsghdr *c;

		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	assert_true(sendmsg(agent_fd, &header, MSG_NOSIGNAL) > 0);
}

static inline struct b2b_guard_message take_answer(int timeout_ms)
{
	struct pollfd fd = { .fd = agent_fd, .events = POLLIN };
	char packet[B2B_GUARD_PACKET];
	struct b2b_guard_message answer;

	assert_int_equal(poll(&fd, 1, timeout_ms), 1);
	assert_int_equal(recv(agent_fd, packet, sizeof(packet), 0), B2B_GUARD_PACKET);
	memcpy(&answer, packet, sizeof(answer));
	assert_int_equal(answer.type, B2B_GUARD_DONE);
	return answer;
}

static inline struct b2b_guard_message end_message(uint32_t scope, int org, uint32_t uid)
{
	return (struct b2b_guard_message){ .type = B2B_GUARD_END, .scope = scope, .org = org, .uid = uid, .message = TEXT,
		                           .audit_id = "00000000deadbeef" };
}

static inline struct b2b_guard_message ask_end(uint32_t scope, int org, uint32_t uid)
{
	struct b2b_guard_message message = end_message(scope, org, uid), answer;

	send_message(&message, -1);
	answer = take_answer(10000);
	assert_int_equal(answer.serial, serial);
	return answer;
}

static inline double ms(uint64_t from_ns, uint64_t to_ns)
{
	return (double)(to_ns - from_ns) / 1e6;
}

/* People's processes. Each tells its pid through a pipe once it is what it shall be. */

static inline void ready(int out)
{
	pid_t self = getpid();

	if (write(out, &self, sizeof(self)) != (ssize_t)sizeof(self))
		_exit(96);
}

static inline void sleep_for_ever(void)
{
	for (;;)
		pause();
}

/* Run BE in a child with a pipe; the pid that comes through it first. */
static inline pid_t spawn(void (*be)(uint32_t uid, int out), uint32_t uid)
{
	int ends[2];
	pid_t child, told = -1;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		close(agent_fd);
		close(order_fd);
		be(uid, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &told, sizeof(told)), sizeof(told));
	close(ends[0]);
	return told;
}

static inline void plain(uint32_t uid, int out)
{
	world_become(uid);
	ready(out);
	sleep_for_ever();
}

/* nohup, setsid, twice forked: nobody's child and in nobody's session. */
static inline void detached(uint32_t uid, int out)
{
	world_become(uid);
	if (fork() != 0)
		_exit(0);
	setsid();
	if (fork() != 0)
		_exit(0);
	ready(out);
	sleep_for_ever();
}

#endif
