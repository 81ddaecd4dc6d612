/* Metadata, keys and the host's access token over a real TLS server that can be bent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "b2bd/federation/discovery.h"
#include "b2bd/federation/federation_private.h"
#include "common/clock.h"
#include "tests/support/issuer.h"

#define DEADLINE_NS (30 * B2B_NS_PER_S)

static struct issuer issuer;
static struct b2b_loop *loop;
static struct b2b_http *http;
static struct b2b_federation *federation;

struct heard {
	int changes, ready, refetched, fetched, tokens, failures;
	char why[512], token[64], error[512];
};
static struct heard heard;

static void changed(void *arg, bool ready, const char *why)
{
	struct heard *to = arg;

	to->changes++;
	to->ready = ready;
	snprintf(to->why, sizeof(to->why), "%s", why);
}

static void refetched(void *arg, bool fetched)
{
	struct heard *to = arg;

	to->refetched++;
	to->fetched += fetched;
}

static void token_came(void *arg, const char *token, const char *error_text)
{
	struct heard *to = arg;

	to->tokens++;
	to->failures += token == NULL;
	snprintf(to->token, sizeof(to->token), "%s", token ? token : "");
	snprintf(to->error, sizeof(to->error), "%s", token ? "" : error_text);
}

static void turn_until(const int *count, int wanted)
{
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	while (*count < wanted && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	if (*count < wanted)
		fail_msg("nothing heard in time; why: %s", federation ? b2b_federation_why(federation) : "");
}

static int set_up(void **state)
{
	(void)state;
	memset(&heard, 0, sizeof(heard));
	federation = NULL;
	issuer_start(&issuer);
	return b2b_loop_new(&loop) < 0 || b2b_http_new(loop, tls_server_ca(issuer.server), NULL, &http) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	b2b_federation_free(federation);
	b2b_http_free(http);
	b2b_loop_free(loop);
	issuer_stop(&issuer);
	return 0;
}

static void begin(void)
{
	char error[B2B_CONF_ERROR_SIZE] = "";

	if (b2b_federation_new(loop, http, &issuer.conf, &federation, error) < 0)
		fail_msg("%s", error);
	b2b_federation_on_ready(federation, changed, &heard);
	assert_false(b2b_federation_ready(federation));
	assert_null(b2b_federation_jwks(federation));
}

static void get_ready(void)
{
	begin();
	turn_until(&heard.ready, 1);
}

static void becomes_ready(void **state)
{
	(void)state;
	get_ready();
	assert_int_equal(heard.changes, 1);
	assert_true(b2b_federation_ready(federation));
	assert_int_equal(b2b_jwks_count(b2b_federation_jwks(federation)), 1);
	assert_string_equal(b2b_federation_why(federation), "");
	assert_int_equal(issuer.metadata_asked, 1);
	assert_int_equal(issuer.jwks_asked, 1);
}

static void metadata_is_found_where_rfc8414_puts_it(void **state)
{
	(void)state;
	issuer.oauth_place_only = true;
	get_ready();
}

/* Not ready, a reason that holds WHY, no jwks; and once it is well again, ready without being asked. */
static void not_ready_because(const char *why)
{
	begin();
	turn_until(&heard.changes, 1);
	assert_int_equal(heard.ready, 0);
	assert_false(b2b_federation_ready(federation));
	if (!strstr(heard.why, why))
		fail_msg("%s, expected: %s", heard.why, why);
	assert_string_equal(b2b_federation_why(federation), heard.why);
}

static void metadata_of_another_issuer_is_refused(void **state)
{
	char *other;

	(void)state;
	assert_true(asprintf(&other, "%s/", issuer.conf.federation.issuer) > 0);
	json_object_set_new(issuer.metadata, "issuer", json_string(other));
	free(other);
	not_ready_because("another issuer");
	assert_int_equal(issuer.jwks_asked, 0);
	json_object_set_new(issuer.metadata, "issuer", json_string(issuer.conf.federation.issuer));
	turn_until(&heard.ready, 1);
}

static void endpoint_without_tls_is_refused(void **state)
{
	(void)state;
	json_object_set_new(issuer.metadata, "token_endpoint", json_string("http://127.0.0.1/token"));
	not_ready_because("token_endpoint");
}

static void missing_endpoint_is_named(void **state)
{
	(void)state;
	json_object_del(issuer.metadata, "jwks_uri");
	not_ready_because("jwks_uri");
}

