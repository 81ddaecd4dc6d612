/* When somebody who has shown an SSH key need do nothing more, asked over the agent's own socket. */
#include "tests/unit/revoke_fixture.h"
#include "tests/unit/status_giver.h"

#include "b2bd/federation/federation_private.h"
#include "b2bd/proofs.h"
#include "b2bd/state/key_state.h"
#include "b2bd/state/proof_state.h"
#include "b2bd/state/status_state.h"
#include "common/conf.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE"
#define MAX_AGE_S 600

static struct b2b_conf conf;
static struct giver giver;
static struct b2b_federation federation; /* as far as it goes: the keys */

static void put_keys(struct fixture *f, const char *keys)
{
	assert_int_equal(b2b_state_begin(f->core.state), 0);
	assert_int_equal(b2b_key_put(f->core.state, "p1", keys), 0);
	assert_int_equal(b2b_state_commit(f->core.state), 0);
}

/* By a token with that place in the list of giver; -1: in none. */
static void put_proof_at(struct fixture *f, int64_t id, int64_t age_s, bool in_person, int64_t place)
{
	struct b2b_status_place at = { .uri = place < 0 ? NULL : giver.uri, .index = (uint64_t)place };
	struct b2b_proof proof = { .id = id, .in_person = in_person, .way = B2B_REVERIFY_NONE, .made_s = b2b_core_now(&f->core) - age_s };

	proof.authentication.uid = f->uid;
	proof.authentication.level = B2B_AAL1;
	proof.authentication.auth_time_s = proof.made_s;
	snprintf(proof.authentication.jti, sizeof(proof.authentication.jti), "j-%d", (int)id);
	assert_int_equal(b2b_status_note(&f->core, &at, &proof.authentication), 0);
	assert_int_equal(b2b_proof_add(f->core.state, &proof), 0);
}

static void put_proof(struct fixture *f, int64_t id, int64_t age_s, bool in_person)
{
	put_proof_at(f, id, age_s, in_person, -1);
}

static int set_up(void **state)
{
	struct b2b_policy_service *sshd;
	struct fixture *f;

	setup(state);
	f = *state;
	memset(&conf, 0, sizeof(conf));
	conf.federation.clock_skew_s = 3600; /* the tests move the highest time seen */
	f->core.conf = &conf;
	assert_int_equal(b2b_tickets_new(&f->core.tickets), 0);
	sshd = &f->policy.services[f->policy.n_services++];
	strncpy(sshd->name, "sshd", sizeof(sshd->name) - 1);
	sshd->staleness_s = 300;
	sshd->max_age_s = MAX_AGE_S;
	f->orgs[ACME].services = 1;
	for (int i = 0; i < N_ORGS; i++)
		b2b_live_verified(f->lives[i], b2b_now_ns());
	put_keys(f, "ssh-rsa BBBB\n" KEY "\n");
	put_proof(f, 1, 100, true);
	return 0;
}

static int tear_down(void **state)
{
	b2b_tickets_free(((struct fixture *)*state)->core.tickets);
	return teardown(state);
}

static int set_up_lists(void **state)
{
	struct fixture *f;

	set_up(state);
	f = *state;
	giver_start(&giver);
	giver_conf(&giver, &conf);
	federation = (struct b2b_federation){ .jwks = giver.jwks, .loop = f->core.loop };
	f->core.federation = &federation;
	assert_int_equal(b2b_http_new(f->core.loop, tls_server_ca(giver.server), NULL, &f->core.http), 0);
	assert_int_equal(b2b_status_start(&f->core), 0);
	return 0;
}

static int tear_down_lists(void **state)
{
	struct fixture *f = *state;

	b2b_status_cache_free(f->core.status);
	b2b_http_free(f->core.http);
	giver_stop(&giver);
	return tear_down(state);
}

static struct b2b_say_decision ask_key(struct fixture *f, const char *user, const char *key)
{
	struct b2b_ask_recent question = { .origin.service = "sshd" };

	snprintf(question.origin.user, sizeof(question.origin.user), "%s", user);
	snprintf(question.key, sizeof(question.key), "%s", key);
	return ask_decision(f, B2B_ASK_RECENT, &question);
}

static void answers(struct fixture *f, int reason)
{
	int32_t said = ask_key(f, "alice@acme", KEY).reason;

	if (said != reason)
		fail_msg("%s, expected %s", b2b_reason_code(said), b2b_reason_code(reason));
}

