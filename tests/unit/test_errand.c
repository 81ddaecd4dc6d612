/* What b2bd does on the network for b2bctl, against the embedded service: every way to register, and the end of a stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "b2bd/errand/errand.h"
#include "tests/support/certificate.h"
#include "tests/support/service.h"
#include "tests/support/signer.h"
#include "tests/support/tls_server.h"

static struct service service;
static char conf_path[SCRATCH_SIZE];

static int set_up(void **state)
{
	(void)state;
	service_start(&service, "ES256", "ES256");
	scratch_path(conf_path, service.folder, "b2b.conf");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	service_stop(&service);
	return 0;
}

/* Pairs of name and value, NULL at the end; caller clears. */
static struct b2b_lines run(const char *first, ...)
{
	struct b2b_lines order, answer;
	char *text = NULL, *said = NULL;
	size_t size, said_size;
	FILE *out = open_memstream(&text, &size), *answers = open_memstream(&said, &said_size);
	va_list args;

	b2b_line_put(out, "do", first);
	b2b_line_put(out, "ca_file", service.ca);
	va_start(args, first);
	for (const char *name; (name = va_arg(args, const char *));)
		b2b_line_put(out, name, va_arg(args, const char *));
	va_end(args);
	fclose(out);
	assert_int_equal(b2b_lines_parse(text, size, &order), 0);
	b2b_errand_run(&order, answers);
	fclose(answers);
	assert_int_equal(b2b_lines_parse(said, said_size, &answer), 0);
	b2b_lines_clear(&order);
	free(text);
	free(said);
	return answer;
}

static const char *get(const struct b2b_lines *answer, const char *name)
{
	const char *value = b2b_lines_get(answer, name);

	if (!value)
		fail_msg("no %s, but: %s", name, b2b_lines_get(answer, "error") ? b2b_lines_get(answer, "error") : "");
	return value;
}

/* The client works, as the agent would use it. */
static void client_works(const struct b2b_lines *answer, const char *auth, const char *more)
{
	static const char *const steps[] = { "token", "ciba", "device", "directory", "signals" };
	struct b2b_lines checked;
	char *text;
	int len = asprintf(&text, "[federation]\nissuer = %s\nca_file = %s\nclient_id = %s\nclient_auth = %s\n%s", service.url, service.ca,
	                   get(answer, "client_id"), auth, more);

	assert_true(len > 0);
	scratch_write(conf_path, text, (size_t)len, 0640);
	checked = run("check", "conf", conf_path, NULL);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (strncmp(get(&checked, steps[i]), "ok ", 3) != 0)
			fail_msg("%s: %s", steps[i], get(&checked, steps[i]));
	assert_null(b2b_lines_get(&checked, "login"));
	b2b_lines_clear(&checked);
	free(text);
}

static struct b2b_lines registered_by(const char *auth, const char *key, const char *certificate)
{
	if (certificate)
		return run("register", "issuer", service.url, "auth", auth, "name", "web9", "scope", "openid directory ssf", "token", SERVICE_REGISTRATION_TOKEN,
		           "key_file", key, "certificate_file", certificate, NULL);
	if (key)
		return run("register", "issuer", service.url, "auth", auth, "name", "web9", "scope", "openid directory ssf", "token", SERVICE_REGISTRATION_TOKEN,
		           "key_file", key, NULL);
	return run("register", "issuer", service.url, "auth", auth, "name", "web9", "scope", "openid directory ssf", "token", SERVICE_REGISTRATION_TOKEN, NULL);
}

