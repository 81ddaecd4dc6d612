/*
 * An agent that was taken over, as test_taken_over.c plays it: in the shipped sandbox, with the guard's socket and the live
 * mappings in its hands. What it does is told by a plan in memory shared with the test, what came of it too.
 */
#ifndef TAKEN_OVER_AGENT_H
#define TAKEN_OVER_AGENT_H

#include <sys/mman.h>
#include <sys/ptrace.h>

#include "b2bd/guard/supervise.h"
#include "common/live_map.h"
#include "common/snapshot.h"
#include "tests/unit/taken_over_readers.h"

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define STRANGERS 7  /* no partners: whatever the agent does, they live */
#define BYSTANDERS 9 /* and erin, and a process of root's that leads a session of hers: while nobody says her name */
#define SNAPSHOT_PLAIN_MAX 4096
#define ATTEMPTS_MAX 96

enum plan { PLAN_WAIT, PLAN_MESSAGES, PLAN_SESSIONS, PLAN_SNAPSHOTS, PLAN_FLIPS, PLAN_FIELDS, PLAN_FLOOD, PLAN_STORES, PLAN_FILES, PLAN_BEHAVE };

struct attempt {
	char name[32];
	int error; /* 0: it was done */
};

struct agent_shared {
	_Atomic uint32_t plan;      /* the test's wish */
	_Atomic uint32_t over;      /* the last plan that was done */
	uint64_t count;             /* how much of it */
	pid_t bystanders[BYSTANDERS];
	uint32_t uids[BYSTANDERS];
	uint64_t ticks[BYSTANDERS];
	pid_t guard;
	/* what came of it */
	uint32_t refused, accepted, silent;
	uint32_t unread; /* accepted, and not looked at by every reader */
	struct attempt attempts[ATTEMPTS_MAX];
	uint32_t n_attempts;
	int32_t installed, ended;
};

static struct agent_shared *shared;
static uint32_t dice_state = 1;

static inline uint32_t dice(uint32_t sides)
{
	dice_state = dice_state * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)(dice_state >> 1) * sides) >> 31);
}

/* ---- messages ---- */

