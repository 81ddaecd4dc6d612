/* The claim mapper: every shape in which products name organisations, and each that must not count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/federation/mapper.h"

static json_t *claims_of(const char *text)
{
	json_t *claims = json_loads(text, 0, NULL);

	if (!claims)
		fail_msg("not JSON: %s", text);
	return claims;
}

static void only_one(const char *path, const char *text, const char *id)
{
	json_t *claims = claims_of(text);
	char *found = NULL;
	enum b2b_token_fault fault = b2b_mapper_only_organisation(claims, path, &found);

	if (fault != B2B_TOKEN_OK || (id == NULL) != (found == NULL) || (id && strcmp(id, found) != 0))
		fail_msg("%s of %s: %s, %s", path, text, b2b_token_fault_text(fault), found ? found : "none");
	free(found);
	json_decref(claims);
}

static void is_in(const char *path, const char *text, const char *id, enum b2b_token_fault expected)
{
	json_t *claims = claims_of(text);
	enum b2b_token_fault fault = b2b_mapper_in_organisation(claims, path, id);

	if (fault != expected)
		fail_msg("%s of %s, %s: %s, expected: %s", path, text, id, b2b_token_fault_text(fault), b2b_token_fault_text(expected));
	json_decref(claims);
}

static void every_shape_of_one_organisation_gives_its_id(void **state)
{
	static const char *const rows[][3] = {
		{ "organization", "{\"organization\":\"42c3e9\"}", "42c3e9" },
		{ "organization", "{\"organization\":[\"42c3e9\"]}", "42c3e9" },
		{ "organization", "{\"organization\":{\"acme\":{\"id\":\"42c3e9\",\"groups\":[\"/Eng\"]}}}", "42c3e9" },
		{ "organization", "{\"organization\":{\"id\":\"42c3e9\",\"name\":\"Acme\"}}", "42c3e9" },
		{ "organization", "{\"organization\":{\"id\":{\"id\":\"42c3e9\"}}}", "42c3e9" }, /* an alias "id" */
		{ "organization/number", "{\"organization\":{\"acme\":{\"id\":\"x\",\"number\":\"42c3e9\"}}}", "42c3e9" },
		{ "organization/number", "{\"organization\":{\"number\":{\"id\":\"x\",\"number\":\"42c3e9\"}}}", "42c3e9" }, /* an alias "number" */
		{ "organization/number", "{\"organization\":{\"number\":\"42c3e9\"}}", "42c3e9" },
		{ "organization/number", "{\"organization\":\"42c3e9\"}", "42c3e9" },
		{ "org_id", "{\"org_id\":\"org_9\"}", "org_9" },
		{ "urn:zitadel:iam:user:resourceowner:id", "{\"urn:zitadel:iam:user:resourceowner:id\":\"7\"}", "7" },
		{ "https://example.com/org", "{\"https://example.com/org\":\"o1\"}", "o1" },
		{ "https://example.com/org/id", "{\"https://example.com/org\":{\"acme\":{\"id\":\"o1\"}}}", "o1" },
		{ "user/company/id", "{\"user\":{\"company\":{\"id\":\"o1\"}}}", "o1" },
		{ "user/company/id", "{\"user\":{\"company\":{\"acme\":{\"id\":\"o1\"}}}}", "o1" },
		{ "user/org", "{\"user\":{\"org\":\"o1\",\"name\":\"x\"}}", "o1" },
		{ "user/orgs", "{\"user\":{\"orgs\":[\"o1\"],\"name\":\"x\"}}", "o1" },
		{ "a/b/c/id", "{\"a\":{\"b/c\":{\"id\":\"o1\"}}}", "o1" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		only_one(rows[i][0], rows[i][1], rows[i][2]);
		is_in(rows[i][0], rows[i][1], rows[i][2], B2B_TOKEN_OK);
		is_in(rows[i][0], rows[i][1], "42c3e", B2B_TOKEN_ORG_OTHER);
		is_in(rows[i][0], rows[i][1], "", B2B_TOKEN_ORG_OTHER);
	}
}

