/*
 * The matrix of bad tokens: every kind with every defect, signed by somebody else's code, each refused for its own reason and
 * no other. Beside it the good token of each kind by each algorithm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/jwks.h"
#include "b2bd/federation/status_list.h"
#include "tests/support/jose.h"

#define NOW 1790000000
#define ISSUER "https://login.example.com/realms/partners"
#define LIST ISSUER "/lists/1"
#define CAEP "https://schemas.openid.net/secevent/caep/event-type/"

/* A kind: its good claims, and how it is judged. */
struct kind {
	const char *name, *typ;
	bool typ_optional;
	json_t *(*good)(void);
	enum b2b_token_fault (*judge)(const char *jwt, size_t len);
	size_t max;
};

static json_t *ours, *foreign, *other_alg, *barred; /* private keys */
static struct b2b_jwks *jwks;                       /* of ours, other_alg and barred */
static const struct b2b_token_expect expect = { .issuer = ISSUER, .audience = "web7", .client_id = "web7", .now = NOW, .skew_s = 60,
	                                        .life_max_s = 3600 };

static json_t *good_id(void)
{
	return json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:s}", "iss", ISSUER, "sub", "6f2a", "aud", "web7", "iat", NOW - 5, "exp", NOW + 300,
	                 "auth_time", NOW - 10, "organization", "42c3e9");
}

static enum b2b_token_fault judge_id(const char *jwt, size_t len)
{
	struct b2b_id_token token = { 0 };
	enum b2b_token_fault fault = b2b_id_token_verify(jwt, len, jwks, &expect, "organization", &token);

	b2b_id_token_clear(&token);
	return fault;
}

static json_t *good_access(void)
{
	json_t *claims = good_id();

	json_object_set_new(claims, "jti", json_string("j-1"));
	json_object_set_new(claims, "client_id", json_string("deploy"));
	return claims;
}

static enum b2b_token_fault judge_access(const char *jwt, size_t len)
{
	struct b2b_id_token token = { 0 };
	enum b2b_token_fault fault = b2b_access_token_verify(jwt, len, jwks, &expect, "organization", &token);

	b2b_id_token_clear(&token);
	return fault;
}

static json_t *good_answer(void)
{
	json_t *answer = good_access();

	json_object_set_new(answer, "active", json_true());
	return json_pack("{s:s,s:s,s:i,s:o}", "iss", ISSUER, "aud", "web7", "iat", NOW - 1, "token_introspection", answer);
}

static enum b2b_token_fault judge_answer(const char *jwt, size_t len)
{
	struct b2b_id_token token = { 0 };
	enum b2b_token_fault fault = b2b_introspection_verify(jwt, len, jwks, &expect, "organization", &token);

	b2b_id_token_clear(&token);
	return fault;
}

static json_t *good_set(void)
{
	return json_pack("{s:s,s:s,s:s,s:i,s:{s:s,s:s,s:s},s:{s:{}}}", "iss", ISSUER, "aud", "web7", "jti", "e-1", "iat", NOW - 5, "sub_id", "format",
	                 "iss_sub", "iss", ISSUER, "sub", "6f2a", "events", CAEP "session-revoked");
}

static enum b2b_token_fault judge_set(const char *jwt, size_t len)
{
	struct b2b_event event = { 0 };
	enum b2b_token_fault fault = b2b_set_verify(jwt, len, jwks, &expect, &event);

	b2b_event_clear(&event);
	return fault;
}

static json_t *good_list(void)
{
	return json_pack("{s:s,s:s,s:i,s:i,s:{s:i,s:s}}", "iss", ISSUER, "sub", LIST, "iat", NOW - 5, "exp", NOW + 300, "status_list", "bits", 1,
	                 "lst", "eNrbuRgAAhcBXQ");
}

static enum b2b_token_fault judge_list(const char *jwt, size_t len)
{
	struct b2b_status_list list = { 0 };
	enum b2b_token_fault fault = b2b_status_list_verify(jwt, len, jwks, &expect, LIST, &list);

	b2b_status_list_clear(&list);
	return fault;
}