static void a_key_of_the_directory_and_a_recent_log_in_are_enough(void **state)
{
	struct fixture *f = *state;
	struct b2b_say_decision decision = ask_key(f, "alice@acme", KEY);
	const struct b2b_authentication *authentication;

	assert_int_equal(decision.reason, B2B_OK);
	assert_int_equal(decision.uid, f->uid);
	authentication = b2b_ticket_find(f->core.tickets, decision.ticket, f->uid, "sshd", b2b_now_ns());
	assert_non_null(authentication);
	assert_int_equal(authentication->proof, 1); /* the session is verified again by what that log-in left */
	assert_true(authentication->auth_time_s <= b2b_core_now(&f->core) - 100); /* and is no younger than it */
}

static void another_key_is_not(void **state)
{
	static const char *const keys[] = { "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI", KEY "A", "ssh-ed25519", "", KEY " comment", KEY "\nssh-rsa BBBB",
		                            "command=\"id\" " KEY };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_int_equal(ask_key(f, "alice@acme", keys[i]).reason, B2B_AUTH_NONE);
	assert_int_equal(ask_key(f, "bob@emea.acme", KEY).reason, B2B_AUTH_NONE);
	assert_int_equal(ask_key(f, "nobody@acme", KEY).reason, B2B_AUTH_NONE);
	put_keys(f, ""); /* taken out of the directory */
	answers(f, B2B_AUTH_NONE);
}

static void a_log_in_that_is_too_old_is_not(void **state)
{
	struct fixture *f = *state;

	f->core.floor_s = b2b_core_now(&f->core) + MAX_AGE_S - 100;
	answers(f, B2B_OK);
	f->core.floor_s += 2;
	answers(f, B2B_AUTH_AGE);
	put_proof(f, 2, 0, false); /* a token that was shown is nobody's presence */
	answers(f, B2B_AUTH_AGE);
	put_proof(f, 3, 0, true);
	answers(f, B2B_OK);
}

/* That it was withdrawn is remembered for 30 days. */
static void whatever_root_says_a_month_is_not_recent(void **state)
{
	struct fixture *f = *state;

	f->policy.services[0].max_age_s = 365 * 86400;
	put_proof(f, 2, 28 * 86400, true);
	assert_int_equal(b2b_proof_drop(f->core.state, 1), 0);
	answers(f, B2B_OK);
	f->core.floor_s = b2b_core_now(&f->core) + 2 * 86400;
	conf.federation.clock_skew_s = 3 * 86400;
	answers(f, B2B_AUTH_AGE);
}

static void where_root_says_no_age_none_is_recent(void **state)
{
	struct fixture *f = *state;

	f->policy.services[0].max_age_s = 0;
	answers(f, B2B_AUTH_NONE);
}

static void what_was_withdrawn_since_is_not(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(b2b_state_begin(f->core.state), 0);
	assert_int_equal(b2b_session_void_note(f->core.state, "j-1", NULL, NULL, 1), 0);
	assert_int_equal(b2b_state_commit(f->core.state), 0);
	answers(f, B2B_REVOKED);
	put_proof(f, 2, 10, true);
	answers(f, B2B_OK);
	assert_int_equal(b2b_directory_cut_off(f->core.state, f->uid, b2b_wall_ms()), 0);
	answers(f, B2B_REVOKED);
}

static void who_may_not_log_in_is_not_helped_by_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(b2b_live_store(f->lives[ACME], f->uid, B2B_LIVE_CLOSED, false), 0);
	answers(f, B2B_REVOKED);
	assert_int_equal(b2b_live_store(f->lives[ACME], f->uid, B2B_LIVE_OPEN, false), 0);
	answers(f, B2B_OK);
	f->orgs[ACME].services = 0;
	answers(f, B2B_SERVICE_DENIED);
	f->orgs[ACME].services = 1;
	f->policy.services[0].assurance = B2B_AAL2;
	answers(f, B2B_ASSURANCE);
}

static void came(void *arg, bool fetched)
{
	*(bool *)arg = fetched;
}

static void fetch_list(struct fixture *f, const char *lst)
{
	bool fetched = false;

	giver_set(&giver, list_claims(b2b_wall_s(), b2b_wall_s() + 300, 60, 1, lst));
	assert_int_equal(b2b_status_cache_want(f->core.status, giver.uri, came, &fetched), 0);
	for (int i = 0; i < 1000 && !fetched; i++)
		b2b_loop_turn(f->core.loop, 20);
	assert_true(fetched);
}

/* The bit of place 3 is 1 in LST, and no session depends on the list. */
static void what_its_status_list_withdrew_since_is_not(void **state)
{
	struct fixture *f = *state;
	struct b2b_say_decision decision;
	const struct b2b_authentication *authentication;

	put_proof_at(f, 2, 10, true, 3);
	answers(f, B2B_AUTH_UNKNOWN); /* a list that is not here says nothing */
	fetch_list(f, ZEROES);
	decision = ask_key(f, "alice@acme", KEY);
	assert_int_equal(decision.reason, B2B_OK);
	authentication = b2b_ticket_find(f->core.tickets, decision.ticket, f->uid, "sshd", b2b_now_ns());
	assert_true(authentication->status_list > 0); /* the session is in the list as the log-in was */
	assert_int_equal(authentication->status_index, 3);
	fetch_list(f, LST);
	answers(f, B2B_AUTH_INVALID);
}

