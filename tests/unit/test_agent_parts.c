/* The agent's small rooms: rates, tickets, the prompt. */
#include <qrencode.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/prompt.h"
#include "b2bd/rate.h"
#include "b2bd/tickets.h"
#include "common/clock.h"

static void rate_allows_a_burst_then_one_each(void **state)
{
	struct b2b_rate *rate = calloc(1, sizeof(*rate));
	uint64_t now = 1000 * B2B_NS_PER_S;
	int i;

	(void)state;
	rate->burst = 5;
	rate->every_ns = B2B_NS_PER_S;
	for (i = 0; i < 5; i++)
		assert_true(b2b_rate_take(rate, 7, now));
	assert_false(b2b_rate_take(rate, 7, now));
	assert_true(b2b_rate_take(rate, 8, now)); /* another's bucket */
	assert_true(b2b_rate_take(rate, 7, now + B2B_NS_PER_S));
	assert_false(b2b_rate_take(rate, 7, now + B2B_NS_PER_S));
	free(rate);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
	struct b2b_rate *rate = calloc(1, sizeof(*rate));
	uint64_t now = 1000 * B2B_NS_PER_S;
	int i;

	(void)state;
	rate->burst = 2;
	rate->every_ns = 60 * B2B_NS_PER_S;
	b2b_rate_give(rate, 7); /* took none: stays full, and no more than full */
	for (i = 0; i < 5; i++) {
		assert_true(b2b_rate_take(rate, 7, now));
		b2b_rate_give(rate, 7);
	}
	assert_true(b2b_rate_take(rate, 7, now));
	assert_true(b2b_rate_take(rate, 7, now));
	assert_false(b2b_rate_take(rate, 7, now));
	assert_true(b2b_rate_take(rate, 7, now + 60 * B2B_NS_PER_S));
	free(rate);
}

static void rate_of_many_keys_gives_nobody_more(void **state)
{
	struct b2b_rate *rate = calloc(1, sizeof(*rate));
	uint64_t now = 1000 * B2B_NS_PER_S;
	uint32_t key, taken = 0;

	(void)state;
	rate->burst = 2;
	rate->every_ns = B2B_NS_PER_S;
	for (key = 0; key < 10 * B2B_RATE_SLOTS; key++)
		taken += b2b_rate_take(rate, key, now);
	assert_true(taken <= 2 * B2B_RATE_SLOTS);
	free(rate);
}

static void ticket_is_for_one_person_and_service(void **state)
{
	struct b2b_authentication authentication = { .uid = 11, .level = B2B_AAL2, .auth_time_s = 5 };
	struct b2b_tickets *tickets;
	char ticket[B2B_TICKET_SIZE], other[B2B_TICKET_SIZE];
	uint64_t now = 1000 * B2B_NS_PER_S;

	(void)state;
	assert_int_equal(b2b_tickets_new(&tickets), 0);
	assert_int_equal(b2b_ticket_add(tickets, &authentication, "sudo", "/dev/pts/3", now, ticket), 0);
	assert_int_equal(strlen(ticket), B2B_TICKET_SIZE - 1);
	assert_non_null(b2b_ticket_find(tickets, ticket, 11, "sudo", now));
	assert_null(b2b_ticket_find(tickets, ticket, 12, "sudo", now));
	assert_null(b2b_ticket_find(tickets, ticket, 11, "sshd", now));
	assert_null(b2b_ticket_find(tickets, "", 11, "sudo", now));
	assert_null(b2b_ticket_find(tickets, ticket, 11, "sudo", now + 3601 * B2B_NS_PER_S));
	memcpy(other, ticket, sizeof(other));
	other[0] = other[0] == '0' ? '1' : '0';
	assert_null(b2b_ticket_find(tickets, other, 11, "sudo", now));
	b2b_tickets_forget(tickets);
	assert_null(b2b_ticket_find(tickets, ticket, 11, "sudo", now));
	assert_null(b2b_ticket_latest(tickets, 11, "sudo", "/dev/pts/3", now));
	assert_int_equal(b2b_ticket_add(tickets, &authentication, "sudo", "/dev/pts/3", now, ticket), 0);
	assert_non_null(b2b_ticket_find(tickets, ticket, 11, "sudo", now));
	b2b_tickets_free(tickets);
}

