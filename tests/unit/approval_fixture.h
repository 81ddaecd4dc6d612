/* Log-ins that are approved elsewhere, against the scripted issuer: for the tests of both ways. */
#ifndef B2B_TESTS_APPROVAL_FIXTURE_H
#define B2B_TESTS_APPROVAL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "b2bd/federation/federation.h"
#include "common/clock.h"
#include "common/reason.h"
#include "tests/support/issuer.h"

#define DEADLINE_NS (40 * B2B_NS_PER_S)

static struct issuer issuer;
static struct b2b_loop *loop;
static struct b2b_http *http;
static struct b2b_federation *federation;

struct login {
	struct b2b_approval *approval;
	int prompts, results, reason;
	bool cancel_at_prompt, cancel_at_result;
	char user_code[64], uri[256], complete[256]; /* "" with CIBA */
	char subject[64], organisation[64], fault[512];
	uint32_t expires_in_s;
};
static struct login login;

static void prompt(void *arg, const struct b2b_approval_prompt *shown)
{
	struct login *to = arg;

	to->prompts++;
	to->expires_in_s = shown->expires_in_s;
	snprintf(to->user_code, sizeof(to->user_code), "%s", shown->user_code ? shown->user_code : "");
	snprintf(to->uri, sizeof(to->uri), "%s", shown->verification_uri ? shown->verification_uri : "");
	snprintf(to->complete, sizeof(to->complete), "%s", shown->verification_uri_complete ? shown->verification_uri_complete : "");
	if (to->cancel_at_prompt) {
		b2b_approval_cancel(to->approval);
		to->approval = NULL;
	}
}

static void result(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	struct login *to = arg;

	to->results++;
	to->reason = reason;
	assert_true((reason == B2B_OK) == (token != NULL));
	snprintf(to->subject, sizeof(to->subject), "%s", token ? token->subject : "");
	snprintf(to->organisation, sizeof(to->organisation), "%s", token && token->organisation ? token->organisation : "");
	snprintf(to->fault, sizeof(to->fault), "%s", fault_text);
	if (to->cancel_at_result) {
		b2b_approval_cancel(to->approval);
		to->approval = NULL;
	}
}

static const struct b2b_approval_handlers handlers = { .prompt = prompt, .result = result };

static void turn_until(const int *count, int wanted)
{
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	while (*count < wanted && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	assert_int_equal(*count, wanted);
}

static void turn_for(uint64_t ns)
{
	uint64_t until = b2b_now_ns() + ns;

	while (b2b_now_ns() < until)
		b2b_loop_turn(loop, 50);
}

static int set_up(void **state)
{
	(void)state;
	memset(&login, 0, sizeof(login));
	federation = NULL;
	issuer_start(&issuer);
	return b2b_loop_new(&loop) < 0 || b2b_http_new(loop, tls_server_ca(issuer.server), NULL, &http) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	b2b_approval_cancel(login.approval);
	b2b_federation_free(federation);
	b2b_http_free(http);
	b2b_loop_free(loop);
	issuer_stop(&issuer);
	return 0;
}

static void make_federation(void)
{
	char error[B2B_CONF_ERROR_SIZE] = "";

	if (b2b_federation_new(loop, http, &issuer.conf, &federation, error) < 0)
		fail_msg("%s", error);
}

static void make_ready(void)
{
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	make_federation();
	while (!b2b_federation_ready(federation) && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	assert_true(b2b_federation_ready(federation));
}

static inline void ends_with(int reason, const char *fault)
{
	turn_until(&login.results, 1);
	if (login.reason != reason)
		fail_msg("%s (%s), expected: %s", b2b_reason_code(login.reason), login.fault, b2b_reason_code(reason));
	if (!strstr(login.fault, fault))
		fail_msg("%s, expected: %s", login.fault, fault);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
