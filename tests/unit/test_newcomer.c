/* Who logs in for the first time where there is no directory, over the agent's own socket: the id that is kept for them. */
#include "tests/unit/revoke_fixture.h"

#include "b2bd/federation/federation_private.h"
#include "b2bd/federation/jwks.h"
#include "common/conf.h"

#define KEEP (B2B_RESERVE_KEEP_S * B2B_NS_PER_S)

static struct b2b_conf conf;
static struct b2b_jwks keys; /* none are looked at: nobody gets as far */
static struct b2b_federation federation = { .jwks = &keys };

/* Access tokens are asked for at sshd: that needs no service before somebody answers. */
static int set_up(void **state)
{
	struct b2b_policy_service *sshd;
	struct fixture *f;

	setup(state);
	f = *state;
	memset(&conf, 0, sizeof(conf));
	f->core.conf = &conf;
	f->core.federation = &federation;
	f->core.name_rate = b2b_name_rate();
	f->core.auth_rate = (struct b2b_rate){ .burst = 10, .every_ns = B2B_NS_PER_S };
	assert_int_equal(b2b_http_new(f->core.loop, NULL, NULL, &f->core.http), 0);
	assert_int_equal(b2b_status_start(&f->core), 0);
	assert_int_equal(b2b_reservations_new(f->core.state, &f->policy, &f->core.reservations), 0);
	sshd = &f->policy.services[f->policy.n_services++];
	strncpy(sshd->name, "sshd", sizeof(sshd->name) - 1);
	sshd->staleness_s = 300;
	sshd->methods[0] = B2B_METHOD_TOKEN;
	f->orgs[ACME].services = 1;
	for (int i = 0; i < N_ORGS; i++)
		b2b_live_verified(f->lives[i], b2b_now_ns());
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	b2b_server_free(f->core.server); /* as the agent does: log-ins end before what they hold */
	f->core.server = NULL;
	b2b_status_cache_free(f->core.status);
	b2b_reservations_free(f->core.reservations);
	b2b_http_free(f->core.http);
	return teardown(state);
}

static int connected(const struct fixture *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, f->path, sizeof(address.sun_path) - 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Sends BODY, if any, and returns what the agent says next, its body in RET_BODY. */
static uint16_t request(struct fixture *f, int fd, uint16_t type, const void *body, void *ret_body, size_t size)
{
	static union {
		struct b2b_packet_head head;
		unsigned char bytes[B2B_PACKET_MAX];
	} packet;
	ssize_t n = -1;

	if (body) {
		packet.head = (struct b2b_packet_head){ .version = B2B_PROTO_VERSION, .type = type, .length = b2b_body_size(type) };
		memcpy(packet.bytes + sizeof(packet.head), body, packet.head.length);
		assert_true(send(fd, &packet, sizeof(packet.head) + packet.head.length, 0) > 0);
	}
	for (int i = 0; i < 1000 && n < 0; i++) {
		n = recv(fd, &packet, sizeof(packet), MSG_DONTWAIT);
		if (n < 0)
			b2b_loop_turn(f->core.loop, 5);
	}
	assert_true(n > 0);
	if (packet.head.length <= size)
		memcpy(ret_body, packet.bytes + sizeof(packet.head), packet.head.length);
	return packet.head.type;
}

static uint32_t look_up(struct fixture *f, const char *name)
{
	struct b2b_say_reserved reserved = { .uid = 0 };
	struct b2b_ask_name body = { .name = "" };
	int fd = connected(f);

	snprintf(body.name, sizeof(body.name), "%s", name);
	assert_int_equal(request(f, fd, B2B_ASK_NAME, &body, &reserved, sizeof(reserved)), B2B_SAY_RESERVED);
	close(fd);
	return reserved.uid;
}

/* A log-in that waits for a token. */
static int begin(struct fixture *f, const char *name)
{
	struct b2b_ask_auth body = { .can = B2B_CAN_ANSWER, .lifetime_s = 100 };
	char nothing[1];
	int fd = connected(f);

	snprintf(body.origin.user, sizeof(body.origin.user), "%s", name);
	strncpy(body.origin.service, "sshd", sizeof(body.origin.service) - 1);
	assert_int_equal(request(f, fd, B2B_ASK_AUTH, &body, nothing, 0), B2B_SAY_WAIT);
	assert_int_equal(request(f, fd, 0, NULL, nothing, 0), B2B_SAY_QUESTION);
	return fd;
}

static uint32_t kept(struct fixture *f, uint64_t later_ns)
{
	return b2b_reserved_uid(f->core.reservations, ACME, "ann", b2b_now_ns() + later_ns);
}

static void a_look_up_keeps_an_id_for_a_while(void **state)
{
	struct fixture *f = *state;
	uint32_t uid = look_up(f, "ann@acme");

	assert_int_equal(look_up(f, "ann@acme"), uid);
	assert_int_equal(kept(f, KEEP - 60 * B2B_NS_PER_S), uid);
	assert_int_equal(kept(f, KEEP), 0);
}

/* Also where LoginGraceTime leaves people more than that. */
static void a_log_in_keeps_it_until_it_is_over(void **state)
{
	struct fixture *f = *state;
	uint32_t uid = look_up(f, "ann@acme");
	int fd = begin(f, "ann@acme");

	assert_int_equal(kept(f, 30 * KEEP), uid);
	close(fd);
	for (int i = 0; i < 1000 && kept(f, 30 * KEEP); i++)
		b2b_loop_turn(f->core.loop, 5);
	assert_int_equal(kept(f, 30 * KEEP), 0);
	assert_int_equal(kept(f, 0), uid);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_look_up_keeps_an_id_for_a_while),
		TEST(a_log_in_keeps_it_until_it_is_over),
	};

	return cmocka_run_group_tests_name("newcomer", tests, NULL, NULL);
}