static void latest_ticket_is_of_the_same_terminal(void **state)
{
	struct b2b_authentication authentication = { .uid = 11 };
	struct b2b_tickets *tickets;
	char ticket[B2B_TICKET_SIZE];
	uint64_t now = 1000 * B2B_NS_PER_S;

	(void)state;
	assert_int_equal(b2b_tickets_new(&tickets), 0);
	assert_int_equal(b2b_ticket_add(tickets, &authentication, "sudo", "/dev/pts/3", now, ticket), 0);
	assert_int_equal(b2b_ticket_add(tickets, &authentication, "sshd", "ssh", now, ticket), 0);
	assert_non_null(b2b_ticket_latest(tickets, 11, "sudo", "/dev/pts/3", now));
	assert_null(b2b_ticket_latest(tickets, 11, "sudo", "/dev/pts/4", now));
	assert_null(b2b_ticket_latest(tickets, 11, "sshd", "ssh", now)); /* no terminal: everybody's */
	b2b_tickets_free(tickets);
}

static const struct b2b_approval_prompt prompt = {
	.user_code = "WDJB-MJHT",
	.verification_uri = "https://fed.example/device",
	.verification_uri_complete = "https://fed.example/device?user_code=WDJB-MJHT",
	.expires_in_s = 600,
};

static void prompt_holds_page_and_code(void **state)
{
	char text[4096];

	(void)state;
	b2b_prompt_device(text, sizeof(text), "alice@acme", "web7", &prompt, 0);
	assert_string_equal(text, "\nLog-in of alice@acme on web7\n\n  1. Open   https://fed.example/device\n"
	                          "  2. Enter  WDJB-MJHT\n  3. Approve it there, as yourself\n\n");
}

static void prompt_with_qr_keeps_the_code(void **state)
{
	char text[4096];

	(void)state;
	b2b_prompt_device(text, sizeof(text), "alice@acme", "web7", &prompt, 80);
	assert_non_null(strstr(text, "WDJB-MJHT"));
	assert_non_null(strstr(text, "\u2588"));
	assert_true(strlen(text) < sizeof(text) - 1);
	assert_true(strstr(text, "\u2588") < strstr(text, "WDJB-MJHT")); /* what scrolls out of a short screen is the picture */
	b2b_prompt_device(text, 400, "alice@acme", "web7", &prompt, 80); /* no room for the picture */
	assert_non_null(strstr(text, "WDJB-MJHT"));
	assert_null(strstr(text, "\u2588"));
}

/* The module at X, Y of what TEXT begins with, half blocks two spaces in: 1 dark, 0 light, -1 where there is none. Light ones are drawn. */
static int drawn(const char *text, int x, int y)
{
	static const struct { const char *block; int upper, lower; } blocks[] = {
		{ "\u2588", 0, 0 }, { "\u2580", 0, 1 }, { "\u2584", 1, 0 }, { " ", 1, 1 },
	};

	for (int line = 0; line < y / 2; line++)
		text = strchr(text, '\n') + 1;
	if (strncmp(text, "  ", 2) != 0)
		return -1;
	text += 2;
	for (size_t i = 0; *text && *text != '\n'; x--, i = 0) {
		while (i < 4 && strncmp(text, blocks[i].block, strlen(blocks[i].block)) != 0)
			i++;
		if (i == 4)
			return -1;
		if (x == 0)
			return y % 2 ? blocks[i].lower : blocks[i].upper;
		text += strlen(blocks[i].block);
	}
	return -1;
}

static void picture_is_the_page_with_the_code(void **state)
{
	QRcode *code = QRcode_encodeString8bit(prompt.verification_uri_complete, 0, QR_ECLEVEL_L);
	char text[4096];

	(void)state;
	assert_non_null(code);
	b2b_prompt_device(text, sizeof(text), "alice@acme", "web7", &prompt, 80);
	for (int y = -2; y < code->width + 2; y++) {
		for (int x = -2; x < code->width + 2; x++) {
			bool inside = x >= 0 && y >= 0 && x < code->width && y < code->width;

			assert_int_equal(drawn(text, x + 2, y + 2), inside && (code->data[y * code->width + x] & 1));
		}
		assert_int_equal(drawn(text, code->width + 4, y + 2), -1);
	}
	QRcode_free(code);
}

