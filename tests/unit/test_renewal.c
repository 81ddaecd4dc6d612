/* A log-in asked about again with its refresh token: each answer that a service can give, and none. */
#include "tests/unit/approval_fixture.h"

#include "b2bd/federation/renewal.h"
#include "b2bd/secret.h"

#define TOKEN "refresh-secret-1"

static struct heard {
	struct b2b_renewal *renewal;
	int results, reason;
	char rotated[64], subject[64], fault[512];
} heard;

static void on_rotated(void *arg, const char *refresh_token)
{
	struct heard *to = arg;

	assert_int_equal(to->results, 0); /* it is to be kept first */
	snprintf(to->rotated, sizeof(to->rotated), "%s", refresh_token ? refresh_token : "none");
}

static void on_result(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	struct heard *to = arg;

	to->results++;
	to->reason = reason;
	snprintf(to->subject, sizeof(to->subject), "%s", token ? token->subject : "");
	snprintf(to->fault, sizeof(to->fault), "%s", fault_text);
	b2b_renewal_cancel(to->renewal);
	to->renewal = NULL;
}

static void renew(int reason)
{
	static const struct b2b_renewal_handlers renewal_handlers = { .rotated = on_rotated, .result = on_result };

	memset(&heard, 0, sizeof(heard));
	assert_int_equal(b2b_renewal_start(federation, TOKEN, &renewal_handlers, &heard, &heard.renewal), 0);
	assert_int_equal(heard.results, 0); /* never from within */
	turn_until(&heard.results, 1);
	if (heard.reason != reason)
		fail_msg("%s (%s), expected: %s", b2b_reason_code(heard.reason), heard.fault, b2b_reason_code(reason));
	assert_null(strstr(heard.fault, TOKEN));
}

static void it_sends_the_token_as_this_host(void **state)
{
	char *sent;

	(void)state;
	make_ready();
	renew(B2B_OK);
	assert_string_equal(heard.subject, "alice-1");
	assert_string_equal(heard.rotated, "");
	sent = issuer_form_value(issuer.last_refresh.body, "refresh_token");
	assert_string_equal(sent, TOKEN);
	free(sent);
	sent = issuer_form_value(issuer.last_refresh.body, "client_assertion");
	assert_non_null(sent);
	free(sent);
}

static void a_token_that_is_replaced_comes_first(void **state)
{
	(void)state;
	make_ready();
	issuer.rotated = "refresh-secret-2";
	renew(B2B_OK);
	assert_string_equal(heard.rotated, "refresh-secret-2");
	json_object_set_new(issuer.claims, "exp", json_integer(1000)); /* also where what comes with it is no good */
	renew(B2B_AUTH_TOKEN);
	assert_string_equal(heard.rotated, "refresh-secret-2");
}

/* What was sent may be void all the same. */
static void one_that_is_too_long_is_told_of(void **state)
{
	static char large[16386];

	(void)state;
	make_ready();
	memset(large, 'x', sizeof(large) - 1);
	issuer.rotated = large;
	renew(B2B_OK);
	assert_string_equal(heard.rotated, "none");
	assert_int_equal(b2b_federation_passed_over(federation), 1);
	large[16384] = '\0';
	renew(B2B_OK);
	assert_int_equal(strlen(heard.rotated), sizeof(heard.rotated) - 1);
	assert_int_equal(b2b_federation_passed_over(federation), 1);
}

static void one_that_stays_is_no_new_one(void **state)
{
	(void)state;
	make_ready();
	issuer.rotated = TOKEN;
	renew(B2B_OK);
	assert_string_equal(heard.rotated, "");
}

static void an_answer_without_an_id_token_will_do(void **state)
{
	(void)state;
	make_ready();
	issuer.no_id_token = true;
	renew(B2B_OK);
	assert_string_equal(heard.subject, "");
}

static void invalid_grant_alone_is_a_no(void **state)
{
	static const struct {
		const char *error;
		int reason;
	} answers[] = {
		{ "invalid_grant", B2B_AUTH_TOKEN_OVER }, { "invalid_client", B2B_AUTH_TOKEN }, { "invalid_request", B2B_AUTH_TOKEN },
		{ "access_denied", B2B_AUTH_TOKEN }, { "", B2B_AUTH_TOKEN }, { "503", B2B_SERVICE_DOWN },
		{ "unsupported_grant_type", B2B_AUTH_METHOD }, { "unauthorized_client", B2B_AUTH_METHOD },
	};

	(void)state;
	make_ready();
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		issuer.refresh_error = answers[i].error;
		renew(answers[i].reason);
	}
}

