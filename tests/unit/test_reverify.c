/* Sessions verified again while they live: an agent's core without PAM, its guard played by the test, against the scripted issuer. */
#include "tests/unit/revoke_fixture.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "b2bd/login.h"
#include "b2bd/proofs.h"
#include "common/session_record.h"
#include "tests/support/issuer.h"

#define INTERVAL_S 300
#define SEALED_MAX 65536 /* both tokens together */

static struct issuer issuer;
static const char *const secrets[] = { "refresh-secret-1", "refresh-secret-2", "access-secret-1" };

static void start_network(struct fixture *f)
{
	char error[B2B_CONF_ERROR_SIZE] = "";

	f->core.conf = &issuer.conf;
	memset(f->core.seal_key, 7, sizeof(f->core.seal_key));
	assert_int_equal(b2b_http_new(f->core.loop, tls_server_ca(issuer.server), NULL, &f->core.http), 0);
	assert_int_equal(b2b_federation_new(f->core.loop, f->core.http, &issuer.conf, &f->core.federation, error), 0);
	for (int i = 0; i < 400 && !b2b_federation_ready(f->core.federation); i++)
		b2b_loop_turn(f->core.loop, 50);
	assert_true(b2b_federation_ready(f->core.federation));
}

static void stop_network(struct fixture *f)
{
	b2b_reverify_stop(&f->core);
	b2b_federation_free(f->core.federation);
	b2b_http_free(f->core.http);
}

static int set_up(void **state)
{
	struct fixture *f;
	struct b2b_conf_federation *conf = &issuer.conf.federation;

	issuer_start(&issuer);
	conf->reverify = B2B_REVERIFY_REFRESH | B2B_REVERIFY_INTROSPECTION | B2B_REVERIFY_LIFE;
	conf->reverify_interval_s = INTERVAL_S;
	json_object_set_new(issuer.claims, "sub", json_string("p1"));
	setup(state);
	f = *state;
	b2b_publish_settled(f->core.publish);
	start_network(f);
	return 0;
}

static int tear_down(void **state)
{
	stop_network(*state);
	teardown(state);
	issuer_stop(&issuer);
	return 0;
}

/* As a log-in of ORG's person leaves it, with a session of this very process on it. Returns the proof's id. */
static int64_t log_in_until(struct fixture *f, int org, const char *refresh, const char *access, int64_t ends_s)
{
	struct b2b_id_token token = { .refresh_token = (char *)refresh, .access_token = (char *)access, .expires_at = ends_s ? ends_s - 3000 : 0,
		                      .access_end = ends_s };
	struct b2b_authentication authentication = { .uid = f->uids[org], .auth_time_s = b2b_core_now(&f->core), .acr = "a", .jti = "j" };
	struct b2b_session session = { .pid = getpid(), .uid = f->uids[org], .why = B2B_SESSION_LIMIT };

	assert_int_equal(b2b_proof_begin(&f->core, &token, true, &authentication), 0);
	assert_true(authentication.proof != 0);
	assert_int_equal(b2b_start_ticks(getpid(), &session.start_ticks), 0);
	session.pid = getpid() + 1000000 * org; /* one for each */
	session.proof = authentication.proof;
	assert_int_equal(b2b_session_store(f->core.state, &session), 0);
	return authentication.proof;
}

static int64_t log_in(struct fixture *f, int org, const char *refresh, const char *access)
{
	return log_in_until(f, org, refresh, access, b2b_core_now(&f->core) + 3600);
}

static struct b2b_proof proof_of(struct fixture *f, int64_t id)
{
	struct b2b_proof proof = { 0 };

	assert_int_equal(b2b_proof_get(f->core.state, id, &proof), 0);
	free(proof.sealed);
	proof.sealed = NULL;
	return proof;
}

static bool is_gone(struct fixture *f, int64_t id)
{
	struct b2b_proof proof = { 0 };
	int r = b2b_proof_get(f->core.state, id, &proof);

	b2b_proof_clear(&proof);
	return r == -ENOENT;
}

