/* Every refusal of the decision, one by one, against an otherwise allowed log-in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/decide.h"
#include "common/clock.h"

#define NOW 1800000000
#define UID 0x78000005u

struct fixture {
	struct b2b_policy policy;
	struct b2b_policy_org orgs[2]; /* acme, emea.acme */
	struct b2b_principal principal;
	struct b2b_org_record chain[2]; /* emea.acme, acme */
	struct b2b_authentication authentication;
	struct b2b_decision_facts facts;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->policy.orgs = f->orgs;
	f->policy.n_orgs = 2;
	f->policy.n_services = 2;
	strncpy(f->policy.services[0].name, "sshd", B2B_LABEL_SIZE - 1);
	f->policy.services[0].staleness_s = 300;
	f->policy.services[0].key_suffices = true;
	strncpy(f->policy.services[1].name, "sudo", B2B_LABEL_SIZE - 1);
	f->policy.services[1].staleness_s = 120;
	f->policy.services[1].assurance = B2B_AAL2;
	f->policy.services[1].max_age_s = 900;
	f->orgs[0].parent = -1;
	f->orgs[0].services = 3;
	f->orgs[1].parent = 0;
	f->orgs[1].services = 3;
	f->orgs[1].session_s = 3600;
	f->principal.uid = UID;
	f->principal.state = B2B_ACTIVE;
	f->chain[0].state = f->chain[1].state = B2B_ORG_IS_ACTIVE;
	f->authentication.uid = UID;
	f->authentication.level = B2B_AAL2;
	f->authentication.auth_time_s = NOW - 10;
	f->facts = (struct b2b_decision_facts){ .policy = &f->policy, .org = 1, .principal = &f->principal, .chain = f->chain, .n_chain = 2,
		                                .words_open = true, .service = "sudo", .authentication = &f->authentication, .now_s = NOW,
		                                .clock_trusted = true, .verified_age_ns = 30 * B2B_NS_PER_S };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void allows_what_is_granted(void **state)
{
	struct fixture *f = *state;
	enum b2b_reason why;

	assert_int_equal(b2b_decide(&f->facts), B2B_OK);
	assert_int_equal(b2b_session_end(&f->facts, &why), NOW + 3600);
}

static void denies_unknown(void **state)
{
	struct fixture *f = *state;

	f->facts.principal = NULL;
	assert_int_equal(b2b_decide(&f->facts), B2B_USER_UNKNOWN);
	f->facts.principal = &f->principal;
	f->facts.org = -1;
	assert_int_equal(b2b_decide(&f->facts), B2B_ORG_UNKNOWN);
}

static void denies_when_the_directory_lacks_an_ancestor(void **state)
{
	struct fixture *f = *state;

	f->facts.n_chain = 1;
	assert_int_equal(b2b_decide(&f->facts), B2B_ORG_UNKNOWN);
}

static void denies_by_state_of_any_ancestor(void **state)
{
	struct fixture *f = *state;

	f->chain[1].state = B2B_ORG_IS_SUSPENDED;
	assert_int_equal(b2b_decide(&f->facts), B2B_ORG_SUSPENDED);
	f->chain[1].state = B2B_ORG_HAS_ENDED;
	assert_int_equal(b2b_decide(&f->facts), B2B_ORG_ENDED);
	f->chain[1].state = B2B_ORG_IS_ACTIVE;
	f->chain[0].not_after = NOW - 1;
	assert_int_equal(b2b_decide(&f->facts), B2B_ORG_WINDOW);
	f->chain[0].not_after = 0;
	f->chain[1].disabled_ms = (int64_t)(NOW - 5) * 1000;
	assert_int_equal(b2b_decide(&f->facts), B2B_ORG_SUSPENDED);
}

static void denies_by_state_of_the_person(void **state)
{
	struct fixture *f = *state;

	f->principal.state = B2B_SUSPENDED;
	assert_int_equal(b2b_decide(&f->facts), B2B_USER_SUSPENDED);
	f->principal.state = B2B_REMOVED;
	assert_int_equal(b2b_decide(&f->facts), B2B_USER_REMOVED);
	f->principal.state = B2B_INVITED;
	assert_int_not_equal(b2b_decide(&f->facts), B2B_OK);
	f->principal.state = B2B_ACTIVE;
	f->principal.not_before = NOW + 1;
	assert_int_equal(b2b_decide(&f->facts), B2B_USER_WINDOW);
	f->principal.not_before = 0;
	f->principal.disabled_ms = 1;
	assert_int_equal(b2b_decide(&f->facts), B2B_USER_SUSPENDED);
}

static void denies_by_words_service_clock_and_lease(void **state)
{
	struct fixture *f = *state;

	f->facts.words_open = false;
	assert_int_equal(b2b_decide(&f->facts), B2B_REVOKED);
	f->facts.words_open = true;
	f->orgs[1].services = 1;
	assert_int_equal(b2b_decide(&f->facts), B2B_SERVICE_DENIED);
	f->orgs[1].services = 3;
	f->facts.service = "vsftpd";
	assert_int_equal(b2b_decide(&f->facts), B2B_SERVICE_DENIED);
	f->facts.service = "sudo";
	f->facts.clock_trusted = false;
	assert_int_equal(b2b_decide(&f->facts), B2B_CLOCK);
	f->facts.clock_trusted = true;
	f->facts.verified_age_ns = 121 * B2B_NS_PER_S;
	assert_int_equal(b2b_decide(&f->facts), B2B_STALE);
	f->facts.service = "sshd"; /* more patient */
	assert_int_equal(b2b_decide(&f->facts), B2B_OK);
	f->facts.verified_age_ns = UINT64_MAX;
	assert_int_equal(b2b_decide(&f->facts), B2B_STALE);
}

