/* Signatures and keys: the published vectors, then every way in which a header or a key can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/jws.h"
#include "b2bd/federation/jwks.h"
#include "b2bd/json.h"
#include "tests/support/signer.h"

static const struct b2b_jws_typ any_jwt = { .name = "JWT", .may_be_absent = true };

/* RFC 7515 A.2 */
static const char rsa_jwks[] =
	"{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ"
	"PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo"
	"7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW"
	"yuXpoQ\"}]}";
static const char rs256_jws[] =
	"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
	"BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
	"hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/* RFC 7515 A.3 */
static const char ec_jwks[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
			      "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
static const char es256_jws[] =
	"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
	"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/* RFC 8037 A.2, A.4; its payload is no JSON, so the signature alone is checked */
static const char ed_jwk[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";
static const char ed_input[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
static const char ed_signature[] = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

static EVP_PKEY *one_rsa;

/* A key of one's own; RSA all share one, as making it takes long under valgrind and no check here needs two. */
static EVP_PKEY *key_for(const char *alg)
{
	if (strcmp(alg, "RS256") != 0 && strcmp(alg, "PS256") != 0)
		return signer_key(alg);
	if (!one_rsa)
		one_rsa = signer_key("RS256");
	EVP_PKEY_up_ref(one_rsa);
	return one_rsa;
}

static int free_rsa(void **state)
{
	(void)state;
	EVP_PKEY_free(one_rsa);
	return 0;
}

static struct b2b_jwks *keys_of(const char *json)
{
	struct b2b_jwks *jwks = NULL;

	assert_int_equal(b2b_jwks_parse(json, strlen(json), &jwks), 0);
	return jwks;
}

/* A set of one key. */
static struct b2b_jwks *set_of(json_t *jwk)
{
	json_t *set = json_pack("{s:[o]}", "keys", jwk);
	char *text = json_dumps(set, 0);
	struct b2b_jwks *jwks = keys_of(text);

	free(text);
	json_decref(set);
	return jwks;
}

static enum b2b_token_fault verify(const char *jwt, const struct b2b_jwks *jwks)
{
	json_t *payload = NULL;
	enum b2b_token_fault fault = b2b_jws_verify(jwt, strlen(jwt), jwks, &any_jwt, &payload);

	assert_true((fault == B2B_TOKEN_OK) == (payload != NULL)); /* untouched on failure */
	json_decref(payload);
	return fault;
}

static void vector_holds_and_every_changed_byte_breaks_it(const char *jwks_json, const char *jws)
{
	struct b2b_jwks *jwks = keys_of(jwks_json);
	char *changed = strdup(jws);
	size_t i, len = strlen(jws);

	assert_int_equal(b2b_jwks_count(jwks), 1);
	assert_int_equal(verify(jws, jwks), B2B_TOKEN_OK);
	for (i = 0; i < len; i++) {
		changed[i] = jws[i] == 'A' ? 'B' : 'A';
		assert_int_not_equal(verify(changed, jwks), B2B_TOKEN_OK);
		changed[i] = jws[i];
	}
	free(changed);
	b2b_jwks_free(jwks);
}

static void rfc7515_a2_rs256(void **state)
{
	(void)state;
	vector_holds_and_every_changed_byte_breaks_it(rsa_jwks, rs256_jws);
}

static void rfc7515_a3_es256(void **state)
{
	(void)state;
	vector_holds_and_every_changed_byte_breaks_it(ec_jwks, es256_jws);
}

static void rfc8037_a4_ed25519(void **state)
{
	json_t *jwk = json_loads(ed_jwk, 0, NULL);
	struct b2b_key key;
	unsigned char *signature;
	size_t len;

	(void)state;
	assert_int_equal(b2b_key_from_jwk(jwk, &key), 0);
	assert_int_equal(key.alg, B2B_ALG_EDDSA);
	assert_int_equal(b2b_base64url_decode(ed_signature, strlen(ed_signature), &signature, &len), 0);
	assert_true(b2b_signature_valid(key.alg, key.pkey, ed_input, strlen(ed_input), signature, len));
	assert_false(b2b_signature_valid(key.alg, key.pkey, ed_input, strlen(ed_input) - 1, signature, len));
	signature[10] ^= 1;
	assert_false(b2b_signature_valid(key.alg, key.pkey, ed_input, strlen(ed_input), signature, len));
	free(signature);
	b2b_key_clear(&key);
	json_decref(jwk);
}

static void base64url_is_strict(void **state)
{
	/* RFC 4648 10, then: padding, impossible length, stray bits, other alphabet, space, and what RFC 7515 C gives */
	static const char *const wrong[] = { "Zg==", "Zm8=", "A", "AAAAA", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm 9v", "Zm9v\n", "Zm9\xc3" };
	static const unsigned char bytes[] = { 3, 236, 255, 224, 193 };
	unsigned char *out;
	size_t i, len;
	char *text;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_not_equal(b2b_base64url_decode(wrong[i], strlen(wrong[i]), &out, &len), 0);
	assert_int_equal(b2b_base64url_decode("A-z_4ME", 7, &out, &len), 0);
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(out, bytes, len);
	free(out);
	text = b2b_base64url_encode(bytes, sizeof(bytes));
	assert_string_equal(text, "A-z_4ME");
	free(text);
	assert_int_equal(b2b_base64url_decode("", 0, &out, &len), 0);
	assert_int_equal(len, 0);
	free(out);
}

static void every_allowed_algorithm_is_verified(void **state)
{
	static const char *const algs[] = { "RS256", "PS256", "ES256", "ES384", "EdDSA" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(algs) / sizeof(*algs); i++) {
		EVP_PKEY *key = key_for(algs[i]);
		json_t *payload = json_pack("{s:s}", "iss", "x");
		char *token = signer_token(key, algs[i], "k", "JWT", payload);
		struct b2b_jwks *jwks = set_of(signer_jwk(key, "k", algs[i], "sig"));

		assert_int_equal(verify(token, jwks), B2B_TOKEN_OK);
		b2b_jwks_free(jwks);
		free(token);
		json_decref(payload);
		EVP_PKEY_free(key);
	}
}

static void own_signatures_are_verified(void **state)
{
	static const struct {
		const char *kind;
		enum b2b_alg alg;
	} all[] = { { "RS256", B2B_ALG_RS256 }, { "RS256", B2B_ALG_PS256 }, { "ES256", B2B_ALG_ES256 },
		    { "ES384", B2B_ALG_ES384 }, { "EdDSA", B2B_ALG_EDDSA } };
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		EVP_PKEY *key = key_for(all[i].kind);
		unsigned char *signature;

		assert_int_equal(b2b_signature_make(all[i].alg, key, "abc", 3, &signature, &len), 0);
		assert_true(b2b_signature_valid(all[i].alg, key, "abc", 3, signature, len));
		assert_false(b2b_signature_valid(all[i].alg, key, "abd", 3, signature, len));
		free(signature);
		assert_int_not_equal(b2b_signature_make(all[i].alg == B2B_ALG_ES256 ? B2B_ALG_ES384 : B2B_ALG_ES256, key, "abc", 3,
		                                        &signature, &len), 0);
		EVP_PKEY_free(key);
	}
}

/* One key; each row is a header and how it is really signed. */
static void bad_headers_are_refused_each_for_its_own_fault(void **state)
{
	static const struct {
		const char *header, *alg;
		enum b2b_token_fault fault;
	} rows[] = {
		{ "{\"alg\":\"ES256\",\"kid\":\"k\"}", "ES256", B2B_TOKEN_OK },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"jwt\"}", "ES256", B2B_TOKEN_OK },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"application/JWT\"}", "ES256", B2B_TOKEN_OK },
		{ "{\"alg\":\"ES256\"}", "ES256", B2B_TOKEN_OK },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"jku\":\"https://evil.example/jwks\",\"x\":1}", "ES256", B2B_TOKEN_OK },
		{ "{\"alg\":\"none\",\"kid\":\"k\"}", "none", B2B_TOKEN_UNSIGNED },
		{ "{\"alg\":\"none\"}", "none", B2B_TOKEN_UNSIGNED },
		{ "{\"alg\":\"None\",\"kid\":\"k\"}", "none", B2B_TOKEN_UNSIGNED },
		{ "{\"alg\":\"HS256\",\"kid\":\"k\"}", "ES256", B2B_TOKEN_ALG },
		{ "{\"alg\":\"es256\",\"kid\":\"k\"}", "ES256", B2B_TOKEN_ALG },
		{ "{\"alg\":[\"ES256\"],\"kid\":\"k\"}", "ES256", B2B_TOKEN_ALG },
		{ "{\"kid\":\"k\"}", "ES256", B2B_TOKEN_ALG },
		{ "{\"alg\":\"RS256\",\"kid\":\"k\"}", "ES256", B2B_TOKEN_KEY_ALG },   /* not the key's */
		{ "{\"alg\":\"ES384\",\"kid\":\"k\"}", "ES256", B2B_TOKEN_KEY_ALG },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"crit\":[\"exp\"],\"exp\":1}", "ES256", B2B_TOKEN_CRIT },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"crit\":[]}", "ES256", B2B_TOKEN_CRIT },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"crit\":[\"b64\"],\"b64\":false}", "ES256", B2B_TOKEN_CRIT },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"at+jwt\"}", "ES256", B2B_TOKEN_TYP },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"logout+jwt\"}", "ES256", B2B_TOKEN_TYP },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"secevent+jwt\"}", "ES256", B2B_TOKEN_TYP },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":1}", "ES256", B2B_TOKEN_TYP },
		{ "{\"alg\":\"ES256\",\"kid\":\"other\"}", "ES256", B2B_TOKEN_KEY_UNKNOWN },
		{ "{\"alg\":\"ES256\",\"kid\":\"\"}", "ES256", B2B_TOKEN_KEY_UNKNOWN },
		{ "{\"alg\":\"RS256\"}", "ES256", B2B_TOKEN_KEY_UNKNOWN },
		{ "{\"alg\":\"ES256\",\"kid\":7}", "ES256", B2B_TOKEN_KID },
		{ "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"k\"}", "ES256", B2B_TOKEN_DUPLICATE },
		{ "[\"ES256\"]", "ES256", B2B_TOKEN_MALFORMED },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\"", "ES256", B2B_TOKEN_MALFORMED },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\"}x", "ES256", B2B_TOKEN_MALFORMED },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "ES256", B2B_TOKEN_DEEP },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}", "ES256", B2B_TOKEN_OK },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"a\":\"\\u0000\"}", "ES256", B2B_TOKEN_MALFORMED },
	};
	EVP_PKEY *key = signer_key("ES256");
	struct b2b_jwks *jwks = set_of(signer_jwk(key, "k", "ES256", "sig"));
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *token = signer_compact(key, rows[i].alg, rows[i].header, "{}");
		enum b2b_token_fault fault = verify(token, jwks);

		if (fault != rows[i].fault)
			fail_msg("%s: %s, expected: %s", rows[i].header, b2b_token_fault_text(fault), b2b_token_fault_text(rows[i].fault));
		free(token);
	}
	b2b_jwks_free(jwks);
	EVP_PKEY_free(key);
}