static void turn_until(struct fixture *f, const unsigned *count, unsigned wanted)
{
	for (int i = 0; i < 400 && (*count < wanted || f->core.n_rechecks); i++)
		b2b_loop_turn(f->core.loop, 50);
	assert_int_equal(*count, wanted);
	assert_int_equal(f->core.n_rechecks, 0);
}

/* The interval is over: whatever is due is asked about. */
static void time_passes(struct fixture *f, int64_t seconds)
{
	f->core.floor_s = b2b_core_now(&f->core) + seconds;
	b2b_reverify_look(&f->core);
}

static int take(void *arg, const struct b2b_session *session)
{
	*(struct b2b_session *)arg = *session;
	return 0;
}

static struct b2b_session session_of(struct fixture *f, int org)
{
	struct b2b_session session = { .pid = 0 };

	assert_int_equal(b2b_session_list(f->core.state, f->uids[org], take, &session), 0);
	return session;
}

/* As the last session on it ends. */
static void close_session(struct fixture *f, int org)
{
	struct b2b_session session = session_of(f, org);

	assert_int_equal(b2b_session_drop(f->core.state, session.pid, session.start_ticks), 0);
}

static void sends(const char *name, const char *wanted, const struct tls_request *request)
{
	char *sent = issuer_form_value(request->body, name);

	assert_non_null(sent);
	assert_string_equal(sent, wanted);
	free(sent);
}

static void it_is_asked_at_the_interval_and_goes_on(void **state)
{
	struct fixture *f = *state;
	int64_t id = log_in(f, ACME, secrets[0], ""), first = proof_of(f, id).next_s, now = b2b_core_now(&f->core);

	assert_in_range(first, now + INTERVAL_S * 3 / 4 - 2, now + INTERVAL_S);
	time_passes(f, first - now - 2);
	for (int i = 0; i < 5; i++)
		b2b_loop_turn(f->core.loop, 20);
	assert_int_equal(issuer.refreshed, 0);
	time_passes(f, 3);
	turn_until(f, &issuer.refreshed, 1);
	sends("refresh_token", secrets[0], &issuer.last_refresh);
	assert_true(proof_of(f, id).verified_s >= first);
	assert_true(proof_of(f, id).next_s > b2b_core_now(&f->core));
	assert_int_equal(pending(f, NULL), 0);
}

static void the_token_that_replaced_it_is_used_next_also_after_a_restart(void **state)
{
	struct fixture *f = *state;

	log_in(f, ACME, secrets[0], secrets[2]);
	issuer.rotated = secrets[1];
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 1);
	stop_network(f);
	stop_core(f);
	start_core(f);
	b2b_publish_settled(f->core.publish);
	start_network(f);
	time_passes(f, 2 * INTERVAL_S);
	turn_until(f, &issuer.refreshed, 2);
	sends("refresh_token", secrets[1], &issuer.last_refresh);
}

static void a_no_ends_the_sessions_of_that_log_in_and_of_no_other(void **state)
{
	struct fixture *f = *state;
	int64_t alice = log_in(f, ACME, secrets[0], ""), erin;
	struct b2b_guard_message request;

	f->core.floor_s = b2b_core_now(&f->core) + INTERVAL_S;
	erin = log_in(f, GLOBEX, secrets[1], ""); /* hers is due an interval later */
	issuer.refresh_error = "invalid_grant";
	b2b_reverify_look(&f->core);
	turn_until(f, &issuer.refreshed, 1);
	request = next_request(f);
	assert_int_equal(request.type, B2B_GUARD_END);
	assert_int_equal(request.scope, B2B_SCOPE_SESSION);
	assert_int_equal(request.uid, f->uids[ACME]);
	assert_string_equal(request.message, b2b_reason_text(B2B_SESSION_WITHDRAWN));
	assert_true(is_gone(f, alice));
	assert_false(is_gone(f, erin));
	assert_int_equal(session_of(f, ACME).pid, 0);
	assert_true(session_of(f, GLOBEX).pid != 0);
	assert_true(is_open(f, ACME)); /* they may log in anew */
	assert_int_equal(pending(f, NULL), 1);
}