static void an_id_token_by_an_unknown_key_decides_nothing_and_has_the_keys_fetched(void **state)
{
	unsigned asked;

	(void)state;
	make_ready();
	asked = issuer.jwks_asked;
	snprintf(issuer.signing_kid, sizeof(issuer.signing_kid), "k2");
	snprintf(issuer.kid, sizeof(issuer.kid), "k2");
	renew(B2B_AUTH_TOKEN);
	turn_for(500 * B2B_NS_PER_MS);
	assert_int_equal(issuer.jwks_asked, asked + 1);
	renew(B2B_OK);
}

static void one_that_is_cancelled_says_nothing(void **state)
{
	static const struct b2b_renewal_handlers renewal_handlers = { .rotated = on_rotated, .result = on_result };

	(void)state;
	make_ready();
	memset(&heard, 0, sizeof(heard));
	assert_int_equal(b2b_renewal_start(federation, TOKEN, &renewal_handlers, &heard, &heard.renewal), 0);
	b2b_renewal_cancel(heard.renewal);
	turn_for(300 * B2B_NS_PER_MS);
	assert_int_equal(heard.results, 0);
}

static void before_the_service_is_ready_nothing_is_begun(void **state)
{
	struct b2b_renewal *renewal = NULL;
	static const struct b2b_renewal_handlers renewal_handlers = { .rotated = on_rotated, .result = on_result };

	(void)state;
	issuer.metadata_status = 503;
	make_federation();
	assert_int_equal(b2b_renewal_start(federation, TOKEN, &renewal_handlers, &heard, &renewal), -EHOSTUNREACH);
}

static const unsigned char seal_key[B2B_SEAL_KEY_SIZE] = "key of the test";

static void what_is_sealed_opens_for_its_own_place_alone(void **state)
{
	unsigned char *sealed, *again;
	size_t len, again_len, i;
	char *text;

	(void)state;
	assert_int_equal(b2b_secret_seal(seal_key, "7", TOKEN, &sealed, &len), 0);
	assert_int_equal(b2b_secret_seal(seal_key, "7", TOKEN, &again, &again_len), 0);
	assert_int_equal(len, again_len);
	assert_memory_not_equal(sealed, again, len); /* a nonce each */
	assert_null(memmem(sealed, len, "refresh", 7));
	assert_int_equal(b2b_secret_open(seal_key, "7", sealed, len, &text), 0);
	assert_string_equal(text, TOKEN);
	b2b_secret_free(text);
	assert_int_equal(b2b_secret_open(seal_key, "8", sealed, len, &text), -EBADMSG);
	assert_int_equal(b2b_secret_open((const unsigned char *)"a key that is another one, and as long", "7", sealed, len, &text), -EBADMSG);
	for (i = 0; i < len; i++) {
		sealed[i] ^= 1;
		assert_int_equal(b2b_secret_open(seal_key, "7", sealed, len, &text), -EBADMSG);
		sealed[i] ^= 1;
	}
	for (i = 0; i < len; i++)
		assert_int_equal(b2b_secret_open(seal_key, "7", sealed, i, &text), -EBADMSG);
	free(sealed);
	free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_sends_the_token_as_this_host),
		TEST(a_token_that_is_replaced_comes_first),
		TEST(one_that_is_too_long_is_told_of),
		TEST(one_that_stays_is_no_new_one),
		TEST(an_answer_without_an_id_token_will_do),
		TEST(invalid_grant_alone_is_a_no),
		TEST(an_id_token_by_an_unknown_key_decides_nothing_and_has_the_keys_fetched),
		TEST(one_that_is_cancelled_says_nothing),
		TEST(before_the_service_is_ready_nothing_is_begun),
		cmocka_unit_test(what_is_sealed_opens_for_its_own_place_alone),
	};

	return cmocka_run_group_tests_name("renewal", tests, NULL, NULL);
}