static void picture_wider_than_the_terminal_is_left_out(void **state)
{
	struct b2b_approval_prompt longer = prompt;
	QRcode *code = QRcode_encodeString8bit(prompt.verification_uri_complete, 0, QR_ECLEVEL_L);
	unsigned width = (unsigned)code->width + 6;
	char text[16384], url[512];

	(void)state;
	QRcode_free(code);
	b2b_prompt_device(text, sizeof(text), "alice@acme", "web7", &prompt, width);
	assert_non_null(strstr(text, "\u2588"));
	b2b_prompt_device(text, sizeof(text), "alice@acme", "web7", &prompt, width - 1);
	assert_null(strstr(text, "\u2588"));
	assert_non_null(strstr(text, "WDJB-MJHT"));
	snprintf(url, sizeof(url), "https://fed.example/%0490d", 0);
	longer.verification_uri_complete = url;
	b2b_prompt_device(text, sizeof(text), "alice@acme", "web7", &longer, 80);
	assert_null(strstr(text, "\u2588"));
	b2b_prompt_device(text, sizeof(text), "alice@acme", "web7", &longer, 200);
	assert_non_null(strstr(text, "\u2588"));
}

static void prompt_strips_what_could_steer_a_terminal(void **state)
{
	struct b2b_approval_prompt evil = prompt;
	char text[4096];

	(void)state;
	evil.user_code = "A\033[2JB\nC\xc3\xa9";
	b2b_prompt_device(text, sizeof(text), "alice@acme", "web7", &evil, 0);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "A?[2JB?C??\n"));
}

static void ciba_prompt_shows_the_message_in_80_columns(void **state)
{
	char text[4096];
	const char *line;

	(void)state;
	b2b_prompt_ciba(text, sizeof(text), "a-name-of-31-bytes-in-all@acmeco", "web7.example", "web7000000/WDJB-MJHT");
	assert_non_null(strstr(text, "  web7000000/WDJB-MJHT  "));
	for (line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
}

static void binding_message_is_short_plain_and_another_each_time(void **state)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-./";
	static const char *const hosts[] = { "web7", "web7.example.com", "tenletters", "elevenchars", "a-very-long-name", "\xc3\xa9t\xc3\xa9", "" };
	static const char *const begin[] = { "web7/", "web7/", "tenletters/", "", "", "", "" };
	char message[B2B_BINDING_SIZE], other[B2B_BINDING_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		assert_int_equal(b2b_binding_message(hosts[i], message), 0);
		assert_int_equal(b2b_binding_message(hosts[i], other), 0);
		assert_int_equal(strlen(message), strlen(begin[i]) + 9);
		assert_int_equal(strspn(message, plain), strlen(message));
		assert_memory_equal(message, begin[i], strlen(begin[i]));
		assert_string_not_equal(message, other);
	}
}

static void hint_follows_its_template(void **state)
{
	char hint[B2B_HINT_SIZE];

	(void)state;
	b2b_hint_format("%n", "alice@acme", "alice", "acme", "6f2a", hint, sizeof(hint));
	assert_string_equal(hint, "alice@acme");
	b2b_hint_format("%u@%o.example/%s%%", "alice@acme", "alice", "acme", "6f2a", hint, sizeof(hint));
	assert_string_equal(hint, "alice@acme.example/6f2a%");
	b2b_hint_format("%n", "alice@acme", "alice", "acme", "6f2a", hint, 5);
	assert_true(strlen(hint) < 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_allows_a_burst_then_one_each),
		cmocka_unit_test(what_is_given_back_can_be_taken_again),
		cmocka_unit_test(rate_of_many_keys_gives_nobody_more),
		cmocka_unit_test(ticket_is_for_one_person_and_service),
		cmocka_unit_test(latest_ticket_is_of_the_same_terminal),
		cmocka_unit_test(prompt_holds_page_and_code),
		cmocka_unit_test(prompt_with_qr_keeps_the_code),
		cmocka_unit_test(picture_is_the_page_with_the_code),
		cmocka_unit_test(picture_wider_than_the_terminal_is_left_out),
		cmocka_unit_test(prompt_strips_what_could_steer_a_terminal),
		cmocka_unit_test(ciba_prompt_shows_the_message_in_80_columns),
		cmocka_unit_test(binding_message_is_short_plain_and_another_each_time),
		cmocka_unit_test(hint_follows_its_template),
	};

	return cmocka_run_group_tests_name("agent parts", tests, NULL, NULL);
}
