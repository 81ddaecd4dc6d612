/* Token status lists: the published vectors, every width of entry, and lists that are none or too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <zlib.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/status_list.h"
#include "tests/support/signer.h"

#define NOW 1790000000
#define ISSUER "https://login.example.com"
#define URI ISSUER "/lists/1"
#define LST "eNrbuRgAAhcBXQ" /* of the draft: 1 bit, B9 A3 */

static EVP_PKEY *key;
static struct b2b_jwks *jwks;
static const struct b2b_token_expect expect = { .issuer = ISSUER, .now = NOW, .skew_s = 60 };

static int begin(void **state)
{
	(void)state;
	key = signer_key("ES256");
	jwks = signer_jwks(key, "k1", "ES256");
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
	return json_pack("{s:s,s:s,s:i,s:i,s:i,s:{s:i,s:s}}", "iss", ISSUER, "sub", URI, "iat", NOW - 5, "exp", NOW + 300, "ttl", 60, "status_list",
	                 "bits", 1, "lst", LST);
}

static enum b2b_token_fault verify_typ(const json_t *claims, const char *typ, struct b2b_status_list *ret)
{
	char *jwt = signer_token(key, "ES256", "k1", typ, claims);
	enum b2b_token_fault fault = b2b_status_list_verify(jwt, strlen(jwt), jwks, &expect, URI, ret);

	free(jwt);
	return fault;
}

static void holds(const struct b2b_status_list *list, const int *statuses, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (b2b_status_list_get(list, i) != statuses[i])
			fail_msg("at %zu: %d, expected: %d", i, b2b_status_list_get(list, i), statuses[i]);
	}
	assert_int_equal(b2b_status_list_get(list, n), -ERANGE);
	assert_int_equal(b2b_status_list_get(list, UINT64_MAX), -ERANGE);
}

/* draft-ietf-oauth-status-list 4.1 */
static void the_published_vectors_hold(void **state)
{
	static const int one[] = { 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1 }, two[] = { 1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3 };
	struct b2b_status_list list = { 0 };

	(void)state;
	assert_int_equal(b2b_status_list_unpack(1, LST, &list), B2B_TOKEN_OK);
	assert_int_equal(list.n_bytes, 2);
	assert_int_equal(list.bytes[0], 0xb9);
	assert_int_equal(list.bytes[1], 0xa3);
	holds(&list, one, 16);
	b2b_status_list_clear(&list);
	assert_int_equal(b2b_status_list_unpack(2, "eNo76fITAAPfAgc", &list), B2B_TOKEN_OK);
	holds(&list, two, 12);
	b2b_status_list_clear(&list);
}

/* LEN bytes as lst; caller frees. */
static char *packed(const unsigned char *bytes, size_t len)
{
	uLongf room = compressBound(len);
	unsigned char *to = malloc(room);
	char *text;

	assert_int_equal(compress2(to, &room, bytes, len, 9), Z_OK);
	text = b2b_base64url_encode(to, room);
	free(to);
	return text;
}