static void refuse_as(const char *jwt, const struct b2b_jwks *jwks, enum b2b_token_fault fault)
{
	enum b2b_token_fault found = verify(jwt, jwks);

	if (found != fault)
		fail_msg("%.60s: %s, expected: %s", jwt, b2b_token_fault_text(found), b2b_token_fault_text(fault));
}

static void form_is_exactly_three_parts_within_bounds(void **state)
{
	EVP_PKEY *key = signer_key("ES256"), *other = signer_key("ES256");
	struct b2b_jwks *jwks = set_of(signer_jwk(key, "k", "ES256", "sig"));
	char *token = signer_compact(key, "ES256", "{\"alg\":\"ES256\"}", "{}"), *bent, *last = strrchr(token, '.');
	char *foreign = signer_compact(other, "ES256", "{\"alg\":\"ES256\"}", "{}");
	char *stripped = signer_compact(key, "none", "{\"alg\":\"ES256\"}", "{}");
	char *large = malloc(B2B_TOKEN_MAX + 2);

	(void)state;
	refuse_as("", jwks, B2B_TOKEN_MALFORMED);
	refuse_as(".", jwks, B2B_TOKEN_MALFORMED);
	refuse_as("..", jwks, B2B_TOKEN_MALFORMED);
	assert_true(asprintf(&bent, "%s.", token) > 0);
	refuse_as(bent, jwks, B2B_TOKEN_MALFORMED); /* four parts are nothing; five are encryption */
	free(bent);
	assert_true(asprintf(&bent, "%s.e.e", token) > 0);
	refuse_as(bent, jwks, B2B_TOKEN_ENCRYPTED);
	free(bent);
	assert_true(asprintf(&bent, "%.*s", (int)(last - token), token) > 0);
	refuse_as(bent, jwks, B2B_TOKEN_MALFORMED);
	free(bent);
	assert_true(asprintf(&bent, " %s", token) > 0);
	refuse_as(bent, jwks, B2B_TOKEN_MALFORMED);
	free(bent);
	assert_true(asprintf(&bent, "%s==", token) > 0);
	refuse_as(bent, jwks, B2B_TOKEN_MALFORMED);
	free(bent);
	memset(large, 'A', B2B_TOKEN_MAX + 1);
	large[B2B_TOKEN_MAX + 1] = '\0';
	refuse_as(large, jwks, B2B_TOKEN_LARGE);
	refuse_as(foreign, jwks, B2B_TOKEN_SIGNATURE);
	refuse_as(stripped, jwks, B2B_TOKEN_SIGNATURE);
	refuse_as(token, NULL, B2B_TOKEN_KEY_UNKNOWN);
	free(large);
	free(token);
	free(foreign);
	free(stripped);
	b2b_jwks_free(jwks);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

/* ECDSA: DER instead of r||s, r and s of zero, and a byte too many or too few are no signatures. */
static void ecdsa_takes_one_form_only(void **state)
{
	EVP_PKEY *key = signer_key("ES256");
	unsigned char zeros[64] = { 0 }, der[80], longer[65] = { 0 }, *right;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len;

	(void)state;
	assert_int_equal(b2b_signature_make(B2B_ALG_ES256, key, "abc", 3, &right, &len), 0);
	assert_int_equal(len, 64);
	memcpy(longer, right, len);
	assert_true(b2b_signature_valid(B2B_ALG_ES256, key, "abc", 3, longer, 64));
	assert_false(b2b_signature_valid(B2B_ALG_ES256, key, "abc", 3, longer, 65));
	assert_false(b2b_signature_valid(B2B_ALG_ES256, key, "abc", 3, longer, 63));
	free(right);
	len = sizeof(der);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &len, (const unsigned char *)"abc", 3), 1);
	assert_false(b2b_signature_valid(B2B_ALG_ES256, key, "abc", 3, der, len));
	assert_false(b2b_signature_valid(B2B_ALG_ES256, key, "abc", 3, zeros, sizeof(zeros)));
	assert_false(b2b_signature_valid(B2B_ALG_ES256, key, "abc", 3, zeros, 0));
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static json_t *with(json_t *jwk, const char *name, json_t *value)
{
	json_object_set_new(jwk, name, value);
	return jwk;
}

