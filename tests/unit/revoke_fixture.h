/*
 * An agent's core without its network: real state, real live files, a guard played by the test (a socketpair), and the socket
 * that b2bctl asks.
 */
#ifndef B2B_TESTS_REVOKE_FIXTURE_H
#define B2B_TESTS_REVOKE_FIXTURE_H

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "b2bd/core.h"
#include "b2bd/requests.h"
#include "common/clock.h"
#include "tests/unit/state_fixture.h"

#define ORG "42c3e9"
#define LO 0x78000000u

enum { ACME, EMEA, GLOBEX, N_ORGS }; /* slots; emea.acme is part of acme */

struct fixture {
	char dir[64], path[80];
	struct b2b_policy policy;
	struct b2b_policy_org orgs[N_ORGS];
	struct b2b_live *lives[N_ORGS];
	struct b2b_core core;
	int guard_fd, listen_fd;
	uint32_t uid;            /* alice@acme */
	uint32_t uids[N_ORGS];   /* alice@acme, bob@emea.acme, erin@globex */
};

static inline void gone(void *arg)
{
	(void)arg;
}

static inline void make_policy(struct fixture *f)
{
	static const char *const ids[] = { ORG, "7be10a", "9d01f2" }, *const aliases[] = { "acme", "emea.acme", "globex" };
	int i;

	f->policy.separator = '@';
	f->policy.partners_gid = B2B_PARTNERS_GID;
	f->policy.orgs = f->orgs;
	f->policy.n_orgs = N_ORGS;
	f->policy.n_shells = 1;
	f->policy.visibility = B2B_VISIBLE_EVERYONE;
	strncpy(f->policy.shells[0], "/bin/sh", B2B_PATH_SIZE - 1);
	strncpy(f->policy.home, "/home/%o/%u", B2B_PATH_SIZE - 1);
	for (i = 0; i < N_ORGS; i++) {
		strncpy(f->orgs[i].id, ids[i], B2B_ID_SIZE - 1);
		strncpy(f->orgs[i].alias, aliases[i], B2B_NAME_SIZE - 1);
		f->orgs[i].parent = i == EMEA ? ACME : -1;
		f->orgs[i].range_lo = LO + 1024 * (uint32_t)i;
		f->orgs[i].range_hi = f->orgs[i].range_lo + 1023;
	}
}

/* What the directory says of somebody; again after a change. */
static inline void put_person(struct fixture *f, int org, const char *id, const char *local, enum b2b_principal_state state)
{
	struct b2b_principal person = { .id = (char *)id, .subject = (char *)id, .org_id = f->orgs[org].id, .display = (char *)"", .state = state,
		                        .shell = (char *)"", .modified_ms = b2b_wall_ms() + 5000 };
	bool changed;

	snprintf(person.local, sizeof(person.local), "%s", local);
	assert_int_equal(b2b_state_begin(f->core.state), 0);
	assert_int_equal(b2b_directory_put_principal(f->core.state, &f->policy, &person, 1, &changed), 0);
	assert_int_equal(b2b_state_commit(f->core.state), 0);
}

static inline void put_org(struct fixture *f, int org, enum b2b_org_state state, int64_t not_after)
{
	struct b2b_org_record record = { .id = f->orgs[org].id, .state = state, .not_after = not_after, .modified_ms = b2b_wall_ms() + 5000 };
	bool changed;

	assert_int_equal(b2b_state_begin(f->core.state), 0);
	assert_int_equal(b2b_directory_put_org(f->core.state, &record, 1, &changed), 0);
	assert_int_equal(b2b_state_commit(f->core.state), 0);
}

static inline void put_everybody(struct fixture *f)
{
	static const char *const ids[] = { "p1", "p2", "p3" }, *const locals[] = { "alice", "bob", "erin" };
	struct b2b_principal stored;
	int i;

	for (i = 0; i < N_ORGS; i++) {
		put_org(f, i, B2B_ORG_IS_ACTIVE, 0);
		put_person(f, i, ids[i], locals[i], B2B_ACTIVE);
		assert_int_equal(b2b_directory_by_name(f->core.state, f->orgs[i].id, locals[i], &stored), 0);
		f->uids[i] = stored.uid;
		b2b_principal_clear(&stored);
	}
	f->uid = f->uids[ACME];
}

/* The parts of an agent that a restart makes anew. */
static inline void start_core(struct fixture *f)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	f->guard_fd = pair[1];
	f->core = (struct b2b_core){ .policy = &f->policy, .lives = f->lives };
	assert_int_equal(b2b_loop_new(&f->core.loop), 0);
	assert_int_equal(b2b_state_open(f->dir, &f->core.state), 0);
	assert_int_equal(b2b_directory_adopt_policy(f->core.state, &f->policy), 0);
	assert_int_equal(b2b_guard_link_new(f->core.loop, pair[0], gone, gone, f, &f->core.guard), 0);
	assert_int_equal(b2b_publish_new(f->core.loop, f->core.state, &f->policy, f->lives, f->core.guard, &f->core.publish), 0);
	assert_int_equal(b2b_server_new(f->core.loop, f->listen_fd, b2b_on_request, &f->core, &f->core.server), 0);
	f->core.floor_s = b2b_clock_floor(f->core.state);
}