enum { ID, ACCESS, ANSWER, SET, LISTS, KINDS };
static const struct kind kinds[KINDS] = {
	{ "ID token", "JWT", true, good_id, judge_id, B2B_TOKEN_MAX },
	{ "access token", "at+jwt", false, good_access, judge_access, B2B_TOKEN_MAX },
	{ "introspection", "token-introspection+jwt", false, good_answer, judge_answer, B2B_TOKEN_MAX },
	{ "event token", "secevent+jwt", false, good_set, judge_set, B2B_TOKEN_MAX },
	{ "status list", "statuslist+jwt", false, good_list, judge_list, 2 * B2B_STATUS_LIST_MAX },
};

static struct b2b_jwks *set_of(const json_t *const *keys, size_t n)
{
	json_t *set = json_pack("{s:[]}", "keys");
	struct b2b_jwks *found = NULL;
	char *text;
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(json_object_get(set, "keys"), jose_public(keys[i]));
	text = json_dumps(set, 0);
	assert_int_equal(b2b_jwks_parse(text, strlen(text), &found), 0);
	assert_int_equal(b2b_jwks_count(found), n);
	free(text);
	json_decref(set);
	return found;
}

static int begin(void **state)
{
	(void)state;
	if (!jose_is_here()) {
		print_message("skip test_bad_tokens: the command jose is not here\n");
		return 0;
	}
	ours = jose_key("ES256", "k1");
	foreign = jose_key("ES256", "k1");
	other_alg = jose_key("ES384", "k2");
	barred = jose_key("PS256", "k3");
	jwks = set_of((const json_t *const[]){ ours, other_alg, barred }, 3);
	b2b_jwks_allow(jwks, B2B_ALGS_ALL & ~B2B_ALG_BIT(B2B_ALG_PS256));
	return 0;
}

static int end(void **state)
{
	(void)state;
	b2b_jwks_free(jwks);
	json_decref(ours);
	json_decref(foreign);
	json_decref(other_alg);
	json_decref(barred);
	return 0;
}

static void expect_fault(const struct kind *kind, const char *defect, const char *jwt, enum b2b_token_fault expected)
{
	enum b2b_token_fault fault = kind->judge(jwt, strlen(jwt));

	if (fault != expected)
		fail_msg("%s, %s: %s, expected: %s", kind->name, defect, b2b_token_fault_text(fault), b2b_token_fault_text(expected));
}

/* The usual header with MORE (members with a comma before them, may be ""). Caller frees. */
static char *header_of(const struct kind *kind, const char *alg, const char *kid, const char *more)
{
	char *header;

	assert_true(asprintf(&header, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"%s\"%s}", alg, kid, kind->typ, more) > 0);
	return header;
}

/* The good claims of KIND under HEADER, which is freed, signed with KEY. Caller frees. */
static char *signed_good(const struct kind *kind, const json_t *key, char *header)
{
	json_t *claims = kind->good();
	char *payload = json_dumps(claims, 0), *jwt = jose_sign(key, header, payload, strlen(payload));

	free(header);
	free(payload);
	json_decref(claims);
	return jwt;
}

static void with_header(const struct kind *kind, const char *defect, const json_t *key, char *header, enum b2b_token_fault expected)
{
	char *jwt = signed_good(kind, key, header);

	expect_fault(kind, defect, jwt, expected);
	free(jwt);
}

static void with_payload(const struct kind *kind, const char *defect, const char *payload, enum b2b_token_fault expected)
{
	char *header = header_of(kind, "ES256", "k1", ""), *jwt = jose_sign(ours, header, payload, strlen(payload));

	expect_fault(kind, defect, jwt, expected);
	free(header);
	free(jwt);
}

static bool no_jose(void)
{
	if (!jwks)
		skip();
	return !jwks;
}

static void good_tokens_by_every_algorithm_are_taken(void **state)
{
	static const char *const algs[] = { "RS256", "PS256", "ES256", "ES384", "EdDSA" };
	struct b2b_jwks *usual = jwks;
	size_t i, k;

	(void)state;
	if (no_jose())
		return;
	for (i = 0; i < sizeof(algs) / sizeof(*algs); i++) {
		json_t *key;

		if (strcmp(algs[i], "EdDSA") == 0 && !jose_has_eddsa()) {
			print_message("skip EdDSA by another signer: the command openssl is not here\n");
			continue;
		}
		key = jose_key(algs[i], "k1");

		jwks = set_of((const json_t *const[]){ key }, 1);
		for (k = 0; k < KINDS; k++)
			with_header(&kinds[k], algs[i], key, header_of(&kinds[k], algs[i], "k1", ""), B2B_TOKEN_OK);
		b2b_jwks_free(jwks);
		json_decref(key);
	}
	jwks = usual;
}