static void passed_over(json_t *jwk, const char *what)
{
	struct b2b_jwks *jwks = set_of(jwk);

	if (b2b_jwks_count(jwks) != 0)
		fail_msg("taken: %s", what);
	b2b_jwks_free(jwks);
}

static void unusable_keys_are_passed_over(void **state)
{
	EVP_PKEY *ec = signer_key("ES256"), *p521 = signer_key("ES512"), *ed = signer_key("EdDSA"), *weak = signer_key("RSA1024"),
		 *rsa = key_for("RS256");
	unsigned char zeros[32] = { 0 };
	char *zero = b2b_base64url_encode(zeros, sizeof(zeros));

	(void)state;
	passed_over(signer_jwk(ec, "k", "ES256", "enc"), "use enc");
	passed_over(with(signer_jwk(ec, "k", NULL, NULL), "key_ops", json_pack("[s]", "sign")), "key_ops sign");
	passed_over(with(signer_jwk(ec, "k", NULL, NULL), "key_ops", json_string("verify")), "key_ops no array");
	passed_over(with(signer_jwk(ec, "k", NULL, NULL), "d", json_string("AAAA")), "private key");
	passed_over(with(signer_jwk(ec, "k", NULL, NULL), "kid", json_integer(1)), "kid a number");
	passed_over(signer_jwk(ec, "k", "RS256", NULL), "alg of another kind");
	passed_over(signer_jwk(ec, "k", "HS256", NULL), "alg symmetric");
	passed_over(with(signer_jwk(ec, "k", NULL, NULL), "alg", json_integer(1)), "alg a number");
	passed_over(signer_jwk(p521, "k", NULL, NULL), "P-521");
	passed_over(with(signer_jwk(ec, "k", NULL, NULL), "y", json_string(zero)), "point not on the curve");
	passed_over(with(signer_jwk(ec, "k", NULL, NULL), "x", json_string("AAAA")), "short coordinate");
	passed_over(with(signer_jwk(ec, "k", NULL, NULL), "crv", json_string("P-384")), "another curve's name");
	passed_over(with(signer_jwk(ed, "k", NULL, NULL), "crv", json_string("X25519")), "X25519");
	passed_over(with(signer_jwk(ed, "k", NULL, NULL), "x", json_string("AAAA")), "short Ed25519 key");
	passed_over(signer_jwk(weak, "k", NULL, NULL), "RSA 1024");
	passed_over(with(signer_jwk(rsa, "k", NULL, NULL), "e", json_string("AQ")), "exponent 1");
	passed_over(with(signer_jwk(rsa, "k", NULL, NULL), "e", json_string("AQAA")), "even exponent");
	passed_over(with(signer_jwk(rsa, "k", NULL, NULL), "n", json_string("")), "no modulus");
	passed_over(json_pack("{s:s,s:s}", "kty", "oct", "k", "AAAA"), "symmetric key");
	passed_over(json_pack("{s:s}", "kty", "XYZ"), "unknown kty");
	passed_over(json_pack("{}"), "empty key");
	passed_over(json_integer(3), "a number for a key");
	free(zero);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(p521);
	EVP_PKEY_free(ed);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(rsa);
}

