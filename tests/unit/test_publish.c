/* The guard's socket and publishing: what reaches the guard, in which order, and which words are stored before. */
#include "tests/unit/state_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "b2bd/publish.h"
#include "b2bd/state/hand_state.h"
#include "common/clock.h"
#include "common/snapshot.h"

struct world {
	struct state_fixture *base;
	struct b2b_loop *loop;
	struct b2b_guard_link *link;
	struct b2b_publish *publish;
	struct b2b_live *lives[2];
	int guard; /* the other end: the test plays the guard */
	int gone, reloads;
};

static void note_gone(void *arg)
{
	((struct world *)arg)->gone++;
}

static void note_reload(void *arg)
{
	((struct world *)arg)->reloads++;
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	int ends[2], i;

	assert_non_null(world);
	fixture_setup((void **)&world->base);
	assert_int_equal(b2b_loop_new(&world->loop), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	world->guard = ends[1];
	assert_int_equal(b2b_guard_link_new(world->loop, ends[0], note_gone, note_reload, world, &world->link), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(b2b_live_create(world->base->dir, &world->base->policy, i, &world->lives[i]), 0);
	assert_int_equal(b2b_publish_new(world->loop, world->base->state, &world->base->policy, world->lives, world->link, &world->publish), 0);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	void *base = world->base;

	b2b_publish_free(world->publish);
	b2b_guard_link_free(world->link);
	b2b_live_unmap(world->lives[0]);
	b2b_live_unmap(world->lives[1]);
	b2b_loop_free(world->loop);
	if (world->guard >= 0)
		close(world->guard);
	fixture_teardown(&base);
	free(world);
	return 0;
}

/* Turn the loop until the guard's end has a message; -1: no descriptor came with it. */
static int guard_receive(struct world *world, struct b2b_guard_message *message)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char packet[B2B_GUARD_PACKET];
	struct iovec iov = { .iov_base = packet, .iov_len = sizeof(packet) };
	struct msghdr header;
	uint64_t deadline = b2b_now_ns() + 20 * B2B_NS_PER_S;
	ssize_t n;
	int fd = -1;

	for (;;) {
		header = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
		n = recvmsg(world->guard, &header, MSG_CMSG_CLOEXEC);
		if (n >= 0)
			break;
		assert_int_equal(errno, EAGAIN);
		assert_true(b2b_now_ns() < deadline);
		b2b_loop_turn(world->loop, 50);
	}
	assert_int_equal(n, B2B_GUARD_PACKET);
	memcpy(message, packet, sizeof(*message));
	if (CMSG_FIRSTHDR(&header))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(fd));
	return fd;
}

static void guard_answer(struct world *world, uint32_t serial, int result, uint32_t left)
{
	struct b2b_guard_message message = { .type = B2B_GUARD_DONE, .serial = serial, .result = result, .left = left };
	char packet[B2B_GUARD_PACKET] = { 0 };

	memcpy(packet, &message, sizeof(message));
	assert_int_equal(send(world->guard, packet, sizeof(packet), 0), sizeof(packet));
}

struct outcome {
	int calls;
	int error;
	uint32_t left;
};

static void note_outcome(void *arg, int error)
{
	struct outcome *outcome = arg;

	outcome->calls++;
	outcome->error = error;
}

static void note_answer(void *arg, const struct b2b_guard_message *answer)
{
	struct outcome *outcome = arg;

	outcome->calls++;
	outcome->error = answer->result;
	outcome->left = answer->left;
}

static void turn_until(struct world *world, const int *value, int wanted)
{
	uint64_t deadline = b2b_now_ns() + 20 * B2B_NS_PER_S;

	while (*value < wanted) {
		assert_true(b2b_now_ns() < deadline);
		b2b_loop_turn(world->loop, 50);
	}
}

