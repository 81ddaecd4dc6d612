/* The host's own identity: what it takes for a key, what an assertion says, and how secrets travel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/client_identity.h"
#include "b2bd/federation/jws.h"
#include "b2bd/federation/jwks.h"
#include "b2bd/json.h"
#include "common/clock.h"
#include "tests/support/certificate.h"
#include "tests/support/scratch.h"
#include "tests/support/signer.h"
#include "tests/support/tls_server.h"

static char folder[SCRATCH_SIZE], file[SCRATCH_SIZE];
static char error[B2B_CONF_ERROR_SIZE];
static struct tls_request last;

static int set_up(void **state)
{
	(void)state;
	*error = '\0';
	scratch_make(folder);
	scratch_path(file, folder, "client.key");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static void write_key(EVP_PKEY *key, const EVP_CIPHER *cipher)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, cipher ? "word" : NULL, cipher ? 4 : 0, NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &text);
	scratch_write(file, text, (size_t)len, 0640);
	BIO_free(bio);
}

static struct b2b_conf_federation conf_of(enum b2b_client_auth auth)
{
	return (struct b2b_conf_federation){ .issuer = (char *)"https://login.example", .client_id = (char *)"web 7:x", .client_auth = auth,
		                             .client_key = auth == B2B_CLIENT_PRIVATE_KEY_JWT ? file : NULL,
		                             .client_secret_file = auth == B2B_CLIENT_PRIVATE_KEY_JWT ? NULL : file,
		                             .assertion_audience = (char *)"issuer" };
}

static int load(const struct b2b_conf_federation *conf, struct b2b_client_identity **ret)
{
	*ret = NULL;
	return b2b_client_identity_new(conf, ret, error);
}

static void refused(const struct b2b_conf_federation *conf, const char *why)
{
	struct b2b_client_identity *identity;

	assert_true(load(conf, &identity) < 0);
	assert_null(identity);
	if (!strstr(error, why) || !strstr(error, file))
		fail_msg("%s, expected: %s", error, why);
}

static void unusable_keys_are_refused_with_a_reason(void **state)
{
	struct b2b_conf_federation conf = conf_of(B2B_CLIENT_PRIVATE_KEY_JWT);
	EVP_PKEY *weak = signer_key("RSA1024"), *good = signer_key("ES256");

	(void)state;
	refused(&conf, strerror(ENOENT));
	scratch_write(file, "nonsense", 8, 0640);
	refused(&conf, "PEM");
	write_key(good, EVP_aes_128_cbc()); /* must not ask on a terminal */
	refused(&conf, "passphrase");
	write_key(weak, NULL);
	refused(&conf, "2,048");
	write_key(good, NULL);
	assert_int_equal(chmod(file, 0644), 0);
	refused(&conf, "everybody");
	assert_int_equal(chmod(file, 0660), 0);
	refused(&conf, "root");
	conf.client_key = NULL;
	assert_true(load(&conf, &(struct b2b_client_identity *){ NULL }) < 0);
	assert_non_null(strstr(error, "client_key"));
	EVP_PKEY_free(weak);
	EVP_PKEY_free(good);
}

static void unusable_secrets_are_refused_with_a_reason(void **state)
{
	struct b2b_conf_federation conf = conf_of(B2B_CLIENT_SECRET_BASIC);

	(void)state;
	scratch_write(file, "secret\n", 7, 0644);
	refused(&conf, "everybody");
	scratch_write(file, "\n", 1, 0640);
	refused(&conf, "one line");
	scratch_write(file, "a\nb\n", 4, 0640);
	refused(&conf, "one line");
	scratch_write(file, "a\0b\n", 4, 0640);
	refused(&conf, "one line");
}