static void denies_by_authentication(void **state)
{
	struct fixture *f = *state;

	f->facts.authentication = NULL;
	assert_int_equal(b2b_decide(&f->facts), B2B_AUTH_NONE);
	f->facts.key_counts = true;
	assert_int_equal(b2b_decide(&f->facts), B2B_AUTH_NONE);
	f->facts.service = "sshd";
	assert_int_equal(b2b_decide(&f->facts), B2B_OK);
	f->facts.key_counts = false;
	assert_int_equal(b2b_decide(&f->facts), B2B_AUTH_KEY);
	f->policy.services[0].key_suffices = false;
	assert_int_equal(b2b_decide(&f->facts), B2B_AUTH_NONE);
	f->facts.service = "sudo";
	f->facts.authentication = &f->authentication;
	f->authentication.uid = UID + 1;
	assert_int_equal(b2b_decide(&f->facts), B2B_AUTH_WRONG_PERSON);
	f->authentication.uid = UID;
	f->authentication.level = B2B_AAL1;
	assert_int_equal(b2b_decide(&f->facts), B2B_ASSURANCE);
	f->authentication.level = B2B_AAL3;
	f->authentication.auth_time_s = NOW - 901;
	assert_int_equal(b2b_decide(&f->facts), B2B_AUTH_AGE);
	f->authentication.auth_time_s = NOW - 10;
	f->authentication.session_expiry_s = NOW;
	assert_int_equal(b2b_decide(&f->facts), B2B_SESSION_LIMIT);
}

static void cut_off_voids_what_is_not_after_it(void **state)
{
	struct fixture *f = *state;
	int64_t auth_ms = f->authentication.auth_time_s * 1000;

	f->principal.cutoff_ms = auth_ms - 1001;
	assert_int_equal(b2b_decide(&f->facts), B2B_OK);
	f->principal.cutoff_ms = auth_ms;
	assert_int_equal(b2b_decide(&f->facts), B2B_REVOKED);
	f->principal.cutoff_ms = 0;
	f->chain[1].cutoff_ms = auth_ms + 500; /* an ancestor's, within the same second */
	assert_int_equal(b2b_decide(&f->facts), B2B_REVOKED);
}

static void session_ends_at_the_earliest_limit_and_says_which(void **state)
{
	struct fixture *f = *state;
	enum b2b_reason why;

	assert_int_equal(b2b_session_end(&f->facts, &why), NOW + 3600);
	assert_int_equal(why, B2B_SESSION_LIMIT);
	f->principal.not_after = NOW + 600;
	assert_int_equal(b2b_session_end(&f->facts, &why), NOW + 600);
	assert_int_equal(why, B2B_USER_WINDOW);
	f->chain[1].not_after = NOW + 500;
	assert_int_equal(b2b_session_end(&f->facts, &why), NOW + 500);
	assert_int_equal(why, B2B_ORG_WINDOW);
	f->authentication.session_expiry_s = NOW + 400;
	assert_int_equal(b2b_session_end(&f->facts, &why), NOW + 400);
	assert_int_equal(why, B2B_SESSION_LIMIT);
	f->authentication.token_end_s = NOW + 300;
	assert_int_equal(b2b_session_end(&f->facts, &why), NOW + 300);
	assert_int_equal(why, B2B_SESSION_TOKEN);
}

static void the_level_bounds_it_from_the_authentication_on(void **state)
{
	struct fixture *f = *state;
	enum b2b_reason why;

	f->facts.level_session_s = 1000;
	assert_int_equal(b2b_decide(&f->facts), B2B_OK);
	assert_int_equal(b2b_session_end(&f->facts, &why), NOW - 10 + 1000);
	assert_int_equal(why, B2B_SESSION_LIMIT);
	f->policy.services[1].max_age_s = 0;
	f->authentication.auth_time_s = NOW - 1000;
	assert_int_equal(b2b_decide(&f->facts), B2B_AUTH_AGE);
}

static void a_token_that_has_ended_opens_nothing_where_nothing_else_verifies(void **state)
{
	struct fixture *f = *state;

	f->authentication.token_end_s = NOW + 1;
	assert_int_equal(b2b_decide(&f->facts), B2B_OK);
	f->authentication.token_end_s = NOW;
	assert_int_equal(b2b_decide(&f->facts), B2B_SESSION_TOKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(allows_what_is_granted, setup, teardown),
		cmocka_unit_test_setup_teardown(denies_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(denies_when_the_directory_lacks_an_ancestor, setup, teardown),
		cmocka_unit_test_setup_teardown(denies_by_state_of_any_ancestor, setup, teardown),
		cmocka_unit_test_setup_teardown(denies_by_state_of_the_person, setup, teardown),
		cmocka_unit_test_setup_teardown(denies_by_words_service_clock_and_lease, setup, teardown),
		cmocka_unit_test_setup_teardown(denies_by_authentication, setup, teardown),
		cmocka_unit_test_setup_teardown(cut_off_voids_what_is_not_after_it, setup, teardown),
		cmocka_unit_test_setup_teardown(session_ends_at_the_earliest_limit_and_says_which, setup, teardown),
		cmocka_unit_test_setup_teardown(a_token_that_has_ended_opens_nothing_where_nothing_else_verifies, setup, teardown),
		cmocka_unit_test_setup_teardown(the_level_bounds_it_from_the_authentication_on, setup, teardown),
	};

	return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
