/* ID tokens: one that is right, and beside it each that differs in one thing and is refused for just that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/federation/token.h"
#include "tests/support/signer.h"

#define NOW 1790000000
#define ISSUER "https://login.example.com/realms/partners"

static EVP_PKEY *key;
static struct b2b_jwks *jwks;
static const struct b2b_token_expect expect = { .issuer = ISSUER, .audience = "web7", .now = NOW, .skew_s = 60 };

static int set_up(void **state)
{
	json_t *set;
	char *text;

	(void)state;
	key = signer_key("ES256");
	set = json_pack("{s:[o]}", "keys", signer_jwk(key, "k1", "ES256", "sig"));
	text = json_dumps(set, 0);
	b2b_jwks_parse(text, strlen(text), &jwks);
	free(text);
	json_decref(set);
	return jwks ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	b2b_jwks_free(jwks);
	EVP_PKEY_free(key);
	return 0;
}

static json_t *good(void)
{
	return json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:s,s:s,s:{s:{s:s}}}", "iss", ISSUER, "sub", "6f2a", "aud", "web7", "iat", NOW - 5, "exp",
	                 NOW + 300, "auth_time", NOW - 10, "acr", "aal2", "jti", "j-1", "organization", "acme", "id", "42c3e9");
}

static enum b2b_token_fault verify_typ(const json_t *claims, const char *typ, const char *organisation_claim, struct b2b_id_token *ret)
{
	char *jwt = signer_token(key, "ES256", "k1", typ, claims);
	enum b2b_token_fault fault = b2b_id_token_verify(jwt, strlen(jwt), jwks, &expect, organisation_claim, ret);

	free(jwt);
	return fault;
}

static void good_token_gives_its_claims(void **state)
{
	json_t *claims = good();
	struct b2b_id_token token;

	(void)state;
	json_object_set_new(claims, "session_expiry", json_integer(NOW + 3600));
	assert_int_equal(verify_typ(claims, "JWT", "organization", &token), B2B_TOKEN_OK);
	assert_string_equal(token.subject, "6f2a");
	assert_string_equal(token.organisation, "42c3e9");
	assert_string_equal(token.acr, "aal2");
	assert_string_equal(token.jti, "j-1");
	assert_int_equal(token.issued_at, NOW - 5);
	assert_int_equal(token.expires_at, NOW + 300);
	assert_int_equal(token.auth_time, NOW - 10);
	assert_int_equal(token.session_expiry, NOW + 3600);
	assert_string_equal(json_string_value(json_object_get(token.claims, "aud")), "web7");
	b2b_id_token_clear(&token);
	assert_null(token.subject);
	json_decref(claims);
}

static void what_is_optional_may_be_absent(void **state)
{
	static const char *const optional[] = { "acr", "jti", "auth_time", "organization" };
	json_t *claims = good();
	struct b2b_id_token token;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(optional) / sizeof(*optional); i++)
		json_object_del(claims, optional[i]);
	assert_int_equal(verify_typ(claims, NULL, "organization", &token), B2B_TOKEN_OK);
	assert_null(token.acr);
	assert_null(token.jti);
	assert_null(token.organisation);
	assert_int_equal(token.auth_time, 0);
	assert_int_equal(token.session_expiry, 0);
	b2b_id_token_clear(&token);
	json_decref(claims);
}

/* NAME replaced by the JSON text VALUE ("" removes it) in an otherwise good token. */
struct change {
	const char *name, *value;
	enum b2b_token_fault fault;
};

