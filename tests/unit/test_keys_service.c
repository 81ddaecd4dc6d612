/* Keys that rotate, vanish or lie, and tokens to log in with, against the real embedded service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "b2bd/federation/federation_private.h"
#include "b2bd/federation/presented.h"
#include "b2bd/federation/signature.h"
#include "common/clock.h"
#include "common/reason.h"
#include "tests/support/joined.h"
#include "tests/support/signer.h"

static struct joined joined;

static struct {
	int results, reason;
	char subject[64], organisation[64], fault[256];
} heard;

static void order(const char *what, json_t *body)
{
	json_decref(joined_order(&joined, what, body));
}

static int begin(void **state)
{
	(void)state;
	joined_start(&joined, "ES256");
	return 0;
}

static int end(void **state)
{
	(void)state;
	joined_stop(&joined);
	return 0;
}

/* As if the last refetch were long ago. */
static void a_minute_goes_by(void)
{
	joined.federation->refresh.refetched_ns = 0;
}

/* One service for all tests: each begins with sound keys. */
static int set_up(void **state)
{
	(void)state;
	order("misbehave", json_pack("{s:b}", "reset", 1));
	order("rotate-keys", json_pack("{s:s,s:b}", "sign_with", "ES256", "rotate", 0));
	joined.conf.federation.algorithms = 0;
	a_minute_goes_by();
	return 0;
}

/* For Alice; AUDIENCE NULL: a reference. Caller frees. */
static char *token_for(const char *audience)
{
	json_t *answer = joined_order(&joined, "access-token", json_pack("{s:s,s:s*}", "person", JOINED_ALICE, "audience", audience));
	char *token = strdup(json_string_value(json_object_get(answer, "access_token")));

	json_decref(answer);
	return token;
}

static void result(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	(void)arg;
	heard.results++;
	heard.reason = reason;
	snprintf(heard.subject, sizeof(heard.subject), "%s", token ? token->subject : "");
	snprintf(heard.organisation, sizeof(heard.organisation), "%s", token && token->organisation ? token->organisation : "");
	snprintf(heard.fault, sizeof(heard.fault), "%s", fault_text);
}

static void show(const char *token)
{
	struct b2b_presented *presented = NULL;

	memset(&heard, 0, sizeof(heard));
	assert_int_equal(b2b_presented_start(joined.federation, token, strlen(token), result, NULL, &presented), 0);
	joined_turn_until(&joined, &heard.results, 1);
	b2b_presented_cancel(presented);
}

static void accepted(const char *token)
{
	show(token);
	if (heard.reason != B2B_OK)
		fail_msg("%s: %s", b2b_reason_code(heard.reason), heard.fault);
	assert_string_equal(heard.subject, JOINED_ALICE);
	assert_string_equal(heard.organisation, "42c3e9");
}

static void refused(const char *token, enum b2b_reason reason, enum b2b_token_fault fault)
{
	show(token);
	if (heard.reason != (int)reason || strcmp(heard.fault, b2b_token_fault_text(fault)) != 0)
		fail_msg("%s (%s), expected: %s (%s)", b2b_reason_code(heard.reason), heard.fault, b2b_reason_code(reason),
		         b2b_token_fault_text(fault));
}

/* A new token of the service's, which must be taken. */
static void fresh_one_is_accepted(void)
{
	char *token = token_for("web7");

	accepted(token);
	free(token);
}

static void refetched(void *arg, bool fetched)
{
	int *count = arg;

	*count = fetched ? 1 : 2;
}

/* Ask for the keys; was there something newer? */
static bool refetch(void)
{
	int came = 0;

	a_minute_goes_by();
	b2b_federation_refetch_keys(joined.federation, refetched, &came);
	while (!came)
		b2b_loop_turn(joined.loop, 100);
	return came == 1;
}

