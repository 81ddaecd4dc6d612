/* A token that somebody shows to log in with: judged here or by the service's word, with each end that there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/presented.h"
#include "common/clock.h"
#include "common/reason.h"
#include "tests/support/certificate.h"
#include "tests/support/issuer.h"
#include "tests/support/scratch.h"

#define DEADLINE_NS (40 * B2B_NS_PER_S)
#define HANDLE "reference-Handle_1~+/=="

static struct issuer issuer;
static struct b2b_loop *loop;
static struct b2b_http *http;
static struct b2b_federation *federation;

struct heard {
	int results, reason;
	char subject[64], organisation[64], client_id[64], fault[512];
};
static struct heard heard;

static int set_up(void **state)
{
	char error[B2B_CONF_ERROR_SIZE] = "";
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	(void)state;
	memset(&heard, 0, sizeof(heard));
	issuer_start(&issuer);
	issuer.conf.host.audience = (char *)"https://web7.example";
	issuer.conf.federation.token_life_s = 3600;
	if (b2b_loop_new(&loop) < 0 || b2b_http_new(loop, tls_server_ca(issuer.server), NULL, &http) < 0 ||
	    b2b_federation_new(loop, http, &issuer.conf, &federation, error) < 0)
		return -1;
	while (!b2b_federation_ready(federation) && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	return b2b_federation_ready(federation) ? 0 : -1;
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

static json_t *claims_of_token(void)
{
	json_int_t now = b2b_wall_s();

	return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:s,s:s}", "iss", issuer.conf.federation.issuer, "sub", "alice-1", "aud", "https://web7.example",
	                 "client_id", "deploy", "iat", now, "exp", now + 300, "jti", "j-1", "organization", "42c3e9");
}

/* Takes CLAIMS. */
static char *jwt_of(json_t *claims)
{
	char *jwt = signer_token(issuer.key, "ES256", issuer.signing_kid, "at+jwt", claims);

	json_decref(claims);
	return jwt;
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void result(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	struct heard *to = arg;

	to->results++;
	to->reason = reason;
	assert_true((reason == B2B_OK) == (token != NULL));
	copy(to->subject, sizeof(to->subject), token ? token->subject : "");
	copy(to->organisation, sizeof(to->organisation), token ? token->organisation : "");
	copy(to->client_id, sizeof(to->client_id), token ? token->client_id : "");
	copy(to->fault, sizeof(to->fault), fault_text);
}

static void show(const char *token)
{
	struct b2b_presented *presented = NULL;
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	memset(&heard, 0, sizeof(heard));
	assert_int_equal(b2b_presented_start(federation, token, strlen(token), result, &heard, &presented), 0);
	assert_int_equal(heard.results, 0); /* never from within */
	while (!heard.results && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	assert_int_equal(heard.results, 1);
	if (strstr(heard.fault, token))
		fail_msg("the token is in the fault's text");
	b2b_presented_cancel(presented);
}

static void accepted(const char *token)
{
	show(token);
	if (heard.reason != B2B_OK)
		fail_msg("%s: %s", b2b_reason_code(heard.reason), heard.fault);
	assert_string_equal(heard.subject, "alice-1");
	assert_string_equal(heard.organisation, "42c3e9");
	assert_string_equal(heard.client_id, "deploy");
}

static void refused(const char *token, enum b2b_reason reason, const char *fault)
{
	show(token);
	if (heard.reason != (int)reason || !strstr(heard.fault, fault))
		fail_msg("%s (%s), expected: %s (%s)", b2b_reason_code(heard.reason), heard.fault, b2b_reason_code(reason), fault);
}

static void a_signed_token_is_judged_here(void **state)
{
	char *jwt = jwt_of(claims_of_token());

	(void)state;
	accepted(jwt);
	assert_int_equal(issuer.introspected, 0);
	free(jwt);
}

static void a_signed_token_that_is_wrong_is_not_asked_about(void **state)
{
	json_t *claims = claims_of_token();
	char *jwt;

	(void)state;
	issuer.introspection = json_pack("{s:b}", "active", 1);
	json_object_set_new(claims, "aud", json_string("https://web8.example"));
	jwt = jwt_of(claims);
	refused(jwt, B2B_AUTH_TOKEN_REFUSED, b2b_token_fault_text(B2B_TOKEN_AUDIENCE));
	jwt[strlen(jwt) - 5] = jwt[strlen(jwt) - 5] == 'A' ? 'B' : 'A';
	refused(jwt, B2B_AUTH_TOKEN_REFUSED, b2b_token_fault_text(B2B_TOKEN_SIGNATURE));
	free(jwt);
	claims = claims_of_token();
	json_object_set_new(claims, "iat", json_integer(b2b_wall_s() - 3000));
	json_object_set_new(claims, "exp", json_integer(b2b_wall_s() - 1000));
	jwt = jwt_of(claims);
	refused(jwt, B2B_AUTH_TOKEN_OVER, b2b_token_fault_text(B2B_TOKEN_EXPIRED));
	free(jwt);
	refused("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d", B2B_AUTH_TOKEN_REFUSED, b2b_token_fault_text(B2B_TOKEN_ENCRYPTED));
	refused("eyJhbGciOiJub25lIn0.e30.", B2B_AUTH_TOKEN_REFUSED, b2b_token_fault_text(B2B_TOKEN_UNSIGNED));
	assert_int_equal(issuer.introspected, 0);
}

static void a_longer_life_than_allowed_is_refused(void **state)
{
	json_t *claims = claims_of_token();
	char *jwt;

	(void)state;
	json_object_set_new(claims, "exp", json_integer(b2b_wall_s() + 86400));
	jwt = jwt_of(claims);
	refused(jwt, B2B_AUTH_TOKEN_REFUSED, b2b_token_fault_text(B2B_TOKEN_LIFE));
	free(jwt);
}

static void keys_that_are_not_known_are_fetched_once(void **state)
{
	char *jwt;

	(void)state;
	snprintf(issuer.kid, sizeof(issuer.kid), "k2");
	snprintf(issuer.signing_kid, sizeof(issuer.signing_kid), "k2");
	jwt = jwt_of(claims_of_token());
	accepted(jwt);
	assert_int_equal(issuer.jwks_asked, 2);
	free(jwt);
	snprintf(issuer.signing_kid, sizeof(issuer.signing_kid), "k3");
	jwt = jwt_of(claims_of_token());
	refused(jwt, B2B_AUTH_TOKEN_REFUSED, b2b_token_fault_text(B2B_TOKEN_KEY_UNKNOWN));
	assert_int_equal(issuer.jwks_asked, 2); /* a minute has not gone by */
	free(jwt);
}

static void a_reference_is_asked_about(void **state)
{
	char *value;

	(void)state;
	issuer.introspection = claims_of_token();
	json_object_set_new(issuer.introspection, "active", json_true());
	accepted(HANDLE);
	assert_int_equal(issuer.introspected, 1);
	value = issuer_form_value(issuer.last_introspection.body, "token");
	assert_string_equal(value, HANDLE);
	free(value);
	value = issuer_form_value(issuer.last_introspection.body, "token_type_hint");
	assert_string_equal(value, "access_token");
	free(value);
	assert_non_null(strstr(issuer.last_introspection.body, "client_assertion="));
	issuer.introspection_signed = true;
	accepted(HANDLE);
}

static void a_signed_answer_with_another_key_is_refused(void **state)
{
	(void)state;
	issuer.introspection = claims_of_token();
	json_object_set_new(issuer.introspection, "active", json_true());
	issuer.introspection_signed = true;
	snprintf(issuer.signing_kid, sizeof(issuer.signing_kid), "k9");
	refused(HANDLE, B2B_AUTH_TOKEN_REFUSED, b2b_token_fault_text(B2B_TOKEN_KEY_UNKNOWN));
	assert_int_equal(issuer.jwks_asked, 2);
}

static void what_the_service_says_of_a_reference_decides(void **state)
{
	(void)state;
	issuer.introspection = json_pack("{s:b}", "active", 0);
	refused(HANDLE, B2B_AUTH_TOKEN_OVER, b2b_token_fault_text(B2B_TOKEN_INACTIVE));
	json_object_set_new(issuer.introspection, "active", json_string("yes"));
	refused(HANDLE, B2B_AUTH_TOKEN, b2b_token_fault_text(B2B_TOKEN_INTROSPECTION));
	json_decref(issuer.introspection);
	issuer.introspection = json_pack("{s:s}", "error", "invalid_client");
	issuer.introspection_status = 401;
	refused(HANDLE, B2B_AUTH_TOKEN, "invalid_client");
	/* no answer decides nothing */
	issuer.introspection_status = 503;
	refused(HANDLE, B2B_SERVICE_DOWN, "503");
	issuer.introspection_status = 429;
	refused(HANDLE, B2B_SERVICE_DOWN, "429");
}

static void what_can_be_no_reference_is_not_sent(void **state)
{
	static const char *const others[] = { "", "two words", "line\nfeed", "\x1b[2J", "caf\xc3\xa9", "a&token=b" };
	char *large = malloc(B2B_REFERENCE_MAX + 2);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct b2b_presented *presented = NULL;
		uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

		memset(&heard, 0, sizeof(heard));
		assert_int_equal(b2b_presented_start(federation, others[i], strlen(others[i]), result, &heard, &presented), 0);
		while (!heard.results && b2b_now_ns() < deadline)
			b2b_loop_turn(loop, 100);
		assert_int_equal(heard.reason, B2B_AUTH_TOKEN_REFUSED);
		b2b_presented_cancel(presented);
	}
	memset(large, 'a', B2B_REFERENCE_MAX + 1);
	large[B2B_REFERENCE_MAX + 1] = '\0';
	refused(large, B2B_AUTH_TOKEN_REFUSED, b2b_token_fault_text(B2B_TOKEN_MALFORMED));
	free(large);
	assert_int_equal(issuer.introspected, 0);
}

static void without_introspection_a_reference_is_refused(void **state)
{
	char error[B2B_CONF_ERROR_SIZE] = "";
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	(void)state;
	b2b_federation_free(federation);
	json_object_del(issuer.metadata, "introspection_endpoint");
	assert_int_equal(b2b_federation_new(loop, http, &issuer.conf, &federation, error), 0);
	assert_int_equal(b2b_presented_start(federation, HANDLE, strlen(HANDLE), result, &heard, &(struct b2b_presented *){ NULL }), -EHOSTUNREACH);
	while (!b2b_federation_ready(federation) && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	refused(HANDLE, B2B_AUTH_TOKEN_REFUSED, "offers no introspection");
}

static void ask_about(const char *token, int reason)
{
	struct b2b_presented *presented = NULL;
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	memset(&heard, 0, sizeof(heard));
	assert_int_equal(b2b_presented_ask(federation, token, strlen(token), result, &heard, &presented), 0);
	while (!heard.results && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	b2b_presented_cancel(presented);
	if (heard.reason != reason)
		fail_msg("%s (%s), expected: %s", b2b_reason_code(heard.reason), heard.fault, b2b_reason_code(reason));
	assert_null(strstr(heard.fault, token));
}

/* Later, of a token that came beside a log-in: for whom it is meant and how long it lives was its own affair. */
static void a_former_token_is_asked_about_whatever_it_looks_like(void **state)
{
	char *jwt = jwt_of(claims_of_token());

	(void)state;
	issuer.introspection = claims_of_token();
	issuer.introspection_status = 200;
	json_object_set_new(issuer.introspection, "active", json_true());
	json_object_set_new(issuer.introspection, "aud", json_string("https://another.example"));
	json_object_set_new(issuer.introspection, "exp", json_integer(b2b_wall_s() + 86400));
	ask_about(jwt, B2B_OK);
	assert_string_equal(heard.subject, "alice-1");
	assert_int_equal(issuer.introspected, 1);
	issuer.introspection_signed = true;
	ask_about(jwt, B2B_OK);
	issuer.introspection_signed = false;
	json_object_set_new(issuer.introspection, "active", json_false());
	ask_about(jwt, B2B_AUTH_TOKEN_OVER);
	issuer.introspection_status = 400;
	json_object_set_new(issuer.introspection, "error", json_string("unsupported_token_type"));
	ask_about(jwt, B2B_AUTH_METHOD);
	json_object_set_new(issuer.introspection, "error", json_string("invalid_client"));
	ask_about(jwt, B2B_AUTH_TOKEN);
	issuer.introspection_status = 503;
	ask_about(jwt, B2B_SERVICE_DOWN);
	free(jwt);
}

/* The agent with a certificate of its own, whose x5t#S256 this is; caller frees. */
static char *show_certificate(void)
{
	const struct certificate_wish wish = { .subject = "web7" };
	static char key_path[SCRATCH_SIZE], path[SCRATCH_SIZE];
	EVP_PKEY *key = signer_key("ES256");
	X509 *certificate = certificate_make(key, &wish, NULL, NULL);
	unsigned char digest[32];

	scratch_path(key_path, tls_server_folder(issuer.server), "own.key");
	scratch_path(path, tls_server_folder(issuer.server), "own.pem");
	certificate_write_key(key_path, key);
	certificate_write(path, certificate);
	issuer.conf.federation.client_auth = B2B_CLIENT_SELF_SIGNED_TLS;
	issuer.conf.federation.client_key = key_path;
	issuer.conf.federation.client_certificate = path;
	assert_int_equal(X509_digest(certificate, EVP_sha256(), digest, NULL), 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return b2b_base64url_encode(digest, sizeof(digest));
}

static void begin_anew(void)
{
	char error[B2B_CONF_ERROR_SIZE] = "";
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	b2b_federation_free(federation);
	federation = NULL;
	assert_int_equal(b2b_federation_new(loop, http, &issuer.conf, &federation, error), 0);
	while (!b2b_federation_ready(federation) && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	assert_true(b2b_federation_ready(federation));
}

/* Such tokens are what a service gives to a host with a certificate (RFC 8705 3). Shown by somebody, one is as little theirs as any other. */
static void a_token_bound_to_our_own_certificate_is_asked_about(void **state)
{
	char *own = show_certificate(), *latest;

	(void)state;
	issuer.introspection = claims_of_token();
	json_object_set_new(issuer.introspection, "active", json_true());
	begin_anew();
	json_object_set_new(issuer.introspection, "cnf", json_pack("{s:s}", "x5t#S256", own));
	ask_about(HANDLE, B2B_OK);
	refused(HANDLE, B2B_AUTH_TOKEN_REFUSED, "bound");
	json_object_set_new(issuer.introspection, "cnf", json_pack("{s:s,s:s}", "x5t#S256", own, "jkt", "another"));
	ask_about(HANDLE, B2B_AUTH_TOKEN_REFUSED);
	json_object_set_new(issuer.introspection, "cnf", json_pack("{s:s}", "x5t#S256", "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"));
	ask_about(HANDLE, B2B_AUTH_TOKEN_REFUSED);
	json_object_set_new(issuer.introspection, "cnf", json_object());
	ask_about(HANDLE, B2B_AUTH_TOKEN_REFUSED);
	/* rolled over: what was given with the former one lives on */
	latest = show_certificate();
	json_object_set_new(issuer.introspection, "cnf", json_pack("{s:s}", "x5t#S256", own));
	ask_about(HANDLE, B2B_OK);
	json_object_set_new(issuer.introspection, "cnf", json_pack("{s:s}", "x5t#S256", latest));
	ask_about(HANDLE, B2B_OK);
	free(own);
	free(latest);
}

static void whoever_cancels_hears_nothing_more(void **state)
{
	struct b2b_presented *judged, *asked;
	char *jwt = jwt_of(claims_of_token());
	uint64_t until;

	(void)state;
	issuer.introspection = claims_of_token();
	assert_int_equal(b2b_presented_start(federation, jwt, strlen(jwt), result, &heard, &judged), 0);
	assert_int_equal(b2b_presented_start(federation, HANDLE, strlen(HANDLE), result, &heard, &asked), 0);
	b2b_presented_cancel(judged);
	b2b_loop_turn(loop, 0); /* the question is on its way */
	b2b_presented_cancel(asked);
	b2b_presented_cancel(NULL);
	accepted(jwt);
	until = b2b_now_ns() + B2B_NS_PER_S / 5;
	while (b2b_now_ns() < until)
		b2b_loop_turn(loop, 20);
	assert_int_equal(heard.results, 1);
	free(jwt);
}

static void a_digest_tells_tokens_apart(void **state)
{
	char a[B2B_DIGEST_SIZE], b[B2B_DIGEST_SIZE];

	(void)state;
	assert_int_equal(b2b_presented_digest("abc", 3, a), 0);
	assert_string_equal(a, "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"); /* FIPS 180-2 B.1 */
	assert_int_equal(b2b_presented_digest("abd", 3, b), 0);
	assert_string_not_equal(a, b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_signed_token_is_judged_here),
		TEST(a_signed_token_that_is_wrong_is_not_asked_about),
		TEST(a_longer_life_than_allowed_is_refused),
		TEST(keys_that_are_not_known_are_fetched_once),
		TEST(a_reference_is_asked_about),
		TEST(a_signed_answer_with_another_key_is_refused),
		TEST(what_the_service_says_of_a_reference_decides),
		TEST(what_can_be_no_reference_is_not_sent),
		TEST(without_introspection_a_reference_is_refused),
		TEST(a_former_token_is_asked_about_whatever_it_looks_like),
		TEST(a_token_bound_to_our_own_certificate_is_asked_about),
		TEST(whoever_cancels_hears_nothing_more),
		cmocka_unit_test(a_digest_tells_tokens_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