/* The classic confusion: HMAC with the public key's own text as the secret. */
static json_t *hmac_of_public(void)
{
	json_t *public = jose_public(ours), *key;
	char *text = json_dumps(public, JSON_COMPACT), *k = b2b_base64url_encode(text, strlen(text));

	key = json_pack("{s:s,s:s,s:s,s:s}", "kty", "oct", "alg", "HS256", "kid", "k1", "k", k);
	free(k);
	free(text);
	json_decref(public);
	return key;
}

/* A header that brings the key along that it is to be checked with. */
static char *header_with_key(const struct kind *kind)
{
	json_t *public = jose_public(foreign);
	char *text = json_dumps(public, 0), *more, *header;

	assert_true(asprintf(&more, ",\"jwk\":%s,\"jku\":\"https://evil.example/jwks\",\"x5u\":\"https://evil.example/c\"", text) > 0);
	header = header_of(kind, "ES256", "k1", more);
	free(more);
	free(text);
	json_decref(public);
	return header;
}

static void every_kind_is_refused_with_every_defect_of_the_signature(void **state)
{
	json_t *hmac;
	size_t k;

	(void)state;
	if (no_jose())
		return;
	hmac = hmac_of_public();
	for (k = 0; k < KINDS; k++) {
		const struct kind *kind = &kinds[k];

		with_header(kind, "good", ours, header_of(kind, "ES256", "k1", ""), B2B_TOKEN_OK);
		with_header(kind, "extra members", ours, header_of(kind, "ES256", "k1", ",\"x\":1"), B2B_TOKEN_OK);
		with_header(kind, "foreign key", foreign, header_of(kind, "ES256", "k1", ""), B2B_TOKEN_SIGNATURE);
		with_header(kind, "key in the header", foreign, header_with_key(kind), B2B_TOKEN_SIGNATURE);
		with_header(kind, "HMAC", hmac, header_of(kind, "HS256", "k1", ""), B2B_TOKEN_ALG);
		with_header(kind, "algorithm not this issuer's", barred, header_of(kind, "PS256", "k3", ""), B2B_TOKEN_ALG);
		with_header(kind, "another key's kid", other_alg, header_of(kind, "ES384", "k1", ""), B2B_TOKEN_KEY_ALG);
		with_header(kind, "unknown kid", ours, header_of(kind, "ES256", "k9", ""), B2B_TOKEN_KEY_UNKNOWN);
		with_header(kind, "crit", ours, header_of(kind, "ES256", "k1", ",\"crit\":[\"exp\"],\"exp\":1"), B2B_TOKEN_CRIT);
		with_header(kind, "b64", ours, header_of(kind, "ES256", "k1", ",\"b64\":false"), B2B_TOKEN_CRIT);
		with_header(kind, "kid a number", ours, strdup("{\"alg\":\"ES256\",\"kid\":7,\"typ\":\"JWT\"}"),
		            k == ID ? B2B_TOKEN_KID : B2B_TOKEN_TYP);
		with_header(kind, "no typ", ours, strdup("{\"alg\":\"ES256\",\"kid\":\"k1\"}"), kind->typ_optional ? B2B_TOKEN_OK : B2B_TOKEN_TYP);
	}
	json_decref(hmac);
}

/* Every kind for every other: what one validator takes no other does. */
static void no_kind_passes_for_another(void **state)
{
	size_t k, other;

	(void)state;
	if (no_jose())
		return;
	for (k = 0; k < KINDS; k++) {
		for (other = 0; other < KINDS; other++) {
			char *jwt = signed_good(&kinds[k], ours, header_of(&kinds[k], "ES256", "k1", ""));

			expect_fault(&kinds[other], kinds[k].name, jwt, k == other ? B2B_TOKEN_OK : B2B_TOKEN_TYP);
			free(jwt);
		}
	}
}