static void entries_of_every_width_are_read_least_significant_first(void **state)
{
	static const unsigned char bytes[] = { 0xb9, 0xa3 };
	static const int four[] = { 9, 11, 3, 10 }, eight[] = { 0xb9, 0xa3 };
	struct b2b_status_list list = { 0 };
	char *lst = packed(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(b2b_status_list_unpack(4, lst, &list), B2B_TOKEN_OK);
	holds(&list, four, 4);
	b2b_status_list_clear(&list);
	assert_int_equal(b2b_status_list_unpack(8, lst, &list), B2B_TOKEN_OK);
	holds(&list, eight, 2);
	b2b_status_list_clear(&list);
	free(lst);
	lst = packed(bytes, 0);
	assert_int_equal(b2b_status_list_unpack(8, lst, &list), B2B_TOKEN_OK);
	holds(&list, eight, 0);
	b2b_status_list_clear(&list);
	free(lst);
}

static void refused(int64_t bits, const char *lst, enum b2b_token_fault fault)
{
	struct b2b_status_list list = { .bits = 77 };
	enum b2b_token_fault found = b2b_status_list_unpack(bits, lst, &list);

	if (found != fault)
		fail_msg("%.40s: %s, expected: %s", lst, b2b_token_fault_text(found), b2b_token_fault_text(fault));
	assert_int_equal(list.bits, 77);
	assert_null(list.bytes);
}

static void lists_that_cannot_be_unpacked_are_refused(void **state)
{
	static const int64_t widths[] = { 0, 3, 5, 16, -1, INT64_MAX };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(widths) / sizeof(*widths); i++)
		refused(widths[i], LST, B2B_TOKEN_LIST_BITS);
	refused(1, "", B2B_TOKEN_LIST_DATA);
	refused(1, "eNrb", B2B_TOKEN_LIST_DATA);              /* cut off */
	refused(1, "eNrbuRgAAhcBXA", B2B_TOKEN_LIST_DATA);    /* its sum is wrong */
	refused(1, "eNrbuRgAAhcBXQ==", B2B_TOKEN_LIST_DATA);
	refused(1, "eNrbuRgAAhcBXQAA", B2B_TOKEN_LIST_DATA);  /* and something behind it */
	refused(1, "27kYAA", B2B_TOKEN_LIST_DATA);            /* DEFLATE without the zlib frame */
	refused(1, "H4sIAAAAAAAA_9u5GACkgZB0AgAAAA", B2B_TOKEN_LIST_DATA); /* gzip */
}

static void what_unpacks_to_too_much_is_refused_before_it_does(void **state)
{
	size_t len = B2B_STATUS_LIST_BYTES_MAX;
	unsigned char *zeros = calloc(1, len + 1);
	struct b2b_status_list list = { 0 };
	char *lst = packed(zeros, len + 1);

	(void)state;
	assert_true(strlen(lst) < 8192); /* a bomb: small on the wire */
	refused(1, lst, B2B_TOKEN_LIST_LARGE);
	free(lst);
	lst = packed(zeros, len - 1);
	assert_int_equal(b2b_status_list_unpack(1, lst, &list), B2B_TOKEN_OK);
	assert_int_equal(list.n_bytes, len - 1);
	b2b_status_list_clear(&list);
	free(lst);
	free(zeros);
}

static void a_good_list_is_read_with_its_times(void **state)
{
	json_t *claims = good();
	struct b2b_status_list list;

	(void)state;
	assert_int_equal(verify_typ(claims, "statuslist+jwt", &list), B2B_TOKEN_OK);
	assert_int_equal(list.issued_at, NOW - 5);
	assert_int_equal(list.expires_at, NOW + 300);
	assert_int_equal(list.ttl_s, 60);
	assert_int_equal(b2b_status_list_get(&list, 0), B2B_STATUS_INVALID);
	assert_int_equal(b2b_status_list_get(&list, 1), B2B_STATUS_VALID);
	b2b_status_list_clear(&list);
	json_object_del(claims, "exp");
	json_object_del(claims, "ttl");
	json_object_del(claims, "iss");
	assert_int_equal(verify_typ(claims, "application/statuslist+jwt", &list), B2B_TOKEN_OK);
	assert_int_equal(list.expires_at, 0);
	assert_int_equal(list.ttl_s, 0);
	b2b_status_list_clear(&list);
	json_decref(claims);
}