static void certificate_must_be_of_the_key(void **state)
{
	struct b2b_conf_federation conf = conf_of(B2B_CLIENT_SELF_SIGNED_TLS);
	EVP_PKEY *key = signer_key("ES256"), *other = signer_key("ES256");
	X509 *own = certificate_make(key, &(struct certificate_wish){ .subject = "web7" }, NULL, NULL);
	X509 *foreign = certificate_make(other, &(struct certificate_wish){ .subject = "web7" }, NULL, NULL);
	char key_file[SCRATCH_SIZE];
	struct b2b_client_identity *identity;

	(void)state;
	scratch_path(key_file, folder, "tls.key");
	certificate_write_key(key_file, key);
	conf.client_key = key_file;
	conf.client_certificate = file;
	conf.client_secret_file = NULL;
	refused(&conf, strerror(ENOENT));
	scratch_write(file, "nonsense", 8, 0640);
	refused(&conf, "no certificate in PEM");
	certificate_write(file, foreign);
	refused(&conf, "not of the key");
	certificate_write(file, own);
	assert_int_equal(load(&conf, &identity), 0);
	b2b_client_identity_free(identity);
	X509_free(own);
	X509_free(foreign);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

/* RFC 7638 3.1; RFC 8037 A.3 */
static void thumbprints_are_the_published_ones(void **state)
{
	static const struct {
		const char *jwk, *thumbprint;
	} rows[] = {
		{ "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK"
		  "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
		  "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
		  "\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		  "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *jwk = json_loads(rows[i].jwk, 0, NULL);
		struct b2b_key key;
		char *thumbprint;

		assert_int_equal(b2b_key_from_jwk(jwk, &key), 0);
		thumbprint = b2b_key_thumbprint(key.pkey);
		assert_string_equal(thumbprint, rows[i].thumbprint);
		free(thumbprint);
		b2b_key_clear(&key);
		json_decref(jwk);
	}
}

/* The required members of an EC key are all that its bare JWK has; sorted and without blanks they are what is hashed. */
static void thumbprint_of_a_curve_is_of_its_jwk(void **state)
{
	static const char *const kinds[] = { "ES256", "ES384" };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		EVP_PKEY *key = signer_key(kinds[i]);
		json_t *jwk = signer_jwk(key, NULL, NULL, NULL);
		char *text = json_dumps(jwk, JSON_COMPACT | JSON_SORT_KEYS), *thumbprint = b2b_key_thumbprint(key), *expected;
		unsigned char digest[32];

		assert_int_equal(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL), 1);
		expected = b2b_base64url_encode(digest, sizeof(digest));
		assert_string_equal(thumbprint, expected);
		free(expected);
		free(thumbprint);
		free(text);
		json_decref(jwk);
		EVP_PKEY_free(key);
	}
}

static void remember(void *arg, const struct tls_request *request, struct tls_reply *reply)
{
	(void)arg;
	(void)reply;
	last = *request;
}

static void count(void *arg, const struct b2b_http_response *response)
{
	assert_int_equal(response->error, 0);
	++*(int *)arg;
}

static char asked[128]; /* the URL of the last post */

/* Post {a=b} and wait until it has arrived in LAST. */
static void post(struct b2b_client_identity *identity)
{
	struct tls_server *server = tls_server_start(TLS_SERVER_SOUND, remember, NULL);
	uint64_t deadline = b2b_now_ns() + 20 * B2B_NS_PER_S;
	struct b2b_form form = { 0 };
	struct b2b_http_call *call;
	struct b2b_loop *loop;
	struct b2b_http *http;
	int done = 0;

	snprintf(asked, sizeof(asked), "%s", tls_server_url(server));
	assert_int_equal(b2b_loop_new(&loop), 0);
	assert_int_equal(b2b_http_new(loop, tls_server_ca(server), NULL, &http), 0);
	b2b_form_add(&form, "a", "b c&=");
	assert_int_equal(b2b_client_post(identity, http, tls_server_url(server), "https://login.example/token", &form, count, &done, &call), 0);
	b2b_form_clear(&form);
	while (!done && b2b_now_ns() < deadline)
		b2b_loop_turn(loop, 100);
	assert_int_equal(done, 1);
	b2b_http_free(http);
	b2b_loop_free(loop);
	tls_server_stop(server);
}

/* The assertion in LAST, checked with KEY; caller json_decrefs the claims. */
static json_t *assertion(EVP_PKEY *key, const char *alg, const char *kid)
{
	static const struct b2b_jws_typ typ = { .name = "client-authentication+jwt" };
	json_t *set = json_pack("{s:[o]}", "keys", signer_jwk(key, kid, alg, "sig")), *claims = NULL;
	char *text = json_dumps(set, 0), *at = strstr(last.body, "client_assertion=");
	struct b2b_jwks *jwks;

	assert_non_null(at);
	at += strlen("client_assertion=");
	assert_int_equal(b2b_jwks_parse(text, strlen(text), &jwks), 0);
	assert_int_equal(b2b_jws_verify(at, strcspn(at, "&"), jwks, &typ, &claims), B2B_TOKEN_OK);
	b2b_jwks_free(jwks);
	free(text);
	json_decref(set);
	return claims;
}