/* HEADER instead of what JWT has; LEFT_OUT: without its signature. Caller frees. */
static char *reheaded(const char *jwt, const char *header, bool left_out)
{
	char *encoded = b2b_base64url_encode(header, strlen(header)), *bent;
	const char *payload = strchr(jwt, '.'), *last = strrchr(jwt, '.');

	assert_true(asprintf(&bent, "%s%.*s%s", encoded, (int)(last - payload), payload, left_out ? "." : last) > 0);
	free(encoded);
	return bent;
}

static void bend(const struct kind *kind, const char *defect, char *bent, enum b2b_token_fault expected)
{
	expect_fault(kind, defect, bent, expected);
	free(bent);
}

static void every_kind_is_refused_when_it_was_bent_afterwards(void **state)
{
	json_t *ecdh;
	size_t k;

	(void)state;
	if (no_jose())
		return;
	ecdh = jose_key("ECDH-ES", "k1");
	for (k = 0; k < KINDS; k++) {
		const struct kind *kind = &kinds[k];
		char *jwt = signed_good(kind, ours, header_of(kind, "ES256", "k1", "")), *copy, *last;

		bend(kind, "alg none", reheaded(jwt, "{\"alg\":\"none\"}", true), B2B_TOKEN_UNSIGNED);
		bend(kind, "alg nOnE", reheaded(jwt, "{\"alg\":\"nOnE\"}", false), B2B_TOKEN_UNSIGNED);
		bend(kind, "no alg", reheaded(jwt, "{\"kid\":\"k1\"}", false), B2B_TOKEN_ALG);
		bend(kind, "duplicate header", reheaded(jwt, "{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"k1\"}", false), B2B_TOKEN_DUPLICATE);
		bend(kind, "header no object", reheaded(jwt, "[]", false), B2B_TOKEN_MALFORMED);
		bend(kind, "encrypted", jose_encrypt(ecdh, "{}", 2), B2B_TOKEN_ENCRYPTED);
		copy = strdup(jwt);
		last = strrchr(copy, '.');
		last[1] = last[1] == 'A' ? 'B' : 'A';
		bend(kind, "signature changed", copy, B2B_TOKEN_SIGNATURE);
		copy = strdup(jwt);
		strrchr(copy, '.')[1] = '\0';
		bend(kind, "signature left out", copy, B2B_TOKEN_SIGNATURE);
		copy = strdup(jwt);
		*strrchr(copy, '.') = '\0';
		bend(kind, "two parts", copy, B2B_TOKEN_MALFORMED);
		assert_true(asprintf(&copy, "%s=", jwt) > 0);
		bend(kind, "padding", copy, B2B_TOKEN_MALFORMED);
		assert_true(asprintf(&copy, "%s\n", jwt) > 0);
		bend(kind, "line feed", copy, B2B_TOKEN_MALFORMED);
		free(jwt);
	}
	json_decref(ecdh);
}

/* JWT with the S of its EdDSA signature made S + L: the same number to whoever does not look (RFC 8032 5.1.7, 8.4). Caller frees. */
static char *malleated(const char *jwt)
{
	static const unsigned char order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
	const char *last = strrchr(jwt, '.') + 1;
	unsigned char *signature = NULL;
	size_t len = 0;
	unsigned carry = 0;
	char *text, *bent;

	assert_int_equal(b2b_base64url_decode(last, strlen(last), &signature, &len), 0);
	assert_int_equal(len, 64);
	for (size_t i = 0; i < sizeof(order); i++) {
		carry += signature[32 + i] + order[i];
		signature[32 + i] = (unsigned char)carry;
		carry >>= 8;
	}
	text = b2b_base64url_encode(signature, len);
	assert_true(asprintf(&bent, "%.*s%s", (int)(last - jwt), jwt, text) > 0);
	free(text);
	free(signature);
	return bent;
}