static inline void stop_core(struct fixture *f)
{
	b2b_timer_stop(&f->core.again);
	b2b_timer_stop(&f->core.limit);
	b2b_timer_stop(&f->core.closed.timer);
	b2b_server_free(f->core.server);
	b2b_publish_free(f->core.publish);
	b2b_guard_link_free(f->core.guard);
	b2b_revocations_stop(&f->core);
	b2b_state_close(f->core.state);
	b2b_loop_free(f->core.loop);
	close(f->guard_fd);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int i;

	make_policy(f);
	strncpy(f->dir, "/tmp/b2b-revoke-XXXXXX", sizeof(f->dir) - 1);
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(chmod(f->dir, 0755), 0);
	for (i = 0; i < N_ORGS; i++)
		assert_int_equal(b2b_live_create(f->dir, &f->policy, i, &f->lives[i]), 0);
	snprintf(f->path, sizeof(f->path), "%s/sock", f->dir);
	strncpy(address.sun_path, f->path, sizeof(address.sun_path) - 1);
	f->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(f->listen_fd, 8), 0);
	start_core(f);
	put_everybody(f);
	for (i = 0; i < N_ORGS; i++) {
		b2b_live_store_org(f->lives[i], B2B_LIVE_OPEN, false);
		assert_int_equal(b2b_live_store(f->lives[i], f->uids[i], B2B_LIVE_OPEN, false), 0);
	}
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;
	int i;

	stop_core(f);
	for (i = 0; i < N_ORGS; i++)
		b2b_live_unmap(f->lives[i]);
	close(f->listen_fd);
	assert_int_equal(nftw(f->dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return 0;
}

static inline bool is_open(const struct fixture *f, int org)
{
	return B2B_LIVE_STATE(b2b_live_load_org(f->lives[org])) == B2B_LIVE_OPEN &&
	       B2B_LIVE_STATE(b2b_live_load(f->lives[org], f->uids[org])) == B2B_LIVE_OPEN;
}

static inline struct b2b_guard_message next_request(struct fixture *f)
{
	union {
		struct b2b_guard_message message;
		unsigned char bytes[B2B_GUARD_PACKET];
	} in;
	ssize_t n = -1;
	int i;

	for (i = 0; i < 1000 && n < 0; i++) {
		b2b_loop_turn(f->core.loop, 5);
		n = recv(f->guard_fd, &in, sizeof(in), MSG_DONTWAIT);
	}
	assert_int_equal(n, B2B_GUARD_PACKET);
	return in.message;
}

static inline void answer(struct fixture *f, struct b2b_guard_message message, int32_t result, uint32_t left)
{
	union {
		struct b2b_guard_message message;
		unsigned char bytes[B2B_GUARD_PACKET];
	} out = { .bytes = { 0 } };

	message.type = B2B_GUARD_DONE;
	message.result = result;
	message.left = left;
	message.clear_ns = b2b_now_ns();
	out.message = message;
	assert_int_equal(send(f->guard_fd, &out, sizeof(out), 0), sizeof(out));
}

static inline uint64_t pending(struct fixture *f, uint64_t *ret_count)
{
	struct b2b_revocation_figures figures;

	assert_int_equal(b2b_revocation_figures(f->core.state, &figures), 0);
	if (ret_count)
		*ret_count = figures.count;
	return figures.pending;
}

/* Ask TYPE with BODY, and turn the loop until there is an answer, of type SAY: its body into RET of SIZE bytes. */
static inline void ask_agent(struct fixture *f, uint16_t type, const void *body, uint16_t say, void *ret, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	union {
		struct b2b_packet_head head;
		unsigned char bytes[B2B_PACKET_MAX];
	} packet = { .head = { .version = B2B_PROTO_VERSION, .type = type, .length = b2b_body_size(type) } };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), i;
	ssize_t n = -1;

	memcpy(packet.bytes + sizeof(packet.head), body, packet.head.length);
	strncpy(address.sun_path, f->path, sizeof(address.sun_path) - 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_true(send(fd, &packet, sizeof(packet.head) + packet.head.length, 0) > 0);
	for (i = 0; i < 1000 && n < 0; i++) {
		b2b_loop_turn(f->core.loop, 5);
		n = recv(fd, &packet, sizeof(packet), MSG_DONTWAIT);
	}
	close(fd);
	assert_int_equal(n, (ssize_t)(sizeof(packet.head) + size));
	assert_int_equal(packet.head.type, say);
	memcpy(ret, packet.bytes + sizeof(packet.head), size);
}

/* Of what is answered by a decision. */
static inline struct b2b_say_decision ask_decision(struct fixture *f, uint16_t type, const void *body)
{
	struct b2b_say_decision decision;

	ask_agent(f, type, body, B2B_SAY_DECISION, &decision, sizeof(decision));
	if (decision.reason != B2B_OK)
		assert_string_equal(decision.ticket, "");
	return decision;
}

/* What b2bctl asks, where the answer is short. Caller json_decrefs. */
static inline json_t *ask(struct fixture *f, const char *verb, const char *argument, int32_t *ret_reason)
{
	struct b2b_ask_control question = { .verb = "" };
	struct b2b_say_text say;
	json_t *json;

	snprintf(question.verb, sizeof(question.verb), "%s", verb);
	snprintf(question.argument, sizeof(question.argument), "%s", argument);
	ask_agent(f, B2B_ASK_CONTROL, &question, B2B_SAY_TEXT, &say, sizeof(say));
	assert_int_equal(say.final, 1);
	json = json_loadb(say.text, say.length, 0, NULL);
	assert_non_null(json);
	*ret_reason = say.reason;
	return json;
}

/* Only what came of it. */
static inline int32_t fixture_ask(struct fixture *f, const struct b2b_ask_control *question)
{
	int32_t reason;

	json_decref(ask(f, question->verb, question->argument, &reason));
	return reason;
}

#endif