static void outage_of_the_metadata_is_told_and_ends(void **state)
{
	(void)state;
	issuer.metadata_status = 503;
	not_ready_because("503");
	issuer.metadata_status = 0;
	turn_until(&heard.ready, 1);
	assert_string_equal(b2b_federation_why(federation), "");
}

static void key_set_without_a_usable_key_is_refused(void **state)
{
	(void)state;
	issuer.jwks = "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}";
	not_ready_because("no key");
}

static void key_set_that_is_none_is_refused(void **state)
{
	(void)state;
	issuer.jwks = "<html>";
	not_ready_because("key set");
}

static void certificate_of_nobody_is_told(void **state)
{
	(void)state;
	b2b_http_free(http);
	assert_int_equal(b2b_http_new(loop, NULL, NULL, &http), 0);
	not_ready_because("certificate");
	assert_int_equal(issuer.metadata_asked, 0);
}

/* Each failure waits longer than the one before, so few are made in the first seconds. */
static void failures_back_off(void **state)
{
	uint64_t until = b2b_now_ns() + 4 * B2B_NS_PER_S;

	(void)state;
	issuer.metadata_status = 500;
	begin();
	while (b2b_now_ns() < until)
		b2b_loop_turn(loop, 100);
	assert_in_range(issuer.metadata_asked, 2, 5);
	assert_int_equal(heard.changes, 1); /* the same reason is not told again */
}

/* Everybody was told the same: nobody comes earlier, and not all at once. */
static void whoever_is_told_when_to_come_back_does_not_come_with_all_others(void **state)
{
	uint64_t longest = 0, left;
	int i;

	(void)state;
	issuer.metadata_status = 503;
	issuer.retry_after_s = 100;
	for (i = 0; i < 8; i++) {
		b2b_federation_free(federation);
		heard.changes = 0;
		begin();
		turn_until(&heard.changes, 1);
		left = federation->refresh.timer.due_ns - b2b_now_ns();
		assert_in_range(left, 90 * B2B_NS_PER_S, 101 * B2B_NS_PER_S);
		longest = left > longest ? left : longest;
	}
	assert_true(longest > 100 * B2B_NS_PER_S);
}

static void unknown_key_fetches_again_but_once_a_minute(void **state)
{
	(void)state;
	get_ready();
	snprintf(issuer.kid, sizeof(issuer.kid), "k2");
	b2b_federation_refetch_keys(federation, refetched, &heard);
	b2b_federation_refetch_keys(federation, refetched, &heard);
	assert_int_equal(heard.refetched, 0); /* never from within */
	turn_until(&heard.refetched, 2);
	assert_int_equal(heard.fetched, 2);
	assert_int_equal(issuer.jwks_asked, 2); /* one for both */
	b2b_federation_refetch_keys(federation, refetched, &heard);
	turn_until(&heard.refetched, 3);
	assert_int_equal(heard.fetched, 2);
	assert_int_equal(issuer.jwks_asked, 2);
	assert_int_equal(issuer.metadata_asked, 1);
}

/* The keys were changed twice within a minute, and somebody shows tokens with a key of their own making all the time. */
static void a_key_that_the_service_names_does_not_wait_for_strangers(void **state)
{
	(void)state;
	get_ready();
	b2b_federation_refetch_keys(federation, refetched, &heard);
	turn_until(&heard.refetched, 1);
	assert_int_equal(issuer.jwks_asked, 2);
	b2b_federation_follow_keys(federation, refetched, &heard);
	turn_until(&heard.refetched, 2);
	assert_int_equal(issuer.jwks_asked, 2); /* it was just asked */
	federation->refresh.refetched_ns -= 6 * B2B_NS_PER_S;
	b2b_federation_refetch_keys(federation, refetched, &heard);
	turn_until(&heard.refetched, 3);
	assert_int_equal(issuer.jwks_asked, 2);
	b2b_federation_follow_keys(federation, refetched, &heard);
	turn_until(&heard.refetched, 4);
	assert_int_equal(issuer.jwks_asked, 3);
	assert_int_equal(heard.fetched, 2);
}

static void failed_refetch_keeps_the_keys(void **state)
{
	(void)state;
	get_ready();
	issuer.jwks_status = 500;
	b2b_federation_refetch_keys(federation, refetched, &heard);
	turn_until(&heard.refetched, 1);
	assert_int_equal(heard.fetched, 0);
	assert_true(b2b_federation_ready(federation));
	assert_non_null(strstr(b2b_federation_why(federation), "500"));
	assert_int_equal(heard.changes, 1); /* it was ready all the time */
}

