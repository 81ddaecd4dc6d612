/* The agent's small rooms: rates, tickets, the prompt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
	b2b_prompt_device(text, sizeof(text), "alice@acme", "web7", &prompt, false);
	assert_string_equal(text, "\nLog-in of alice@acme on web7\n\n  1. Open   https://fed.example/device\n"
	                          "  2. Enter  WDJB-MJHT\n  3. Approve it there, as yourself\n\n");
}

static void prompt_with_qr_keeps_the_code(void **state)
{
	char text[4096];

	(void)state;
	b2b_prompt_device(text, sizeof(text), "alice@acme", "web7", &prompt, true);
	assert_non_null(strstr(text, "WDJB-MJHT"));
	assert_non_null(strstr(text, "\u2588"));
	assert_true(strlen(text) < sizeof(text) - 1);
	b2b_prompt_device(text, 400, "alice@acme", "web7", &prompt, true); /* no room for the picture */
	assert_non_null(strstr(text, "WDJB-MJHT"));
	assert_null(strstr(text, "\u2588"));
}

static void prompt_strips_what_could_steer_a_terminal(void **state)
{
	struct b2b_approval_prompt evil = prompt;
	char text[4096];

	(void)state;
	evil.user_code = "A\033[2JB\nC\xc3\xa9";
	b2b_prompt_device(text, sizeof(text), "alice@acme", "web7", &evil, false);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "A?[2JB?C??\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_allows_a_burst_then_one_each),
		cmocka_unit_test(rate_of_many_keys_gives_nobody_more),
		cmocka_unit_test(ticket_is_for_one_person_and_service),
		cmocka_unit_test(latest_ticket_is_of_the_same_terminal),
		cmocka_unit_test(prompt_holds_page_and_code),
		cmocka_unit_test(prompt_with_qr_keeps_the_code),
		cmocka_unit_test(prompt_strips_what_could_steer_a_terminal),
	};

	return cmocka_run_group_tests_name("agent parts", tests, NULL, NULL);
}