static void every_kind_is_refused_with_every_defect_of_an_eddsa_signature(void **state)
{
	struct b2b_jwks *usual = jwks;
	json_t *key, *other;
	size_t k;

	(void)state;
	if (no_jose())
		return;
	if (!jose_has_eddsa())
		skip();
	key = jose_key("EdDSA", "k1");
	other = jose_key("EdDSA", "k1");
	jwks = set_of((const json_t *const[]){ key, other_alg }, 2);
	for (k = 0; k < KINDS; k++) {
		const struct kind *kind = &kinds[k];
		char *jwt = signed_good(kind, key, header_of(kind, "EdDSA", "k1", "")), *copy;

		expect_fault(kind, "good", jwt, B2B_TOKEN_OK);
		with_header(kind, "foreign key", other, header_of(kind, "EdDSA", "k1", ""), B2B_TOKEN_SIGNATURE);
		with_header(kind, "another key's kid", key, header_of(kind, "EdDSA", "k2", ""), B2B_TOKEN_KEY_ALG);
		bend(kind, "S + L", malleated(jwt), B2B_TOKEN_SIGNATURE);
		copy = strdup(jwt);
		strrchr(copy, '.')[1 + 40] = '\0';
		bend(kind, "half a signature", copy, B2B_TOKEN_SIGNATURE);
		assert_true(asprintf(&copy, "%sAAAA", jwt) > 0);
		bend(kind, "too long a signature", copy, B2B_TOKEN_SIGNATURE);
		free(jwt);
	}
	b2b_jwks_free(jwks);
	jwks = usual;
	json_decref(key);
	json_decref(other);
}

/* The good claims with a member PAD of LEN bytes. Caller frees. */
static char *padded(const struct kind *kind, size_t len)
{
	json_t *claims = kind->good();
	char *pad = malloc(len + 1), *text;

	memset(pad, 'x', len);
	pad[len] = '\0';
	json_object_set_new(claims, "pad", json_string(pad));
	text = json_dumps(claims, 0);
	free(pad);
	json_decref(claims);
	return text;
}

/* The good claims with MEMBERS before them. Caller frees. */
static char *with_members(const struct kind *kind, const char *members)
{
	json_t *claims = kind->good();
	char *text = json_dumps(claims, 0), *bent;

	assert_true(asprintf(&bent, "{%s,%s", members, text + 1) > 0);
	free(text);
	json_decref(claims);
	return bent;
}

static void with_text(const struct kind *kind, const char *defect, char *payload, enum b2b_token_fault expected)
{
	with_payload(kind, defect, payload, expected);
	free(payload);
}

static void every_kind_is_refused_with_every_defect_of_form(void **state)
{
	size_t k;

	(void)state;
	if (no_jose())
		return;
	for (k = 0; k < KINDS; k++) {
		const struct kind *kind = &kinds[k];

		with_text(kind, "duplicate member", with_members(kind, "\"iat\":1"), B2B_TOKEN_DUPLICATE);
		with_text(kind, "duplicate within", with_members(kind, "\"x\":{\"a\":1,\"a\":1}"), B2B_TOKEN_DUPLICATE);
		with_text(kind, "duplicate by escape", with_members(kind, "\"i\\u0061t\":1"), B2B_TOKEN_DUPLICATE);
		with_text(kind, "16 deep", with_members(kind, "\"x\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]"), B2B_TOKEN_OK);
		with_text(kind, "17 deep", with_members(kind, "\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"), B2B_TOKEN_DEEP);
		with_text(kind, "within the size", padded(kind, kind->max / 4 * 3 - 2048), B2B_TOKEN_OK);
		with_text(kind, "too large", padded(kind, kind->max / 4 * 3), B2B_TOKEN_LARGE);
		with_payload(kind, "empty", "", B2B_TOKEN_MALFORMED);
		with_payload(kind, "text", "6f2a", B2B_TOKEN_MALFORMED);
		with_payload(kind, "array", "[]", B2B_TOKEN_MALFORMED);
		with_payload(kind, "no UTF-8", "{\"iss\":\"\xff\"}", B2B_TOKEN_MALFORMED);
		with_payload(kind, "NUL in a name", "{\"iss\\u0000\":\"x\"}", B2B_TOKEN_MALFORMED);
	}
}

#define SAME(fault) { fault, fault, fault, fault, fault }
#define NA B2B_TOKEN_N_FAULTS /* the kind has no such claim */