static void assertion_with(const char *kind, const char *kid, const char *audience, const char *expected_audience)
{
	struct b2b_conf_federation conf = conf_of(B2B_CLIENT_PRIVATE_KEY_JWT);
	EVP_PKEY *key = signer_key(kind);
	struct b2b_client_identity *identity;
	int64_t iat, exp;
	json_t *claims;
	char *first;

	write_key(key, NULL);
	conf.client_key_id = (char *)kid;
	conf.assertion_audience = (char *)audience;
	assert_int_equal(load(&conf, &identity), 0);
	post(identity);
	assert_non_null(strstr(last.body, "a=b+c%26%3D&"));
	assert_non_null(strstr(last.body, "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"));
	assert_null(strstr(last.headers, "Authorization"));
	claims = assertion(key, kind, b2b_client_identity_kid(identity));
	assert_string_equal(b2b_json_text(claims, "iss"), "web 7:x");
	assert_string_equal(b2b_json_text(claims, "sub"), "web 7:x");
	assert_string_equal(b2b_json_text(claims, "aud"), expected_audience);
	assert_int_equal(b2b_json_seconds(claims, "iat", &iat), 0);
	assert_int_equal(b2b_json_seconds(claims, "exp", &exp), 0);
	assert_in_range(b2b_wall_s() - iat, 0, 30);
	assert_int_equal(exp - iat, 60);
	first = strdup(b2b_json_text(claims, "jti"));
	assert_true(strlen(first) >= 20);
	json_decref(claims);
	post(identity);
	claims = assertion(key, kind, b2b_client_identity_kid(identity));
	assert_string_not_equal(b2b_json_text(claims, "jti"), first); /* each is used once */
	json_decref(claims);
	free(first);
	b2b_client_identity_free(identity);
	EVP_PKEY_free(key);
}

static void assertions_are_signed_by_the_kind_of_key(void **state)
{
	(void)state;
	assertion_with("ES256", NULL, "issuer", "https://login.example");
	assertion_with("EdDSA", "own-kid", "issuer", "https://login.example");
	assertion_with("RS256", NULL, "token_endpoint", "https://login.example/token");
	assertion_with("ES384", NULL, NULL, "https://login.example");
	assertion_with("ES256", NULL, "endpoint", asked);
}

static void secret_travels_form_encoded_in_the_header(void **state)
{
	struct b2b_conf_federation conf = conf_of(B2B_CLIENT_SECRET_BASIC);
	struct b2b_client_identity *identity;

	(void)state;
	scratch_write(file, "p:\xc3\xa4 +%\n", 8, 0640);
	assert_int_equal(load(&conf, &identity), 0);
	assert_null(b2b_client_identity_kid(identity));
	post(identity);
	/* web+7%3Ax:p%3A%C3%A4+%2B%25 */
	assert_non_null(strstr(last.headers, "Authorization: Basic d2ViKzclM0F4OnAlM0ElQzMlQTQrJTJCJTI1\r\n"));
	assert_string_equal(last.body, "a=b+c%26%3D");
	b2b_client_identity_free(identity);
}

static void secret_travels_in_the_body(void **state)
{
	struct b2b_conf_federation conf = conf_of(B2B_CLIENT_SECRET_POST);
	struct b2b_client_identity *identity;

	(void)state;
	scratch_write(file, "s&=x\r\n", 6, 0640);
	assert_int_equal(load(&conf, &identity), 0);
	post(identity);
	assert_string_equal(last.body, "a=b+c%26%3D&client_id=web+7%3Ax&client_secret=s%26%3Dx");
	assert_null(strstr(last.headers, "Authorization"));
	b2b_client_identity_free(identity);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unusable_keys_are_refused_with_a_reason),
		TEST(unusable_secrets_are_refused_with_a_reason),
		TEST(certificate_must_be_of_the_key),
		TEST(thumbprints_are_the_published_ones),
		TEST(thumbprint_of_a_curve_is_of_its_jwk),
		TEST(assertions_are_signed_by_the_kind_of_key),
		TEST(secret_travels_form_encoded_in_the_header),
		TEST(secret_travels_in_the_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
