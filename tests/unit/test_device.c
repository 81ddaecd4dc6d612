/* Device log-ins: the prompt, the rhythm of polling, and every end that there is. */
#include "tests/unit/approval_fixture.h"

static const struct b2b_approval_request alice = { .login_hint = "alice@acme" };

static void begin_with(const struct b2b_approval_request *request)
{
	make_ready();
	assert_int_equal(b2b_device_start(federation, request, &handlers, &login, &login.approval), 0);
	assert_int_equal(login.prompts + login.results, 0); /* never from within */
}

static void begin(void)
{
	begin_with(&alice);
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

static void end_is_the_callers_where_that_comes_first(void **state)
{
	static const struct b2b_approval_request hurried = { .login_hint = "alice@acme", .lifetime_s = 2 };
	int i;

	(void)state;
	for (i = 0; i < ISSUER_POLLS_MAX; i++)
		issuer.polls[i] = "authorization_pending";
	begin_with(&hurried);
	turn_until(&login.prompts, 1);
	assert_int_equal(login.expires_in_s, 2);
	ends_with(B2B_AUTH_EXPIRED, "");
}

static void client_that_may_not_leaves_other_ways_open(void **state)
{
	(void)state;
	issuer.device_error = "unauthorized_client";
	begin();
	ends_with(B2B_AUTH_METHOD, "unauthorized_client");
	assert_int_equal(login.prompts, 0);
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
	assert_int_equal(b2b_device_start(federation, &alice, &handlers, &login, &login.approval), -EHOSTUNREACH);
	assert_null(login.approval);
}

static void service_without_device_log_ins_is_told(void **state)
{
	(void)state;
	json_object_del(issuer.metadata, "device_authorization_endpoint");
	make_ready();
	assert_int_equal(b2b_device_start(federation, &alice, &handlers, &login, &login.approval), -EOPNOTSUPP);
}

static void cancelled_log_in_is_not_heard_of(void **state)
{
	(void)state;
	begin();
	b2b_approval_cancel(login.approval); /* before the answer */
	login.approval = NULL;
	turn_for(B2B_NS_PER_S / 2);
	assert_int_equal(login.prompts + login.results, 0);
	login.cancel_at_prompt = true;
	assert_int_equal(b2b_device_start(federation, &alice, &handlers, &login, &login.approval), 0);
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
	assert_null(login.approval);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(approved_log_in_gives_a_validated_token),
		TEST(refusal_by_the_person_ends_it),
		TEST(code_that_ran_out_ends_it),
		TEST(end_comes_without_the_service_too),
		TEST(end_is_the_callers_where_that_comes_first),
		TEST(client_that_may_not_leaves_other_ways_open),
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
