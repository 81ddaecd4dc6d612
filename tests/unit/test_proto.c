/* Packets, log lines, and the session registry's records. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/proto.h"
#include "common/session_record.h"

static const uint16_t types[] = { B2B_ASK_NAME,  B2B_ASK_AUTH, B2B_ASK_RESULT, B2B_ASK_ACCOUNT,  B2B_ASK_OPEN, B2B_ASK_CLOSE,
	                          B2B_ASK_CONTROL, B2B_ASK_KEYS, B2B_ASK_ANSWER, B2B_ASK_COMMAND, B2B_ASK_OPEN_SSH, B2B_SAY_QUESTION, B2B_SAY_NAME, B2B_SAY_WAIT,   B2B_SAY_PROMPT,
	                          B2B_SAY_DECISION, B2B_SAY_TEXT, B2B_SAY_RESERVED };
#define N_TYPES (sizeof(types) / sizeof(types[0]))

union packet {
	struct b2b_packet_head head;
	uint64_t align;
	unsigned char bytes[B2B_PACKET_MAX + 8];
};

static size_t make(union packet *packet, uint16_t type)
{
	memset(packet, 0, sizeof(*packet));
	packet->head.version = B2B_PROTO_VERSION;
	packet->head.type = type;
	packet->head.length = b2b_body_size(type);
	return sizeof(packet->head) + packet->head.length;
}

static void every_type_has_a_size_that_fits(void **state)
{
	union packet packet;
	size_t i, size;

	(void)state;
	for (i = 0; i < N_TYPES; i++) {
		size = make(&packet, types[i]);
		assert_true(size > sizeof(packet.head) && size <= B2B_PACKET_MAX);
		assert_int_equal(b2b_packet_check(&packet, size), 0);
	}
	assert_int_equal(b2b_body_size(0), 0);
	assert_int_equal(b2b_body_size(60000), 0);
}

static void wrong_version_type_and_size_are_refused(void **state)
{
	union packet packet;
	size_t i, size, cut;

	(void)state;
	for (i = 0; i < N_TYPES; i++) {
		size = make(&packet, types[i]);
		for (cut = 0; cut < size; cut++)
			assert_true(b2b_packet_check(&packet, cut) < 0);
		assert_true(b2b_packet_check(&packet, size + 1) < 0);
		packet.head.version++;
		assert_true(b2b_packet_check(&packet, size) < 0);
		packet.head.version--;
		packet.head.length++;
		assert_true(b2b_packet_check(&packet, size + 1) < 0);
	}
}

static void unterminated_strings_are_refused(void **state)
{
	union packet packet;
	size_t i, size;

	(void)state;
	for (i = 0; i < N_TYPES; i++) {
		if (types[i] == B2B_ASK_RESULT || types[i] == B2B_ASK_CLOSE || types[i] == B2B_SAY_NAME || types[i] == B2B_SAY_WAIT ||
		    types[i] == B2B_SAY_RESERVED)
			continue; /* no strings in them */
		size = make(&packet, types[i]);
		memset(packet.bytes + sizeof(packet.head), 'a', packet.head.length);
		assert_true(b2b_packet_check(&packet, size) < 0);
	}
}

static void packets_travel(void **state)
{
	struct b2b_ask_name sent = { .name = "alice@acme" }, got;
	uint64_t deadline = b2b_now_ns() + B2B_NS_PER_S;
	uint16_t type = 0;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(b2b_agent_send(pair[0], B2B_ASK_NAME, &sent, deadline), 0);
	assert_int_equal(b2b_agent_receive(pair[1], B2B_ASK_NAME, NULL, &got, sizeof(got), deadline), 0);
	assert_memory_equal(&sent, &got, sizeof(got));
	assert_int_equal(b2b_agent_send(pair[0], B2B_ASK_NAME, &sent, deadline), 0);
	assert_true(b2b_agent_receive(pair[1], B2B_SAY_NAME, NULL, &got, sizeof(got), deadline) < 0); /* another type than asked for */
	assert_int_equal(b2b_agent_send(pair[0], B2B_ASK_NAME, &sent, deadline), 0);
	assert_true(b2b_agent_receive(pair[1], 0, &type, &got, 4, deadline) < 0); /* no room */
	assert_int_equal(b2b_agent_receive(pair[1], B2B_ASK_NAME, NULL, &got, sizeof(got), b2b_now_ns() + 20 * B2B_NS_PER_MS), -ETIMEDOUT);
	close(pair[0]);
	assert_int_equal(b2b_agent_receive(pair[1], B2B_ASK_NAME, NULL, &got, sizeof(got), deadline), -EPIPE);
	close(pair[1]);
}

static void audit_lines_cannot_be_forged(void **state)
{
	char line[256];

	(void)state;
	b2b_audit_format(line, sizeof(line), "auth", "acme", "alice@acme", "ok", "0123", "service=sshd");
	assert_string_equal(line, "event=auth org=acme user=alice@acme reason=ok id=0123 service=sshd");
	b2b_audit_format(line, sizeof(line), "auth", NULL, "a b\" reason=ok\nevent=x", "user-unknown", "", NULL);
	assert_string_equal(line, "event=auth user=\"a b' reason=okevent=x\" reason=user-unknown");
	b2b_audit_format(line, 12, "auth", "acme", "alice@acme", "ok", "0123", NULL);
	assert_string_equal(line, "event=auth ");
	line[0] = '\0';
	b2b_audit_field(line, sizeof(line), "by", "eve reason=ok");
	b2b_audit_field(line, sizeof(line), "for", NULL);
	b2b_audit_field(line, sizeof(line), "why", "x");
	assert_string_equal(line, "by=\"eve reason=ok\" why=x");
	b2b_audit_field(line, 8, "why", "x"); /* no room */
	assert_string_equal(line, "by=\"eve");
}

static void start_ticks_name_a_process(void **state)
{
	uint64_t own = 0, again = 0;

	(void)state;
	assert_int_equal(b2b_start_ticks(getpid(), &own), 0);
	assert_int_equal(b2b_start_ticks(getpid(), &again), 0);
	assert_true(own > 0);
	assert_int_equal(own, again);
	assert_int_equal(b2b_start_ticks(0x3fffffff, &own), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_has_a_size_that_fits),
		cmocka_unit_test(wrong_version_type_and_size_are_refused),
		cmocka_unit_test(unterminated_strings_are_refused),
		cmocka_unit_test(packets_travel),
		cmocka_unit_test(audit_lines_cannot_be_forged),
		cmocka_unit_test(start_ticks_name_a_process),
	};

	return cmocka_run_group_tests_name("proto", tests, NULL, NULL);
}