static inline bool say_raw(int guard_fd, const void *packet, size_t size, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec part = { .iov_base = (void *)(uintptr_t)packet, .iov_len = size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	struct pollfd room = { .fd = guard_fd, .events = POLLOUT };

	if (n_fds > 0) {
		struct cmsghdr *c;

		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	while (sendmsg(guard_fd, &header, MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return false;
		poll(&room, 1, 100);
	}
	return true;
}

/* The answer to the message with SERIAL: 0, a negative errno, or 1 where none came within a while. Others are passed over. */
static inline int hear(int guard_fd, uint32_t wanted)
{
	uint64_t until = b2b_now_ns() + 5 * B2B_NS_PER_S;
	struct b2b_guard_message answer;
	char packet[B2B_GUARD_PACKET];

	while (b2b_now_ns() < until) {
		struct pollfd fd = { .fd = guard_fd, .events = POLLIN };

		poll(&fd, 1, 100);
		if (recv(guard_fd, packet, sizeof(packet), MSG_DONTWAIT) != B2B_GUARD_PACKET)
			continue;
		memcpy(&answer, packet, sizeof(answer));
		if (answer.serial == wanted)
			return answer.result;
	}
	return 1;
}

static inline int tell_guard(int guard_fd, struct b2b_guard_message *message, const int *fds, size_t n_fds)
{
	char packet[B2B_GUARD_PACKET] = { 0 };

	message->serial = ++serial;
	memcpy(packet, message, sizeof(*message));
	if (!say_raw(guard_fd, packet, sizeof(packet), fds, n_fds))
		return 1;
	return hear(guard_fd, message->serial);
}

static inline void count_answer(int result)
{
	if (result < 0)
		shared->refused++;
	else if (result == 0)
		shared->accepted++;
	else
		shared->silent++;
}

/* Every ENDs of somebody who is no partner of the organisation that is named, and messages that are none. All are to be refused. */
static inline void wrong_messages(int guard_fd)
{
	static const int32_t no_orgs[] = { -1, WORLD_ORGS, INT32_MAX, INT32_MIN };
	struct b2b_guard_message message;

	for (int org = 0; org < WORLD_ORGS; org++)
		for (int i = 0; i < BYSTANDERS; i++) {
			message = end_message(B2B_SCOPE_USER, org, shared->uids[i]);
			if (org == GLOBEX && shared->uids[i] == ERIN)
				continue; /* hers: any agent may end her */
			count_answer(tell_guard(guard_fd, &message, NULL, 0));
			message = end_message(B2B_SCOPE_SESSION, org, shared->uids[i]);
			message.pid = shared->bystanders[i];
			message.start_ticks = shared->ticks[i];
			count_answer(tell_guard(guard_fd, &message, NULL, 0));
		}
	for (size_t i = 0; i < sizeof(no_orgs) / sizeof(*no_orgs); i++)
		for (uint32_t scope = 0; scope < 6; scope++) {
			message = end_message(scope, no_orgs[i], ALICE);
			count_answer(tell_guard(guard_fd, &message, NULL, 0));
		}
	for (uint32_t type = 0; type < 80; type++) {
		message = end_message(B2B_SCOPE_USER, ACME, ALICE);
		message.type = type == B2B_GUARD_END ? 1000 : type; /* an install too: without a descriptor */
		count_answer(tell_guard(guard_fd, &message, NULL, 0));
	}
	message = end_message(B2B_SCOPE_USER, ACME, ALICE);
	memset(message.message, 'x', sizeof(message.message));
	count_answer(tell_guard(guard_fd, &message, NULL, 0));
	message = end_message(B2B_SCOPE_USER, ACME, ALICE);
	memset(message.audit_id, 'x', sizeof(message.audit_id));
	count_answer(tell_guard(guard_fd, &message, NULL, 0));
}

/* A session of alice's, says the agent: the leader is somebody else, or nobody. Accepted, and nothing is found that is hers. */
static inline void wrong_sessions(int guard_fd)
{
	for (int i = 0; i < BYSTANDERS; i++)
		for (int delta = -1; delta <= 1; delta++) {
			struct b2b_guard_message message = end_message(B2B_SCOPE_SESSION, ACME, ALICE);

			message.pid = shared->bystanders[i];
			message.start_ticks = shared->ticks[i] + (uint64_t)delta;
			count_answer(tell_guard(guard_fd, &message, NULL, 0));
		}
}

/* Whatever length, whatever bytes; where they happen to make an END it is never one of globex, whose people must be alive at the end. */
static inline void flood(int guard_fd, uint64_t count)
{
	static const uint32_t scopes[] = { B2B_SCOPE_USER, B2B_SCOPE_ORG, B2B_SCOPE_SESSION, 0, 4, UINT32_MAX };
	_Alignas(8) char packet[2 * B2B_GUARD_PACKET];
	struct b2b_guard_message message;
	char heard[B2B_GUARD_PACKET];

	for (uint64_t i = 0; i < count; i++) {
		size_t size = dice(4) ? B2B_GUARD_PACKET : dice(sizeof(packet));
		uint32_t who = dice(BYSTANDERS);
		int fds[3] = { 0, 1, guard_fd };

		for (size_t at = 0; at < sizeof(packet); at++)
			packet[at] = (char)dice(256);
		memcpy(&message, packet, sizeof(message));
		message.type = dice(3) ? B2B_GUARD_END : dice(70);
		message.org = dice(3) ? (int32_t)dice(2) : (int32_t)(dice(UINT32_MAX) | 4);
		message.scope = scopes[dice(6)];
		message.uid = dice(2) ? shared->uids[who] : dice(UINT32_MAX);
		message.pid = dice(2) ? shared->bystanders[who] : (int32_t)dice(UINT32_MAX);
		message.start_ticks = dice(2) ? shared->ticks[who] : dice(UINT32_MAX);
		if (dice(2))
			message.message[sizeof(message.message) - 1] = message.audit_id[sizeof(message.audit_id) - 1] = '\0';
		memcpy(packet, &message, sizeof(message));
		if (!say_raw(guard_fd, packet, size, fds, dice(8) ? 0 : 1 + dice(3)))
			break;
		shared->accepted++;
		/* Deaf for long stretches, as a flood is. */
		while (i % 5000 > 4000 && recv(guard_fd, heard, sizeof(heard), MSG_DONTWAIT) > 0)
			;
	}
}

/* ---- snapshots ---- */

static inline int sealed(const void *bytes, size_t size, int seals)
{
	int fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || fcntl(fd, F_ADD_SEALS, seals) < 0)
		_exit(80);
	return fd;
}

/* A good one for ORG with GENERATION. */
static inline size_t good_snapshot(int org, uint64_t generation, unsigned char bytes[SNAPSHOT_PLAIN_MAX])
{
	static const struct {
		int org;
		uint32_t offset;
		const char *local;
	} people[] = { { ACME, 1, "alice" }, { ACME, 2, "carol" }, { EMEA, 1, "bob" }, { GLOBEX, 1, "erin" } };
	const uint32_t members[] = { ACME_LO + 1, ACME_LO + 2 };
	const struct b2b_snapshot_group group = { .local = "dba", .gid = ACME_LO + 100, .members = members, .n_members = 2 };
	struct b2b_snapshot_builder *builder = NULL;
	int fd = memfd_create("good", MFD_CLOEXEC);
	ssize_t size;

	if (fd < 0 || b2b_snapshot_new(policy, org, generation, &builder) < 0)
		_exit(81);
	for (size_t i = 0; i < sizeof(people) / sizeof(*people); i++) {
		const struct b2b_snapshot_user user = { .local = people[i].local, .gecos = "Somebody", .uid = policy->orgs[org].range_lo + people[i].offset, .roles = 1 };

		if (people[i].org == org && b2b_snapshot_add_user(builder, &user) < 0)
			_exit(82);
	}
	if (org == ACME && b2b_snapshot_add_group(builder, &group) < 0)
		_exit(83);
	if (b2b_snapshot_write(builder, fd) < 0 || (size = pread(fd, bytes, SNAPSHOT_PLAIN_MAX, 0)) <= 0)
		_exit(84);
	b2b_snapshot_free(builder);
	close(fd);
	return (size_t)size;
}

static inline int offer(int guard_fd, int org, const void *bytes, size_t size, int seals)
{
	struct b2b_guard_message message = { .type = B2B_GUARD_INSTALL, .org = org };
	int fd = sealed(bytes, size, seals), r = tell_guard(guard_fd, &message, &fd, 1);

	close(fd);
	return r;
}

/* One for ORG that is newer than what is there. */
static inline size_t next_snapshot(struct b2b_live *const *lives_here, int org, unsigned char bytes[SNAPSHOT_PLAIN_MAX])
{
	return good_snapshot(org, b2b_live_generation(lives_here[org]) + 1, bytes);
}

/* What is accepted stays until every reader has judged it. */
static inline void offer_changed(int guard_fd, int org, const void *bytes, size_t size)
{
	int r = offer(guard_fd, org, bytes, size, ALL_SEALS);

	count_answer(r);
	if (r == 0 && !readers_see())
		shared->unread++;
}

static inline void good_again(int guard_fd, struct b2b_live *const *lives_here)
{
	unsigned char bytes[SNAPSHOT_PLAIN_MAX];

	for (int org = 0; org < WORLD_ORGS; org++) {
		size_t size = next_snapshot(lives_here, org, bytes);

		count_answer(offer(guard_fd, org, bytes, size, ALL_SEALS));
	}
}

/* Each byte of a good one in turn, every STEP-th, of every organisation. */
static inline void flipped_snapshots(int guard_fd, struct b2b_live *const *lives_here, size_t step)
{
	static const unsigned char flips[] = { 0x01, 0x80, 0xff };
	unsigned char bytes[SNAPSHOT_PLAIN_MAX];

	for (int org = 0; org < WORLD_ORGS; org++) {
		size_t size = next_snapshot(lives_here, org, bytes);

		for (size_t at = 0; at < size * sizeof(flips); at += step) {
			size = next_snapshot(lives_here, org, bytes);
			bytes[at / sizeof(flips)] ^= flips[at % sizeof(flips)];
			offer_changed(guard_fd, org, bytes, size);
		}
	}
	good_again(guard_fd, lives_here);
}

/* What a field may be given: an end of its kind, its neighbour in number, what stands in another field, or anything. */
static inline uint32_t other_value(const uint32_t *words, size_t n, size_t at)
{
	static const uint32_t ends[] = { 0, 1, 8, UINT16_MAX, INT32_MAX, UINT32_MAX };

	switch (dice(4)) {
	case 0:
		return ends[dice(sizeof(ends) / sizeof(*ends))];
	case 1:
		return words[at] + (dice(2) ? 1 : UINT32_MAX);
	case 2:
		return words[dice((uint32_t)n)];
	default:
		return dice(UINT32_MAX);
	}
}

/* Two to four fields at once; now and then text alone, which no rule of the format is about. */
static inline void mix(unsigned char bytes[SNAPSHOT_PLAIN_MAX], size_t size)
{
	uint32_t *words = (uint32_t *)(void *)bytes;
	size_t n = size / sizeof(*words);

	if (dice(4) == 0) {
		for (unsigned char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), "Somebody", 8)) != NULL; at += 8)
			at[dice(8)] = (unsigned char)(dice(2) ? 'a' + dice(26) : dice(256));
		return;
	}
	for (uint32_t times = 2 + dice(3); times > 0; times--) {
		size_t at = dice((uint32_t)n);

		words[at] = other_value(words, n, at);
	}
}