static void forgotten_waiters_are_not_called(void **state)
{
	struct heard other = { 0 };

	(void)state;
	get_ready();
	b2b_federation_refetch_keys(federation, refetched, &other);
	b2b_federation_access_token(federation, token_came, &other);
	b2b_federation_refetch_keys(federation, refetched, &heard);
	b2b_federation_access_token(federation, token_came, &heard);
	b2b_federation_forget(federation, &other);
	turn_until(&heard.refetched, 1);
	turn_until(&heard.tokens, 1);
	assert_int_equal(other.refetched, 0);
	assert_int_equal(other.tokens, 0);
}

static void one_request_serves_all_who_want_a_token(void **state)
{
	char *scope;

	(void)state;
	get_ready();
	b2b_federation_access_token(federation, token_came, &heard);
	assert_int_equal(heard.tokens, 0);
	b2b_federation_access_token(federation, token_came, &heard);
	turn_until(&heard.tokens, 2);
	assert_string_equal(heard.token, "at-1");
	b2b_federation_access_token(federation, token_came, &heard);
	turn_until(&heard.tokens, 3);
	assert_int_equal(issuer.token_asked, 1);
	scope = issuer_form_value(issuer.last_token.body, "scope");
	assert_string_equal(scope, "directory ssf");
	free(scope);
	assert_non_null(strstr(issuer.last_token.body, "client_assertion="));
	/* the resource refused it */
	json_object_set_new(issuer.token, "access_token", json_string("at-2"));
	b2b_federation_drop_access_token(federation);
	b2b_federation_access_token(federation, token_came, &heard);
	turn_until(&heard.tokens, 4);
	assert_string_equal(heard.token, "at-2");
	assert_int_equal(issuer.token_asked, 2);
}

/* 2 s less a quarter: used, then asked for again before it is over. */
static void token_is_given_up_before_its_end(void **state)
{
	uint64_t until;

	(void)state;
	json_object_set_new(issuer.token, "expires_in", json_integer(2));
	get_ready();
	b2b_federation_access_token(federation, token_came, &heard);
	turn_until(&heard.tokens, 1);
	until = b2b_now_ns() + 2 * B2B_NS_PER_S;
	while (b2b_now_ns() < until)
		b2b_loop_turn(loop, 50);
	b2b_federation_access_token(federation, token_came, &heard);
	turn_until(&heard.tokens, 2);
	assert_int_equal(issuer.token_asked, 2);
}

static void no_token(const char *why)
{
	int before = heard.tokens;

	b2b_federation_access_token(federation, token_came, &heard);
	turn_until(&heard.tokens, before + 1);
	assert_string_equal(heard.token, "");
	if (!strstr(heard.error, why))
		fail_msg("%s, expected: %s", heard.error, why);
}

static void answers_without_a_token_are_told(void **state)
{
	(void)state;
	begin();
	no_token("not ready");
	turn_until(&heard.ready, 1);
	json_object_set_new(issuer.token, "token_type", json_string("DPoP"));
	no_token("bearer");
	json_object_set_new(issuer.token, "token_type", json_string("Bearer"));
	json_object_set_new(issuer.token, "access_token", json_string("a b\r\nX: y"));
	no_token("bearer");
	json_object_set_new(issuer.token, "access_token", json_integer(7));
	no_token("bearer");
	json_decref(issuer.token);
	issuer.token = json_pack("{s:s,s:s}", "error", "invalid_client", "error_description", "who\nare you?");
	issuer.token_status = 401;
	no_token("invalid_client: who are you?");
	issuer.token_status = 503;
	no_token("503");
}

static void refused(const char *document, int error)
{
	struct b2b_discovery found;
	const char *what;
	int r = b2b_discovery_parse(document, strlen(document), "https://a.example", false, &found, &what);

	if (r != error)
		fail_msg("%s: %d", document, r);
	if (r == 0)
		b2b_discovery_clear(&found);
}

