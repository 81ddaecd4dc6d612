/* HTTPS over a real TLS server: what is sent, what is refused, and that every wait and every size has an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "b2bd/http.h"
#include "common/clock.h"
#include "common/trusted_file.h"
#include "tests/support/certificate.h"
#include "tests/support/proxy.h"
#include "tests/support/scratch.h"
#include "tests/support/signer.h"
#include "tests/support/tls_server.h"

#define TEST_DEADLINE_NS (20 * B2B_NS_PER_S)

static struct b2b_loop *loop;
static struct b2b_http *http;
static struct tls_server *server;
static struct tls_request last;
static struct tls_reply next;
static const char *next_body;

struct outcome {
	int calls, error;
	long status, retry_after_s, max_age_s;
	char text[1024], body[4096], content_type[128];
	size_t body_len;
};
static struct outcome got;

static void answer(void *arg, const struct tls_request *request, struct tls_reply *reply)
{
	(void)arg;
	last = *request;
	*reply = next;
	reply->body = next_body ? strdup(next_body) : NULL;
}

static void finished(void *arg, const struct b2b_http_response *response)
{
	struct outcome *to = arg;

	to->calls++;
	to->error = response->error;
	to->status = response->status;
	to->retry_after_s = response->retry_after_s;
	to->max_age_s = response->max_age_s;
	to->body_len = response->body_len;
	snprintf(to->text, sizeof(to->text), "%s", response->error_text);
	snprintf(to->body, sizeof(to->body), "%s", response->body);
	snprintf(to->content_type, sizeof(to->content_type), "%s", response->content_type);
}

static void turn_until(const int *calls, int wanted)
{
	uint64_t deadline = b2b_now_ns() + TEST_DEADLINE_NS;

	while (*calls < wanted && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	assert_int_equal(*calls, wanted);
}

static void begin(enum tls_server_fault fault)
{
	server = tls_server_start(fault, answer, NULL);
	assert_int_equal(b2b_loop_new(&loop), 0);
	assert_int_equal(b2b_http_new(loop, tls_server_ca(server), NULL, &http), 0);
}

static int set_up(void **state)
{
	(void)state;
	memset(&next, 0, sizeof(next));
	memset(&got, 0, sizeof(got));
	next_body = NULL;
	server = NULL;
	loop = NULL;
	http = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	b2b_http_free(http);
	b2b_loop_free(loop);
	tls_server_stop(server);
	return 0;
}

static const char *url(const char *path)
{
	static char buf[256];

	snprintf(buf, sizeof(buf), "%s%s", tls_server_url(server), path);
	return buf;
}

static void exchange(const struct b2b_http_request *request)
{
	struct b2b_http_call *call;
	int before = got.calls;

	assert_int_equal(b2b_http_start(http, request, finished, &got, &call), 0);
	assert_int_equal(got.calls, before); /* never from within start */
	turn_until(&got.calls, before + 1);
}

static void get_brings_body_status_and_headers(void **state)
{
	(void)state;
	begin(TLS_SERVER_SOUND);
	next_body = "{\"a\":1}";
	snprintf(next.headers, sizeof(next.headers), "Content-Type: application/json\r\nCache-Control: public, max-age=\"600\"\r\nRetry-After: 7\r\n");
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/x?y=1") });
	assert_int_equal(got.error, 0);
	assert_int_equal(got.status, 200);
	assert_string_equal(got.body, "{\"a\":1}");
	assert_string_equal(got.content_type, "application/json");
	assert_int_equal(got.max_age_s, 600);
	assert_int_equal(got.retry_after_s, 7);
	assert_string_equal(last.method, "GET");
	assert_string_equal(last.path, "/x?y=1");
	assert_non_null(strstr(last.headers, "Accept: application/json\r\n"));
	assert_null(strstr(last.headers, "Authorization"));
}

static void absent_headers_are_told_apart_from_zero(void **state)
{
	(void)state;
	begin(TLS_SERVER_SOUND);
	next.status = 503;
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/") });
	assert_int_equal(got.status, 503);
	assert_int_equal(got.retry_after_s, -1);
	assert_int_equal(got.max_age_s, -1);
	assert_string_equal(got.content_type, "");
	snprintf(next.headers, sizeof(next.headers), "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nCache-Control: no-cache, max-age=0\r\n");
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/") });
	assert_int_equal(got.retry_after_s, 0);
	assert_int_equal(got.max_age_s, 0);
}