static void tokens_are_taken_in_either_form_until_the_person_is_gone(void **state)
{
	char *jwt = token_for("web7"), *reference = token_for(NULL), *other = token_for("web8");

	(void)state;
	assert_non_null(strchr(jwt, '.'));
	assert_null(strchr(reference, '.'));
	accepted(jwt);
	accepted(reference);
	refused(other, B2B_AUTH_TOKEN_REFUSED, B2B_TOKEN_AUDIENCE);
	refused("never-issued", B2B_AUTH_TOKEN_OVER, B2B_TOKEN_INACTIVE);
	order("suspend", json_pack("{s:s}", "person", JOINED_ALICE));
	refused(reference, B2B_AUTH_TOKEN_OVER, B2B_TOKEN_INACTIVE);
	accepted(jwt); /* it is what it is until it expires: whether the person may log in is decided afterwards, by the directory */
	order("reinstate", json_pack("{s:s}", "person", JOINED_ALICE));
	free(jwt);
	free(reference);
	free(other);
}

static void a_rotated_key_is_found_and_the_former_kept_while_it_is_published(void **state)
{
	char *before = token_for("web7");

	(void)state;
	order("rotate-keys", json_object());
	fresh_one_is_accepted();
	accepted(before);
	a_minute_goes_by();
	order("rotate-keys", json_pack("{s:b}", "drop", 1));
	fresh_one_is_accepted();
	refused(before, B2B_AUTH_TOKEN_REFUSED, B2B_TOKEN_KEY_UNKNOWN);
	free(before);
}

static void another_algorithm_is_found_too_unless_it_is_not_this_issuers(void **state)
{
	char *token;

	(void)state;
	order("rotate-keys", json_pack("{s:s,s:b}", "sign_with", "RS256", "rotate", 0));
	fresh_one_is_accepted();
	joined.conf.federation.algorithms = B2B_ALG_BIT(B2B_ALG_ES256) | B2B_ALG_BIT(B2B_ALG_EDDSA);
	assert_true(refetch());
	token = token_for("web7");
	refused(token, B2B_AUTH_TOKEN_REFUSED, B2B_TOKEN_ALG);
	free(token);
	order("rotate-keys", json_pack("{s:s,s:b}", "sign_with", "EdDSA", "rotate", 0));
	fresh_one_is_accepted();
}

/* When the last fetch for an unknown key was is all that a second one would change. */
static void a_storm_of_unknown_keys_is_one_fetch(void **state)
{
	char *good = token_for("web7"), *bad;
	uint64_t first;
	int i;

	(void)state;
	order("misbehave", json_pack("{s:b}", "unknown_kid", 1));
	bad = token_for("web7");
	refused(bad, B2B_AUTH_TOKEN_REFUSED, B2B_TOKEN_KEY_UNKNOWN);
	first = joined.federation->refresh.refetched_ns;
	assert_int_not_equal(first, 0);
	for (i = 0; i < 50; i++)
		refused(bad, B2B_AUTH_TOKEN_REFUSED, B2B_TOKEN_KEY_UNKNOWN);
	assert_int_equal(joined.federation->refresh.refetched_ns, first);
	accepted(good); /* and who has a good one does not wait */
	free(good);
	free(bad);
}

static void keys_that_cannot_be_fetched_are_kept_but_not_for_ever(void **state)
{
	char *token = token_for("web7");

	(void)state;
	order("misbehave", json_pack("{s:{s:i,s:s}}", "status", "code", 503, "family", "jwks"));
	assert_false(refetch());
	accepted(token);
	assert_non_null(strstr(b2b_federation_why(joined.federation), "503"));
	joined.federation->refresh.keys_end_ns = b2b_now_ns(); /* two days later */
	assert_false(refetch());
	assert_false(b2b_federation_ready(joined.federation));
	assert_int_equal(b2b_presented_start(joined.federation, token, strlen(token), result, NULL, &(struct b2b_presented *){ NULL }), -EHOSTUNREACH);
	order("misbehave", json_pack("{s:b}", "reset", 1));
	while (!b2b_federation_ready(joined.federation))
		b2b_loop_turn(joined.loop, 100);
	accepted(token);
	free(token);
}

