/*
 * The agent as far as events reach: real state, words and publishing over two organisations of which the second lies
 * below the first; guard and directory are played by the test.
 */
#ifndef B2B_TESTS_EVENT_WORLD_H
#define B2B_TESTS_EVENT_WORLD_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "b2bd/core.h"
#include "b2bd/state/seen.h"
#include "common/clock.h"
#include "tests/unit/state_fixture.h"

#define WORLD_ORGS 2

struct event_world {
	struct b2b_core core;
	struct b2b_conf conf;
	struct b2b_live *lives[WORLD_ORGS];
	struct state_fixture *base;
	int guard_fd;
};

static struct {
	int syncs, finds;
	char found[B2B_NAME_SIZE];
	int answer; /* to who asks for one person */
} directory;

void b2b_source_sync(struct b2b_source *source)
{
	(void)source;
	directory.syncs++;
}

void b2b_source_find(struct b2b_source *source, int org, const char *local, void (*done)(void *arg, int error), void *arg)
{
	(void)source;
	(void)org;
	directory.finds++;
	snprintf(directory.found, sizeof(directory.found), "%s", local);
	done(arg, directory.answer);
}

static void world_gone(void *arg)
{
	(void)arg;
}

static inline void world_start(struct event_world *world)
{
	struct b2b_core *core = &world->core;
	int pair[2];

	*core = (struct b2b_core){ .policy = &world->base->policy, .lives = world->lives, .conf = &world->conf };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	world->guard_fd = pair[1];
	assert_int_equal(b2b_loop_new(&core->loop), 0);
	assert_int_equal(b2b_state_open(world->base->dir, &core->state), 0);
	assert_int_equal(sqlite3_exec(b2b_state_db(core->state), "PRAGMA synchronous = OFF", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(b2b_guard_link_new(core->loop, pair[0], world_gone, world_gone, world, &core->guard), 0);
	assert_int_equal(b2b_publish_new(core->loop, core->state, core->policy, core->lives, core->guard, &core->publish), 0);
	b2b_revocations_start(core);
}

static inline void world_stop(struct event_world *world)
{
	struct b2b_core *core = &world->core;

	b2b_timer_stop(&core->again);
	b2b_publish_free(core->publish);
	b2b_guard_link_free(core->guard);
	b2b_revocations_stop(core);
	b2b_state_close(core->state);
	b2b_loop_free(core->loop);
	close(world->guard_fd);
}

static inline void world_setup(struct event_world *world)
{
	void *base;
	int i;

	memset(&directory, 0, sizeof(directory));
	fixture_setup(&base);
	world->base = base;
	world->base->orgs[1].parent = 0;
	b2b_state_close(world->base->state);
	world->base->state = NULL;
	assert_int_equal(chmod(world->base->dir, 0755), 0);
	for (i = 0; i < WORLD_ORGS; i++)
		assert_int_equal(b2b_live_create(world->base->dir, &world->base->policy, i, &world->lives[i]), 0);
	world_start(world);
}

/* The directory has shown all of them, a second after the epoch. */
static inline void world_activate_orgs(struct event_world *world)
{
	bool changed;

	assert_int_equal(b2b_state_begin(world->core.state), 0);
	for (int i = 0; i < WORLD_ORGS; i++) {
		struct b2b_org_record org = { .id = world->base->orgs[i].id, .state = B2B_ORG_IS_ACTIVE, .modified_ms = 1000 };

		assert_int_equal(b2b_directory_put_org(world->core.state, &org, 1, &changed), 0);
	}
	assert_int_equal(b2b_state_commit(world->core.state), 0);
}

static inline void world_teardown(struct event_world *world)
{
	void *base = world->base;
	int i;

	world_stop(world);
	for (i = 0; i < WORLD_ORGS; i++)
		b2b_live_unmap(world->lives[i]);
	fixture_teardown(&base);
}

/* What the guard is asked to end: EACH for every request, which is answered as done. */
static inline void world_guard(struct event_world *world, void (*each)(void *arg, const struct b2b_guard_message *message), void *arg)
{
	union {
		struct b2b_guard_message message;
		unsigned char bytes[B2B_GUARD_PACKET];
	} packet;
	int turns;

	for (turns = 0; turns < 3; turns++) {
		b2b_loop_turn(world->core.loop, 0);
		while (recv(world->guard_fd, &packet, sizeof(packet), MSG_DONTWAIT) == (ssize_t)sizeof(packet)) {
			turns = 0;
			assert_int_equal(packet.message.type, B2B_GUARD_END);
			each(arg, &packet.message);
			packet.message.type = B2B_GUARD_DONE;
			packet.message.result = 0;
			packet.message.left = 0;
			packet.message.clear_ns = b2b_now_ns();
			assert_int_equal(send(world->guard_fd, &packet, sizeof(packet), 0), sizeof(packet));
		}
	}
}

#endif
