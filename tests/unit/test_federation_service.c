/* The agent's side against the real embedded service: people approve, keys rotate, the service lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "b2bd/federation/federation.h"
#include "common/clock.h"
#include "common/reason.h"
#include "tests/support/certificate.h"
#include "tests/support/service.h"
#include "tests/support/signer.h"

#define DEADLINE_NS (60 * B2B_NS_PER_S)
#define ALICE "63acb50d-05c1-509d-b562-97d63011fe98" /* of the seed */

static struct service service;
static struct b2b_conf conf;
static struct b2b_loop *loop;
static struct b2b_http *http;
static struct b2b_federation *federation;

struct login {
	struct b2b_approval *device;
	int prompts, results, reason;
	char code[64], uri[256], complete[256], subject[64], organisation[64], sid[64], fault[512];
	int64_t auth_time;
};

static struct {
	int calls, tokens;
	long status;
	char token[2048], error[512];
} heard;

static void turn_until(const int *count, int wanted)
{
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	while (*count < wanted && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	assert_int_equal(*count, wanted);
}

static void prompt(void *arg, const struct b2b_approval_prompt *shown)
{
	struct login *login = arg;

	login->prompts++;
	snprintf(login->code, sizeof(login->code), "%s", shown->user_code);
	snprintf(login->uri, sizeof(login->uri), "%s", shown->verification_uri);
	snprintf(login->complete, sizeof(login->complete), "%s", shown->verification_uri_complete ? shown->verification_uri_complete : "");
}

static void result(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	struct login *login = arg;
	const char *sid = token ? json_string_value(json_object_get(token->claims, "sid")) : NULL;

	login->results++;
	login->reason = reason;
	login->auth_time = token ? token->auth_time : 0;
	snprintf(login->subject, sizeof(login->subject), "%s", token ? token->subject : "");
	snprintf(login->organisation, sizeof(login->organisation), "%s", token && token->organisation ? token->organisation : "");
	snprintf(login->sid, sizeof(login->sid), "%s", sid ? sid : "");
	snprintf(login->fault, sizeof(login->fault), "%s", fault_text);
}

static void answered(void *arg, const struct b2b_http_response *response)
{
	(void)arg;
	heard.calls++;
	heard.status = response->error ? response->error : response->status;
}

static void order(const char *what, json_t *body)
{
	char url[256], *text = json_dumps(body, 0);
	struct b2b_http_request request = { .method = "POST", .url = url, .content_type = "application/json", .bearer = SERVICE_CONTROL_TOKEN,
		                            .body = text, .body_len = strlen(text) };
	struct b2b_http_call *call;
	int before = heard.calls;

	snprintf(url, sizeof(url), "%s/control/%s", service.url, what);
	assert_int_equal(b2b_http_start(http, &request, answered, NULL, &call), 0);
	turn_until(&heard.calls, before + 1);
	assert_int_equal(heard.status, 200);
	free(text);
	json_decref(body);
}

static void make_federation(const char *client_id, enum b2b_client_auth auth)
{
	char error[B2B_CONF_ERROR_SIZE] = "";
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	memset(&conf, 0, sizeof(conf));
	conf.federation = (struct b2b_conf_federation){
		.issuer = service.url, .client_id = (char *)client_id, .client_auth = auth, .client_key = service.key,
		.client_certificate = strcmp(client_id, "web10") == 0 ? service.own : service.issued,
		.client_secret_file = service.secret, .assertion_audience = (char *)"issuer", .scope = (char *)"openid organization",
		.api_scope = (char *)"directory ssf", .organisation_claim = (char *)"organization", .clock_skew_s = 60 };
	if (b2b_federation_new(loop, http, &conf, &federation, error) < 0)
		fail_msg("%s", error);
	while (!b2b_federation_ready(federation) && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	if (!b2b_federation_ready(federation))
		fail_msg("%s", b2b_federation_why(federation));
}

static void begin_at(const char *address, const char *kind, const char *alg)
{
	service_start_at(&service, address, kind, alg);
	assert_int_equal(b2b_loop_new(&loop), 0);
	assert_int_equal(b2b_http_new(loop, service.ca, NULL, &http), 0);
	make_federation("web7", B2B_CLIENT_PRIVATE_KEY_JWT);
}

static void begin(const char *kind, const char *alg)
{
	begin_at("127.0.0.1", kind, alg);
}

static int set_up(void **state)
{
	(void)state;
	memset(&heard, 0, sizeof(heard));
	memset(&service, 0, sizeof(service));
	federation = NULL;
	http = NULL;
	loop = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	b2b_federation_free(federation);
	b2b_http_free(http);
	b2b_loop_free(loop);
	service_stop(&service);
	return 0;
}

static void log_in(struct login *login, const char *decision)
{
	static const struct b2b_approval_handlers handlers = { .prompt = prompt, .result = result };
	static const struct b2b_approval_request alice = { .login_hint = "alice@acme" };

	memset(login, 0, sizeof(*login));
	assert_int_equal(b2b_device_start(federation, &alice, &handlers, login, &login->device), 0);
	turn_until(&login->prompts, 1);
	if (decision)
		order(decision, strcmp(decision, "approve") == 0 ? json_pack("{s:s,s:s}", "user_code", login->code, "person", ALICE)
		                                                 : json_pack("{s:s}", "user_code", login->code));
	turn_until(&login->results, 1);
	b2b_approval_cancel(login->device);
	login->device = NULL;
}

static void expect_alice(const struct login *login)
{
	if (login->reason != B2B_OK)
		fail_msg("%s: %s", b2b_reason_code(login->reason), login->fault);
	assert_string_equal(login->subject, ALICE);
	assert_string_equal(login->organisation, "42c3e9");
	assert_string_not_equal(login->sid, "");
	assert_in_range(b2b_wall_s() - login->auth_time + 5, 0, 120);
}

static void approved_with(const char *kind, const char *alg)
{
	struct login login;

	begin(kind, alg);
	log_in(&login, "approve");
	expect_alice(&login);
	assert_non_null(strstr(login.uri, service.url));
	assert_non_null(strstr(login.complete, login.code));
}

static void alice_logs_in_by_es256(void **state)
{
	(void)state;
	approved_with("ES256", "ES256");
}

static void alice_logs_in_by_rs256(void **state)
{
	(void)state;
	approved_with("RS256", "RS256");
}

static void alice_logs_in_by_eddsa(void **state)
{
	(void)state;
	approved_with("EdDSA", "EdDSA");
}

static void refusal_arrives(void **state)
{
	struct login login;

	(void)state;
	begin("ES256", "ES256");
	log_in(&login, "deny");
	assert_int_equal(login.reason, B2B_AUTH_DENIED);
}

static void rotated_key_is_fetched(void **state)
{
	struct login login;

	(void)state;
	begin("ES256", "ES256");
	order("rotate-keys", json_object());
	log_in(&login, "approve");
	expect_alice(&login);
}

static void lie(json_t *how, enum b2b_token_fault fault)
{
	struct login login;

	order("misbehave", how);
	log_in(&login, "approve");
	assert_int_equal(login.reason, B2B_AUTH_TOKEN);
	assert_string_equal(login.fault, b2b_token_fault_text(fault));
	order("misbehave", json_pack("{s:b}", "reset", 1));
}

static void lies_are_refused_each_by_its_name(void **state)
{
	struct login login;

	(void)state;
	begin("ES256", "ES256");
	lie(json_pack("{s:b}", "wrong_key", 1), B2B_TOKEN_SIGNATURE);
	lie(json_pack("{s:s}", "wrong_issuer", "https://evil.example"), B2B_TOKEN_ISSUER);
	lie(json_pack("{s:s}", "wrong_audience", "web8"), B2B_TOKEN_AUDIENCE);
	lie(json_pack("{s:b}", "unknown_kid", 1), B2B_TOKEN_KEY_UNKNOWN);
	log_in(&login, "approve"); /* and then as before */
	expect_alice(&login);
}

static void trouble_on_the_way_is_outlived(void **state)
{
	struct login login;

	(void)state;
	begin("ES256", "ES256");
	order("misbehave", json_pack("{s:{s:s,s:i}}", "drop", "family", "token", "count", 1));
	log_in(&login, "approve");
	expect_alice(&login);
	order("misbehave", json_pack("{s:{s:i,s:s,s:i}}", "status", "code", 502, "family", "token", "count", 1));
	log_in(&login, "approve");
	expect_alice(&login);
}

static void token_came(void *arg, const char *token, const char *error_text)
{
	(void)arg;
	heard.tokens++;
	snprintf(heard.token, sizeof(heard.token), "%s", token ? token : "");
	snprintf(heard.error, sizeof(heard.error), "%s", token ? "" : error_text);
}

/* The token opens the directory: the whole way of the host's identity. */
static void token_opens_the_directory(void)
{
	char url[256];
	struct b2b_http_request request = { .method = "GET", .url = url, .accept = "application/scim+json", .bearer = heard.token };
	struct b2b_http_call *call;
	int calls = heard.calls, tokens = heard.tokens;

	b2b_federation_access_token(federation, token_came, NULL);
	turn_until(&heard.tokens, tokens + 1);
	if (!*heard.token)
		fail_msg("%s", heard.error);
	snprintf(url, sizeof(url), "%s/scim/v2/Organizations", service.url);
	assert_int_equal(b2b_http_start(http, &request, answered, NULL, &call), 0);
	turn_until(&heard.calls, calls + 1);
	assert_int_equal(heard.status, 200);
}

static void no_token_because(const char *why)
{
	int tokens = heard.tokens;

	b2b_federation_access_token(federation, token_came, NULL);
	turn_until(&heard.tokens, tokens + 1);
	assert_string_equal(heard.token, "");
	assert_non_null(strstr(heard.error, "invalid_client"));
	if (!strstr(heard.error, why))
		fail_msg("%s; expected: %s", heard.error, why);
}

static void host_is_known_by_key_and_by_secret(void **state)
{
	(void)state;
	begin("ES256", "ES256");
	token_opens_the_directory();
	b2b_federation_free(federation);
	federation = NULL;
	make_federation("web8", B2B_CLIENT_SECRET_BASIC);
	token_opens_the_directory();
	b2b_federation_free(federation);
	federation = NULL;
	make_federation("web8", B2B_CLIENT_SECRET_POST);
	token_opens_the_directory();
	b2b_federation_free(federation);
	federation = NULL;
	make_federation("web9", B2B_CLIENT_PRIVATE_KEY_JWT); /* nobody's */
	no_token_because("no such client");
}

static bool has_ipv6(void)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static void service_can_be_on_ipv6_alone(void **state)
{
	struct login login;

	(void)state;
	if (!has_ipv6()) {
		print_message("skip service_can_be_on_ipv6_alone: this machine has no ::1\n");
		skip();
	}
	begin_at("[::1]", "ES256", "ES256");
	assert_non_null(strstr(service.url, "https://[::1]:"));
	token_opens_the_directory();
	log_in(&login, "approve");
	expect_alice(&login);
}

static void certificate_proves_the_host(const char *client_id, enum b2b_client_auth auth)
{
	struct login login;

	begin("ES256", "ES256");
	b2b_federation_free(federation);
	federation = NULL;
	make_federation(client_id, auth);
	token_opens_the_directory();
	log_in(&login, "approve"); /* the device endpoint has an alias as well */
	expect_alice(&login);
}

static void host_is_known_by_its_own_certificate(void **state)
{
	(void)state;
	certificate_proves_the_host("web10", B2B_CLIENT_SELF_SIGNED_TLS);
}

static void host_is_known_by_its_authoritys_certificate(void **state)
{
	(void)state;
	certificate_proves_the_host("web11", B2B_CLIENT_TLS);
}

/* The service really looks at it. */
static void other_certificates_are_refused(void **state)
{
	(void)state;
	begin("ES256", "ES256");
	b2b_federation_free(federation);
	federation = NULL;
	make_federation("web10", B2B_CLIENT_SELF_SIGNED_TLS);
	assert_int_equal(rename(service.stranger, service.own), 0); /* taken up with the next request */
	no_token_because("not the certificate that is registered");
	b2b_federation_free(federation);
	federation = NULL;
	make_federation("web11", B2B_CLIENT_TLS);
	assert_int_equal(rename(service.own, service.issued), 0);
	no_token_because("not by an authority");
}

/* A key that is replaced counts from the next request on; no reload, and nothing that is under way is lost. */
static void replaced_key_is_taken_up(void **state)
{
	EVP_PKEY *other;
	char *good;

	(void)state;
	begin("ES256", "ES256");
	token_opens_the_directory();
	assert_true(asprintf(&good, "%s.good", service.key) > 0);
	assert_int_equal(rename(service.key, good), 0);
	other = signer_key("ES256");
	certificate_write_key(service.key, other);
	EVP_PKEY_free(other);
	b2b_federation_drop_access_token(federation);
	no_token_because("not signed by the client's key");
	scratch_write(service.key, "half a key", 10, 0640); /* the former stays */
	no_token_because("not signed by the client's key");
	assert_int_equal(rename(good, service.key), 0);
	token_opens_the_directory();
	free(good);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(alice_logs_in_by_es256),
		TEST(alice_logs_in_by_rs256),
		TEST(alice_logs_in_by_eddsa),
		TEST(refusal_arrives),
		TEST(rotated_key_is_fetched),
		TEST(lies_are_refused_each_by_its_name),
		TEST(trouble_on_the_way_is_outlived),
		TEST(host_is_known_by_key_and_by_secret),
		TEST(service_can_be_on_ipv6_alone),
		TEST(host_is_known_by_its_own_certificate),
		TEST(host_is_known_by_its_authoritys_certificate),
		TEST(other_certificates_are_refused),
		TEST(replaced_key_is_taken_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
