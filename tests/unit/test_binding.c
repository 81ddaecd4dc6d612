/* The binding check: one principal, or one refusal that says what does not agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/binding.h"

struct fixture {
	struct b2b_policy policy;
	struct b2b_policy_org orgs[2];
	struct b2b_principal principal;
	struct b2b_conf_federation conf;
	struct b2b_decision_facts facts;
	struct b2b_id_token token;
};

static int set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.policy.orgs = f.orgs;
	f.policy.n_orgs = 2;
	strncpy(f.orgs[0].id, "77", sizeof(f.orgs[0].id) - 1);
	strncpy(f.orgs[1].id, "42c3e9", sizeof(f.orgs[1].id) - 1);
	f.principal.subject = (char *)"6f2a";
	strncpy(f.principal.local, "alice", sizeof(f.principal.local) - 1);
	f.conf.organisation_claim = (char *)"organization";
	f.facts = (struct b2b_decision_facts){ .policy = &f.policy, .org = 1, .principal = &f.principal };
	f.token.subject = (char *)"6f2a";
	f.token.claims = json_pack("{s:[s,s],s:s}", "organization", "77", "42c3e9", "login", "alice");
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	json_decref(((struct fixture *)*state)->token.claims);
	return 0;
}

static void expect(const struct fixture *f, enum b2b_reason reason, const char *fault)
{
	const char *found = "";

	assert_int_equal(b2b_binding_check(&f->conf, &f->facts, &f->token, &found), reason);
	assert_string_equal(found, fault);
}

static void who_is_in_several_organisations_logs_in_to_the_named_one(void **state)
{
	struct fixture *f = *state;

	expect(f, B2B_OK, "");
	f->facts.org = 0;
	expect(f, B2B_OK, "");
	json_object_set_new(f->token.claims, "organization", json_string("42c3e9"));
	expect(f, B2B_AUTH_WRONG_ORG, b2b_token_fault_text(B2B_TOKEN_ORG_OTHER));
	json_object_del(f->token.claims, "organization");
	expect(f, B2B_AUTH_WRONG_ORG, b2b_token_fault_text(B2B_TOKEN_ORG_ABSENT));
	json_object_set_new(f->token.claims, "organization", json_integer(77));
	expect(f, B2B_AUTH_WRONG_ORG, b2b_token_fault_text(B2B_TOKEN_ORG_SHAPE));
}

static void a_subject_is_compared_whole(void **state)
{
	struct fixture *f = *state;

	f->token.subject = (char *)"6f2a1";
	expect(f, B2B_AUTH_WRONG_PERSON, "another subject");
	f->token.subject = (char *)"6f2";
	expect(f, B2B_AUTH_WRONG_PERSON, "another subject");
	f->facts.principal = NULL;
	expect(f, B2B_USER_UNKNOWN, "nobody of that name is known");
	f->facts.principal = &f->principal;
	f->facts.org = -1;
	expect(f, B2B_USER_UNKNOWN, "nobody of that name is known");
}

/* directory = token, before the first log-in */
static void whom_nobody_has_proven_yet_is_known_by_name_alone(void **state)
{
	struct fixture *f = *state;

	f->principal.subject = NULL;
	expect(f, B2B_AUTH_WRONG_PERSON, "nothing in it says whose name that is");
	f->conf.name_claim = (char *)"login";
	expect(f, B2B_OK, "");
	json_object_set_new(f->token.claims, "login", json_string("alic"));
	expect(f, B2B_AUTH_WRONG_PERSON, b2b_token_fault_text(B2B_TOKEN_NAME_OTHER));
	json_object_set_new(f->token.claims, "login", json_string("alice"));
	f->token.of_client = true;
	expect(f, B2B_AUTH_WRONG_PERSON, "a client, or not to be told from one, and no person");
}

static void a_client_by_itself_is_no_person(void **state)
{
	struct fixture *f = *state;

	f->token.of_client = true;
	expect(f, B2B_AUTH_WRONG_PERSON, "a client, or not to be told from one, and no person");
	f->principal.kind = B2B_SERVICE_PRINCIPAL;
	expect(f, B2B_OK, "");
}

static void the_name_must_agree_where_it_is_configured(void **state)
{
	struct fixture *f = *state;

	f->conf.name_claim = (char *)"login";
	expect(f, B2B_OK, "");
	json_object_set_new(f->token.claims, "login", json_string("mallory"));
	expect(f, B2B_AUTH_WRONG_PERSON, b2b_token_fault_text(B2B_TOKEN_NAME_OTHER));
	json_object_del(f->token.claims, "login");
	expect(f, B2B_AUTH_WRONG_PERSON, b2b_token_fault_text(B2B_TOKEN_NAME_OTHER));
	f->conf.name_claim = NULL;
	expect(f, B2B_OK, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_is_in_several_organisations_logs_in_to_the_named_one),
		TEST(a_subject_is_compared_whole),
		TEST(whom_nobody_has_proven_yet_is_known_by_name_alone),
		TEST(a_client_by_itself_is_no_person),
		TEST(the_name_must_agree_where_it_is_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