static void methods_bodies_and_credentials_arrive_as_asked(void **state)
{
	struct b2b_http_request request = { .method = "POST", .content_type = "application/x-www-form-urlencoded",
		                            .accept = "application/scim+json", .basic_user = "web7", .basic_password = "s%3Acret",
		                            .content_language = "en", .body = "a=b", .body_len = 3 };

	(void)state;
	begin(TLS_SERVER_SOUND);
	request.url = url("/t");
	exchange(&request);
	assert_string_equal(last.method, "POST");
	assert_string_equal(last.body, "a=b");
	assert_non_null(strstr(last.headers, "Authorization: Basic d2ViNzpzJTNBY3JldA==\r\n"));
	assert_non_null(strstr(last.headers, "Content-Type: application/x-www-form-urlencoded\r\n"));
	assert_non_null(strstr(last.headers, "Accept: application/scim+json\r\n"));
	assert_non_null(strstr(last.headers, "Content-Language: en\r\n"));
	assert_null(strstr(last.headers, "Expect"));
	exchange(&(struct b2b_http_request){ .method = "PATCH", .url = url("/t"), .bearer = "tok", .content_type = "application/json",
	                                     .body = "{}", .body_len = 2 });
	assert_string_equal(last.method, "PATCH");
	assert_string_equal(last.body, "{}");
	assert_non_null(strstr(last.headers, "Authorization: Bearer tok\r\n"));
	exchange(&(struct b2b_http_request){ .method = "DELETE", .url = url("/t"), .bearer = "tok" });
	assert_string_equal(last.method, "DELETE");
	exchange(&(struct b2b_http_request){ .method = "POST", .url = url("/t") });
	assert_string_equal(last.method, "POST");
	assert_string_equal(last.body, "");
}

static void connection_is_kept_for_the_next_request(void **state)
{
	(void)state;
	begin(TLS_SERVER_SOUND);
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/1") });
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/2") });
	assert_int_equal(last.connection, 1);
}

static void only_https_is_spoken_and_headers_cannot_be_broken(void **state)
{
	static const char *const wrong[] = { "http://127.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd", "https://", "", "127.0.0.1" };
	struct b2b_http_call *call;
	size_t i;

	(void)state;
	begin(TLS_SERVER_SOUND);
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct b2b_http_request request = { .method = "GET", .url = wrong[i] };

		assert_int_equal(b2b_http_start(http, &request, finished, &got, &call), -EINVAL);
	}
	assert_int_equal(b2b_http_start(http, &(struct b2b_http_request){ .method = "GET", .url = url("/"), .bearer = "a\r\nX: y" }, finished,
	                                &got, &call), -EINVAL);
}

static void redirect_is_an_answer_and_not_followed(void **state)
{
	(void)state;
	begin(TLS_SERVER_SOUND);
	next.status = 302;
	snprintf(next.headers, sizeof(next.headers), "Location: %s\r\n", url("/elsewhere"));
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/here"), .bearer = "secret" });
	assert_int_equal(got.error, 0);
	assert_int_equal(got.status, 302);
	assert_string_equal(last.path, "/here");
}

static void refuses_tls(enum tls_server_fault fault, const char *why)
{
	memset(&last, 0, sizeof(last));
	begin(fault);
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/"), .bearer = "secret" });
	assert_int_equal(got.error, -EPROTO);
	assert_non_null(strstr(got.text, tls_server_url(server) + 8)); /* which host */
	assert_non_null(strstr(got.text, why));
	assert_string_equal(last.path, ""); /* nothing was asked, so no secret was sent */
}

static void certificate_of_another_name_is_refused(void **state)
{
	(void)state;
	refuses_tls(TLS_SERVER_OTHER_NAME, "CN=tests is for DNS:other.example and not for 127.0.0.1:");
}

static void certificate_that_has_expired_is_refused(void **state)
{
	(void)state;
	refuses_tls(TLS_SERVER_EXPIRED, "the certificate CN=tests has expired: the service must renew it (issued by CN=tests, valid from 20");
}