static void key_sets_that_are_none_are_refused(void **state)
{
	static const char *const wrong[] = { "", "{}", "[]", "{\"keys\":{}}", "{\"keys\":[]", "{\"keys\":[],\"keys\":[]}", "null" };
	struct b2b_jwks *jwks = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_not_equal(b2b_jwks_parse(wrong[i], strlen(wrong[i]), &jwks), 0);
	assert_null(jwks);
	b2b_jwks_free(NULL);
}

static void pinned(EVP_PKEY *key, const char *key_alg, const char *token_alg, enum b2b_token_fault fault)
{
	json_t *payload = json_object();
	struct b2b_jwks *jwks = set_of(signer_jwk(key, "k", key_alg, NULL));
	char *token = signer_token(key, token_alg, "k", NULL, payload);

	refuse_as(token, jwks, fault);
	free(token);
	json_decref(payload);
	b2b_jwks_free(jwks);
}

static void rsa_key_is_for_one_algorithm(void **state)
{
	EVP_PKEY *key = key_for("RS256");

	(void)state;
	pinned(key, "RS256", "RS256", B2B_TOKEN_OK);
	pinned(key, "PS256", "PS256", B2B_TOKEN_OK);
	pinned(key, "RS256", "PS256", B2B_TOKEN_KEY_ALG);
	pinned(key, "PS256", "RS256", B2B_TOKEN_KEY_ALG);
	pinned(key, NULL, "RS256", B2B_TOKEN_OK);
	pinned(key, NULL, "PS256", B2B_TOKEN_KEY_ALG);
	EVP_PKEY_free(key);
}