static void no_answer_ends_nothing_and_is_asked_again_sooner(void **state)
{
	static const char *const errors[] = { "503", "", "invalid_client", "invalid_request" };
	struct fixture *f = *state;
	int64_t id = log_in(f, ACME, secrets[0], "");

	time_passes(f, INTERVAL_S);
	for (unsigned i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		issuer.refresh_error = errors[i];
		b2b_reverify_look(&f->core);
		turn_until(f, &issuer.refreshed, i + 1);
		assert_int_equal(proof_of(f, id).failures, i + 1);
		assert_true(proof_of(f, id).next_s < b2b_core_now(&f->core) + INTERVAL_S);
		f->core.floor_s = proof_of(f, id).next_s;
	}
	assert_int_equal(pending(f, NULL), 0);
	issuer.refresh_error = NULL;
	b2b_reverify_look(&f->core);
	turn_until(f, &issuer.refreshed, 5);
	assert_int_equal(proof_of(f, id).failures, 0);
	assert_true(session_of(f, ACME).pid != 0);
}

static void root_s_limit_for_silence_ends_it(void **state)
{
	struct fixture *f = *state;

	issuer.conf.host.staleness_keep_s = 600;
	log_in(f, ACME, secrets[0], "");
	issuer.refresh_error = "503";
	time_passes(f, 600 + INTERVAL_S);
	turn_until(f, &issuer.refreshed, 1);
	assert_int_equal(pending(f, NULL), 0);
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 2);
	assert_string_equal(next_request(f).message, b2b_reason_text(B2B_STALE));
}

/* The service may have replaced the token in an answer that never came: that the former one is void then proves nothing. */
static void a_no_after_an_answer_that_was_lost_ends_it_at_the_interval_alone(void **state)
{
	struct fixture *f = *state;
	int64_t id = log_in(f, ACME, secrets[0], "");

	time_passes(f, INTERVAL_S);
	issuer.refresh_error = "503";
	b2b_reverify_look(&f->core);
	turn_until(f, &issuer.refreshed, 1);
	assert_true(proof_of(f, id).unsure);
	issuer.refresh_error = "invalid_grant";
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 2);
	assert_int_equal(pending(f, NULL), 0);
	assert_int_equal(proof_of(f, id).way, B2B_REVERIFY_LIFE); /* what is opened with it later ends then, too */
	assert_int_equal(proof_of(f, id).authentication.token_end_s, session_of(f, ACME).ends_s);
	assert_int_equal(proof_of(f, id).sealed_len, 0);
	assert_in_range(session_of(f, ACME).ends_s, b2b_core_now(&f->core) + INTERVAL_S - 2, b2b_core_now(&f->core) + INTERVAL_S);
	assert_int_equal(session_of(f, ACME).why, B2B_SESSION_UNVERIFIED);
}

static void an_answer_clears_that_doubt(void **state)
{
	struct fixture *f = *state;
	int64_t id = log_in(f, ACME, secrets[0], "");

	issuer.refresh_error = "503";
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 1);
	issuer.refresh_error = NULL;
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 2);
	assert_false(proof_of(f, id).unsure);
	issuer.refresh_error = "invalid_grant";
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 3);
	assert_true(is_gone(f, id));
}

static void sql(struct fixture *f, const char *text)
{
	assert_int_equal(sqlite3_exec(b2b_state_db(f->core.state), text, NULL, NULL, NULL), SQLITE_OK);
}