static void documents_are_read_strictly(void **state)
{
#define DOCUMENT(issuer, token, rest) "{\"issuer\":\"" issuer "\",\"token_endpoint\":\"" token "\",\"jwks_uri\":\"https://a.example/k\"" rest "}"
	(void)state;
	refused(DOCUMENT("https://a.example", "https://a.example/t", ""), 0);
	refused(DOCUMENT("https://a.example", "https://b.example/t?x=1", ""), 0);
	refused(DOCUMENT("https://A.example", "https://a.example/t", ""), -EPERM);
	refused(DOCUMENT("https://a.example/", "https://a.example/t", ""), -EPERM);
	refused(DOCUMENT("https://a.example", "https://a.example/t#f", ""), -EINVAL);
	refused(DOCUMENT("https://a.example", "https://me@a.example/t", ""), -EINVAL);
	refused(DOCUMENT("https://a.example", "https://", ""), -EINVAL);
	refused(DOCUMENT("https://a.example", "/token", ""), -EINVAL);
	refused(DOCUMENT("https://a.example", "https://a.example/t", ",\"device_authorization_endpoint\":\"http://a.example/d\""), -EINVAL);
	refused(DOCUMENT("https://a.example", "https://a.example/t", ",\"issuer\":\"https://a.example\""), -EBADMSG);
	refused("{\"issuer\":\"https://a.example\"}", -ENOENT);
	refused("{}", -EPERM);
	refused("[]", -EBADMSG);
	refused("", -EBADMSG);
}

/* RFC 8705 5: with a certificate the aliases, without one what they are aliases of; the keys are nobody's secret. */
static void aliases_are_for_certificates(void **state)
{
	static const char document[] = DOCUMENT("https://a.example", "https://a.example/t",
		",\"device_authorization_endpoint\":\"https://a.example/d\",\"mtls_endpoint_aliases\":{\"token_endpoint\":\"https://m.example/t\","
		"\"jwks_uri\":\"https://m.example/k\",\"issuer\":\"https://m.example\",\"pushed_endpoint\":7}");
	struct b2b_discovery found;
	const char *what;

	(void)state;
	assert_int_equal(b2b_discovery_parse(document, strlen(document), "https://a.example", false, &found, &what), 0);
	assert_string_equal(found.token_endpoint, "https://a.example/t");
	b2b_discovery_clear(&found);
	assert_int_equal(b2b_discovery_parse(document, strlen(document), "https://a.example", true, &found, &what), 0);
	assert_string_equal(found.token_endpoint, "https://m.example/t");
	assert_string_equal(found.device_authorization_endpoint, "https://a.example/d");
	assert_string_equal(found.jwks_uri, "https://a.example/k");
	b2b_discovery_clear(&found);
}

static void places_follow_both_standards(void **state)
{
	static const char *const rows[][3] = {
		{ "https://a.example", "https://a.example/.well-known/openid-configuration", "https://a.example/.well-known/oauth-authorization-server" },
		{ "https://a.example/", "https://a.example/.well-known/openid-configuration", "https://a.example/.well-known/oauth-authorization-server" },
		{ "https://a.example/r/p", "https://a.example/r/p/.well-known/openid-configuration",
		  "https://a.example/.well-known/oauth-authorization-server/r/p" },
		{ "https://a.example:8443/r/", "https://a.example:8443/r/.well-known/openid-configuration",
		  "https://a.example:8443/.well-known/oauth-authorization-server/r" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *openid = b2b_discovery_url(rows[i][0], 0), *oauth = b2b_discovery_url(rows[i][0], 1);

		assert_string_equal(openid, rows[i][1]);
		assert_string_equal(oauth, rows[i][2]);
		free(openid);
		free(oauth);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(becomes_ready),
		TEST(metadata_is_found_where_rfc8414_puts_it),
		TEST(metadata_of_another_issuer_is_refused),
		TEST(endpoint_without_tls_is_refused),
		TEST(missing_endpoint_is_named),
		TEST(outage_of_the_metadata_is_told_and_ends),
		TEST(key_set_without_a_usable_key_is_refused),
		TEST(key_set_that_is_none_is_refused),
		TEST(certificate_of_nobody_is_told),
		TEST(failures_back_off),
		TEST(whoever_is_told_when_to_come_back_does_not_come_with_all_others),
		TEST(unknown_key_fetches_again_but_once_a_minute),
		TEST(a_key_that_the_service_names_does_not_wait_for_strangers),
		TEST(failed_refetch_keeps_the_keys),
		TEST(forgotten_waiters_are_not_called),
		TEST(one_request_serves_all_who_want_a_token),
		TEST(token_is_given_up_before_its_end),
		TEST(answers_without_a_token_are_told),
		cmocka_unit_test(documents_are_read_strictly),
		cmocka_unit_test(aliases_are_for_certificates),
		cmocka_unit_test(places_follow_both_standards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