static void every_method_can_be_registered(void **state)
{
	char secret[SCRATCH_SIZE], key[SCRATCH_SIZE], certificate[SCRATCH_SIZE], *more;
	struct b2b_lines answer, made;
	static const char *const by_secret[] = { "client_secret_basic", "client_secret_post" };

	(void)state;
	answer = registered_by("private_key_jwt", service.key, NULL);
	assert_true(asprintf(&more, "client_key = %s\n", service.key) > 0);
	client_works(&answer, "private_key_jwt", more);
	free(more);
	b2b_lines_clear(&answer);

	scratch_path(secret, service.folder, "registered.secret");
	assert_true(asprintf(&more, "client_secret_file = %s\n", secret) > 0);
	for (size_t i = 0; i < 2; i++) {
		answer = registered_by(by_secret[i], NULL, NULL);
		scratch_write(secret, get(&answer, "client_secret"), strlen(get(&answer, "client_secret")), 0640);
		client_works(&answer, by_secret[i], more);
		b2b_lines_clear(&answer);
	}
	free(more);

	made = run("key", "kind", "EC", "name", "web9", NULL);
	scratch_path(key, service.folder, "made.key");
	scratch_path(certificate, service.folder, "made.pem");
	scratch_write(key, get(&made, "key"), strlen(get(&made, "key")), 0640);
	scratch_write(certificate, get(&made, "certificate"), strlen(get(&made, "certificate")), 0640);
	b2b_lines_clear(&made);
	answer = registered_by("self_signed_tls_client_auth", key, certificate);
	assert_true(asprintf(&more, "client_key = %s\nclient_certificate = %s\n", key, certificate) > 0);
	client_works(&answer, "self_signed_tls_client_auth", more);
	free(more);
	b2b_lines_clear(&answer);
}

static void unfit_orders_are_refused(void **state)
{
	struct b2b_lines answer = run("dance", NULL);

	(void)state;
	assert_non_null(strstr(get(&answer, "error"), "no errand"));
	b2b_lines_clear(&answer);
	answer = run("register", "issuer", service.url, "auth", "private_key_jwt", "name", "x", "scope", "openid", NULL);
	assert_non_null(strstr(get(&answer, "error"), "key_file"));
	b2b_lines_clear(&answer);
	answer = run("register", "issuer", "http://127.0.0.1", "auth", "client_secret_post", "name", "x", "scope", "openid", NULL);
	assert_non_null(strstr(get(&answer, "error"), "https"));
	b2b_lines_clear(&answer);
	answer = run("delete", "uri", "https://127.0.0.1:1/", NULL);
	assert_non_null(strstr(get(&answer, "error"), "registration_access_token"));
	b2b_lines_clear(&answer);
}

/* What a key that is no longer registered is worth. */
static void keys_come_and_go(void **state)
{
	struct b2b_lines answer = registered_by("private_key_jwt", service.key, NULL), changed;
	char other[SCRATCH_SIZE], *more;
	EVP_PKEY *key = signer_key("EdDSA");

	(void)state;
	scratch_path(other, service.folder, "other.key");
	certificate_write_key(other, key);
	EVP_PKEY_free(key);
	changed = run("keys", "uri", get(&answer, "registration_client_uri"), "token", get(&answer, "registration_access_token"), "key_file", service.key,
	              "key_file", other, NULL);
	assert_null(b2b_lines_get(&changed, "error"));
	assert_true(asprintf(&more, "client_key = %s\n", other) > 0);
	client_works(&answer, "private_key_jwt", more);
	free(more);
	assert_true(asprintf(&more, "client_key = %s\n", service.key) > 0);
	client_works(&answer, "private_key_jwt", more);
	free(more);
	b2b_lines_clear(&changed);
	b2b_lines_clear(&answer);
}