/* It was given while the disk was full: nothing can be stored, not even that it was given. */
static void a_no_that_could_not_be_stored_is_one_all_the_same(void **state)
{
	struct fixture *f = *state;
	int64_t id = log_in(f, ACME, secrets[0], "");

	sql(f, "CREATE TEMP TRIGGER full_end BEFORE INSERT ON pending_end BEGIN SELECT RAISE(ABORT, 'full'); END;"
	       "CREATE TEMP TRIGGER full_proof BEFORE UPDATE ON proof WHEN NOT NEW.unsure BEGIN SELECT RAISE(ABORT, 'full'); END");
	issuer.refresh_error = "invalid_grant";
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 1);
	assert_false(is_gone(f, id));
	b2b_reverify_look(&f->core);
	b2b_loop_turn(f->core.loop, 20);
	sql(f, "DROP TRIGGER full_end; DROP TRIGGER full_proof");
	b2b_reverify_look(&f->core);
	for (int i = 0; i < 100 && (!is_gone(f, id) || f->core.n_rechecks); i++)
		b2b_loop_turn(f->core.loop, 20);
	assert_true(is_gone(f, id));
	assert_int_equal(issuer.refreshed, 1); /* and is not asked for again */
	assert_int_equal(session_of(f, ACME).pid, 0);
	assert_int_equal(pending(f, NULL), 1);
}

/* The service has taken the former one back: its refusal is no word about the person. */
static void a_new_token_that_cannot_be_kept_leaves_the_doubt(void **state)
{
	static char access[SEALED_MAX - 40], longer[101];
	struct fixture *f = *state;
	int64_t id;

	memset(access, 'a', sizeof(access) - 1);
	memset(longer, 'r', sizeof(longer) - 1);
	id = log_in(f, ACME, secrets[0], access);
	issuer.rotated = longer;
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 1);
	assert_int_equal(proof_of(f, id).failures, 0);
	issuer.refresh_error = "invalid_grant";
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 2);
	assert_false(is_gone(f, id));
	assert_int_equal(pending(f, NULL), 0);
	assert_int_equal(session_of(f, ACME).why, B2B_SESSION_UNVERIFIED);
}

/* A service whose refresh tokens grow past what is kept: the former one may be void, which says nothing of the log-in. */
static void a_new_token_that_cannot_be_used_has_the_next_way_taken(void **state)
{
	struct fixture *f = *state;
	int64_t id = log_in(f, ACME, secrets[0], "");
	static char large[20000];

	memset(large, 'x', sizeof(large) - 1);
	issuer.rotated = large;
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 1);
	assert_int_equal(proof_of(f, id).way, B2B_REVERIFY_LIFE);
	assert_false(proof_of(f, id).unsure);
	issuer.refresh_error = "invalid_grant";
	time_passes(f, INTERVAL_S);
	for (int i = 0; i < 5; i++)
		b2b_loop_turn(f->core.loop, 20);
	assert_int_equal(issuer.refreshed, 1);
	assert_int_equal(pending(f, NULL), 0);
	assert_true(session_of(f, ACME).ends_s > 0);
}

static void another_subject_or_organisation_ends_it(void **state)
{
	static const struct {
		const char *claim, *value;
	} others[] = { { "sub", "p2" }, { "organization", "9d01f2" } };
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		int64_t id = log_in(f, ACME, secrets[0], "");

		json_object_set_new(issuer.claims, others[i].claim, json_string(others[i].value));
		time_passes(f, INTERVAL_S);
		turn_until(f, &issuer.refreshed, i + 1);
		assert_true(is_gone(f, id));
		json_object_set_new(issuer.claims, "sub", json_string("p1"));
	}
}

static void without_a_refresh_token_the_access_token_is_asked_about(void **state)
{
	struct fixture *f = *state;
	int64_t id = log_in(f, ACME, NULL, secrets[2]);

	issuer.introspection_status = 200;
	issuer.introspection = json_pack("{s:b,s:s,s:I}", "active", 1, "sub", "p1", "exp", (json_int_t)b2b_wall_s() + 3600);
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.introspected, 1);
	sends("token", secrets[2], &issuer.last_introspection);
	assert_int_equal(proof_of(f, id).failures, 0);
	issuer.introspection_status = 503;
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.introspected, 2);
	assert_int_equal(pending(f, NULL), 0);
	issuer.introspection_status = 200;
	json_object_set_new(issuer.introspection, "active", json_false());
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.introspected, 3);
	assert_true(is_gone(f, id));
	assert_string_equal(next_request(f).message, b2b_reason_text(B2B_SESSION_WITHDRAWN));
}