static void expect_fault(const struct change *change)
{
	struct b2b_id_token token = { .subject = (char *)"untouched" };
	json_t *claims = good();
	enum b2b_token_fault fault;

	if (*change->value)
		json_object_set_new(claims, change->name, json_loads(change->value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(claims, change->name);
	fault = verify_typ(claims, "JWT", "organization", &token);
	if (fault != change->fault)
		fail_msg("%s = %s: %s, expected: %s", change->name, change->value, b2b_token_fault_text(fault), b2b_token_fault_text(change->fault));
	if (fault == B2B_TOKEN_OK)
		b2b_id_token_clear(&token);
	else
		assert_string_equal(token.subject, "untouched");
	json_decref(claims);
}

static void every_wrong_claim_has_its_own_fault(void **state)
{
	static const struct change changes[] = {
		{ "iss", "\"https://login.example.com/realms/partners/\"", B2B_TOKEN_ISSUER },
		{ "iss", "\"https://login.example.com/realms/partner\"", B2B_TOKEN_ISSUER },
		{ "iss", "\"https://LOGIN.example.com/realms/partners\"", B2B_TOKEN_ISSUER },
		{ "iss", "", B2B_TOKEN_CLAIM_ISS },
		{ "iss", "7", B2B_TOKEN_CLAIM_ISS },
		{ "aud", "\"web8\"", B2B_TOKEN_AUDIENCE },
		{ "aud", "\"web77\"", B2B_TOKEN_AUDIENCE },
		{ "aud", "[\"web8\"]", B2B_TOKEN_AUDIENCE },
		{ "aud", "[]", B2B_TOKEN_AUDIENCE },
		{ "aud", "[\"web7\"]", B2B_TOKEN_OK },
		{ "aud", "", B2B_TOKEN_CLAIM_AUD },
		{ "aud", "{\"web7\":1}", B2B_TOKEN_CLAIM_AUD },
		{ "aud", "[\"web7\",7]", B2B_TOKEN_CLAIM_AUD },
		{ "aud", "[\"web7\",\"web7\"]", B2B_TOKEN_OK },
		{ "aud", "[\"web7\",\"other\"]", B2B_TOKEN_AUDIENCE_MORE },
		{ "azp", "\"web8\"", B2B_TOKEN_AZP },
		{ "azp", "7", B2B_TOKEN_AZP },
		{ "azp", "\"web7\"", B2B_TOKEN_OK },
		{ "exp", "1789999940", B2B_TOKEN_BACKWARDS }, /* before it was issued */
		{ "exp", "", B2B_TOKEN_CLAIM_EXP },
		{ "exp", "\"1790000300\"", B2B_TOKEN_CLAIM_EXP },
		{ "exp", "-1", B2B_TOKEN_CLAIM_EXP },
		{ "exp", "1e300", B2B_TOKEN_CLAIM_EXP },
		{ "exp", "1790000300.5", B2B_TOKEN_OK },
		{ "iat", "", B2B_TOKEN_CLAIM_IAT },
		{ "iat", "null", B2B_TOKEN_CLAIM_IAT },
		{ "iat", "1790000061", B2B_TOKEN_NOT_YET },
		{ "iat", "1790000060", B2B_TOKEN_OK },
		{ "nbf", "1790000061", B2B_TOKEN_NOT_YET },
		{ "nbf", "1790000060", B2B_TOKEN_OK },
		{ "nbf", "\"soon\"", B2B_TOKEN_CLAIM_NBF },
		{ "auth_time", "1790000061", B2B_TOKEN_NOT_YET },
		{ "auth_time", "\"now\"", B2B_TOKEN_CLAIM_AUTH_TIME },
		{ "session_expiry", "\"never\"", B2B_TOKEN_CLAIM_SESSION_EXPIRY },
		{ "nonce", "\"n\"", B2B_TOKEN_NONCE },
		{ "events", "{\"https://schemas.openid.net/secevent/caep/event-type/session-revoked\":{}}", B2B_TOKEN_EVENTS },
		{ "events", "{}", B2B_TOKEN_EVENTS },
		{ "sub", "", B2B_TOKEN_CLAIM_SUB },
		{ "sub", "\"\"", B2B_TOKEN_CLAIM_SUB },
		{ "sub", "{}", B2B_TOKEN_CLAIM_SUB },
		{ "sub", "\"a\\nb\"", B2B_TOKEN_CLAIM_SUB },
		{ "acr", "2", B2B_TOKEN_CLAIM_ACR },
		{ "jti", "[]", B2B_TOKEN_CLAIM_JTI },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(changes) / sizeof(*changes); i++)
		expect_fault(&changes[i]);
}

static void expired(int exp, enum b2b_token_fault wanted)
{
	struct b2b_id_token token;
	json_t *claims = good();

	json_object_set_new(claims, "iat", json_integer(NOW - 1000));
	json_object_set_new(claims, "exp", json_integer(exp));
	assert_int_equal(verify_typ(claims, "JWT", "organization", &token), wanted);
	if (wanted == B2B_TOKEN_OK)
		b2b_id_token_clear(&token);
	json_decref(claims);
}

static void expiry_allows_for_the_skew_and_no_more(void **state)
{
	(void)state;
	expired(NOW - 59, B2B_TOKEN_OK);
	expired(NOW - 60, B2B_TOKEN_EXPIRED);
	expired(NOW - 61, B2B_TOKEN_EXPIRED);
}

/* Whoever else it is meant for could use it as well as we do: given to us or not, nobody here trusts them. */
static void an_audience_besides_us_is_refused(void **state)
{
	struct b2b_id_token token;
	json_t *claims = good();

	(void)state;
	json_object_set_new(claims, "aud", json_pack("[s,s]", "other", "web7"));
	json_object_set_new(claims, "azp", json_string("other"));
	assert_int_equal(verify_typ(claims, "JWT", "organization", &token), B2B_TOKEN_AUDIENCE_MORE);
	json_object_set_new(claims, "azp", json_string("web7"));
	assert_int_equal(verify_typ(claims, "JWT", "organization", &token), B2B_TOKEN_AUDIENCE_MORE);
	json_decref(claims);
}

static void tokens_of_other_kinds_are_refused(void **state)
{
	static const char *const others[] = { "at+jwt", "application/at+jwt", "logout+jwt", "secevent+jwt", "statuslist+jwt",
		                              "client-authentication+jwt", "dpop+jwt", "JOSE", "" };
	json_t *claims = good();
	struct b2b_id_token token;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(verify_typ(claims, others[i], "organization", &token), B2B_TOKEN_TYP);
	json_decref(claims);
}

static void long_subjects_are_refused(void **state)
{
	struct b2b_id_token token;
	json_t *claims = good();
	char subject[257];

	(void)state;
	memset(subject, 'x', sizeof(subject));
	subject[256] = '\0';
	json_object_set_new(claims, "sub", json_string(subject));
	assert_int_equal(verify_typ(claims, "JWT", "organization", &token), B2B_TOKEN_CLAIM_SUB);
	subject[255] = '\0';
	json_object_set_new(claims, "sub", json_string(subject));
	assert_int_equal(verify_typ(claims, "JWT", "organization", &token), B2B_TOKEN_OK);
	b2b_id_token_clear(&token);
	json_decref(claims);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_token_gives_its_claims),
		cmocka_unit_test(what_is_optional_may_be_absent),
		cmocka_unit_test(every_wrong_claim_has_its_own_fault),
		cmocka_unit_test(expiry_allows_for_the_skew_and_no_more),
		cmocka_unit_test(an_audience_besides_us_is_refused),
		cmocka_unit_test(tokens_of_other_kinds_are_refused),
		cmocka_unit_test(long_subjects_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
