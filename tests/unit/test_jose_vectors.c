/*
 * The examples of RFC 7515 and RFC 7517 that this host must not take, and what is left of their key sets. Those that it takes, and
 * those of RFC 8037, are in test_jws.c and test_client_identity.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/federation/jwks.h"
#include "b2bd/federation/jws.h"

#define PAYLOAD "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define ES256_SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define HMAC_KEY "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define N_2011                                                                                                          \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs" \
	"tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5h" \
	"ajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

static struct b2b_jwks *keys_of(const char *json, size_t count)
{
	struct b2b_jwks *jwks = NULL;

	assert_int_equal(b2b_jwks_parse(json, strlen(json), &jwks), 0);
	assert_int_equal(b2b_jwks_count(jwks), count);
	return jwks;
}

static void refused(const char *jws, const struct b2b_jwks *jwks, enum b2b_token_fault expected)
{
	static const struct b2b_jws_typ any_jwt = { .name = "JWT", .may_be_absent = true };
	json_t *payload = NULL;
	enum b2b_token_fault fault = b2b_jws_verify(jws, strlen(jws), jwks, &any_jwt, &payload);

	if (fault != expected)
		fail_msg("%.40s: %s, expected: %s", jws, b2b_token_fault_text(fault), b2b_token_fault_text(expected));
	assert_null(payload);
}

static void rfc7515_a1_hmac_is_never_taken(void **state)
{
	struct b2b_jwks *jwks = keys_of("{\"keys\":[{\"kty\":\"oct\",\"k\":\"" HMAC_KEY "\"}]}", 0);

	(void)state;
	refused("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", jwks, B2B_TOKEN_ALG);
	b2b_jwks_free(jwks);
}

static void rfc7515_a4_p521_is_not_of_the_five(void **state)
{
	struct b2b_jwks *jwks = keys_of("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-521\","
	                                "\"x\":\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\","
	                                "\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}]}", 0);

	(void)state;
	/* its payload is no JSON; with one that is, the algorithm is what is wrong */
	refused("eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7Xd"
	        "tAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn", jwks, B2B_TOKEN_MALFORMED);
	refused("eyJhbGciOiJFUzUxMiJ9." PAYLOAD "." ES256_SIGNATURE, jwks, B2B_TOKEN_ALG);
	b2b_jwks_free(jwks);
}

static void rfc7515_a5_is_not_signed(void **state)
{
	(void)state;
	refused("eyJhbGciOiJub25lIn0." PAYLOAD ".", NULL, B2B_TOKEN_UNSIGNED);
}

/* By the very key whose signature it holds. */
static void rfc7515_a6_a7_json_is_not_compact(void **state)
{
	struct b2b_jwks *jwks = keys_of("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	                                "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"kid\":\"e9bc097a-ce51-4036-9562-d2ade882db0d\"}]}", 1);

	(void)state;
	refused("{\"payload\":\"" PAYLOAD "\",\"signatures\":[{\"protected\":\"eyJhbGciOiJFUzI1NiJ9\","
	        "\"header\":{\"kid\":\"e9bc097a-ce51-4036-9562-d2ade882db0d\"},\"signature\":\"" ES256_SIGNATURE "\"}]}", jwks, B2B_TOKEN_MALFORMED);
	refused("{\"payload\":\"" PAYLOAD "\",\"protected\":\"eyJhbGciOiJFUzI1NiJ9\",\"header\":{\"kid\":\"e9bc097a-ce51-4036-9562-d2ade882db0d\"},"
	        "\"signature\":\"" ES256_SIGNATURE "\"}", jwks, B2B_TOKEN_MALFORMED);
	b2b_jwks_free(jwks);
}

static void rfc7517_a1_leaves_the_key_for_signatures(void **state)
{
	struct b2b_jwks *jwks = keys_of("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
	                                "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"use\":\"enc\",\"kid\":\"1\"},"
	                                "{\"kty\":\"RSA\",\"n\":\"" N_2011 "\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}]}", 1);

	(void)state;
	assert_string_equal(jwks->keys[0].kid, "2011-04-29");
	assert_int_equal(jwks->keys[0].alg, B2B_ALG_RS256);
	b2b_jwks_free(jwks);
}

/* Whose private half is published, everybody may have signed with. */
static void rfc7517_a2_private_keys_are_passed_over(void **state)
{
	(void)state;
	b2b_jwks_free(keys_of("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
	                      "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\",\"kid\":\"1\"},"
	                      "{\"kty\":\"RSA\",\"n\":\"" N_2011 "\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\","
	                      "\"d\":\"X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLWY2vv7B6NqXSzUvxT0_YSf"
	                      "qijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_cPVY3i07a3t8MN6TNwm0dSawm9v47UiCl3Sk5ZiG7xojPLu4sb"
	                      "g1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mqnOYtqc0X4jfcKoAC8Q\"}]}", 0));
}

static void rfc7517_a3_symmetric_keys_are_passed_over(void **state)
{
	(void)state;
	b2b_jwks_free(keys_of("{\"keys\":[{\"kty\":\"oct\",\"alg\":\"A128KW\",\"k\":\"GawgguFyGrWKav7AX4VKUg\"},"
	                      "{\"kty\":\"oct\",\"k\":\"" HMAC_KEY "\",\"kid\":\"HMAC key used in JWS spec Appendix A.1 example\"}]}", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7515_a1_hmac_is_never_taken),
		cmocka_unit_test(rfc7515_a4_p521_is_not_of_the_five),
		cmocka_unit_test(rfc7515_a5_is_not_signed),
		cmocka_unit_test(rfc7515_a6_a7_json_is_not_compact),
		cmocka_unit_test(rfc7517_a1_leaves_the_key_for_signatures),
		cmocka_unit_test(rfc7517_a2_private_keys_are_passed_over),
		cmocka_unit_test(rfc7517_a3_symmetric_keys_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