/* Look at what a real guard would look at. */
static uint64_t check_snapshot(struct world *world, int fd, int org)
{
	struct stat st;
	uint64_t generation = 0;
	void *image;

	assert_int_equal(fcntl(fd, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	assert_int_equal(fstat(fd, &st), 0);
	image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(image, MAP_FAILED);
	assert_int_equal(b2b_snapshot_check(image, (size_t)st.st_size, &world->base->policy, org, &generation), 0);
	assert_non_null(memmem(image, (size_t)st.st_size, "alice", 5));
	munmap(image, (size_t)st.st_size);
	close(fd);
	return generation;
}

static void put(struct world *world, const char *id, const char *local, enum b2b_principal_state state)
{
	struct b2b_principal person = fixture_person(id, local);
	bool changed;

	person.state = state;
	assert_int_equal(b2b_directory_put_principal(world->base->state, &world->base->policy, &person, 1, &changed), 0);
}

static void open_acme(struct world *world)
{
	struct b2b_org_record acme = { .id = (char *)"42c3e9", .state = B2B_ORG_IS_ACTIVE, .modified_ms = 1000 };
	bool changed;

	assert_int_equal(b2b_directory_put_org(world->base->state, &acme, 1, &changed), 0);
}

static void publishes_and_opens_words_before(void **state)
{
	struct world *world = *state;
	struct b2b_guard_message message;
	struct outcome first = { 0 }, folded = { 0 }, forgotten = { 0 };
	int fd;

	open_acme(world);
	put(world, "u-1", "alice", B2B_ACTIVE);
	put(world, "u-2", "bob", B2B_SUSPENDED);
	b2b_publish_org(world->publish, 0, note_outcome, &first);
	b2b_publish_org(world->publish, 0, note_outcome, &folded);
	b2b_publish_org(world->publish, 0, note_outcome, &forgotten);
	b2b_publish_forget(world->publish, &forgotten);
	fd = guard_receive(world, &message);
	assert_int_equal(message.type, B2B_GUARD_INSTALL);
	assert_int_equal(message.org, 0);
	assert_int_equal(check_snapshot(world, fd, 0), 1);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], fixture_id(world->base, 0, B2B_ID_USER, "u-1"))), B2B_LIVE_OPEN);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], fixture_id(world->base, 0, B2B_ID_USER, "u-2"))), B2B_LIVE_CLOSED);
	assert_int_equal(first.calls, 0);
	b2b_live_set_generation(world->lives[0], 7);
	guard_answer(world, message.serial, 0, 0);
	turn_until(world, &first.calls, 1);
	assert_int_equal(first.error, 0);
	turn_until(world, &folded.calls, 1);
	assert_int_equal(forgotten.calls, 0);
	/* the next one grows beyond what is installed */
	b2b_publish_org(world->publish, 0, note_outcome, &first);
	fd = guard_receive(world, &message);
	assert_int_equal(check_snapshot(world, fd, 0), 8);
	guard_answer(world, message.serial, -ENOSPC, 0);
	turn_until(world, &first.calls, 2);
	assert_int_equal(first.error, -ENOSPC);
	/* and is tried again by itself */
	close(guard_receive(world, &message));
	assert_int_equal(message.type, B2B_GUARD_INSTALL);
}

static void reserve(struct world *world, uint32_t id, const char *owner)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "INSERT INTO ledger (id, org_id, kind, owner) VALUES (%u, '42c3e9', 1, '%s')", id, owner);
	assert_int_equal(sqlite3_exec(b2b_state_db(world->base->state), sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Ids do not come in order of arrival. */
static void whoever_is_new_is_open_whatever_the_id(void **state)
{
	struct world *world = *state;
	struct b2b_guard_message message;

	open_acme(world);
	b2b_publish_settled(world->publish);
	reserve(world, ACME_LO + 500, "u-1");
	reserve(world, ACME_LO + 20, "u-2");
	reserve(world, ACME_LO + 700, "u-3");
	put(world, "u-1", "alice", B2B_ACTIVE);
	b2b_publish_org(world->publish, 0, NULL, NULL);
	close(guard_receive(world, &message));
	guard_answer(world, message.serial, 0, 0);
	put(world, "u-2", "bob", B2B_ACTIVE);
	put(world, "u-3", "carol", B2B_SUSPENDED);
	assert_int_not_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], ACME_LO + 20)), B2B_LIVE_OPEN);
	b2b_publish_org(world->publish, 0, NULL, NULL);
	check_snapshot(world, guard_receive(world, &message), 0);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], ACME_LO + 500)), B2B_LIVE_OPEN);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], ACME_LO + 20)), B2B_LIVE_OPEN);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], ACME_LO + 700)), B2B_LIVE_CLOSED);
}

static void a_request_during_a_build_gets_another_one(void **state)
{
	struct world *world = *state;
	struct b2b_guard_message message;
	struct outcome first = { 0 }, second = { 0 };

	put(world, "u-1", "alice", B2B_ACTIVE);
	b2b_publish_org(world->publish, 0, note_outcome, &first);
	close(guard_receive(world, &message));
	put(world, "u-2", "bob", B2B_ACTIVE);
	b2b_publish_org(world->publish, 0, note_outcome, &second);
	guard_answer(world, message.serial, 0, 0);
	turn_until(world, &first.calls, 1);
	assert_int_equal(second.calls, 0);
	check_snapshot(world, guard_receive(world, &message), 0);
	guard_answer(world, message.serial, 0, 0);
	turn_until(world, &second.calls, 1);
	assert_int_equal(first.calls, 1);
}