/* NAME replaced by the JSON text VALUE ("" removes it). */
static const struct {
	const char *name, *value;
	enum b2b_token_fault fault[KINDS]; /* ID token, access token, introspection, event token, status list */
} claims_of_all[] = {
	{ "iss", "\"" ISSUER "/\"", SAME(B2B_TOKEN_ISSUER) },
	{ "iss", "\"https://evil.example\"", SAME(B2B_TOKEN_ISSUER) },
	{ "iss", "7", SAME(B2B_TOKEN_CLAIM_ISS) },
	{ "iss", "", { B2B_TOKEN_CLAIM_ISS, B2B_TOKEN_CLAIM_ISS, B2B_TOKEN_CLAIM_ISS, B2B_TOKEN_CLAIM_ISS, B2B_TOKEN_OK } },
	{ "aud", "\"web8\"", { B2B_TOKEN_AUDIENCE, B2B_TOKEN_AUDIENCE, B2B_TOKEN_AUDIENCE, B2B_TOKEN_AUDIENCE, NA } },
	{ "aud", "[]", { B2B_TOKEN_AUDIENCE, B2B_TOKEN_AUDIENCE, B2B_TOKEN_AUDIENCE, B2B_TOKEN_AUDIENCE, NA } },
	{ "aud", "", { B2B_TOKEN_CLAIM_AUD, B2B_TOKEN_CLAIM_AUD, B2B_TOKEN_CLAIM_AUD, B2B_TOKEN_CLAIM_AUD, NA } },
	{ "aud", "[7]", { B2B_TOKEN_CLAIM_AUD, B2B_TOKEN_CLAIM_AUD, B2B_TOKEN_CLAIM_AUD, B2B_TOKEN_CLAIM_AUD, NA } },
	{ "aud", "[\"web7\",\"web8\"]", { B2B_TOKEN_AUDIENCE_MORE, B2B_TOKEN_OK, B2B_TOKEN_OK, B2B_TOKEN_OK, NA } },
	{ "azp", "\"web8\"", { B2B_TOKEN_AZP, B2B_TOKEN_AZP, NA, NA, NA } },
	{ "exp", "1789999940", { B2B_TOKEN_BACKWARDS, B2B_TOKEN_BACKWARDS, NA, NA, B2B_TOKEN_EXPIRED } },
	{ "exp", "", { B2B_TOKEN_CLAIM_EXP, B2B_TOKEN_CLAIM_EXP, NA, NA, B2B_TOKEN_OK } },
	{ "exp", "\"1790000300\"", { B2B_TOKEN_CLAIM_EXP, B2B_TOKEN_CLAIM_EXP, B2B_TOKEN_TYP, NA, B2B_TOKEN_CLAIM_EXP } },
	{ "iat", "1790000061", { B2B_TOKEN_NOT_YET, B2B_TOKEN_NOT_YET, B2B_TOKEN_NOT_YET, NA, B2B_TOKEN_NOT_YET } },
	{ "iat", "", { B2B_TOKEN_CLAIM_IAT, B2B_TOKEN_CLAIM_IAT, B2B_TOKEN_CLAIM_IAT, B2B_TOKEN_CLAIM, B2B_TOKEN_CLAIM_IAT } },
	{ "iat", "\"now\"", { B2B_TOKEN_CLAIM_IAT, B2B_TOKEN_CLAIM_IAT, B2B_TOKEN_CLAIM_IAT, B2B_TOKEN_CLAIM, B2B_TOKEN_CLAIM_IAT } },
	{ "nbf", "1790000061", { B2B_TOKEN_NOT_YET, B2B_TOKEN_NOT_YET, NA, NA, NA } },
	{ "auth_time", "1790000061", { B2B_TOKEN_NOT_YET, B2B_TOKEN_NOT_YET, NA, NA, NA } },
	{ "sub", "", { B2B_TOKEN_CLAIM_SUB, B2B_TOKEN_CLAIM_SUB, NA, NA, B2B_TOKEN_CLAIM_SUB } },
	{ "sub", "\"a\\u0000b\"", { B2B_TOKEN_MALFORMED, B2B_TOKEN_MALFORMED, B2B_TOKEN_MALFORMED, B2B_TOKEN_MALFORMED, B2B_TOKEN_MALFORMED } },
	{ "sub", "\"a\\nb\"", { B2B_TOKEN_CLAIM_SUB, B2B_TOKEN_CLAIM_SUB, B2B_TOKEN_TYP, NA, B2B_TOKEN_LIST_URI } },
	{ "events", "{}", { B2B_TOKEN_EVENTS, B2B_TOKEN_EVENTS, NA, B2B_TOKEN_EVENTS, B2B_TOKEN_EVENTS } },
	{ "jti", "", { NA, B2B_TOKEN_CLAIM_JTI, NA, B2B_TOKEN_CLAIM_JTI, NA } },
	{ "jti", "7", { B2B_TOKEN_CLAIM_JTI, B2B_TOKEN_CLAIM_JTI, NA, B2B_TOKEN_CLAIM_JTI, NA } },
	{ "nonce", "\"n\"", { B2B_TOKEN_NONCE, B2B_TOKEN_TYP, NA, NA, NA } },
	{ "exp", "1790009999", { B2B_TOKEN_OK, B2B_TOKEN_LIFE, NA, NA, B2B_TOKEN_OK } },
	{ "cnf", "{}", { NA, B2B_TOKEN_BOUND, NA, NA, NA } },
	{ "act", "{}", { NA, B2B_TOKEN_ACTOR, NA, NA, NA } },
	{ "client_id", "", { NA, B2B_TOKEN_CLAIM_CLIENT_ID, NA, NA, NA } },
	{ "organization", "7", { B2B_TOKEN_ORG_SHAPE, B2B_TOKEN_ORG_SHAPE, NA, NA, NA } },
	{ "organization", "{\"acme\":{}}", { B2B_TOKEN_ORG_NO_ID, B2B_TOKEN_ORG_NO_ID, NA, NA, NA } },
	{ "organization", "[\"a\",\"a\"]", { B2B_TOKEN_ORG_TWICE, B2B_TOKEN_ORG_TWICE, NA, NA, NA } },
	{ "status", "{}", { B2B_TOKEN_CLAIM_STATUS, B2B_TOKEN_CLAIM_STATUS, NA, NA, NA } },
	{ "token_introspection", "", { NA, NA, B2B_TOKEN_INTROSPECTION, NA, NA } },
	{ "token_introspection", "{\"active\":false}", { NA, NA, B2B_TOKEN_INACTIVE, NA, NA } },
	{ "sub_id", "", { NA, NA, NA, B2B_TOKEN_SUBJECT, NA } },
	{ "sub", "\"https://evil.example/lists/1\"", { NA, NA, NA, NA, B2B_TOKEN_LIST_URI } },
	{ "status_list", "{\"bits\":3,\"lst\":\"eNrbuRgAAhcBXQ\"}", { NA, NA, NA, NA, B2B_TOKEN_LIST_BITS } },
	{ "status_list", "{\"bits\":1,\"lst\":\"eNrb\"}", { NA, NA, NA, NA, B2B_TOKEN_LIST_DATA } },
};