static void certificate_of_tomorrow_is_refused(void **state)
{
	(void)state;
	refuses_tls(TLS_SERVER_NOT_YET, "CN=tests is not valid yet: is this host's clock right");
}

static void certificate_of_a_weak_key_is_refused(void **state)
{
	(void)state;
	refuses_tls(TLS_SERVER_WEAK, "CN=tests has a key that is too weak");
}

static void an_authority_that_has_expired_is_told_from_the_service(void **state)
{
	(void)state;
	refuses_tls(TLS_SERVER_AUTHORITY_OVER, "the certificate CN=authority has expired: the service must send the authority's present certificate, or ca_file must hold it");
}

static void a_signature_by_sha1_is_refused(void **state)
{
	(void)state;
	refuses_tls(TLS_SERVER_SHA1, "CN=tests is signed with a digest that is too weak");
}

static void a_gap_in_the_chain_is_the_services_to_close(void **state)
{
	(void)state;
	refuses_tls(TLS_SERVER_GAP, ": the service must send the certificates in between, or its authority's belongs into a file that ca_file names (issued by CN=between,");
}

/* The other way round: who reads the log has to know whose certificate it is. */
static void a_service_that_refuses_our_certificate_is_understood(void **state)
{
	const struct certificate_wish wish = { .subject = "web7" };
	EVP_PKEY *key = signer_key("ES256");
	X509 *certificate = certificate_make(key, &wish, NULL, NULL);
	char key_path[SCRATCH_SIZE], path[SCRATCH_SIZE], *key_text, *text;
	size_t len;

	(void)state;
	memset(&last, 0, sizeof(last));
	begin(TLS_SERVER_WANTS_CERTIFICATE);
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/"), .bearer = "secret" });
	assert_true(got.error < 0);
	assert_non_null(strstr(got.text, "the service wants a certificate of this host: see client_auth"));
	scratch_path(key_path, tls_server_folder(server), "own.key");
	scratch_path(path, tls_server_folder(server), "own.pem");
	certificate_write_key(key_path, key);
	certificate_write(path, certificate);
	assert_int_equal(b2b_trusted_read(key_path, 65536, &key_text, &len), 0);
	assert_int_equal(b2b_trusted_read(path, 65536, &text, &len), 0);
	assert_int_equal(b2b_http_set_certificate(http, text, key_text), 0);
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/"), .bearer = "secret" });
	assert_true(got.error < 0);
	assert_non_null(strstr(got.text, "the service refuses this host's certificate ("));
	assert_string_equal(last.path, "");
	free(key_text);
	free(text);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

/* The file that the chain is checked against is named: it is what to look at. */
static void certificate_of_another_authority_names_the_file(void **state)
{
	struct tls_server *other;

	(void)state;
	memset(&last, 0, sizeof(last));
	begin(TLS_SERVER_SOUND);
	other = server;
	server = tls_server_start(TLS_SERVER_SOUND, answer, NULL);
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/"), .bearer = "secret" });
	assert_int_equal(got.error, -EPROTO);
	assert_non_null(strstr(got.text, "CN=tests is by nobody in "));
	assert_non_null(strstr(got.text, tls_server_ca(other)));
	assert_string_equal(last.path, "");
	tls_server_stop(other);
}

static void proxy_is_asked_for_a_tunnel(void **state)
{
	struct proxy *proxy = proxy_start();
	char line[256], expected[300];

	(void)state;
	begin(TLS_SERVER_SOUND);
	b2b_http_free(http);
	assert_int_equal(b2b_http_new(loop, tls_server_ca(server), proxy_url(proxy), &http), 0);
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/tunnelled"), .bearer = "secret" });
	assert_int_equal(got.error, 0);
	assert_string_equal(last.path, "/tunnelled");
	assert_int_equal(proxy_tunnels(proxy, line), 1);
	snprintf(expected, sizeof(expected), "CONNECT %s HTTP/1.1", tls_server_url(server) + 8);
	assert_string_equal(line, expected); /* TLS is to the service: the proxy saw its name and nothing else */
	b2b_http_free(http);
	http = NULL;
	proxy_stop(proxy);
}

static void proxy_that_is_not_there_is_told(void **state)
{
	(void)state;
	begin(TLS_SERVER_SOUND);
	b2b_http_free(http);
	assert_int_equal(b2b_http_new(loop, tls_server_ca(server), "http://127.0.0.1:1", &http), 0);
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/") });
	assert_int_equal(got.error, -ECONNREFUSED);
	assert_non_null(strstr(got.text, "127.0.0.1 port 1 "));
}

static void tls_before_1_2_is_refused(void **state)
{
	(void)state;
	refuses_tls(TLS_SERVER_OLD_TLS, "");
}

static void certificate_of_an_unknown_authority_is_refused(void **state)
{
	struct b2b_http *strangers;
	struct b2b_http_call *call;

	(void)state;
	begin(TLS_SERVER_SOUND);
	b2b_http_free(http);
	http = NULL;
	assert_int_equal(b2b_http_new(loop, NULL, NULL, &strangers), 0);
	http = strangers;
	assert_int_equal(b2b_http_start(http, &(struct b2b_http_request){ .method = "GET", .url = url("/") }, finished, &got, &call), 0);
	turn_until(&got.calls, 1);
	assert_int_equal(got.error, -EPROTO);
	assert_non_null(strstr(got.text, "by nobody in the system's authorities"));
	assert_non_null(strstr(got.text, "ca_file"));
}

static void answer_larger_than_allowed_is_refused(void **state)
{
	char *large = malloc(5001);

	(void)state;
	assert_non_null(large);
	memset(large, 'x', 5000);
	large[5000] = '\0';
	begin(TLS_SERVER_SOUND);
	next_body = large;
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/"), .max_body = 4999 });
	assert_int_equal(got.error, -EFBIG);
	assert_int_equal(got.body_len, 0);
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/"), .max_body = 5000 });
	assert_int_equal(got.error, 0);
	assert_int_equal(got.body_len, 5000);
	/* without a length there is nothing to refuse at once: the count ends it */
	next_body = "12c\r\n" "0123456789012345678901234567890123456789\r\n";
	snprintf(next.headers, sizeof(next.headers), "Transfer-Encoding: chunked\r\n");
	next.cut = true;
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/"), .max_body = 20 });
	assert_int_equal(got.error, -EFBIG);
	free(large);
}

static void half_an_answer_is_none(void **state)
{
	(void)state;
	begin(TLS_SERVER_SOUND);
	next_body = "{\"sub\":";
	next.declared = 100;
	next.cut = true;
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/") });
	assert_int_equal(got.error, -ECONNRESET);
	assert_string_equal(got.body, "");
}

static void silence_ends_at_the_time_out(void **state)
{
	uint64_t begun = b2b_now_ns();

	(void)state;
	begin(TLS_SERVER_SOUND);
	next.silent = true;
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/"), .timeout_ms = 300 });
	assert_int_equal(got.error, -ETIMEDOUT);
	assert_true(b2b_now_ns() - begun < 10 * B2B_NS_PER_S);
}

static void nobody_listening_is_refused_by_name(void **state)
{
	char gone[64];

	(void)state;
	begin(TLS_SERVER_SOUND);
	snprintf(gone, sizeof(gone), "%s", tls_server_url(server));
	tls_server_stop(server);
	server = NULL;
	exchange(&(struct b2b_http_request){ .method = "GET", .url = gone });
	assert_int_equal(got.error, -ECONNREFUSED);
	assert_non_null(strstr(got.text, "127.0.0.1"));
}

static void cancelled_call_is_never_heard_of(void **state)
{
	struct outcome other = { 0 };
	struct b2b_http_call *call;

	(void)state;
	begin(TLS_SERVER_SOUND);
	assert_int_equal(b2b_http_start(http, &(struct b2b_http_request){ .method = "GET", .url = url("/") }, finished, &other, &call), 0);
	b2b_loop_turn(loop, 10);
	b2b_http_cancel(call);
	b2b_http_cancel(NULL);
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/") });
	assert_int_equal(other.calls, 0);
}

struct chain {
	struct b2b_http_call *call, *victim;
	int calls;
};

static void never(void *arg, const struct b2b_http_response *response)
{
	(void)arg;
	(void)response;
	fail_msg("a cancelled call reported");
}

/* From within DONE: cancel oneself and another, begin a new one. */
static void cancel_and_go_on(void *arg, const struct b2b_http_response *response)
{
	struct chain *chain = arg;

	assert_int_equal(response->error, 0);
	b2b_http_cancel(chain->call);
	b2b_http_cancel(chain->victim);
	chain->victim = NULL;
	if (chain->calls++ == 0)
		assert_int_equal(b2b_http_start(http, &(struct b2b_http_request){ .method = "GET", .url = url("/") }, cancel_and_go_on, chain,
		                                &chain->call), 0);
}

static void callback_may_cancel_and_start(void **state)
{
	struct chain chain = { 0 };

	(void)state;
	begin(TLS_SERVER_SOUND);
	next_body = "ok";
	assert_int_equal(b2b_http_start(http, &(struct b2b_http_request){ .method = "GET", .url = url("/") }, cancel_and_go_on, &chain,
	                                &chain.call), 0);
	assert_int_equal(b2b_http_start(http, &(struct b2b_http_request){ .method = "GET", .url = "https://127.0.0.1:1/" }, never, NULL,
	                                &chain.victim), 0);
	b2b_http_cancel(chain.victim);
	chain.victim = NULL;
	turn_until(&chain.calls, 2);
}

static void freeing_the_client_cancels(void **state)
{
	struct b2b_http_call *call;

	(void)state;
	begin(TLS_SERVER_SOUND);
	next.silent = true;
	assert_int_equal(b2b_http_start(http, &(struct b2b_http_request){ .method = "GET", .url = url("/") }, never, NULL, &call), 0);
	b2b_loop_turn(loop, 20);
	b2b_http_free(http);
	http = NULL;
	b2b_loop_turn(loop, 20);
}

static void environment_does_not_choose_a_proxy(void **state)
{
	(void)state;
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	begin(TLS_SERVER_SOUND);
	exchange(&(struct b2b_http_request){ .method = "GET", .url = url("/") });
	assert_int_equal(got.error, 0);
	unsetenv("https_proxy");
}

/*
 * OpenSSL's configuration may allow more than we do, and Debian's allows less: with its own, this program would refuse old
 * TLS whatever the client asks for. It is read once, when libcurl or the server first wakes OpenSSL.
 */
static void allow_everything(const char *folder)
{
	static const char conf[] = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = lax\n"
	                           "[lax]\nMinProtocol = TLSv1\nCipherString = DEFAULT:@SECLEVEL=0\n";
	char path[SCRATCH_SIZE];

	scratch_path(path, folder, "openssl.cnf");
	scratch_write(path, conf, sizeof(conf) - 1, 0600);
	setenv("OPENSSL_CONF", path, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(get_brings_body_status_and_headers),
		TEST(absent_headers_are_told_apart_from_zero),
		TEST(methods_bodies_and_credentials_arrive_as_asked),
		TEST(connection_is_kept_for_the_next_request),
		TEST(only_https_is_spoken_and_headers_cannot_be_broken),
		TEST(redirect_is_an_answer_and_not_followed),
		TEST(certificate_of_another_name_is_refused),
		TEST(certificate_that_has_expired_is_refused),
		TEST(certificate_of_tomorrow_is_refused),
		TEST(certificate_of_a_weak_key_is_refused),
		TEST(an_authority_that_has_expired_is_told_from_the_service),
		TEST(a_signature_by_sha1_is_refused),
		TEST(a_gap_in_the_chain_is_the_services_to_close),
		TEST(a_service_that_refuses_our_certificate_is_understood),
		TEST(certificate_of_another_authority_names_the_file),
		TEST(proxy_is_asked_for_a_tunnel),
		TEST(proxy_that_is_not_there_is_told),
		TEST(tls_before_1_2_is_refused),
		TEST(certificate_of_an_unknown_authority_is_refused),
		TEST(answer_larger_than_allowed_is_refused),
		TEST(half_an_answer_is_none),
		TEST(silence_ends_at_the_time_out),
		TEST(nobody_listening_is_refused_by_name),
		TEST(cancelled_call_is_never_heard_of),
		TEST(callback_may_cancel_and_start),
		TEST(freeing_the_client_cancels),
		TEST(environment_does_not_choose_a_proxy),
	};
	char folder[SCRATCH_SIZE];
	int failed;

	scratch_make(folder);
	allow_everything(folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_remove(folder);
	return failed;
}
