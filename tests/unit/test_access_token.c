/* Access tokens that somebody logs in with: as JWT, and as the service describes a reference; each wrong one beside the right one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/federation/token.h"
#include "tests/support/signer.h"

#define NOW 1790000000
#define ISSUER "https://login.example.com/realms/partners"
#define ORG "organization"

static EVP_PKEY *key;
static struct b2b_jwks *jwks;
static struct b2b_token_expect expect;

static int set_up(void **state)
{
	(void)state;
	if (!key) {
		key = signer_key("ES256");
		jwks = signer_jwks(key, "k1", "ES256");
	}
	expect = (struct b2b_token_expect){ .issuer = ISSUER, .audience = "https://web7.example", .client_id = "web7", .now = NOW, .skew_s = 60,
		                            .life_max_s = 3600 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	b2b_jwks_free(jwks);
	EVP_PKEY_free(key);
	return 0;
}

static json_t *good(void)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:s,s:s,s:s,s:s,s:{s:{s:s}}}", "iss", ISSUER, "sub", "6f2a", "aud", "https://web7.example",
	                 "client_id", "deploy", "iat", NOW - 5, "exp", NOW + 300, "auth_time", NOW - 10, "acr", "aal2", "jti", "j-1", "sid", "s-1",
	                 "scope", "login", ORG, "acme", "id", "42c3e9");
}

static enum b2b_token_fault verify_typ(const json_t *claims, const char *typ, struct b2b_id_token *ret)
{
	char *jwt = signer_token(key, "ES256", "k1", typ, claims);
	enum b2b_token_fault fault = b2b_access_token_verify(jwt, strlen(jwt), jwks, &expect, ORG, ret);

	free(jwt);
	return fault;
}

static enum b2b_token_fault verify_jwt(const json_t *claims, struct b2b_id_token *ret)
{
	return verify_typ(claims, "at+jwt", ret);
}

static enum b2b_token_fault read_answer(const json_t *claims, struct b2b_id_token *ret)
{
	char *text = json_dumps(claims, 0);
	enum b2b_token_fault fault = b2b_introspection_read(text, strlen(text), &expect, ORG, ret);

	free(text);
	return fault;
}

static json_t *good_answer(void)
{
	json_t *claims = good();

	json_object_set_new(claims, "active", json_true());
	json_object_set_new(claims, "token_type", json_string("Bearer"));
	return claims;
}

static json_t *frame_of(json_t *answer)
{
	return json_pack("{s:s,s:s,s:i,s:o}", "iss", ISSUER, "aud", "web7", "iat", NOW - 1, "token_introspection", answer);
}

static enum b2b_token_fault verify_frame(const json_t *frame, struct b2b_id_token *ret)
{
	char *jwt = signer_token(key, "ES256", "k1", "token-introspection+jwt", frame);
	enum b2b_token_fault fault = b2b_introspection_verify(jwt, strlen(jwt), jwks, &expect, ORG, ret);

	free(jwt);
	return fault;
}

static void is_the_person(struct b2b_id_token *token)
{
	assert_string_equal(token->subject, "6f2a");
	assert_string_equal(token->organisation, "42c3e9");
	assert_string_equal(token->acr, "aal2");
	assert_string_equal(token->jti, "j-1");
	assert_string_equal(token->sid, "s-1");
	assert_string_equal(token->client_id, "deploy");
	assert_false(token->of_client);
	assert_int_equal(token->issued_at, NOW - 5);
	assert_int_equal(token->expires_at, NOW + 300);
	assert_int_equal(token->auth_time, NOW - 10);
	assert_null(token->status.uri);
	b2b_id_token_clear(token);
}

static void a_good_token_gives_its_claims_by_whatever_way(void **state)
{
	json_t *claims = good(), *answer = good_answer(), *frame = frame_of(good_answer());
	struct b2b_id_token token;

	(void)state;
	assert_int_equal(verify_jwt(claims, &token), B2B_TOKEN_OK);
	is_the_person(&token);
	assert_int_equal(verify_typ(claims, "application/AT+JWT", &token), B2B_TOKEN_OK);
	is_the_person(&token);
	assert_int_equal(read_answer(answer, &token), B2B_TOKEN_OK);
	is_the_person(&token);
	assert_int_equal(verify_frame(frame, &token), B2B_TOKEN_OK);
	is_the_person(&token);
	json_decref(claims);
	json_decref(answer);
	json_decref(frame);
}

/* NAME replaced by the JSON text VALUE ("" removes it) in what is otherwise good. */
struct change {
	const char *name, *value;
	enum b2b_token_fault fault;
};