static int count_followed(void *arg, const char *uri, int64_t issued_at)
{
	(void)uri;
	(void)issued_at;
	++*(int *)arg;
	return 0;
}

static void a_restart_keeps_the_list_that_a_log_in_names(void **state)
{
	struct fixture *f = *state;
	struct b2b_proof proof;
	char *uri = NULL;
	int followed = 0;

	put_proof_at(f, 2, 10, true, 3);
	assert_int_equal(b2b_status_list_each(f->core.state, count_followed, &followed), 0);
	assert_int_equal(followed, 0); /* it is asked for when the log-in is used */
	assert_int_equal(b2b_proof_get(f->core.state, 2, &proof), 0);
	assert_int_equal(b2b_status_list_uri(f->core.state, proof.authentication.status_list, &uri), 0);
	assert_string_equal(uri, giver.uri);
	free(uri);
	assert_int_equal(b2b_proof_drop(f->core.state, 2), 0);
	assert_int_equal(b2b_status_list_each(f->core.state, count_followed, &followed), 0);
	assert_int_equal(b2b_status_list_uri(f->core.state, proof.authentication.status_list, &uri), -ENOENT);
	b2b_proof_clear(&proof);
}

/* What root says of the service's word now is what counts; but not more than was found then. */
static void its_level_is_the_lesser_of_then_and_now(void **state)
{
	struct b2b_conf_acr acr = { .acr = (char *)"loa-2", .level = B2B_AAL2 };
	struct fixture *f = *state;
	struct b2b_proof proof = { .id = 2, .in_person = true, .way = B2B_REVERIFY_NONE, .made_s = b2b_core_now(&f->core) };

	proof.authentication = (struct b2b_authentication){ .uid = f->uid, .level = B2B_AAL2, .acr = "loa-2", .auth_time_s = proof.made_s };
	assert_int_equal(b2b_proof_add(f->core.state, &proof), 0);
	conf.acrs = &acr;
	conf.n_acrs = 1;
	f->policy.services[0].assurance = B2B_AAL2;
	answers(f, B2B_OK);
	acr.level = B2B_AAL1;
	answers(f, B2B_ASSURANCE);
	acr.level = B2B_AAL3;
	f->policy.services[0].assurance = B2B_AAL3;
	answers(f, B2B_ASSURANCE);
	conf.n_acrs = 0;
}

static void a_log_in_at_another_issuer_or_client_is_not(void **state)
{
	struct fixture *f = *state;
	struct b2b_id_token token = { .subject = (char *)"p1" };
	struct b2b_authentication authentication = { .uid = f->uid, .auth_time_s = b2b_core_now(&f->core) };

	conf.federation.issuer = (char *)"https://login.example.com";
	conf.federation.client_id = (char *)"host";
	conf.federation.reverify = B2B_REVERIFY_NONE;
	assert_int_equal(b2b_proof_begin(&f->core, &token, true, &authentication), 0);
	answers(f, B2B_OK);
	conf.federation.client_id = (char *)"host2";
	answers(f, B2B_AUTH_NONE);
	conf.federation.client_id = (char *)"host";
	conf.federation.issuer = (char *)"https://login2.example.com";
	answers(f, B2B_AUTH_NONE);
}

static void a_distrusted_key_of_the_service_takes_it_from_everybody(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(b2b_proof_forget_latest(f->core.state), 0);
	answers(f, B2B_AUTH_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_LISTS(name) cmocka_unit_test_setup_teardown(name, set_up_lists, tear_down_lists)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_of_the_directory_and_a_recent_log_in_are_enough),
		TEST(another_key_is_not),
		TEST(a_log_in_that_is_too_old_is_not),
		TEST(whatever_root_says_a_month_is_not_recent),
		TEST(where_root_says_no_age_none_is_recent),
		TEST(what_was_withdrawn_since_is_not),
		TEST(who_may_not_log_in_is_not_helped_by_it),
		TEST_LISTS(what_its_status_list_withdrew_since_is_not),
		TEST_LISTS(a_restart_keeps_the_list_that_a_log_in_names),
		TEST(its_level_is_the_lesser_of_then_and_now),
		TEST(a_log_in_at_another_issuer_or_client_is_not),
		TEST(a_distrusted_key_of_the_service_takes_it_from_everybody),
	};

	return cmocka_run_group_tests_name("recent", tests, NULL, NULL);
}