/* The good claims with the row's change, as text: what is not valid in JSON values here is so in the token. Caller frees. */
static char *changed(const struct kind *kind, const char *name, const char *value)
{
	json_t *claims = kind->good();
	char *text, *bent;

	json_object_del(claims, name);
	text = json_dumps(claims, 0);
	if (!*value)
		bent = strdup(text);
	else
		assert_true(asprintf(&bent, "{\"%s\":%s,%s", name, value, text + 1) > 0);
	free(text);
	json_decref(claims);
	return bent;
}

static void every_kind_is_refused_with_every_defect_of_a_claim(void **state)
{
	char defect[160];
	size_t i, k;

	(void)state;
	if (no_jose())
		return;
	for (i = 0; i < sizeof(claims_of_all) / sizeof(*claims_of_all); i++) {
		for (k = 0; k < KINDS; k++) {
			if (claims_of_all[i].fault[k] == NA)
				continue;
			snprintf(defect, sizeof(defect), "%s = %s", claims_of_all[i].name, claims_of_all[i].value);
			with_text(&kinds[k], defect, changed(&kinds[k], claims_of_all[i].name, claims_of_all[i].value), claims_of_all[i].fault[k]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_tokens_by_every_algorithm_are_taken),
		cmocka_unit_test(every_kind_is_refused_with_every_defect_of_the_signature),
		cmocka_unit_test(no_kind_passes_for_another),
		cmocka_unit_test(every_kind_is_refused_when_it_was_bent_afterwards),
		cmocka_unit_test(every_kind_is_refused_with_every_defect_of_an_eddsa_signature),
		cmocka_unit_test(every_kind_is_refused_with_every_defect_of_form),
		cmocka_unit_test(every_kind_is_refused_with_every_defect_of_a_claim),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