static void a_transaction_is_waited_for(void **state)
{
	struct world *world = *state;
	struct b2b_guard_message message;
	struct outcome outcome = { 0 };
	int i;

	assert_int_equal(b2b_state_begin(world->base->state), 0);
	put(world, "u-1", "alice", B2B_ACTIVE);
	b2b_publish_org(world->publish, 0, note_outcome, &outcome);
	for (i = 0; i < 20; i++)
		b2b_loop_turn(world->loop, 5);
	assert_int_equal(recv(world->guard, &message, sizeof(message), MSG_PEEK), -1);
	assert_int_equal(b2b_state_commit(world->base->state), 0);
	check_snapshot(world, guard_receive(world, &message), 0);
}

static void words_follow_the_database(void **state)
{
	struct world *world = *state;
	uint32_t epoch, alice;

	put(world, "u-1", "alice", B2B_ACTIVE);
	alice = fixture_id(world->base, 0, B2B_ID_USER, "u-1");
	assert_int_equal(b2b_publish_words(world->publish, -1, b2b_wall_s()), 0);
	assert_int_not_equal(B2B_LIVE_STATE(b2b_live_load_org(world->lives[0])), B2B_LIVE_OPEN); /* not known to be active */
	b2b_publish_settled(world->publish);
	open_acme(world);
	assert_int_equal(b2b_publish_words(world->publish, 0, b2b_wall_s()), 0);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load_org(world->lives[0])), B2B_LIVE_OPEN);
	assert_int_not_equal(B2B_LIVE_STATE(b2b_live_load_org(world->lives[1])), B2B_LIVE_OPEN);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_OPEN);
	epoch = B2B_LIVE_EPOCH(b2b_live_load(world->lives[0], alice));
	b2b_directory_disable(world->base->state, alice, 2000);
	b2b_publish_words(world->publish, 0, b2b_wall_s());
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_CLOSED);
	assert_int_equal(B2B_LIVE_EPOCH(b2b_live_load(world->lives[0], alice)), epoch + 1);
	b2b_directory_enable(world->base->state, alice, 3000);
	assert_int_equal(b2b_publish_hold(world->publish, 0, alice, 0, 1000), 0);
	b2b_publish_words(world->publish, 0, b2b_wall_s());
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_CLOSED);
	/* an older one was stored, or turned out to be past: this one holds */
	assert_false(b2b_publish_release(world->publish, 0, alice, 0, 999));
	b2b_publish_words(world->publish, 0, b2b_wall_s());
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_CLOSED);
	/* and so does root's order, which is not the event's to let go of, nor is the event's root's */
	assert_int_equal(b2b_publish_hold(world->publish, 0, alice, B2B_HAND_USER, 0), 0);
	assert_true(b2b_publish_release(world->publish, 0, alice, 0, 1000));
	b2b_publish_words(world->publish, 0, b2b_wall_s());
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_CLOSED);
	assert_int_equal(b2b_publish_hold(world->publish, 0, alice, 0, 1000), 0);
	assert_true(b2b_publish_release(world->publish, 0, alice, B2B_HAND_USER, 0));
	assert_false(b2b_publish_release(world->publish, 0, alice, B2B_HAND_USER, 0));
	b2b_publish_words(world->publish, 0, b2b_wall_s());
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_CLOSED);
	assert_true(b2b_publish_release(world->publish, 0, alice, 0, 1000));
	b2b_publish_words(world->publish, 0, b2b_wall_s());
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_OPEN);
}

/* Whoever is closed is ended, and that is the look's: it says at what time, and nothing else closes who stands open. */
static void time_is_over_when_the_look_says_so(void **state)
{
	struct world *world = *state;
	struct b2b_principal person = fixture_person("u-1", "alice");
	struct b2b_guard_message message;
	const int64_t now = b2b_wall_s();
	uint32_t alice;
	bool changed;

	open_acme(world);
	b2b_publish_settled(world->publish);
	person.not_after = now - 5;
	assert_int_equal(b2b_directory_put_principal(world->base->state, &world->base->policy, &person, 1, &changed), 0);
	alice = fixture_id(world->base, 0, B2B_ID_USER, "u-1");
	assert_int_equal(b2b_publish_words_some(world->publish, 0, 0, 1000, now - 10), 0);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_OPEN);
	b2b_publish_org(world->publish, 0, NULL, NULL);
	close(guard_receive(world, &message));
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_OPEN);
	assert_int_equal(b2b_publish_words(world->publish, 0, now), 0);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_CLOSED);
}

