/* CIBA in poll mode: what is asked for, the rhythm of polling, and every end that there is. */
#include "tests/unit/approval_fixture.h"

static const struct b2b_approval_request alice = {
	.login_hint = "alice@acme", .binding_message = "web7/WDJB-MJHT", .acr_values = "aal3 aal2", .lifetime_s = 100
};

static void begin(void)
{
	make_ready();
	assert_int_equal(b2b_ciba_start(federation, &alice, &handlers, &login, &login.approval), 0);
	assert_int_equal(login.prompts + login.results, 0); /* never from within */
}

static void sent(const struct tls_request *request, const char *name, const char *wanted)
{
	char *value = issuer_form_value(request->body, name);

	if (!value || strcmp(value, wanted) != 0)
		fail_msg("%s is %s, expected: %s", name, value ? value : "absent", wanted);
	free(value);
}

static void approved_request_gives_a_validated_token(void **state)
{
	(void)state;
	issuer.polls[0] = "authorization_pending";
	begin();
	turn_until(&login.prompts, 1);
	assert_string_equal(login.user_code, "");
	assert_int_equal(login.expires_in_s, 100); /* the caller's, not the service's 120 */
	assert_int_equal(issuer.polled, 0); /* the interval comes first */
	sent(&issuer.last_ciba, "scope", "openid organization");
	sent(&issuer.last_ciba, "login_hint", "alice@acme");
	sent(&issuer.last_ciba, "binding_message", "web7/WDJB-MJHT");
	sent(&issuer.last_ciba, "acr_values", "aal3 aal2");
	sent(&issuer.last_ciba, "requested_expiry", "100");
	assert_non_null(strstr(issuer.last_ciba.body, "client_assertion="));
	ends_with(B2B_OK, "");
	assert_string_equal(login.subject, "alice-1");
	assert_string_equal(login.organisation, "42c3e9");
	sent(&issuer.last_poll, "grant_type", "urn:openid:params:grant-type:ciba");
	sent(&issuer.last_poll, "auth_req_id", "ar-secret");
	turn_for(2 * B2B_NS_PER_S);
	assert_int_equal(login.results, 1);
	assert_int_equal(issuer.polled, 2); /* nothing after the end */
}

static void ends_of_a_poll(void **state)
{
	static const struct { const char *error; int reason; } ends[] = {
		{ "access_denied", B2B_AUTH_DENIED }, { "expired_token", B2B_AUTH_EXPIRED }, { "invalid_grant", B2B_AUTH_TOKEN },
		{ "transaction_failed", B2B_AUTH_TOKEN },
	};
	size_t i;

	(void)state;
	make_ready();
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		issuer.polled = 0;
		issuer.polls[0] = ends[i].error;
		login.results = 0;
		assert_int_equal(b2b_ciba_start(federation, &alice, &handlers, &login, &login.approval), 0);
		ends_with(ends[i].reason, ends[i].reason == B2B_AUTH_TOKEN ? ends[i].error : "");
		b2b_approval_cancel(login.approval);
		login.approval = NULL;
	}
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
	assert_true((b2b_now_ns() - begun) / B2B_NS_PER_MS >= 6900); /* 1 s, then 6 s */
}

/* Some errors say that this person or host must take another way; all others end the log-in. */
static void refused_requests_say_whether_another_way_is_open(void **state)
{
	static const struct { const char *error; int reason; } ends[] = {
		{ "unknown_user_id", B2B_AUTH_METHOD },   { "unauthorized_client", B2B_AUTH_METHOD },
		{ "missing_user_code", B2B_AUTH_METHOD }, { "access_denied", B2B_AUTH_DENIED },
		{ "invalid_grant", B2B_AUTH_METHOD },     { "invalid_request", B2B_AUTH_METHOD },
		{ "invalid_binding_message", B2B_AUTH_TOKEN },
	};
	size_t i;

	(void)state;
	make_ready();
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		issuer.ciba_error = ends[i].error;
		login.results = 0;
		assert_int_equal(b2b_ciba_start(federation, &alice, &handlers, &login, &login.approval), 0);
		ends_with(ends[i].reason, ends[i].error);
		b2b_approval_cancel(login.approval);
		login.approval = NULL;
	}
	assert_int_equal(login.prompts, 0);
}

static void answer_must_be_whole(void **state)
{
	(void)state;
	json_object_del(issuer.ciba, "auth_req_id");
	begin();
	ends_with(B2B_AUTH_TOKEN, "lacks");
	assert_int_equal(login.prompts, 0);
}

static void token_that_names_its_request_must_name_this_one(void **state)
{
	(void)state;
	json_object_set_new(issuer.claims, "urn:openid:params:jwt:claim:auth_req_id", json_string("ar-secret"));
	begin();
	ends_with(B2B_OK, "");
	b2b_approval_cancel(login.approval);
	login.results = 0;
	json_object_set_new(issuer.claims, "urn:openid:params:jwt:claim:auth_req_id", json_string("ar-other"));
	assert_int_equal(b2b_ciba_start(federation, &alice, &handlers, &login, &login.approval), 0);
	ends_with(B2B_AUTH_TOKEN, "another request");
}

static void token_is_judged_as_any_id_token(void **state)
{
	(void)state;
	json_object_set_new(issuer.claims, "aud", json_string("web8"));
	begin();
	ends_with(B2B_AUTH_TOKEN, b2b_token_fault_text(B2B_TOKEN_AUDIENCE));
}

static void not_offered_with(const char *name, json_t *value)
{
	if (value)
		json_object_set_new(issuer.metadata, name, value);
	else
		json_object_del(issuer.metadata, name);
	make_ready();
	assert_false(b2b_ciba_offered(federation));
	assert_true(b2b_device_offered(federation));
	assert_int_equal(b2b_ciba_start(federation, &alice, &handlers, &login, &login.approval), -EOPNOTSUPP);
}

static void service_without_the_endpoint_does_not_offer_it(void **state)
{
	(void)state;
	not_offered_with("backchannel_authentication_endpoint", NULL);
}

static void service_that_only_pings_does_not_offer_it(void **state)
{
	(void)state;
	not_offered_with("backchannel_token_delivery_modes_supported", json_pack("[s,s]", "ping", "push"));
}

static void cancelled_request_is_not_heard_of(void **state)
{
	(void)state;
	begin();
	turn_until(&login.prompts, 1);
	b2b_approval_cancel(login.approval);
	login.approval = NULL;
	turn_for(2 * B2B_NS_PER_S);
	assert_int_equal(login.results, 0);
	assert_int_equal(issuer.polled, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(approved_request_gives_a_validated_token),
		TEST(ends_of_a_poll),
		TEST(slow_down_adds_five_seconds_for_good),
		TEST(refused_requests_say_whether_another_way_is_open),
		TEST(answer_must_be_whole),
		TEST(token_that_names_its_request_must_name_this_one),
		TEST(token_is_judged_as_any_id_token),
		TEST(service_without_the_endpoint_does_not_offer_it),
		TEST(service_that_only_pings_does_not_offer_it),
		TEST(cancelled_request_is_not_heard_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