static void every_wrong_claim_has_its_own_fault(void **state)
{
	static const struct {
		const char *name, *value;
		enum b2b_token_fault fault;
	} rows[] = {
		{ "iss", "\"https://evil.example\"", B2B_TOKEN_ISSUER },
		{ "iss", "7", B2B_TOKEN_CLAIM_ISS },
		{ "sub", "\"" URI "0\"", B2B_TOKEN_LIST_URI },
		{ "sub", "", B2B_TOKEN_CLAIM_SUB },
		{ "iat", "", B2B_TOKEN_CLAIM_IAT },
		{ "iat", "1790000061", B2B_TOKEN_NOT_YET },
		{ "exp", "1789999940", B2B_TOKEN_EXPIRED },
		{ "exp", "0", B2B_TOKEN_EXPIRED },
		{ "exp", "\"x\"", B2B_TOKEN_CLAIM_EXP },
		{ "ttl", "0", B2B_TOKEN_CLAIM },
		{ "ttl", "-1", B2B_TOKEN_CLAIM },
		{ "ttl", "\"60\"", B2B_TOKEN_CLAIM },
		{ "events", "{}", B2B_TOKEN_EVENTS },
		{ "status_list", "", B2B_TOKEN_LIST_DATA },
		{ "status_list", "{\"bits\":1}", B2B_TOKEN_LIST_DATA },
		{ "status_list", "{\"lst\":\"" LST "\"}", B2B_TOKEN_LIST_BITS },
		{ "status_list", "{\"bits\":\"1\",\"lst\":\"" LST "\"}", B2B_TOKEN_LIST_BITS },
		{ "status_list", "{\"bits\":3,\"lst\":\"" LST "\"}", B2B_TOKEN_LIST_BITS },
		{ "status_list", "{\"bits\":1,\"lst\":\"xx\"}", B2B_TOKEN_LIST_DATA },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *claims = good();
		struct b2b_status_list list = { .ttl_s = 77 };
		enum b2b_token_fault fault;

		if (*rows[i].value)
			json_object_set_new(claims, rows[i].name, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
		else
			json_object_del(claims, rows[i].name);
		fault = verify_typ(claims, "statuslist+jwt", &list);
		if (fault != rows[i].fault)
			fail_msg("%s = %s: %s, expected: %s", rows[i].name, rows[i].value, b2b_token_fault_text(fault),
			         b2b_token_fault_text(rows[i].fault));
		assert_int_equal(list.ttl_s, 77);
		json_decref(claims);
	}
}

static void tokens_of_other_kinds_are_refused(void **state)
{
	static const char *const others[] = { NULL, "JWT", "at+jwt", "statuslist+cwt", "statuslist" };
	json_t *claims = good();
	struct b2b_status_list list;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(verify_typ(claims, others[i], &list), B2B_TOKEN_TYP);
	json_decref(claims);
}

/* It does not compress: 96 KiB is more than other tokens may be, 3 MiB more than a list may be. */
static enum b2b_token_fault of_noise(size_t len)
{
	json_t *claims = good();
	struct b2b_status_list list = { 0 };
	unsigned char *bytes = malloc(len);
	enum b2b_token_fault fault;
	uint32_t x = 1;
	char *lst;
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = (unsigned char)((x = x * 1664525 + 1013904223) >> 24);
	lst = packed(bytes, len);
	json_object_set_new(json_object_get(claims, "status_list"), "lst", json_string(lst));
	fault = verify_typ(claims, "statuslist+jwt", &list);
	b2b_status_list_clear(&list);
	free(lst);
	free(bytes);
	json_decref(claims);
	return fault;
}

static void a_list_may_be_larger_than_other_tokens_within_bounds(void **state)
{
	(void)state;
	assert_int_equal(of_noise(96 * 1024), B2B_TOKEN_OK);
	assert_int_equal(of_noise(3072 * 1024), B2B_TOKEN_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_vectors_hold),
		cmocka_unit_test(entries_of_every_width_are_read_least_significant_first),
		cmocka_unit_test(lists_that_cannot_be_unpacked_are_refused),
		cmocka_unit_test(what_unpacks_to_too_much_is_refused_before_it_does),
		cmocka_unit_test(a_good_list_is_read_with_its_times),
		cmocka_unit_test(every_wrong_claim_has_its_own_fault),
		cmocka_unit_test(tokens_of_other_kinds_are_refused),
		cmocka_unit_test(a_list_may_be_larger_than_other_tokens_within_bounds),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