/* As when the disk was too full to store somebody of whom there was an id already, and b2bd was started again. */
static void whoever_has_an_id_and_comes_before_the_events_are_known_is_open(void **state)
{
	struct world *world = *state;

	open_acme(world);
	reserve(world, ACME_LO + 20, "u-1");
	assert_int_equal(b2b_publish_words(world->publish, 0, b2b_wall_s()), 0);
	assert_int_not_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], ACME_LO + 20)), B2B_LIVE_OPEN);
	put(world, "u-1", "alice", B2B_ACTIVE);
	assert_int_equal(b2b_publish_words(world->publish, 0, b2b_wall_s()), 0);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], ACME_LO + 20)), B2B_LIVE_OPEN);
}

/* Closed by an event that a former agent did not live to store: the database knows nothing of it, and the event comes again. */
static void what_a_former_agent_closed_stays_closed_until_the_events_are_known(void **state)
{
	struct world *world = *state;
	uint32_t alice, bob;

	open_acme(world);
	put(world, "u-1", "alice", B2B_ACTIVE);
	put(world, "u-2", "bob", B2B_ACTIVE);
	alice = fixture_id(world->base, 0, B2B_ID_USER, "u-1");
	bob = fixture_id(world->base, 0, B2B_ID_USER, "u-2");
	b2b_live_store(world->lives[0], alice, B2B_LIVE_CLOSED, true);
	b2b_live_store_org(world->lives[0], B2B_LIVE_CLOSED, true);
	assert_int_equal(b2b_publish_words(world->publish, -1, b2b_wall_s()), 0);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_CLOSED);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load_org(world->lives[0])), B2B_LIVE_CLOSED);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], bob)), B2B_LIVE_OPEN); /* new, closed by nobody */
	b2b_publish_settled(world->publish);
	assert_int_equal(b2b_publish_words(world->publish, -1, b2b_wall_s()), 0);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load(world->lives[0], alice)), B2B_LIVE_OPEN);
	assert_int_equal(B2B_LIVE_STATE(b2b_live_load_org(world->lives[0])), B2B_LIVE_OPEN);
}

static void ends_pass_waiting_snapshots(void **state)
{
	struct world *world = *state;
	struct b2b_guard_message install = { .type = B2B_GUARD_INSTALL }, end = { .type = B2B_GUARD_END }, got;
	struct outcome ended = { 0 };
	int i, installs = 0, null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(null >= 0);
	/* more than a socket takes */
	for (i = 0; i < 2000; i++)
		assert_int_equal(b2b_guard_send(world->link, &install, null, NULL, NULL), 0);
	close(null);
	assert_int_equal(b2b_guard_send(world->link, &end, -1, note_answer, &ended), 0);
	do {
		i = guard_receive(world, &got);
		if (got.type == B2B_GUARD_INSTALL) {
			assert_true(i >= 0);
			close(i);
			installs++;
		}
	} while (got.type != B2B_GUARD_END);
	assert_true(installs < 2000);
	/* an end is answered until nothing is left */
	guard_answer(world, got.serial, -EBUSY, 2);
	guard_answer(world, got.serial, 0, 0);
	guard_answer(world, got.serial, 0, 0);
	turn_until(world, &ended.calls, 2);
	assert_int_equal(ended.left, 0);
	for (; installs < 2000; installs++)
		close(guard_receive(world, &got));
	b2b_loop_turn(world->loop, 0);
	b2b_loop_turn(world->loop, 0);
	assert_int_equal(ended.calls, 2);
}

static void reload_and_end_of_the_guard(void **state)
{
	struct world *world = *state;
	struct b2b_guard_message reload = { .type = B2B_GUARD_RELOAD };
	char packet[B2B_GUARD_PACKET] = { 0 };

	memcpy(packet, &reload, sizeof(reload));
	assert_int_equal(send(world->guard, packet, 100, 0), 100); /* no message */
	assert_int_equal(send(world->guard, packet, sizeof(packet), 0), sizeof(packet));
	turn_until(world, &world->reloads, 1);
	close(world->guard);
	world->guard = -1;
	turn_until(world, &world->gone, 1);
	b2b_loop_turn(world->loop, 0);
	assert_int_equal(world->gone, 1);
	assert_int_equal(world->reloads, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(publishes_and_opens_words_before), TEST(a_request_during_a_build_gets_another_one), TEST(a_transaction_is_waited_for),
		TEST(words_follow_the_database),        TEST(ends_pass_waiting_snapshots),               TEST(reload_and_end_of_the_guard),
		TEST(what_a_former_agent_closed_stays_closed_until_the_events_are_known),
		TEST(time_is_over_when_the_look_says_so),
		TEST(whoever_has_an_id_and_comes_before_the_events_are_known_is_open),
		TEST(whoever_is_new_is_open_whatever_the_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