/* As the issuer's configuration has it; the keys' own words do not matter then. */
static void allowed(const char *key_alg, const char *token_alg, unsigned algs, enum b2b_token_fault fault)
{
	EVP_PKEY *key = key_for(token_alg);
	json_t *payload = json_object();
	struct b2b_jwks *jwks = set_of(signer_jwk(key, "k", key_alg, NULL));
	char *named = signer_token(key, token_alg, "k", NULL, payload), *unnamed = signer_token(key, token_alg, NULL, NULL, payload);

	b2b_jwks_allow(jwks, algs);
	refuse_as(named, jwks, fault);
	refuse_as(unnamed, jwks, fault == B2B_TOKEN_KEY_ALG ? B2B_TOKEN_KEY_UNKNOWN : fault);
	free(named);
	free(unnamed);
	json_decref(payload);
	b2b_jwks_free(jwks);
	EVP_PKEY_free(key);
}

static void an_issuer_signs_with_what_it_may(void **state)
{
	static const char *const algs[] = { "RS256", "PS256", "ES256", "ES384", "EdDSA" }; /* in the order of the configuration's bits */
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(algs) / sizeof(*algs); i++) {
		assert_int_equal(B2B_ALG_BIT(b2b_alg_parse(algs[i])), 1u << i);
		allowed(algs[i], algs[i], 1u << i, B2B_TOKEN_OK);
		allowed(algs[i], algs[i], B2B_ALGS_ALL & ~(1u << i), B2B_TOKEN_ALG);
	}
	/* RSA keys that name none */
	allowed(NULL, "RS256", B2B_ALGS_ALL, B2B_TOKEN_OK);
	allowed(NULL, "PS256", B2B_ALGS_ALL, B2B_TOKEN_KEY_ALG);
	allowed(NULL, "PS256", B2B_ALG_BIT(B2B_ALG_PS256) | B2B_ALG_BIT(B2B_ALG_ES256), B2B_TOKEN_OK);
	allowed("RS256", "PS256", B2B_ALG_BIT(B2B_ALG_PS256), B2B_TOKEN_KEY_ALG);
}