static void what_the_service_offers_in_no_way_ends_with_the_tokens(void **state)
{
	struct fixture *f = *state;
	int64_t id = log_in(f, ACME, secrets[0], secrets[2]), ends = proof_of(f, id).ends_s;

	issuer.refresh_error = "unauthorized_client";
	issuer.introspection_status = 400;
	issuer.introspection = json_pack("{s:s}", "error", "unsupported_token_type");
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.introspected, 1);
	assert_int_equal(issuer.refreshed, 1);
	assert_int_equal(proof_of(f, id).way, B2B_REVERIFY_LIFE);
	assert_int_equal(proof_of(f, id).sealed_len, 0); /* nothing is kept that is not needed */
	assert_int_equal(session_of(f, ACME).ends_s, ends);
	assert_int_equal(session_of(f, ACME).why, B2B_SESSION_TOKEN);
	assert_int_equal(pending(f, NULL), 0);
}

static void tokens_of_which_nobody_said_when_they_end_do_end(void **state)
{
	struct fixture *f = *state;
	int64_t id = log_in_until(f, ACME, secrets[0], "", 0), at, now;

	issuer.refresh_error = "unauthorized_client";
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 1);
	now = b2b_core_now(&f->core);
	assert_in_range(session_of(f, ACME).ends_s, now + INTERVAL_S - 2, now + INTERVAL_S);
	assert_int_equal(session_of(f, ACME).why, B2B_SESSION_UNVERIFIED);
	assert_int_equal(proof_of(f, id).ends_s, session_of(f, ACME).ends_s);
	issuer.conf.federation.token_life_s = 900; /* at the log-in it is as if the token lived as long as root lets one */
	at = proof_of(f, log_in_until(f, EMEA, "", "", 0)).authentication.token_end_s;
	assert_in_range(at, now + 900 - 2, now + 900 + 2);
}

static void where_root_wants_none_nothing_is_kept_and_nothing_asked(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	issuer.conf.federation.reverify = B2B_REVERIFY_NONE;
	id = log_in(f, ACME, secrets[0], secrets[2]);
	assert_int_equal(proof_of(f, id).sealed_len, 0);
	assert_int_equal(proof_of(f, id).next_s, 0);
	assert_int_equal(session_of(f, ACME).ends_s, 0);
}

static void a_few_at_a_time_and_all_in_the_end(void **state)
{
	struct fixture *f = *state;
	size_t most = 0;

	for (int i = 0; i < 11; i++)
		log_in(f, ACME, secrets[0], "");
	time_passes(f, INTERVAL_S);
	for (int i = 0; i < 1000 && issuer.refreshed < 11; i++) {
		b2b_loop_turn(f->core.loop, 20);
		most = f->core.n_rechecks > most ? f->core.n_rechecks : most;
	}
	turn_until(f, &issuer.refreshed, 11);
	assert_in_range(most, 1, 4);
}

static void tokens_are_in_no_file_as_they_are(void **state)
{
	struct fixture *f = *state;
	static const char *const files[] = { "agent.db", "agent.db-wal" };

	log_in(f, ACME, secrets[0], secrets[2]);
	issuer.rotated = secrets[1];
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 1);
	for (size_t i = 0; i < 2; i++) {
		char path[128];
		static char text[1 << 22];
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		n = read(fd, text, sizeof(text));
		close(fd);
		assert_true(n > 0);
		for (size_t j = 0; j < 3; j++)
			assert_null(memmem(text, (size_t)n, secrets[j], strlen(secrets[j])));
	}
}

static void tokens_that_cannot_be_read_any_more_are_a_lost_answer(void **state)
{
	struct fixture *f = *state;
	int64_t id = log_in(f, ACME, secrets[0], "");

	f->core.seal_key[0] ^= 1;
	time_passes(f, INTERVAL_S);
	for (int i = 0; i < 20 && proof_of(f, id).way != B2B_REVERIFY_LIFE; i++)
		b2b_loop_turn(f->core.loop, 20);
	assert_int_equal(issuer.refreshed, 0);
	assert_int_equal(session_of(f, ACME).why, B2B_SESSION_UNVERIFIED);
	assert_int_equal(pending(f, NULL), 0);
}