static void a_key_set_that_is_none_takes_nothing_away(void **state)
{
	static const char *const none[] = { "<html>sorry</html>", "", "{}", "{\"keys\":[]}", "{\"keys\":{}}", "{\"keys\":[7,null,\"x\",{}]}",
		                            "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "{\"keys\":[],\"keys\":[]}" };
	char *token = token_for("web7");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(*none); i++) {
		order("misbehave", json_pack("{s:s}", "jwks", none[i]));
		if (refetch())
			fail_msg("taken: %s", none[i]);
		accepted(token);
	}
	free(token);
}

/* The published set with each of JUNK before and behind it. Caller frees. */
static char *set_with_junk(json_t *junk)
{
	char *text = joined_get(&joined, "/jwks"), *mixed;
	json_t *set = json_loads(text, 0, NULL), *keys = json_object_get(set, "keys"), *one;
	size_t i;

	json_array_foreach (junk, i, one) {
		json_array_insert(keys, 0, one);
		json_array_append(keys, one);
	}
	mixed = json_dumps(set, 0);
	json_decref(set);
	json_decref(junk);
	free(text);
	return mixed;
}

static const char *signing_kid(json_t *set)
{
	json_t *one;
	size_t i;

	json_array_foreach (json_object_get(set, "keys"), i, one) {
		if (strcmp(json_string_value(json_object_get(one, "alg")), "ES256") == 0)
			return json_string_value(json_object_get(one, "kid"));
	}
	return NULL;
}

/* Garbage, a weak key, a symmetric and a private one, and an attacker's that has the very name of the right one. */
static void junk_beside_the_right_key_does_not_matter(void **state)
{
	EVP_PKEY *weak = signer_key("RSA1024"), *twin = signer_key("ES256");
	char *text = joined_get(&joined, "/jwks"), *token = token_for("web7"), *mixed;
	json_t *set = json_loads(text, 0, NULL), *private, *junk, *body;
	const char *kid = signing_kid(set);

	(void)state;
	assert_non_null(kid);
	private = signer_jwk(twin, kid, "ES256", "sig");
	json_object_set_new(private, "d", json_string("AAAA"));
	junk = json_pack("[i,n,s,{},{s:s,s:s,s:s},o,o,o,o]", 7, "x", "kty", "oct", "kid", kid, "k", "AAAA", private, signer_jwk(weak, kid, "RS256", "sig"),
	                 signer_jwk(twin, kid, "ES256", "sig"), signer_jwk(twin, kid, "ES256", "enc"));
	mixed = set_with_junk(junk);
	order("misbehave", json_pack("{s:s}", "jwks", mixed));
	assert_true(refetch());
	accepted(token);
	body = json_pack("{s:s}", "sub", "x");
	free(token);
	/* the twin is in the set, as its issuer wants it; the weak one is not */
	token = signer_token(weak, "RS256", kid, "at+jwt", body);
	refused(token, B2B_AUTH_TOKEN_REFUSED, B2B_TOKEN_KEY_ALG);
	free(token);
	free(mixed);
	free(text);
	json_decref(set);
	json_decref(body);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(twin);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tokens_are_taken_in_either_form_until_the_person_is_gone),
		TEST(a_rotated_key_is_found_and_the_former_kept_while_it_is_published),
		TEST(another_algorithm_is_found_too_unless_it_is_not_this_issuers),
		TEST(a_storm_of_unknown_keys_is_one_fetch),
		TEST(keys_that_cannot_be_fetched_are_kept_but_not_for_ever),
		TEST(a_key_set_that_is_none_takes_nothing_away),
		TEST(junk_beside_the_right_key_does_not_matter),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