static void key_must_be_clear_where_the_token_names_none(void **state)
{
	EVP_PKEY *a = signer_key("ES256"), *b = signer_key("ES256");
	json_t *payload = json_object(), *set = json_pack("{s:[o,o]}", "keys", signer_jwk(a, "a", NULL, NULL), signer_jwk(b, "b", NULL, NULL));
	char *text = json_dumps(set, 0), *unnamed = signer_token(b, "ES256", NULL, NULL, payload), *named = signer_token(b, "ES256", "b", NULL, payload),
	     *lying = signer_token(b, "ES256", "a", NULL, payload);
	struct b2b_jwks *jwks = keys_of(text);

	(void)state;
	refuse_as(unnamed, jwks, B2B_TOKEN_KEY_UNKNOWN);
	refuse_as(named, jwks, B2B_TOKEN_OK);
	refuse_as(lying, jwks, B2B_TOKEN_SIGNATURE);
	b2b_jwks_free(jwks);
	free(text);
	free(unnamed);
	free(named);
	free(lying);
	json_decref(set);
	json_decref(payload);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
}

/* A stolen key is refused by name, by thumbprint under another name, and where the token names none. */
static void a_distrusted_key_is_refused_under_every_name(void **state)
{
	EVP_PKEY *stolen = signer_key("ES256"), *sound = signer_key("ES256");
	json_t *payload = json_pack("{s:s}", "iss", "x"), *set;
	char *by_name = signer_token(stolen, "ES256", "k1", "JWT", payload), *renamed = signer_token(stolen, "ES256", "k9", "JWT", payload);
	char *unnamed = signer_token(stolen, "ES256", NULL, "JWT", payload), *other = signer_token(sound, "ES256", "k2", "JWT", payload);
	char *other_unnamed = signer_token(sound, "ES256", NULL, "JWT", payload), *text, *thumbprint;
	struct b2b_jwks *jwks;

	(void)state;
	set = json_pack("{s:[o,o,o]}", "keys", signer_jwk(stolen, "k1", "ES256", "sig"), signer_jwk(stolen, "k9", "ES256", "sig"),
	                signer_jwk(sound, "k2", "ES256", "sig"));
	text = json_dumps(set, 0);
	jwks = keys_of(text);
	assert_int_equal(verify(by_name, jwks), B2B_TOKEN_OK);
	assert_int_equal(verify(renamed, jwks), B2B_TOKEN_OK);
	thumbprint = b2b_jwks_thumbprint(jwks, "k1");
	assert_non_null(thumbprint);
	assert_null(b2b_jwks_thumbprint(jwks, "k3"));
	b2b_jwks_distrust(jwks, (const char *const[]){ "k1" }, 1);
	refuse_as(by_name, jwks, B2B_TOKEN_KEY_DISTRUSTED);
	assert_int_equal(verify(renamed, jwks), B2B_TOKEN_OK);
	b2b_jwks_distrust(jwks, (const char *const[]){ "k1", thumbprint }, 2);
	refuse_as(by_name, jwks, B2B_TOKEN_KEY_DISTRUSTED);
	refuse_as(renamed, jwks, B2B_TOKEN_KEY_DISTRUSTED);
	assert_int_not_equal(verify(unnamed, jwks), B2B_TOKEN_OK);
	assert_int_equal(verify(other, jwks), B2B_TOKEN_OK);
	assert_int_equal(verify(other_unnamed, jwks), B2B_TOKEN_OK); /* the only one left that it can mean */
	b2b_jwks_distrust(jwks, NULL, 0);
	assert_int_equal(verify(by_name, jwks), B2B_TOKEN_OK);
	free(thumbprint);
	free(by_name);
	free(renamed);
	free(unnamed);
	free(other);
	free(other_unnamed);
	free(text);
	json_decref(set);
	json_decref(payload);
	b2b_jwks_free(jwks);
	EVP_PKEY_free(stolen);
	EVP_PKEY_free(sound);
}