static void a_proof_without_sessions_is_forgotten_in_time(void **state)
{
	struct fixture *f = *state;
	int64_t used = log_in(f, ACME, secrets[0], ""), unused = log_in(f, EMEA, secrets[0], "");

	close_session(f, EMEA);
	f->core.floor_s = b2b_core_now(&f->core) + 3500;
	log_in(f, GLOBEX, secrets[0], "");
	assert_false(is_gone(f, unused)); /* a session may still be opened on it */
	f->core.floor_s += 200;
	log_in(f, GLOBEX, secrets[0], "");
	assert_true(is_gone(f, unused));
	assert_false(is_gone(f, used));
}

static void what_nothing_can_come_of_is_not_asked_about(void **state)
{
	struct fixture *f = *state;
	struct b2b_policy_service *sshd = &f->policy.services[f->policy.n_services++];
	int64_t former = log_in(f, ACME, secrets[0], ""), latest;

	sshd->max_age_s = 3 * 3600;
	close_session(f, ACME);
	f->core.floor_s = b2b_core_now(&f->core) + 1;
	latest = log_in(f, ACME, secrets[1], "");
	close_session(f, ACME);
	time_passes(f, INTERVAL_S);
	turn_until(f, &issuer.refreshed, 2); /* tickets may be left of either */
	time_passes(f, 3600);
	turn_until(f, &issuer.refreshed, 3); /* a recent log-in is the latest one */
	sends("refresh_token", secrets[1], &issuer.last_refresh);
	assert_false(is_gone(f, former)); /* a session may just be being opened by it */
	time_passes(f, 3 * 3600);
	for (int i = 0; i < 5; i++)
		b2b_loop_turn(f->core.loop, 20);
	assert_int_equal(issuer.refreshed, 3);
	assert_true(is_gone(f, former));
	assert_true(is_gone(f, latest));
}

/* What the former issuer gave is no business of the present one's. */
static void another_issuer_or_client_is_not_asked_about_it(void **state)
{
	struct fixture *f = *state;
	struct b2b_conf_federation *conf = &issuer.conf.federation;
	char *client_id = conf->client_id;
	int64_t id = log_in(f, ACME, secrets[0], secrets[2]);

	conf->client_id = (char *)"another";
	time_passes(f, INTERVAL_S);
	for (int i = 0; i < 20 && proof_of(f, id).way != B2B_REVERIFY_LIFE; i++)
		b2b_loop_turn(f->core.loop, 20);
	conf->client_id = client_id;
	assert_int_equal(issuer.refreshed + issuer.introspected, 0);
	assert_int_equal(proof_of(f, id).way, B2B_REVERIFY_LIFE);
	assert_int_equal(proof_of(f, id).sealed_len, 0);
	assert_int_equal(session_of(f, ACME).why, B2B_SESSION_UNVERIFIED);
	assert_int_equal(pending(f, NULL), 0);
}

static void a_way_that_root_has_taken_back_is_passed(void **state)
{
	struct fixture *f = *state;
	int64_t id = log_in(f, ACME, secrets[0], secrets[2]), ends = proof_of(f, id).ends_s;

	issuer.conf.federation.reverify = B2B_REVERIFY_LIFE;
	time_passes(f, INTERVAL_S);
	for (int i = 0; i < 20 && proof_of(f, id).way != B2B_REVERIFY_LIFE; i++)
		b2b_loop_turn(f->core.loop, 20);
	assert_int_equal(issuer.refreshed + issuer.introspected, 0);
	assert_int_equal(proof_of(f, id).way, B2B_REVERIFY_LIFE);
	assert_int_equal(session_of(f, ACME).ends_s, ends);
}

