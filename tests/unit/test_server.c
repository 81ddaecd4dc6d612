/* The agent's socket, driven by a plain client: what is well-formed gets through, everything else is refused once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "b2bd/server.h"
#include "common/proto.h"
#include "common/reason.h"

struct fixture {
	char dir[64], path[80];
	int listen_fd, fd;
	struct b2b_loop *loop;
	struct b2b_server *server;
	struct b2b_client *last;
	unsigned requests, dropped;
	bool attach;
};

static void dropped(void *operation)
{
	((struct fixture *)operation)->dropped++;
}

static void on_request(void *arg, struct b2b_client *client, uint16_t type, const void *body)
{
	struct fixture *f = arg;
	const struct b2b_ask_name *ask = body;
	struct b2b_say_name say = { .reason = B2B_USER_UNKNOWN };

	assert_int_equal(type, B2B_ASK_NAME);
	assert_string_equal(ask->name, "alice@acme");
	assert_int_equal(b2b_client_uid(client), geteuid());
	f->requests++;
	f->last = client;
	if (f->attach)
		b2b_client_attach(client, f, dropped);
	b2b_client_say(client, B2B_SAY_NAME, &say);
}

static int connect_to(const struct fixture *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, f->path, sizeof(address.sun_path) - 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strncpy(f->dir, "/tmp/b2b-server-XXXXXX", sizeof(f->dir) - 1);
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->dir);
	strncpy(address.sun_path, f->path, sizeof(address.sun_path) - 1);
	f->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(f->listen_fd, 16), 0);
	assert_int_equal(b2b_loop_new(&f->loop), 0);
	assert_int_equal(b2b_server_new(f->loop, f->listen_fd, on_request, f, &f->server), 0);
	f->fd = connect_to(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	b2b_server_free(f->server);
	b2b_loop_free(f->loop);
	close(f->listen_fd);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void send_packet(int fd, uint16_t type, const void *body, uint32_t length)
{
	unsigned char packet[512];
	struct b2b_packet_head head = { .version = B2B_PROTO_VERSION, .type = type, .length = length };

	memcpy(packet, &head, sizeof(head));
	memcpy(packet + sizeof(head), body, length);
	assert_int_equal(send(fd, packet, sizeof(head) + length, MSG_NOSIGNAL), sizeof(head) + length);
}

static void send_name(int fd)
{
	struct b2b_ask_name ask = { .name = "alice@acme" };

	send_packet(fd, B2B_ASK_NAME, &ask, sizeof(ask));
}

/* Turn the loop until the client has something to read; its size, 0 when it was closed. */
static ssize_t answer(struct fixture *f, void *buf, size_t size)
{
	ssize_t n = -1;
	int i;

	for (i = 0; i < 1000 && n < 0; i++) {
		b2b_loop_turn(f->loop, 5);
		n = recv(f->fd, buf, size, MSG_DONTWAIT);
	}
	assert_true(n >= 0);
	return n;
}

static void well_formed_is_answered(void **state)
{
	struct fixture *f = *state;
	struct {
		struct b2b_packet_head head;
		struct b2b_say_name body;
	} in;

	send_name(f->fd);
	assert_int_equal(answer(f, &in, sizeof(in)), sizeof(in));
	assert_int_equal(in.head.type, B2B_SAY_NAME);
	assert_int_equal(in.body.reason, B2B_USER_UNKNOWN);
	assert_int_equal(f->requests, 1);
}

static void expect_refusal(struct fixture *f)
{
	struct {
		struct b2b_packet_head head;
		struct b2b_say_decision body;
	} in;

	assert_int_equal(answer(f, &in, sizeof(in)), sizeof(in));
	assert_int_equal(in.head.type, B2B_SAY_DECISION);
	assert_int_equal(in.body.reason, B2B_PROTOCOL);
	assert_int_equal(answer(f, &in, sizeof(in)), 0); /* and closed */
	assert_int_equal(f->requests, 0);
}

static void unknown_type_is_refused(void **state)
{
	struct fixture *f = *state;

	send_packet(f->fd, 60000, "x", 1);
	expect_refusal(f);
}

static void answer_as_a_request_is_refused(void **state)
{
	struct fixture *f = *state;
	struct b2b_say_name say = { 0 };

	send_packet(f->fd, B2B_SAY_NAME, &say, sizeof(say));
	expect_refusal(f);
}

static void unterminated_string_is_refused(void **state)
{
	struct fixture *f = *state;
	struct b2b_ask_name ask;

	memset(&ask, 'a', sizeof(ask));
	send_packet(f->fd, B2B_ASK_NAME, &ask, sizeof(ask));
	expect_refusal(f);
}

static void short_packet_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send(f->fd, "abc", 3, 0), 3);
	expect_refusal(f);
}

static void going_away_drops_what_was_attached(void **state)
{
	struct fixture *f = *state;
	int i;

	f->attach = true;
	send_name(f->fd);
	for (i = 0; i < 1000 && !f->requests; i++)
		b2b_loop_turn(f->loop, 5);
	assert_ptr_equal(b2b_client_operation(f->last, dropped), f);
	assert_null(b2b_client_operation(f->last, (void (*)(void *))free)); /* another kind of operation */
	close(f->fd);
	for (i = 0; i < 1000 && !f->dropped; i++)
		b2b_loop_turn(f->loop, 5);
	assert_int_equal(f->dropped, 1);
	f->fd = -1;
}

static void one_that_never_reads_is_closed(void **state)
{
	struct fixture *f = *state;
	char byte[sizeof(struct b2b_packet_head) + sizeof(struct b2b_say_decision)];
	ssize_t n;
	int i;

	for (i = 0; i < 4000; i++) { /* far past socket buffer and queue */
		struct b2b_ask_name ask = { .name = "alice@acme" };
		unsigned char packet[sizeof(struct b2b_packet_head) + sizeof(ask)];
		struct b2b_packet_head head = { .version = B2B_PROTO_VERSION, .type = B2B_ASK_NAME, .length = sizeof(ask) };

		memcpy(packet, &head, sizeof(head));
		memcpy(packet + sizeof(head), &ask, sizeof(ask));
		if (send(f->fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			b2b_loop_turn(f->loop, 0);
	}
	for (i = 0; i < 5000; i++) {
		b2b_loop_turn(f->loop, 0);
		n = recv(f->fd, byte, sizeof(byte), MSG_DONTWAIT);
		if (n == 0)
			break;
	}
	assert_true(f->requests > 0);
	send_name(connect_to(f)); /* others are served still; the descriptor goes with the process */
	n = (ssize_t)f->requests;
	for (i = 0; i < 1000 && f->requests == (unsigned)n; i++)
		b2b_loop_turn(f->loop, 5);
	assert_int_equal(f->requests, n + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(well_formed_is_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_type_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(answer_as_a_request_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(unterminated_string_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(short_packet_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(going_away_drops_what_was_attached, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_never_reads_is_closed, setup, teardown),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