static void who_names_no_organisation_is_in_none(void **state)
{
	static const char *const rows[][2] = {
		{ "organization", "{\"organization\":null}" }, { "organization", "{\"organization\":[]}" },
		{ "organization", "{\"organization\":{}}" },   { "tenant", "{\"organization\":\"42c3e9\"}" },
		{ "tenant/id", "{}" },                         { "tenant/a/id", "{\"tenant\":\"42c3e9\"}" },
		{ "/", "{}" },                                 { "//", "{\"\":{\"id\":\"42c3e9\"}}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		only_one(rows[i][0], rows[i][1], NULL);
		is_in(rows[i][0], rows[i][1], "42c3e9", B2B_TOKEN_ORG_ABSENT);
	}
}

static void a_person_of_several_logs_in_to_the_one_that_is_asked_for(void **state)
{
	static const char *const rows[][2] = {
		{ "organization", "{\"organization\":[\"42c3e9\",\"77\"]}" },
		{ "organization", "{\"organization\":{\"acme\":{\"id\":\"42c3e9\"},\"globex\":{\"id\":\"77\"}}}" },
		{ "user/orgs", "{\"user\":{\"orgs\":[\"77\",\"42c3e9\"]}}" },
		{ "organization/number", "{\"organization\":{\"acme\":{\"id\":\"1\",\"number\":\"42c3e9\"},\"globex\":{\"id\":\"1\",\"number\":\"77\"}}}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		only_one(rows[i][0], rows[i][1], NULL);
		is_in(rows[i][0], rows[i][1], "42c3e9", B2B_TOKEN_OK);
		is_in(rows[i][0], rows[i][1], "77", B2B_TOKEN_OK);
		is_in(rows[i][0], rows[i][1], "1", B2B_TOKEN_ORG_OTHER);
		is_in(rows[i][0], rows[i][1], "acme", B2B_TOKEN_ORG_OTHER); /* an alias is no id */
		is_in(rows[i][0], rows[i][1], "42C3E9", B2B_TOKEN_ORG_OTHER);
	}
}

static void every_wrong_shape_has_its_own_fault(void **state)
{
	static const struct {
		const char *path, *text;
		enum b2b_token_fault fault;
	} rows[] = {
		{ "organization", "{\"organization\":7}", B2B_TOKEN_ORG_SHAPE },
		{ "organization", "{\"organization\":true}", B2B_TOKEN_ORG_SHAPE },
		{ "organization", "{\"organization\":\"\"}", B2B_TOKEN_ORG_SHAPE },
		{ "organization", "{\"organization\":\"a\\u0007b\"}", B2B_TOKEN_ORG_SHAPE },
		{ "organization", "{\"organization\":[\"42c3e9\",7]}", B2B_TOKEN_ORG_SHAPE },
		{ "organization", "{\"organization\":[[\"42c3e9\"]]}", B2B_TOKEN_ORG_SHAPE },
		{ "organization", "{\"organization\":[{\"id\":\"42c3e9\"}]}", B2B_TOKEN_ORG_SHAPE },
		{ "organization", "{\"organization\":{\"acme\":\"42c3e9\"}}", B2B_TOKEN_ORG_SHAPE },
		{ "organization", "{\"organization\":{\"acme\":{}}}", B2B_TOKEN_ORG_NO_ID },
		{ "organization", "{\"organization\":{\"acme\":{\"id\":7}}}", B2B_TOKEN_ORG_NO_ID },
		{ "organization", "{\"organization\":{\"id\":\"\"}}", B2B_TOKEN_ORG_NO_ID },
		{ "organization", "{\"organization\":{\"acme\":{\"id\":\"42c3e9\"},\"globex\":{}}}", B2B_TOKEN_ORG_NO_ID },
		{ "organization/number", "{\"organization\":{\"acme\":{\"id\":\"42c3e9\"}}}", B2B_TOKEN_ORG_NO_ID },
		{ "organization", "{\"organization\":[\"42c3e9\",\"42c3e9\"]}", B2B_TOKEN_ORG_TWICE },
		{ "organization", "{\"organization\":{\"acme\":{\"id\":\"42c3e9\"},\"globex\":{\"id\":\"42c3e9\"}}}", B2B_TOKEN_ORG_TWICE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *claims = claims_of(rows[i].text);
		char *untouched = (char *)"untouched";
		enum b2b_token_fault fault = b2b_mapper_only_organisation(claims, rows[i].path, &untouched);

		if (fault != rows[i].fault)
			fail_msg("%s: %s, expected: %s", rows[i].text, b2b_token_fault_text(fault), b2b_token_fault_text(rows[i].fault));
		assert_string_equal(untouched, "untouched");
		is_in(rows[i].path, rows[i].text, "42c3e9", rows[i].fault);
		json_decref(claims);
	}
}

static void organisations_are_bounded_in_number_and_length(void **state)
{
	json_t *list = json_array(), *claims = json_pack("{s:o}", "organization", list);
	char id[B2B_ORGANISATIONS_MAX * 8];
	int i;

	(void)state;
	for (i = 0; i < B2B_ORGANISATIONS_MAX; i++)
		json_array_append_new(list, json_sprintf("o%d", i));
	assert_int_equal(b2b_mapper_in_organisation(claims, "organization", "o63"), B2B_TOKEN_OK);
	json_array_append_new(list, json_string("o64"));
	assert_int_equal(b2b_mapper_in_organisation(claims, "organization", "o63"), B2B_TOKEN_ORG_MANY);
	json_array_clear(list);
	memset(id, 'x', 256);
	id[256] = '\0';
	json_array_append_new(list, json_string(id));
	assert_int_equal(b2b_mapper_in_organisation(claims, "organization", id), B2B_TOKEN_ORG_SHAPE);
	json_decref(claims);
}

static void the_log_in_name_is_compared_whole(void **state)
{
	json_t *claims = claims_of("{\"preferred_username\":\"alice\",\"user\":{\"login\":\"bob\"},\"n\":7,\"list\":[\"alice\"],\"e\":\"\"}");

	(void)state;
	assert_int_equal(b2b_mapper_is_named(claims, "preferred_username", "alice"), B2B_TOKEN_OK);
	assert_int_equal(b2b_mapper_is_named(claims, "user/login", "bob"), B2B_TOKEN_OK);
	assert_int_equal(b2b_mapper_is_named(claims, "preferred_username", "alic"), B2B_TOKEN_NAME_OTHER);
	assert_int_equal(b2b_mapper_is_named(claims, "preferred_username", "Alice"), B2B_TOKEN_NAME_OTHER);
	assert_int_equal(b2b_mapper_is_named(claims, "preferred_username", "alice@acme"), B2B_TOKEN_NAME_OTHER);
	assert_int_equal(b2b_mapper_is_named(claims, "absent", "alice"), B2B_TOKEN_NAME_OTHER);
	assert_int_equal(b2b_mapper_is_named(claims, "n", "7"), B2B_TOKEN_NAME_OTHER);
	assert_int_equal(b2b_mapper_is_named(claims, "list", "alice"), B2B_TOKEN_NAME_OTHER);
	json_decref(claims);
}

/* EXPECTED: the words joined by blanks; NULL: FAULT. */
static void words_at(const char *path, const char *text, const char *expected, enum b2b_token_fault fault)
{
	json_t *claims = claims_of(text), *words = NULL, *one;
	enum b2b_token_fault found = b2b_mapper_words(claims, "organization", "42c3e9", path, &words);
	char joined[256] = "";
	size_t i;

	json_array_foreach (words, i, one)
		snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s", i ? " " : "", json_string_value(one));
	if (found != fault || (words == NULL) != (expected == NULL) || (expected && strcmp(joined, expected) != 0))
		fail_msg("%s of %s: %s, \"%s\"", path, text, b2b_token_fault_text(found), joined);
	json_decref(words);
	json_decref(claims);
}

static void roles_and_groups_are_read_in_every_shape(void **state)
{
	(void)state;
	words_at("roles", "{\"roles\":\"dba\"}", "dba", B2B_TOKEN_OK);
	words_at("roles", "{\"roles\":[\"dba\",\"operator\",\"dba\"]}", "dba operator", B2B_TOKEN_OK);
	words_at("realm_access/roles", "{\"realm_access\":{\"roles\":[\"dba\"]}}", "dba", B2B_TOKEN_OK);
	words_at("roles", "{}", "", B2B_TOKEN_OK);
	words_at("roles", "{\"roles\":null}", "", B2B_TOKEN_OK);
	words_at("roles", "{\"roles\":{\"dba\":true,\"operator\":{\"42c3e9\":\"acme.example\"},\"root\":{\"77\":\"globex.example\"}}}", "dba operator",
	         B2B_TOKEN_OK);
	words_at("roles", "{\"roles\":7}", NULL, B2B_TOKEN_WORDS_SHAPE);
	words_at("roles", "{\"roles\":[\"dba\",7]}", NULL, B2B_TOKEN_WORDS_SHAPE);
	words_at("roles", "{\"roles\":[\"a\\u0007b\"]}", NULL, B2B_TOKEN_WORDS_SHAPE);
	words_at("roles", "{\"roles\":{\"\":1}}", NULL, B2B_TOKEN_WORDS_SHAPE);
}

/* What somebody may in another organisation is nothing here. */
static void words_within_an_organisation_are_those_of_the_log_ins(void **state)
{
	static const char both[] = "{\"organization\":{\"globex\":{\"id\":\"77\",\"groups\":[\"/Root\"]},"
				   "\"acme\":{\"id\":\"42c3e9\",\"groups\":[\"/Eng\",\"/Ops\"],\"access\":{\"roles\":\"dba\"}}}}";

	(void)state;
	words_at("%o/groups", both, "/Eng /Ops", B2B_TOKEN_OK);
	words_at("%o/access/roles", both, "dba", B2B_TOKEN_OK);
	words_at("%o/roles", both, "", B2B_TOKEN_OK);
	words_at("%o/groups", "{\"organization\":{\"globex\":{\"id\":\"77\",\"groups\":[\"/Root\"]}}}", "", B2B_TOKEN_OK);
	words_at("%o/groups", "{\"organization\":{\"id\":\"42c3e9\",\"groups\":[\"/Eng\"]}}", "/Eng", B2B_TOKEN_OK);
	words_at("%o/groups", "{\"organization\":{\"id\":\"77\",\"groups\":[\"/Root\"]}}", "", B2B_TOKEN_OK);
	words_at("%o/groups", "{\"organization\":[\"42c3e9\"],\"groups\":[\"/Root\"]}", "", B2B_TOKEN_OK);
}

static void words_are_bounded_in_number(void **state)
{
	json_t *list = json_array(), *claims = json_pack("{s:o}", "roles", list), *words = NULL;
	int i;

	(void)state;
	for (i = 0; i < B2B_WORDS_MAX; i++)
		json_array_append_new(list, json_sprintf("r%d", i));
	assert_int_equal(b2b_mapper_words(claims, "organization", "42c3e9", "roles", &words), B2B_TOKEN_OK);
	assert_int_equal(json_array_size(words), B2B_WORDS_MAX);
	json_decref(words);
	json_array_append_new(list, json_string("more"));
	assert_int_equal(b2b_mapper_words(claims, "organization", "42c3e9", "roles", &words), B2B_TOKEN_WORDS_MANY);
	json_decref(claims);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_of_one_organisation_gives_its_id),
		cmocka_unit_test(who_names_no_organisation_is_in_none),
		cmocka_unit_test(a_person_of_several_logs_in_to_the_one_that_is_asked_for),
		cmocka_unit_test(every_wrong_shape_has_its_own_fault),
		cmocka_unit_test(organisations_are_bounded_in_number_and_length),
		cmocka_unit_test(the_log_in_name_is_compared_whole),
		cmocka_unit_test(roles_and_groups_are_read_in_every_shape),
		cmocka_unit_test(words_within_an_organisation_are_those_of_the_log_ins),
		cmocka_unit_test(words_are_bounded_in_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