/* Behind the service's back; the number of the first row, 0 where there is none. */
static int on_data(const char *sql)
{
	char path[SCRATCH_SIZE];
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;
	int n = 0;

	snprintf(path, sizeof(path), "%.200s/data/state.db", service.folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	if (sqlite3_step(statement) == SQLITE_ROW)
		n = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return n;
}

static void stream_is_deleted(void **state)
{
	char *text;
	struct b2b_lines answer;
	int len = asprintf(&text, "[federation]\nissuer = %s\nca_file = %s\nclient_id = web7\nclient_key = %s\n", service.url, service.ca, service.key);

	(void)state;
	scratch_write(conf_path, text, (size_t)len, 0640);
	free(text);
	on_data("INSERT INTO streams(id, client, requested, status, created_ms) VALUES('s1', 'web7', '[]', 'enabled', 0)");
	assert_int_equal(on_data("SELECT count(*) FROM streams"), 1);
	answer = run("stream", "conf", conf_path, NULL);
	assert_null(b2b_lines_get(&answer, "error"));
	assert_int_equal(on_data("SELECT count(*) FROM streams"), 0);
	b2b_lines_clear(&answer);
	answer = run("stream", "conf", conf_path, NULL); /* and where there is none */
	assert_null(b2b_lines_get(&answer, "error"));
	b2b_lines_clear(&answer);
}

/* The check of web9's configuration with MORE in it says of each step in SAYS, pairs of name and beginning, NULL at the end. */
static void check_says(const char *client, const char *more, const char *const *says)
{
	struct b2b_lines checked;
	char *text;
	int len = asprintf(&text, "[federation]\nissuer = %s\nca_file = %s\nclient_id = %s\nclient_key = %s\n%s", service.url, service.ca, client, service.key, more);

	assert_true(len > 0);
	scratch_write(conf_path, text, (size_t)len, 0640);
	checked = run("check", "conf", conf_path, NULL);
	for (; *says; says += 2)
		if (!says[1])
			assert_null(b2b_lines_get(&checked, says[0]));
		else if (strncmp(get(&checked, says[0]), says[1], strlen(says[1])) != 0)
			fail_msg("%s: %s", says[0], get(&checked, says[0]));
	b2b_lines_clear(&checked);
	free(text);
}

#define GRANTED "[organisation acme]\nid = 1\nrange = 2013265920-2013331455\nservices = su\n"

/* Asked as a log-in asks, which is how a grant that was forgotten, or a scope, is seen before anybody stands before a closed door. */
static void each_way_to_log_in_is_tried(void **state)
{
	struct b2b_lines answer = registered_by("private_key_jwt", service.key, NULL);
	const char *client = get(&answer, "client_id");

	(void)state;
	check_says(client, GRANTED, (const char *[]){ "ciba", "ok ", "device", "ok https://", "login", NULL, NULL });
	check_says(client, GRANTED "[service su]\nmethods = device\n", (const char *[]){ "ciba", NULL, "device", "ok ", "login", NULL, NULL });
	check_says(client, GRANTED "[service su]\nmethods = token\n", (const char *[]){ "ciba", NULL, "device", NULL, "login", NULL, NULL });
	check_says(client, "scope = openid nonsense\n" GRANTED,
	           (const char *[]){ "token", "ok ", "ciba", "failed invalid_scope", "device", "failed invalid_scope", "login", "failed su: none", NULL });
	check_says(client, "scope = openid nonsense\n" GRANTED "[service su]\nkey_suffices = yes\n", (const char *[]){ "device", "failed ", "login", NULL, NULL });
	on_data("UPDATE registrations SET metadata = json_set(metadata, '$.grant_types', json('[\"client_credentials\"]'))");
	check_says(client, GRANTED "[service su]\nmethods = ciba\n",
	           (const char *[]){ "ciba", "failed unauthorized_client: this client has not registered the grant; give this client the grant urn:openid:",
	                             "login", "failed su: none", NULL });
	b2b_lines_clear(&answer);
}

#define NUL_BODY_LEN 65536

static void reply_with_nul(void *arg, const struct tls_request *request, struct tls_reply *reply)
{
	(void)arg;
	(void)request;
	reply->body_len = NUL_BODY_LEN;
	reply->body = malloc(NUL_BODY_LEN);
	assert_non_null(reply->body);
	memset(reply->body, ' ', NUL_BODY_LEN);
	memcpy(reply->body, "{}", sizeof("{}"));
}

/* All of it is read and wiped later, not only what stands before the NUL. */
static void answer_with_a_nul_is_taken_whole(void **state)
{
	struct tls_server *server = tls_server_start(TLS_SERVER_SOUND, reply_with_nul, NULL);
	struct b2b_http_request request = { .method = "GET", .url = tls_server_url(server) };
	struct b2b_errand errand = { 0 };
	struct b2b_errand_answer answer;

	(void)state;
	assert_int_equal(b2b_loop_new(&errand.loop), 0);
	assert_int_equal(b2b_http_new(errand.loop, tls_server_ca(server), NULL, &errand.http), 0);
	b2b_errand_ask(&errand, &request, &answer);
	assert_int_equal(answer.error, 0);
	assert_int_equal(answer.body_len, NUL_BODY_LEN);
	assert_int_equal(answer.body[NUL_BODY_LEN - 1], ' ');
	assert_int_equal(answer.body[NUL_BODY_LEN], '\0');
	b2b_errand_answer_clear(&answer);
	b2b_http_free(errand.http);
	b2b_loop_free(errand.loop);
	tls_server_stop(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_method_can_be_registered),
		TEST(unfit_orders_are_refused),
		TEST(keys_come_and_go),
		TEST(stream_is_deleted),
		TEST(each_way_to_log_in_is_tried),
		cmocka_unit_test(answer_with_a_nul_is_taken_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
