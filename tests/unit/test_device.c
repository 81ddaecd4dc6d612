/* Device log-ins: the prompt, the rhythm of polling, and every end that there is. */
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
	struct b2b_device *device;
	int prompts, results, reason;
	bool cancel_at_prompt, cancel_at_result;
	char user_code[64], uri[256], complete[256], subject[64], organisation[64], fault[512];
	uint32_t expires_in_s;
};
static struct login login;

static void prompt(void *arg, const struct b2b_device_prompt *shown)
{
	struct login *to = arg;

	to->prompts++;
	to->expires_in_s = shown->expires_in_s;
	snprintf(to->user_code, sizeof(to->user_code), "%s", shown->user_code);
	snprintf(to->uri, sizeof(to->uri), "%s", shown->verification_uri);
	snprintf(to->complete, sizeof(to->complete), "%s", shown->verification_uri_complete ? shown->verification_uri_complete : "");
	if (to->cancel_at_prompt) {
		b2b_device_cancel(to->device);
		to->device = NULL;
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
		b2b_device_cancel(to->device);
		to->device = NULL;
	}
}

static const struct b2b_device_handlers handlers = { .prompt = prompt, .result = result };

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
	b2b_device_cancel(login.device);
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

static void begin(void)
{
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	make_federation();
	while (!b2b_federation_ready(federation) && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	assert_true(b2b_federation_ready(federation));
	assert_int_equal(b2b_device_start(federation, "alice@acme", &handlers, &login, &login.device), 0);
	assert_int_equal(login.prompts + login.results, 0); /* never from within */
}

static void ends_with(int reason, const char *fault)
{
	turn_until(&login.results, 1);
	if (login.reason != reason)
		fail_msg("%s (%s), expected: %s", b2b_reason_code(login.reason), login.fault, b2b_reason_code(reason));
	if (!strstr(login.fault, fault))
		fail_msg("%s, expected: %s", login.fault, fault);
}

static void approved_log_in_gives_a_validated_token(void **state)
{
	char *value;

	(void)state;
	json_object_set_new(issuer.device, "verification_uri_complete", json_string("https://login.example/d?c=WDJB-MJHT"));
	issuer.polls[0] = "authorization_pending";
	begin();
	turn_until(&login.prompts, 1);
	assert_string_equal(login.user_code, "WDJB-MJHT");
	assert_non_null(strstr(login.uri, "/enter"));
	assert_string_equal(login.complete, "https://login.example/d?c=WDJB-MJHT");
	assert_int_equal(login.expires_in_s, 600);
	assert_int_equal(issuer.polled, 0); /* the interval comes first */
	ends_with(B2B_OK, "");
	assert_string_equal(login.subject, "alice-1");
	assert_string_equal(login.organisation, "42c3e9");
	assert_int_equal(issuer.polled, 2);
	value = issuer_form_value(issuer.last_device.body, "scope");
	assert_string_equal(value, "openid organization");
	free(value);
	value = issuer_form_value(issuer.last_poll.body, "device_code");
	assert_string_equal(value, "dc-secret");
	free(value);
	assert_non_null(strstr(issuer.last_device.body, "client_assertion="));
	assert_non_null(strstr(issuer.last_poll.body, "client_assertion="));
	turn_for(2 * B2B_NS_PER_S);
	assert_int_equal(login.results, 1);
	assert_int_equal(issuer.polled, 2); /* nothing after the end */
}

static void refusal_by_the_person_ends_it(void **state)
{
	(void)state;
	issuer.polls[0] = "access_denied";
	begin();
	ends_with(B2B_AUTH_DENIED, "");
}

static void code_that_ran_out_ends_it(void **state)
{
	(void)state;
	issuer.polls[0] = "expired_token";
	begin();
	ends_with(B2B_AUTH_EXPIRED, "");
}

static void end_comes_without_the_service_too(void **state)
{
	int i;

	(void)state;
	json_object_set_new(issuer.device, "expires_in", json_integer(3));
	for (i = 0; i < ISSUER_POLLS_MAX; i++)
		issuer.polls[i] = "authorization_pending";
	begin();
	ends_with(B2B_AUTH_EXPIRED, "");
	assert_in_range(issuer.polled, 1, 3);
}

static void other_errors_stop_with_their_code(void **state)
{
	(void)state;
	issuer.polls[0] = "invalid_grant";
	begin();
	ends_with(B2B_AUTH_TOKEN, "invalid_grant");
}

static void slow_down_adds_five_seconds_for_good(void **state)
{
	uint64_t begun;

	(void)state;
	issuer.polls[0] = "slow_down";
	begin();
	turn_until(&login.prompts, 1);
	begun = b2b_now_ns();
	ends_with(B2B_OK, "");
	assert_in_range((b2b_now_ns() - begun) / B2B_NS_PER_MS, 6900, 12000); /* 1 s, then 6 s */
}

static void trouble_decides_nothing_and_backs_off(void **state)
{
	uint64_t begun;

	(void)state;
	issuer.polls[0] = "503";
	issuer.polls[1] = "503";
	begin();
	turn_until(&login.prompts, 1);
	begun = b2b_now_ns();
	ends_with(B2B_OK, "");
	assert_in_range((b2b_now_ns() - begun) / B2B_NS_PER_MS, 6900, 12000); /* 1 s, 2 s, 4 s */
}

static void service_that_stays_away_is_told(void **state)
{
	int i;

	(void)state;
	json_object_set_new(issuer.device, "expires_in", json_integer(2));
	for (i = 0; i < ISSUER_POLLS_MAX; i++)
		issuer.polls[i] = "503";
	begin();
	ends_with(B2B_SERVICE_DOWN, "503");
}

static void answer_that_is_no_json_stops(void **state)
{
	(void)state;
	issuer.polls[0] = "html";
	begin();
	ends_with(B2B_AUTH_TOKEN, "JSON");
}

static void answer_without_id_token_stops(void **state)
{
	(void)state;
	issuer.no_id_token = true;
	begin();
	ends_with(B2B_AUTH_TOKEN, "openid");
}

static void token_for_another_client_is_refused(void **state)
{
	(void)state;
	json_object_set_new(issuer.claims, "aud", json_string("web8"));
	begin();
	ends_with(B2B_AUTH_TOKEN, b2b_token_fault_text(B2B_TOKEN_AUDIENCE));
}

static void token_of_a_new_key_fetches_the_keys_again(void **state)
{
	(void)state;
	snprintf(issuer.signing_kid, sizeof(issuer.signing_kid), "k2");
	issuer.rotate_at_poll = "k2";
	begin();
	ends_with(B2B_OK, "");
	assert_int_equal(issuer.jwks_asked, 2);
}

static void token_of_a_key_that_stays_unknown_is_refused(void **state)
{
	(void)state;
	snprintf(issuer.signing_kid, sizeof(issuer.signing_kid), "k9");
	begin();
	ends_with(B2B_AUTH_TOKEN, b2b_token_fault_text(B2B_TOKEN_KEY_UNKNOWN));
	assert_int_equal(issuer.jwks_asked, 2); /* once again, not for ever */
}

static void bad_answer(const char *name, json_t *value)
{
	if (value)
		json_object_set_new(issuer.device, name, value);
	else
		json_object_del(issuer.device, name);
	begin();
	ends_with(B2B_AUTH_TOKEN, "cannot be shown");
	assert_int_equal(login.prompts, 0);
}

static void answer_without_a_device_code_is_refused(void **state)
{
	(void)state;
	bad_answer("device_code", NULL);
}

static void answer_without_an_end_is_refused(void **state)
{
	(void)state;
	bad_answer("expires_in", NULL);
}

static void code_that_steers_a_terminal_is_refused(void **state)
{
	(void)state;
	bad_answer("user_code", json_string("A\x1b[2JB"));
}

static void address_without_tls_is_refused(void **state)
{
	(void)state;
	bad_answer("verification_uri", json_string("http://login.example/d"));
}

static void service_without_an_answer_is_down(void **state)
{
	(void)state;
	json_decref(issuer.device);
	issuer.device = NULL;
	begin();
	ends_with(B2B_SERVICE_DOWN, "503");
}

static void nothing_begins_before_the_service_is_known(void **state)
{
	(void)state;
	make_federation();
	assert_int_equal(b2b_device_start(federation, "alice@acme", &handlers, &login, &login.device), -EHOSTUNREACH);
	assert_null(login.device);
}

static void service_without_device_log_ins_is_told(void **state)
{
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	(void)state;
	json_object_del(issuer.metadata, "device_authorization_endpoint");
	make_federation();
	while (!b2b_federation_ready(federation) && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	assert_int_equal(b2b_device_start(federation, "alice@acme", &handlers, &login, &login.device), -EOPNOTSUPP);
}

static void cancelled_log_in_is_not_heard_of(void **state)
{
	(void)state;
	begin();
	b2b_device_cancel(login.device); /* before the answer */
	login.device = NULL;
	turn_for(B2B_NS_PER_S / 2);
	assert_int_equal(login.prompts + login.results, 0);
	login.cancel_at_prompt = true;
	assert_int_equal(b2b_device_start(federation, "alice@acme", &handlers, &login, &login.device), 0);
	turn_until(&login.prompts, 1);
	turn_for(2 * B2B_NS_PER_S);
	assert_int_equal(login.results, 0);
	assert_int_equal(issuer.polled, 0);
}

static void result_may_cancel(void **state)
{
	(void)state;
	login.cancel_at_result = true;
	begin();
	ends_with(B2B_OK, "");
	assert_null(login.device);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(approved_log_in_gives_a_validated_token),
		TEST(refusal_by_the_person_ends_it),
		TEST(code_that_ran_out_ends_it),
		TEST(end_comes_without_the_service_too),
		TEST(other_errors_stop_with_their_code),
		TEST(slow_down_adds_five_seconds_for_good),
		TEST(trouble_decides_nothing_and_backs_off),
		TEST(service_that_stays_away_is_told),
		TEST(answer_that_is_no_json_stops),
		TEST(answer_without_id_token_stops),
		TEST(token_for_another_client_is_refused),
		TEST(token_of_a_new_key_fetches_the_keys_again),
		TEST(token_of_a_key_that_stays_unknown_is_refused),
		TEST(answer_without_a_device_code_is_refused),
		TEST(answer_without_an_end_is_refused),
		TEST(code_that_steers_a_terminal_is_refused),
		TEST(address_without_tls_is_refused),
		TEST(service_without_an_answer_is_down),
		TEST(nothing_begins_before_the_service_is_known),
		TEST(service_without_device_log_ins_is_told),
		TEST(cancelled_log_in_is_not_heard_of),
		TEST(result_may_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