static inline void mixed_snapshots(int guard_fd, struct b2b_live *const *lives_here, uint64_t count)
{
	_Alignas(8) unsigned char bytes[SNAPSHOT_PLAIN_MAX];

	for (uint64_t i = 0; i < count; i++) {
		int org = (int)dice(WORLD_ORGS);
		size_t size = next_snapshot(lives_here, org, bytes);

		mix(bytes, size);
		offer_changed(guard_fd, org, bytes, size);
	}
	good_again(guard_fd, lives_here);
}

static inline void wrong_snapshots(int guard_fd, struct b2b_live *const *lives_here)
{
	static const int partial[] = { 0, F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_WRITE | F_SEAL_GROW, F_SEAL_WRITE | F_SEAL_SHRINK };
	uint64_t next = b2b_live_generation(lives_here[ACME]) + 1;
	struct b2b_guard_message message = { .type = B2B_GUARD_INSTALL, .org = ACME };
	unsigned char bytes[SNAPSHOT_PLAIN_MAX], other[SNAPSHOT_PLAIN_MAX];
	size_t size = good_snapshot(ACME, next, bytes), n = good_snapshot(GLOBEX, next, other);
	int fds[2];

	for (size_t i = 0; i < sizeof(partial) / sizeof(*partial); i++)
		count_answer(offer(guard_fd, ACME, bytes, size, partial[i]));
	count_answer(offer(guard_fd, ACME, other, n, ALL_SEALS));
	count_answer(offer(guard_fd, EMEA, bytes, size, ALL_SEALS));
	count_answer(offer(guard_fd, WORLD_ORGS, bytes, size, ALL_SEALS));
	count_answer(offer(guard_fd, ACME, bytes, size - 8, ALL_SEALS));
	/* The one that is there, none, and the last that there can be. */
	for (size_t i = 0; i < 3; i++) {
		size = good_snapshot(ACME, i == 0 ? next - 1 : i == 1 ? 0 : UINT64_MAX, bytes);
		count_answer(offer(guard_fd, ACME, bytes, size, ALL_SEALS));
	}
	fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fds[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	count_answer(tell_guard(guard_fd, &message, &fds[0], 1));
	count_answer(tell_guard(guard_fd, &message, &fds[1], 1));
	say_raw(guard_fd, bytes, B2B_GUARD_PACKET, fds, 2); /* answered without a serial */
	close(fds[0]);
	close(fds[1]);
}

/* ---- stores ---- */

/* Words anywhere, and the header's fields above all; now and then a good header again, or no reader would come past it. */
static inline void store_at_random(struct b2b_live *live, const struct b2b_format_live *good)
{
	uint32_t *words = (uint32_t *)(void *)live->file;
	size_t n = live->size / sizeof(uint32_t);

	switch (dice(8)) {
	case 0:
		words[dice(sizeof(*good) / sizeof(uint32_t))] = dice(UINT32_MAX);
		break;
	case 1:
		memcpy(live->file, good, sizeof(*good));
		break;
	case 2:
		__atomic_store_n(&live->file->generation, dice(2) ? dice(8) : (uint64_t)dice(UINT32_MAX) << 32, __ATOMIC_RELEASE);
		break;
	case 3:
		live->file->heartbeat_ns = live->file->verified_ns = dice(2) ? b2b_now_ns() : (uint64_t)dice(UINT32_MAX) << dice(33);
		live->file->boot_id[dice(16)] = (uint8_t)dice(256);
		break;
	case 4:
		words[B2B_LIVE_WORDS_AT / sizeof(uint32_t) + dice(4)] = dice(4);
		break;
	case 5:
		live->file->org_word = dice(4);
		break;
	default:
		words[dice((uint32_t)n)] = dice(2) ? dice(16) : dice(UINT32_MAX);
	}
}

/* Left as bad as can be: a header that is none, the last generation, another boot. */
static inline void stores(struct b2b_live *const *lives_here, uint64_t count)
{
	struct b2b_format_live good[WORLD_ORGS];

	for (int org = 0; org < WORLD_ORGS; org++)
		memcpy(&good[org], lives_here[org]->file, sizeof(good[org]));
	for (uint64_t i = 0; i < count; i++) {
		int org = (int)dice(WORLD_ORGS);

		store_at_random(lives_here[org], &good[org]);
		shared->accepted++;
	}
	for (int org = 0; org < WORLD_ORGS; org++) {
		memset(lives_here[org]->file, 0xff, sizeof(good[org]));
		lives_here[org]->file->org_word = good[org].org_word;
	}
}

#endif