/* Alice approved it, and everything is well but for what the token says of her roles: where the log-in brings the person, that comes last. */
static enum b2b_reason accept_with_roles(struct fixture *f, json_t *roles)
{
	struct b2b_login login = { .core = &f->core, .method = &b2b_login_device };
	struct b2b_id_token token = { .subject = (char *)"p1", .organisation = (char *)ORG, .auth_time = b2b_core_now(&f->core), .refresh_token = (char *)secrets[0],
		                      .issued_at = b2b_core_now(&f->core), .claims = json_deep_copy(issuer.claims) };
	char detail[B2B_LOGIN_DETAIL_SIZE];
	enum b2b_reason reason;
	int org;

	json_object_set_new(token.claims, "roles", roles);
	snprintf(login.origin.user, sizeof(login.origin.user), "alice@acme");
	snprintf(login.origin.service, sizeof(login.origin.service), "sshd");
	reason = b2b_login_accept(&login, &token, &org, detail);
	b2b_publish_forget(f->core.publish, &login);
	json_decref(token.claims);
	return reason;
}

static void a_log_in_that_is_refused_late_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct b2b_policy_service *sshd = &f->policy.services[f->policy.n_services++];
	struct b2b_proof proof;

	snprintf(sshd->name, sizeof(sshd->name), "sshd");
	sshd->staleness_s = 300;
	f->orgs[ACME].services = 1;
	for (int i = 0; i < N_ORGS; i++)
		b2b_live_verified(f->lives[i], b2b_now_ns());
	assert_int_equal(b2b_tickets_new(&f->core.tickets), 0);
	assert_int_equal(b2b_reservations_new(f->core.state, &f->policy, &f->core.reservations), 0);
	issuer.conf.federation.token_keep_s = 86400;
	issuer.conf.federation.roles_claim = (char *)"roles";
	assert_int_equal(accept_with_roles(f, json_integer(1)), B2B_AUTH_TOKEN);
	assert_int_equal(b2b_proof_latest(f->core.state, f->uid, &proof), -ENOENT);
	assert_int_equal(accept_with_roles(f, json_array()), B2B_AUTH_PENDING); /* it is being published */
	assert_int_equal(b2b_proof_latest(f->core.state, f->uid, &proof), 0);
	b2b_proof_clear(&proof);
	b2b_reservations_free(f->core.reservations);
	b2b_tickets_free(f->core.tickets);
	issuer.conf.federation.roles_claim = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_asked_at_the_interval_and_goes_on),
		TEST(the_token_that_replaced_it_is_used_next_also_after_a_restart),
		TEST(a_no_ends_the_sessions_of_that_log_in_and_of_no_other),
		TEST(no_answer_ends_nothing_and_is_asked_again_sooner),
		TEST(root_s_limit_for_silence_ends_it),
		TEST(a_no_after_an_answer_that_was_lost_ends_it_at_the_interval_alone),
		TEST(an_answer_clears_that_doubt),
		TEST(a_no_that_could_not_be_stored_is_one_all_the_same),
		TEST(a_new_token_that_cannot_be_kept_leaves_the_doubt),
		TEST(a_new_token_that_cannot_be_used_has_the_next_way_taken),
		TEST(another_subject_or_organisation_ends_it),
		TEST(without_a_refresh_token_the_access_token_is_asked_about),
		TEST(what_the_service_offers_in_no_way_ends_with_the_tokens),
		TEST(tokens_of_which_nobody_said_when_they_end_do_end),
		TEST(where_root_wants_none_nothing_is_kept_and_nothing_asked),
		TEST(a_few_at_a_time_and_all_in_the_end),
		TEST(tokens_are_in_no_file_as_they_are),
		TEST(tokens_that_cannot_be_read_any_more_are_a_lost_answer),
		TEST(a_proof_without_sessions_is_forgotten_in_time),
		TEST(another_issuer_or_client_is_not_asked_about_it),
		TEST(a_way_that_root_has_taken_back_is_passed),
		TEST(a_log_in_that_is_refused_late_leaves_nothing),
		TEST(what_nothing_can_come_of_is_not_asked_about),
	};

	return cmocka_run_group_tests_name("reverify", tests, NULL, NULL);
}