static void change_one(json_t *claims, const struct change *change)
{
	if (*change->value)
		json_object_set_new(claims, change->name, json_loads(change->value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(claims, change->name);
}

/* Takes CLAIMS. */
static void expect_fault(json_t *claims, enum b2b_token_fault (*judge)(const json_t *claims, struct b2b_id_token *ret), const struct change *change)
{
	struct b2b_id_token token = { .subject = (char *)"untouched" };
	enum b2b_token_fault fault;

	change_one(claims, change);
	fault = judge(claims, &token);
	if (fault != change->fault)
		fail_msg("%s = %s: %s, expected: %s", change->name, change->value, b2b_token_fault_text(fault), b2b_token_fault_text(change->fault));
	if (fault == B2B_TOKEN_OK)
		b2b_id_token_clear(&token);
	else
		assert_string_equal(token.subject, "untouched");
	json_decref(claims);
}

#define EACH(array, ...)                                                                                                \
	for (size_t row = 0; row < sizeof(array) / sizeof(*(array)); row++)                                              \
	expect_fault(__VA_ARGS__, &(array)[row])

/* What a JWT and a description have in common. */
static const struct change common_changes[] = {
	{ "iss", "\"https://login.example.com/realms/partners/\"", B2B_TOKEN_ISSUER },
	{ "iss", "7", B2B_TOKEN_CLAIM_ISS },
	{ "aud", "\"https://web8.example\"", B2B_TOKEN_AUDIENCE },
	{ "aud", "\"web7\"", B2B_TOKEN_AUDIENCE }, /* our client_id is the audience of ID tokens */
	{ "aud", "[]", B2B_TOKEN_AUDIENCE },
	{ "aud", "[\"other\",\"https://web7.example\"]", B2B_TOKEN_OK },
	{ "aud", "7", B2B_TOKEN_CLAIM_AUD },
	{ "exp", "", B2B_TOKEN_CLAIM_EXP },
	{ "exp", "\"soon\"", B2B_TOKEN_CLAIM_EXP },
	{ "exp", "1789999994", B2B_TOKEN_BACKWARDS },
	{ "exp", "1790003595", B2B_TOKEN_OK },
	{ "exp", "1790003596", B2B_TOKEN_LIFE },
	{ "iat", "\"now\"", B2B_TOKEN_CLAIM_IAT },
	{ "iat", "1790000061", B2B_TOKEN_NOT_YET },
	{ "nbf", "1790000061", B2B_TOKEN_NOT_YET },
	{ "nbf", "\"x\"", B2B_TOKEN_CLAIM_NBF },
	{ "auth_time", "1790000061", B2B_TOKEN_NOT_YET },
	{ "auth_time", "\"x\"", B2B_TOKEN_CLAIM_AUTH_TIME },
	{ "auth_time", "", B2B_TOKEN_OK },
	{ "sub", "", B2B_TOKEN_CLAIM_SUB },
	{ "sub", "\"\"", B2B_TOKEN_CLAIM_SUB },
	{ "acr", "2", B2B_TOKEN_CLAIM_ACR },
	{ "jti", "2", B2B_TOKEN_CLAIM_JTI },
	{ "sid", "2", B2B_TOKEN_CLAIM_SID },
	{ "client_id", "2", B2B_TOKEN_CLAIM_CLIENT_ID },
	{ "session_expiry", "\"x\"", B2B_TOKEN_CLAIM_SESSION_EXPIRY },
	{ "cnf", "{\"jkt\":\"x\"}", B2B_TOKEN_BOUND },
	{ "act", "{\"sub\":\"x\"}", B2B_TOKEN_ACTOR },
	{ "events", "{}", B2B_TOKEN_EVENTS },
	{ "organization", "7", B2B_TOKEN_ORG_SHAPE },
	{ "organization", "{\"acme\":{}}", B2B_TOKEN_ORG_NO_ID },
	{ "organization", "", B2B_TOKEN_OK },
	{ "status", "{\"status_list\":{\"idx\":7,\"uri\":\"https://login.example.com/lists/1\"}}", B2B_TOKEN_OK },
	{ "status", "{}", B2B_TOKEN_CLAIM_STATUS },
	{ "status", "{\"status_list\":{\"idx\":-1,\"uri\":\"https://a.example/1\"}}", B2B_TOKEN_CLAIM_STATUS },
	{ "status", "{\"status_list\":{\"idx\":\"7\",\"uri\":\"https://a.example/1\"}}", B2B_TOKEN_CLAIM_STATUS },
	{ "status", "{\"status_list\":{\"idx\":7,\"uri\":\"http://a.example/1\"}}", B2B_TOKEN_CLAIM_STATUS },
	{ "status", "{\"status_list\":{\"idx\":7}}", B2B_TOKEN_CLAIM_STATUS },
	{ "status", "{\"status_list\":{\"idx\":7,\"uri\":\"https://a.example/1\\nevent=ok\"}}", B2B_TOKEN_CLAIM_STATUS },
	{ "status", "{\"status_list\":{\"idx\":7,\"uri\":\"https://a.example/\\\"x\"}}", B2B_TOKEN_CLAIM_STATUS },
};

static void every_wrong_claim_of_a_jwt_has_its_own_fault(void **state)
{
	static const struct change changes[] = {
		{ "iss", "", B2B_TOKEN_CLAIM_ISS },
		{ "aud", "", B2B_TOKEN_CLAIM_AUD },
		{ "iat", "", B2B_TOKEN_CLAIM_IAT },
		{ "jti", "", B2B_TOKEN_CLAIM_JTI },
		{ "client_id", "", B2B_TOKEN_CLAIM_CLIENT_ID },
		{ "azp", "\"deploy\"", B2B_TOKEN_OK },
		{ "azp", "\"other\"", B2B_TOKEN_AZP },
		{ "azp", "7", B2B_TOKEN_AZP },
		{ "nonce", "\"n\"", B2B_TOKEN_TYP },
		{ "at_hash", "\"n\"", B2B_TOKEN_TYP },
		{ "c_hash", "\"n\"", B2B_TOKEN_TYP },
		{ "scope", "", B2B_TOKEN_OK },
	};

	(void)state;
	EACH(common_changes, good(), verify_jwt);
	EACH(changes, good(), verify_jwt);
}

static void every_wrong_member_of_an_answer_has_its_own_fault(void **state)
{
	static const struct change changes[] = {
		{ "active", "false", B2B_TOKEN_INACTIVE },
		{ "active", "", B2B_TOKEN_INTROSPECTION },
		{ "active", "\"true\"", B2B_TOKEN_INTROSPECTION },
		{ "active", "1", B2B_TOKEN_INTROSPECTION },
		{ "iss", "", B2B_TOKEN_OK },
		{ "aud", "", B2B_TOKEN_AUDIENCE }, /* given to another client, and meant for who knows whom */
		{ "iat", "", B2B_TOKEN_OK },
		{ "jti", "", B2B_TOKEN_OK },
		{ "client_id", "", B2B_TOKEN_OK },
		{ "token_type", "", B2B_TOKEN_OK },
		{ "token_type", "\"access_token\"", B2B_TOKEN_OK },
		{ "token_type", "\"refresh_token\"", B2B_TOKEN_TYP },
		{ "token_type", "7", B2B_TOKEN_TYP },
		{ "token_type", "\"DPoP\"", B2B_TOKEN_BOUND },
		{ "typ", "\"Bearer\"", B2B_TOKEN_OK },
		{ "typ", "\"ID\"", B2B_TOKEN_TYP },
		{ "typ", "\"Refresh\"", B2B_TOKEN_TYP },
	};

	(void)state;
	EACH(common_changes, good_answer(), read_answer);
	EACH(changes, good_answer(), read_answer);
}

static void an_answer_without_audience_is_for_whom_it_was_given_to(void **state)
{
	json_t *answer = good_answer();
	struct b2b_id_token token;

	(void)state;
	json_object_del(answer, "aud");
	json_object_set_new(answer, "client_id", json_string("web7"));
	assert_int_equal(read_answer(answer, &token), B2B_TOKEN_OK);
	b2b_id_token_clear(&token);
	json_object_set_new(answer, "aud", json_string("https://web8.example"));
	assert_int_equal(read_answer(answer, &token), B2B_TOKEN_AUDIENCE);
	json_decref(answer);
}

/* Somebody could have named a client as a person is; only who is no person may be taken for it. */
static void an_answer_without_client_may_be_about_a_client(void **state)
{
	json_t *answer = good_answer();
	struct b2b_id_token token;

	(void)state;
	assert_int_equal(read_answer(answer, &token), B2B_TOKEN_OK);
	assert_false(token.of_client);
	b2b_id_token_clear(&token);
	json_object_del(answer, "client_id");
	assert_int_equal(read_answer(answer, &token), B2B_TOKEN_OK);
	assert_true(token.of_client);
	b2b_id_token_clear(&token);
	json_decref(answer);
}

static void an_answer_without_issue_is_bounded_from_now(void **state)
{
	json_t *answer = good_answer();
	struct b2b_id_token token;

	(void)state;
	json_object_del(answer, "iat");
	json_object_set_new(answer, "exp", json_integer(NOW + 3601));
	assert_int_equal(read_answer(answer, &token), B2B_TOKEN_LIFE);
	json_object_set_new(answer, "exp", json_integer(NOW + 3600));
	assert_int_equal(read_answer(answer, &token), B2B_TOKEN_OK);
	assert_int_equal(token.issued_at, 0);
	b2b_id_token_clear(&token);
	json_decref(answer);
}

static void answers_that_are_none_are_refused(void **state)
{
	static const char *const wrong[] = { "", "true", "[]", "{\"active\":true", "{\"active\":true,\"active\":false}", "<html>" };
	struct b2b_id_token token;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(b2b_introspection_read(wrong[i], strlen(wrong[i]), &expect, ORG, &token), B2B_TOKEN_INTROSPECTION);
	assert_int_equal(b2b_introspection_read("{}", B2B_TOKEN_MAX + 1, &expect, ORG, &token), B2B_TOKEN_LARGE);
}

/* A claim of the frame; of the answer within, where it is wrong, the fault is the answer's own. */
static void every_wrong_claim_of_a_signed_answer_has_its_own_fault(void **state)
{
	static const struct change changes[] = {
		{ "iss", "", B2B_TOKEN_CLAIM_ISS },
		{ "iss", "\"https://evil.example\"", B2B_TOKEN_ISSUER },
		{ "aud", "\"https://web7.example\"", B2B_TOKEN_AUDIENCE },
		{ "aud", "", B2B_TOKEN_CLAIM_AUD },
		{ "iat", "", B2B_TOKEN_CLAIM_IAT },
		{ "iat", "1790000061", B2B_TOKEN_NOT_YET },
		{ "iat", "1789999880", B2B_TOKEN_OK },
		{ "iat", "1789999879", B2B_TOKEN_EXPIRED }, /* the answer to an earlier question */
		{ "sub", "\"6f2a\"", B2B_TOKEN_TYP },
		{ "exp", "1790000300", B2B_TOKEN_TYP },
		{ "token_introspection", "", B2B_TOKEN_INTROSPECTION },
		{ "token_introspection", "7", B2B_TOKEN_INTROSPECTION },
		{ "token_introspection", "{}", B2B_TOKEN_INTROSPECTION },
		{ "token_introspection", "{\"active\":false}", B2B_TOKEN_INACTIVE },
	};

	(void)state;
	EACH(changes, frame_of(good_answer()), verify_frame);
}

static void tokens_of_other_kinds_are_refused(void **state)
{
	static const char *const others[] = { NULL, "JWT", "at", "logout+jwt", "secevent+jwt", "statuslist+jwt", "token-introspection+jwt", "" };
	json_t *claims = good();
	struct b2b_id_token token;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(verify_typ(claims, others[i], &token), B2B_TOKEN_TYP);
	json_decref(claims);
}

/* With any_typ something else has to tell an access token from an ID token. */
static void an_issuer_that_does_not_say_at_jwt_is_an_exception(void **state)
{
	static const struct change changes[] = {
		{ "scope", "\"login\"", B2B_TOKEN_OK },
		{ "scope", "", B2B_TOKEN_TYP },
		{ "typ", "\"Bearer\"", B2B_TOKEN_OK },
		{ "typ", "\"ID\"", B2B_TOKEN_TYP },
		{ "typ", "7", B2B_TOKEN_TYP },
		{ "nonce", "\"n\"", B2B_TOKEN_TYP },
		{ "at_hash", "\"n\"", B2B_TOKEN_TYP },
		{ "jti", "", B2B_TOKEN_OK },
		{ "client_id", "", B2B_TOKEN_CLAIM_CLIENT_ID },
		{ "cnf", "{\"jkt\":\"x\"}", B2B_TOKEN_BOUND },
	};
	json_t *claims = good();
	struct b2b_id_token token;

	(void)state;
	expect.any_typ = true;
	EACH(changes, good(), verify_jwt);
	assert_int_equal(verify_typ(claims, NULL, &token), B2B_TOKEN_OK);
	is_the_person(&token);
	assert_int_equal(verify_typ(claims, "JWT", &token), B2B_TOKEN_OK);
	is_the_person(&token);
	assert_int_equal(verify_typ(claims, "logout+jwt", &token), B2B_TOKEN_TYP);
	json_object_del(claims, "client_id");
	json_object_set_new(claims, "azp", json_string("deploy"));
	json_object_del(claims, "scope");
	json_object_set_new(claims, "typ", json_string("Bearer")); /* as Keycloak does */
	assert_int_equal(verify_typ(claims, "JWT", &token), B2B_TOKEN_OK);
	is_the_person(&token);
	json_decref(claims);
}

static void a_client_by_itself_is_told_from_a_person(void **state)
{
	json_t *claims = good(), *answer = good_answer();
	struct b2b_id_token token;

	(void)state;
	json_object_set_new(claims, "sub", json_string("deploy"));
	assert_int_equal(verify_jwt(claims, &token), B2B_TOKEN_OK);
	assert_true(token.of_client);
	b2b_id_token_clear(&token);
	json_object_set_new(answer, "sub", json_string("deploy"));
	assert_int_equal(read_answer(answer, &token), B2B_TOKEN_OK);
	assert_true(token.of_client);
	b2b_id_token_clear(&token);
	json_decref(claims);
	json_decref(answer);
}

static void a_place_in_a_status_list_is_told(void **state)
{
	json_t *claims = good();
	struct b2b_id_token token;

	(void)state;
	json_object_set_new(claims, "status", json_pack("{s:{s:i,s:s}}", "status_list", "idx", 7, "uri", "https://login.example.com/lists/1"));
	assert_int_equal(verify_jwt(claims, &token), B2B_TOKEN_OK);
	assert_string_equal(token.status.uri, "https://login.example.com/lists/1");
	assert_int_equal(token.status.index, 7);
	b2b_id_token_clear(&token);
	json_decref(claims);
}

static void expiry_allows_for_the_skew_and_no_more(void **state)
{
	json_t *claims = good();
	struct b2b_id_token token;

	(void)state;
	json_object_set_new(claims, "iat", json_integer(NOW - 1000));
	json_object_set_new(claims, "exp", json_integer(NOW - 59));
	assert_int_equal(verify_jwt(claims, &token), B2B_TOKEN_OK);
	b2b_id_token_clear(&token);
	json_object_set_new(claims, "exp", json_integer(NOW - 60));
	assert_int_equal(verify_jwt(claims, &token), B2B_TOKEN_EXPIRED);
	json_decref(claims);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_token_gives_its_claims_by_whatever_way),
		TEST(every_wrong_claim_of_a_jwt_has_its_own_fault),
		TEST(every_wrong_member_of_an_answer_has_its_own_fault),
		TEST(an_answer_without_audience_is_for_whom_it_was_given_to),
		TEST(an_answer_without_client_may_be_about_a_client),
		TEST(an_answer_without_issue_is_bounded_from_now),
		TEST(answers_that_are_none_are_refused),
		TEST(every_wrong_claim_of_a_signed_answer_has_its_own_fault),
		TEST(tokens_of_other_kinds_are_refused),
		TEST(an_issuer_that_does_not_say_at_jwt_is_an_exception),
		TEST(a_client_by_itself_is_told_from_a_person),
		TEST(a_place_in_a_status_list_is_told),
		TEST(expiry_allows_for_the_skew_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