static void every_fault_has_a_text_of_its_own(void **state)
{
	int i, j;

	(void)state;
	for (i = B2B_TOKEN_OK; i < B2B_TOKEN_N_FAULTS; i++) {
		for (j = B2B_TOKEN_OK; j < i; j++)
			assert_string_not_equal(b2b_token_fault_text((enum b2b_token_fault)i), b2b_token_fault_text((enum b2b_token_fault)j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7515_a2_rs256),
		cmocka_unit_test(rfc7515_a3_es256),
		cmocka_unit_test(rfc8037_a4_ed25519),
		cmocka_unit_test(base64url_is_strict),
		cmocka_unit_test(every_allowed_algorithm_is_verified),
		cmocka_unit_test(own_signatures_are_verified),
		cmocka_unit_test(bad_headers_are_refused_each_for_its_own_fault),
		cmocka_unit_test(form_is_exactly_three_parts_within_bounds),
		cmocka_unit_test(ecdsa_takes_one_form_only),
		cmocka_unit_test(unusable_keys_are_passed_over),
		cmocka_unit_test(key_sets_that_are_none_are_refused),
		cmocka_unit_test(rsa_key_is_for_one_algorithm),
		cmocka_unit_test(an_issuer_signs_with_what_it_may),
		cmocka_unit_test(key_must_be_clear_where_the_token_names_none),
		cmocka_unit_test(a_distrusted_key_is_refused_under_every_name),
		cmocka_unit_test(every_fault_has_a_text_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, free_rsa);
}
