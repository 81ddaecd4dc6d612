/* The signals' stream over HTTPS: set up, polled, acknowledged only when durable, and what happens when it breaks. */
#include "tests/unit/fake_federation.h"
#include "tests/unit/state_fixture.h"

#include <errno.h>
#include <pthread.h>

#include "b2bd/signals/stream_private.h"
#include "common/clock.h"
#include "tests/support/signer.h"
#include "tests/support/tls_server.h"

#define RISC "https://schemas.openid.net/secevent/risc/event-type/"
#define SSF "https://schemas.openid.net/secevent/ssf/event-type/"
#define SETS_MAX 16

struct transmitter {
	pthread_mutex_t lock;
	pthread_cond_t news;
	char url[256];
	EVP_PKEY *key, *other_key;
	struct {
		char jti[32];
		char *jwt;
		bool released;
		char err[64], language[8];
	} sets[SETS_MAX];
	int n_sets;
	bool exists, paused, stays_paused, gone, appended, other_issuer, silent_verify, none, pushed;
	int creations, enablings, verifications, polls, immediate_polls, acks, deletions;
	const char *verify_as;  /* the state that events carry, instead of the one that was asked for */
	int verify_status, patch_status, subject_status; /* 0: as it should be */
	char requested[8192]; /* events_requested, as JSON; "" nothing is said of them */
	const char *delivered; /* the member events_delivered, as JSON with a comma; NULL nothing is said of it */
	char updates[64];     /* methods that changed the stream */
	char subjects[256];   /* organisations that were added */
	bool deaf;      /* acknowledgements and refusals are counted, and what they are of is sent again all the same */
	bool unheld;    /* polls are never held */
	int fail_polls; /* so many 500 */
	int more_polls; /* so many answers say that more is held back */
	bool one_by_one; /* every answer has one event, and says so where there are more */
};

struct world {
	struct state_fixture *base;
	struct transmitter transmitter;
	struct tls_server *server;
	struct b2b_loop *loop;
	struct b2b_http *http;
	struct b2b_conf conf;
	struct b2b_jwks *jwks;
	struct b2b_stream *stream;
	int events, polled, lost, gaps, withhold;
	bool no_closings; /* the last event came from who signals none */
	char order[256];
};

static void add_set(struct transmitter *transmitter, const char *jti, const char *jwt)
{
	pthread_mutex_lock(&transmitter->lock);
	snprintf(transmitter->sets[transmitter->n_sets].jti, sizeof(transmitter->sets[0].jti), "%s", jti);
	transmitter->sets[transmitter->n_sets++].jwt = strdup(jwt);
	pthread_cond_broadcast(&transmitter->news);
	pthread_mutex_unlock(&transmitter->lock);
}

/* EVENT about alice, or about the stream where TYPE is a control event. */
static char *make_set(struct transmitter *transmitter, EVP_PKEY *key, const char *kid, const char *jti, const char *type, int64_t time_s,
                      const char *audience, json_t *more)
{
	json_t *event = more ? more : json_object();
	json_t *subject = strstr(type, SSF) ? json_pack("{s:s,s:s}", "format", "opaque", "id", "stream-1")
	                                    : json_pack("{s:s,s:{s:s,s:s,s:s},s:{s:s,s:s}}", "format", "complex", "user", "format", "iss_sub",
	                                                "iss", transmitter->url, "sub", "alice", "tenant", "format", "opaque", "id", "42c3e9");
	json_t *payload;
	char *jwt;

	json_object_set_new(event, "event_timestamp", json_integer(time_s));
	payload = json_pack("{s:s,s:s,s:s,s:I,s:o,s:{s:o}}", "iss", transmitter->url, "aud", audience, "jti", jti, "iat", (json_int_t)b2b_wall_s(),
	                    "sub_id", subject, "events", type, event);
	assert_non_null(payload);
	jwt = signer_token(key, "ES256", kid, "secevent+jwt", payload);
	json_decref(payload);
	return jwt;
}

static void send_set(struct world *world, const char *jti, const char *type, int64_t time_s)
{
	char *jwt = make_set(&world->transmitter, world->transmitter.key, "k1", jti, type, time_s, "web7", NULL);

	add_set(&world->transmitter, jti, jwt);
	free(jwt);
}

static char *configuration(const struct transmitter *transmitter)
{
	const char *url = transmitter->url;
	char *body = NULL;

	assert_true(asprintf(&body,
	                     "{\"issuer\":\"%s%s\",\"configuration_endpoint\":\"%s/ssf/stream\",\"status_endpoint\":\"%s/ssf/status\","
	                     "\"verification_endpoint\":\"%s/ssf/verify\",\"add_subject_endpoint\":\"%s/ssf/subjects:add\","
	                     "\"default_subjects\":\"%s\",\"delivery_methods_supported\":[\"urn:ietf:rfc:8936\"]}",
	                     url, transmitter->other_issuer ? "/other" : "", url, url, url, url, transmitter->none ? "NONE" : "ALL") > 0);
	return body;
}

static char *stream_json(const struct transmitter *transmitter)
{
	char *body = NULL;

	assert_true(asprintf(&body,
	                     "{\"stream_id\":\"stream-1\",\"iss\":\"%s\",\"aud\":[\"web7\"],%s%s%s%s"
	                     "\"delivery\":{\"method\":\"urn:ietf:rfc:%s\",\"endpoint_url\":\"%s/ssf/poll/1\"}}",
	                     transmitter->url, *transmitter->requested ? "\"events_requested\":" : "", transmitter->requested,
	                     *transmitter->requested ? "," : "", transmitter->delivered ? transmitter->delivered : "", transmitter->pushed ? "8935" : "8936", transmitter->url) > 0);
	return body;
}

static void take_request(struct transmitter *transmitter, const char *body)
{
	json_t *root = json_loads(body, 0, NULL);
	char *requested = json_dumps(json_object_get(root, "events_requested"), JSON_COMPACT);

	snprintf(transmitter->requested, sizeof(transmitter->requested), "%s", requested);
	transmitter->pushed = !strstr(body, "urn:ietf:rfc:8936");
	free(requested);
	json_decref(root);
}

static void update_request(struct transmitter *transmitter, const struct tls_request *request, struct tls_reply *reply)
{
	size_t n = strlen(transmitter->updates);

	snprintf(transmitter->updates + n, sizeof(transmitter->updates) - n, "%s ", request->method);
	if (transmitter->patch_status && !strcmp(request->method, "PATCH")) {
		reply->status = transmitter->patch_status;
		return;
	}
	take_request(transmitter, request->body);
	reply->body = stream_json(transmitter);
}

static void stream_request(struct transmitter *transmitter, const struct tls_request *request, struct tls_reply *reply)
{
	char *one, *list = NULL;

	if (!strcmp(request->method, "DELETE")) {
		assert_non_null(strstr(request->path, "stream_id=stream-1"));
		transmitter->exists = false;
		transmitter->deletions++;
		reply->status = 204;
		return;
	}
	if (!strcmp(request->method, "PATCH") || !strcmp(request->method, "PUT")) {
		update_request(transmitter, request, reply);
		return;
	}

	if (!strcmp(request->method, "POST") && transmitter->exists) {
		reply->status = 409;
		return;
	}
	if (!strcmp(request->method, "POST")) {
		assert_non_null(strstr(request->body, "urn:ietf:rfc:8936"));
		transmitter->exists = true;
		transmitter->creations++;
		take_request(transmitter, request->body);
		reply->status = 201;
		reply->body = stream_json(transmitter);
		return;
	}
	one = stream_json(transmitter);
	assert_true(asprintf(&list, "[%s]", one) > 0);
	free(one);
	reply->body = list;
}

static void status_request(struct transmitter *transmitter, const struct tls_request *request, struct tls_reply *reply)
{
	if (!strcmp(request->method, "POST")) {
		transmitter->paused = transmitter->stays_paused;
		transmitter->enablings++;
	} else {
		assert_non_null(strstr(request->path, "stream_id=stream-1"));
	}
	assert_true(asprintf(&reply->body, "{\"stream_id\":\"stream-1\",\"status\":\"%s\",\"reason\":\"moving house\"}",
	                     transmitter->paused ? "paused" : "enabled") > 0);
}

static void verify_request(struct transmitter *transmitter, const struct tls_request *request, struct tls_reply *reply)
{
	json_t *body = json_loads(request->body, 0, NULL);
	char jti[32], *jwt;

	transmitter->verifications++;
	reply->status = transmitter->verify_status ? transmitter->verify_status : 204;
	if (!transmitter->silent_verify && reply->status == 204) {
		snprintf(jti, sizeof(jti), "verify-%d", transmitter->verifications);
		jwt = make_set(transmitter, transmitter->key, "k1", jti, SSF "verification", b2b_wall_s(), "web7",
		               transmitter->verify_as ? json_pack("{s:s}", "state", transmitter->verify_as) :
		                                        json_pack("{s:O}", "state", json_object_get(body, "state")));
		snprintf(transmitter->sets[transmitter->n_sets].jti, sizeof(transmitter->sets[0].jti), "%s", jti);
		transmitter->sets[transmitter->n_sets++].jwt = jwt;
	}
	json_decref(body);
}

static void subject_request(struct transmitter *transmitter, const struct tls_request *request, struct tls_reply *reply)
{
	json_t *body = json_loads(request->body, 0, NULL), *subject = json_object_get(body, "subject");
	const char *id = json_string_value(json_object_get(json_object_get(subject, "tenant"), "id"));
	size_t n = strlen(transmitter->subjects);

	assert_string_equal(json_string_value(json_object_get(body, "stream_id")), "stream-1");
	assert_string_equal(json_string_value(json_object_get(subject, "format")), "complex");
	snprintf(transmitter->subjects + n, sizeof(transmitter->subjects) - n, "%s ", id);
	reply->status = transmitter->subject_status && n ? transmitter->subject_status : 200;
	json_decref(body);
}

static void take_reports(struct transmitter *transmitter, const struct tls_request *request, const json_t *body)
{
	const json_t *one, *errs = json_object_get(body, "setErrs");
	size_t i;
	int n;

	for (n = 0; n < transmitter->n_sets; n++) {
		json_array_foreach(json_object_get(body, "ack"), i, one) {
			if (!strcmp(json_string_value(one), transmitter->sets[n].jti)) {
				transmitter->sets[n].released = !transmitter->deaf;
				transmitter->acks++;
			}
		}
		one = json_object_get(errs, transmitter->sets[n].jti);
		if (one) {
			transmitter->sets[n].released = !transmitter->deaf;
			snprintf(transmitter->sets[n].err, sizeof(transmitter->sets[n].err), "%s", json_string_value(json_object_get(one, "err")));
			snprintf(transmitter->sets[n].language, sizeof(transmitter->sets[n].language), "%s",
			         strcasestr(request->headers, "content-language: en") ? "en" : "");
		}
	}
}

static json_t *outstanding(const struct transmitter *transmitter)
{
	json_t *sets = json_object();
	int n;

	for (n = 0; n < transmitter->n_sets; n++) {
		if (!transmitter->sets[n].released && !(transmitter->one_by_one && json_object_size(sets)))
			json_object_set_new(sets, transmitter->sets[n].jti, json_string(transmitter->sets[n].jwt));
	}
	return sets;
}

static void poll_request(struct transmitter *transmitter, const struct tls_request *request, struct tls_reply *reply)
{
	json_t *body = json_loads(request->body, 0, NULL), *sets;
	bool immediately = json_is_true(json_object_get(body, "returnImmediately"));
	struct timespec until;

	transmitter->polls++;
	transmitter->immediate_polls += immediately;
	if (transmitter->gone || transmitter->fail_polls > 0) {
		reply->status = transmitter->gone ? 404 : 500;
		transmitter->fail_polls--;
		transmitter->gone = false;
		json_decref(body);
		return;
	}
	take_reports(transmitter, request, body);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 1;
	until.tv_nsec += 200000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	for (;;) {
		sets = outstanding(transmitter);
		if (json_object_size(sets) || immediately || transmitter->unheld)
			break;
		json_decref(sets);
		sets = NULL;
		if (pthread_cond_timedwait(&transmitter->news, &transmitter->lock, &until) == ETIMEDOUT) {
			sets = json_object();
			break;
		}
	}
	json_decref(body);
	body = json_pack("{s:o}", "sets", sets);
	if (transmitter->more_polls > 0) {
		transmitter->more_polls--;
		json_object_set_new(body, "moreAvailable", json_true());
	}
	if (transmitter->one_by_one && json_object_size(sets))
		json_object_set_new(body, "moreAvailable", json_true());
	reply->body = json_dumps(body, 0);
	json_decref(body);
}

static void answer(void *arg, const struct tls_request *request, struct tls_reply *reply)
{
	struct transmitter *transmitter = arg;

	pthread_mutex_lock(&transmitter->lock);
	if (!strcmp(request->path, "/.well-known/ssf-configuration") && transmitter->appended) {
		transmitter->appended = false;
		reply->status = 404;
	} else if (!strcmp(request->path, "/.well-known/ssf-configuration")) {
		reply->body = configuration(transmitter);
	} else if (!strstr(request->headers, "Bearer token")) {
		reply->status = 401;
	} else if (!strncmp(request->path, "/ssf/stream", 11)) {
		stream_request(transmitter, request, reply);
	} else if (!strncmp(request->path, "/ssf/status", 11)) {
		status_request(transmitter, request, reply);
	} else if (!strcmp(request->path, "/ssf/subjects:add")) {
		subject_request(transmitter, request, reply);
	} else if (!strcmp(request->path, "/ssf/verify")) {
		verify_request(transmitter, request, reply);
	} else if (!strcmp(request->path, "/ssf/poll/1")) {
		poll_request(transmitter, request, reply);
	} else {
		reply->status = 404;
	}
	pthread_mutex_unlock(&transmitter->lock);
}

static int on_event(void *arg, const struct b2b_event *event)
{
	struct world *world = arg;
	size_t n = strlen(world->order);

	if (event->kind != B2B_EVENT_VERIFICATION) {
		if (world->withhold > 0) {
			world->withhold--;
			return -ENOSPC;
		}
		world->events++;
		world->no_closings = event->no_closings;
		snprintf(world->order + n, sizeof(world->order) - n, "%s ", event->jti);
	}
	return b2b_stream_seen(world->base->state, event->jti, b2b_wall_s());
}

static void on_polled(void *arg)
{
	((struct world *)arg)->polled++;
}

static int on_lost(void *arg)
{
	struct world *world = arg;

	if (world->withhold > 0) {
		world->withhold--;
		return -ENOSPC;
	}
	world->lost++;
	return 0;
}

static void on_gap(void *arg)
{
	((struct world *)arg)->gaps++;
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct transmitter *transmitter = &world->transmitter;
	json_t *keys;
	char *text;

	fixture_setup((void **)&world->base);
	pthread_mutex_init(&transmitter->lock, NULL);
	pthread_cond_init(&transmitter->news, NULL);
	transmitter->key = signer_key("ES256");
	transmitter->other_key = signer_key("ES256");
	world->server = tls_server_start(TLS_SERVER_SOUND, answer, transmitter);
	snprintf(transmitter->url, sizeof(transmitter->url), "%s", tls_server_url(world->server));
	world->conf.federation.issuer = transmitter->url;
	world->conf.federation.client_id = (char *)"web7";
	world->conf.federation.clock_skew_s = 30;
	world->conf.host.poll_hold_s = 5;
	keys = json_pack("{s:[o]}", "keys", signer_jwk(transmitter->key, "k1", "ES256", "sig"));
	text = json_dumps(keys, 0);
	json_decref(keys);
	assert_int_equal(b2b_jwks_parse(text, strlen(text), &world->jwks), 0);
	free(text);
	memset(&fake, 0, sizeof(fake));
	fake.jwks = world->jwks;
	assert_int_equal(b2b_loop_new(&world->loop), 0);
	assert_int_equal(b2b_http_new(world->loop, tls_server_ca(world->server), NULL, &world->http), 0);
	*state = world;
	return 0;
}

static void start(struct world *world)
{
	static const struct b2b_stream_handlers handlers = { .event = on_event, .polled = on_polled, .lost = on_lost, .gap = on_gap };

	assert_int_equal(
		b2b_stream_new(world->loop, world->http, NULL, world->base->state, &world->conf, &world->base->policy, &handlers, world, &world->stream), 0);
}

static int teardown(void **state)
{
	struct world *world = *state;
	void *base = world->base;
	int i;

	b2b_stream_free(world->stream);
	b2b_http_free(world->http);
	b2b_loop_free(world->loop);
	tls_server_stop(world->server);
	b2b_jwks_free(world->jwks);
	EVP_PKEY_free(world->transmitter.key);
	EVP_PKEY_free(world->transmitter.other_key);
	for (i = 0; i < world->transmitter.n_sets; i++)
		free(world->transmitter.sets[i].jwt);
	pthread_cond_destroy(&world->transmitter.news);
	pthread_mutex_destroy(&world->transmitter.lock);
	fixture_teardown(&base);
	free(world);
	return 0;
}

static void turn_until(struct world *world, const int *value, int wanted)
{
	uint64_t deadline = b2b_now_ns() + 40 * B2B_NS_PER_S;

	while (*(const volatile int *)value < wanted) {
		assert_true(b2b_now_ns() < deadline);
		b2b_loop_turn(world->loop, 20);
	}
}

static void is_set_up_and_brings_events(void **state)
{
	struct world *world = *state;
	struct b2b_stream_status status;

	start(world);
	turn_until(world, &world->polled, 2);
	assert_int_equal(world->transmitter.creations, 1);
	assert_int_equal(world->transmitter.verifications, 1);
	assert_int_equal(world->gaps, 1); /* a new stream knows nothing of the past */
	turn_until(world, &world->transmitter.acks, 1);
	send_set(world, "e2", RISC "account-enabled", b2b_wall_s() - 5);
	turn_until(world, &world->events, 1);
	turn_until(world, &world->transmitter.acks, 2);
	b2b_stream_get_status(world->stream, &status);
	assert_true(status.connected);
	assert_true(status.closings);
	assert_false(world->no_closings);
	assert_int_equal(status.events, 2);
	assert_int_equal(status.refused, 0);
	assert_string_equal(status.why, "");
}

/* As Keycloak 26.7 does. */
static void says_that_closed_accounts_are_not_signalled(void **state)
{
	struct world *world = *state;
	struct b2b_stream_status status;

	world->transmitter.delivered = "\"events_delivered\":[\"https://schemas.openid.net/secevent/caep/event-type/session-revoked\"],";
	start(world);
	turn_until(world, &world->polled, 2);
	b2b_stream_get_status(world->stream, &status);
	assert_true(status.connected);
	assert_false(status.closings);
	send_set(world, "e1", RISC "account-enabled", b2b_wall_s() - 5);
	turn_until(world, &world->events, 1);
	assert_true(world->no_closings);
}

static void events_come_in_the_order_of_their_time(void **state)
{
	struct world *world = *state;
	int64_t now = b2b_wall_s();

	send_set(world, "late", RISC "account-enabled", now - 10);
	send_set(world, "early", RISC "account-disabled", now - 20);
	world->transmitter.exists = true;
	start(world);
	turn_until(world, &world->events, 2);
	assert_string_equal(world->order, "early late ");
	assert_int_equal(world->gaps, 0); /* adopted: nothing was lost */
}

static void what_is_not_durable_comes_again(void **state)
{
	struct world *world = *state;

	world->withhold = 1;
	send_set(world, "e1", RISC "account-disabled", b2b_wall_s());
	start(world);
	turn_until(world, &world->events, 1);
	turn_until(world, &world->transmitter.acks, 2);
	assert_int_equal(world->withhold, 0);
	/* and what was seen is acknowledged, not handed on */
	pthread_mutex_lock(&world->transmitter.lock);
	world->transmitter.sets[0].released = false;
	pthread_cond_broadcast(&world->transmitter.news);
	pthread_mutex_unlock(&world->transmitter.lock);
	turn_until(world, &world->transmitter.acks, 3);
	assert_int_equal(world->events, 1);
}

static void bad_ones_are_refused(void **state)
{
	struct world *world = *state;
	struct transmitter *transmitter = &world->transmitter;
	struct b2b_stream_status status;
	char *jwt;

	jwt = make_set(transmitter, transmitter->other_key, "k1", "forged", RISC "account-enabled", b2b_wall_s(), "web7", NULL);
	add_set(transmitter, "forged", jwt);
	free(jwt);
	jwt = make_set(transmitter, transmitter->key, "k1", "foreign", RISC "account-enabled", b2b_wall_s(), "web8", NULL);
	add_set(transmitter, "foreign", jwt);
	free(jwt);
	add_set(transmitter, "garbage", "x.y.z");
	jwt = make_set(transmitter, transmitter->key, "k1", "renamed", RISC "account-enabled", b2b_wall_s(), "web7", NULL);
	add_set(transmitter, "another-name", jwt);
	free(jwt);
	start(world);
	turn_until(world, &transmitter->acks, 1); /* the verification */
	turn_until(world, &world->polled, 3);
	assert_string_equal(transmitter->sets[0].err, "authentication_failed");
	assert_string_equal(transmitter->sets[1].err, "invalid_audience");
	assert_string_equal(transmitter->sets[2].err, "invalid_request");
	assert_string_equal(transmitter->sets[3].err, "invalid_request");
	assert_string_equal(transmitter->sets[0].language, "en");
	assert_int_equal(world->events, 0);
	assert_int_equal(world->lost, 4);
	assert_int_equal(world->gaps, 2); /* the new stream; and one for all that was refused */
	b2b_stream_get_status(world->stream, &status);
	assert_int_equal(status.refused, 4);
}

/* It may have been a revocation: the lease waits at once, the pass that makes up for it only for the minute's end. */
static void whoever_refuses_again_within_a_minute_owes_a_pass_all_the_same(void **state)
{
	struct world *world = *state;

	add_set(&world->transmitter, "garbage", "x.y.z");
	start(world);
	turn_until(world, &world->lost, 1);
	turn_until(world, &world->gaps, 2);
	add_set(&world->transmitter, "more", "x.y.z");
	turn_until(world, &world->lost, 2);
	turn_until(world, &world->polled, world->polled + 1);
	assert_int_equal(world->gaps, 2);
	world->stream->refusal_gap_ns = b2b_now_ns() - 59 * B2B_NS_PER_S; /* nearly a minute later */
	add_set(&world->transmitter, "yet more", "x.y.z");
	turn_until(world, &world->gaps, 3);
	assert_int_equal(world->lost, 3);
}

/* How often the service is polled in the time of the first pause, and half of it. */
static int polls_meanwhile(struct world *world)
{
	uint64_t until = b2b_now_ns() + B2B_NS_PER_S * 3 / 2;
	int polls = world->transmitter.polls;

	while (b2b_now_ns() < until)
		b2b_loop_turn(world->loop, 20);
	return world->transmitter.polls - polls;
}

static void turn_until_pause(struct world *world, uint64_t seconds)
{
	uint64_t deadline = b2b_now_ns() + 40 * B2B_NS_PER_S;

	while (world->stream->unheld_ns != seconds * B2B_NS_PER_S) {
		assert_true(b2b_now_ns() < deadline);
		b2b_loop_turn(world->loop, 20);
	}
}

/* It is made up for once: the lease is renewed, and the service is not asked in a circle. */
static void what_was_refused_and_comes_for_ever_is_lost_once(void **state)
{
	struct world *world = *state;
	char *jwt = make_set(&world->transmitter, world->transmitter.other_key, "k2", "strange", RISC "account-disabled", b2b_wall_s(), "web7", NULL);
	struct b2b_stream_status status;

	start(world);
	turn_until(world, &world->polled, 1);
	world->transmitter.deaf = true;
	add_set(&world->transmitter, "garbage", "x.y.z");
	turn_until(world, &world->lost, 1);
	world->polled = 0;
	assert_in_range(polls_meanwhile(world), 3, 6);
	assert_true(world->polled >= 3);
	/* nor is a key waited for again that did not come */
	add_set(&world->transmitter, "strange", jwt);
	free(jwt);
	turn_until(world, &fake.refetches, 1);
	world->stream->unknown_key_ns -= 200 * B2B_NS_PER_S;
	fake.refetched(fake.refetched_arg, true);
	turn_until(world, &world->lost, 2);
	world->polled = 0;
	turn_until(world, &world->polled, 3);
	assert_int_equal(fake.refetches, 1);
	assert_int_equal(world->lost, 2);
	assert_string_equal(world->transmitter.sets[1].err, "invalid_request");
	b2b_stream_get_status(world->stream, &status);
	assert_int_equal(status.refused, 2);
	/* also by the agent after this one */
	b2b_stream_free(world->stream);
	start(world);
	world->polled = 0;
	turn_until(world, &world->polled, 1);
	assert_int_equal(world->lost, 2);
}

static void what_was_taken_and_comes_for_ever_is_not_asked_for_in_a_circle(void **state)
{
	struct world *world = *state;

	start(world);
	turn_until(world, &world->polled, 1);
	world->transmitter.deaf = true;
	send_set(world, "e1", RISC "account-disabled", b2b_wall_s());
	turn_until_pause(world, 2);
	assert_int_equal(world->events, 1);
	send_set(world, "e2", RISC "account-enabled", b2b_wall_s());
	turn_until(world, &world->events, 2);
	assert_int_equal(world->stream->unheld_ns, 0);
	/* the same where the service says that there is more, and never gets to it */
	world->transmitter.more_polls = 1000;
	turn_until_pause(world, 1);
}

/* As after the service was restored from a copy: what was seen is many answers long, and news stands behind it. */
static void a_backlog_of_what_was_seen_does_not_wait(void **state)
{
	struct world *world = *state;
	uint64_t began = b2b_now_ns();
	char jti[16];
	int i;

	world->transmitter.one_by_one = true;
	for (i = 0; i < SETS_MAX - 3; i++) {
		snprintf(jti, sizeof(jti), "e%d", i);
		assert_int_equal(b2b_stream_seen(world->base->state, jti, b2b_wall_s()), 0);
		send_set(world, jti, RISC "account-disabled", b2b_wall_s());
	}
	send_set(world, "news", RISC "account-disabled", b2b_wall_s());
	start(world);
	turn_until(world, &world->events, 1);
	assert_true(b2b_now_ns() - began < 5 * B2B_NS_PER_S); /* with pauses it would be over 30 s */
}

/* Short polling: 1, 2, 4, then 5 s, and from the beginning when something comes. */
static void polls_that_are_not_held_come_with_growing_pauses(void **state)
{
	static const uint64_t pauses[] = { 1, 2, 4, 5, 5 };
	struct world *world = *state;
	struct b2b_stream_status status;
	size_t i;

	world->transmitter.unheld = true;
	start(world);
	b2b_stream_get_status(world->stream, &status);
	assert_int_equal(status.pause_s, 0);
	for (i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		turn_until_pause(world, pauses[i]);
		assert_in_range(world->stream->timer.due_ns - b2b_now_ns(), (pauses[i] - 1) * B2B_NS_PER_S, pauses[i] * B2B_NS_PER_S);
		world->polled = 0;
		b2b_stream_later(world->stream, 0, world->stream->step); /* as if it were over */
		turn_until(world, &world->polled, 1);
	}
	send_set(world, "e1", RISC "account-disabled", b2b_wall_s());
	b2b_stream_later(world->stream, 0, world->stream->step);
	turn_until(world, &world->events, 1);
	assert_int_equal(world->stream->unheld_ns, 0);
	turn_until_pause(world, 1);
	b2b_stream_get_status(world->stream, &status);
	assert_int_equal(status.pause_s, 5); /* what it may come to */
	assert_in_range(polls_meanwhile(world), 1, 2); /* and the pauses are kept */
}

static void what_cannot_be_noted_as_lost_is_not_refused_yet(void **state)
{
	struct world *world = *state;
	struct b2b_stream_status status;

	start(world);
	turn_until(world, &world->polled, 1);
	world->withhold = 1;
	add_set(&world->transmitter, "garbage", "x.y.z");
	turn_until(world, &world->lost, 1);
	b2b_stream_get_status(world->stream, &status);
	assert_int_equal(world->withhold, 0);
	assert_int_equal(status.refused, 1);
}

/* What could not be stored may be a revocation. */
static void no_lease_while_an_event_is_withheld(void **state)
{
	struct world *world = *state;

	start(world);
	turn_until(world, &world->polled, 1);
	world->withhold = 2;
	send_set(world, "e1", RISC "account-disabled", b2b_wall_s());
	while (world->withhold == 2)
		b2b_loop_turn(world->loop, 20);
	world->polled = 0;
	while (world->withhold)
		b2b_loop_turn(world->loop, 20);
	assert_int_equal(world->polled, 0);
	turn_until(world, &world->events, 1);
	turn_until(world, &world->polled, 1);
}

static void an_unknown_key_is_waited_for(void **state)
{
	struct world *world = *state;
	struct b2b_jwks *more;
	json_t *keys = json_pack("{s:[o,o]}", "keys", signer_jwk(world->transmitter.key, "k1", "ES256", "sig"),
	                         signer_jwk(world->transmitter.other_key, "k2", "ES256", "sig"));
	char *text = json_dumps(keys, 0), *jwt;

	jwt = make_set(&world->transmitter, world->transmitter.other_key, "k2", "rotated", RISC "account-disabled", b2b_wall_s(), "web7", NULL);
	add_set(&world->transmitter, "rotated", jwt);
	free(jwt);
	start(world);
	turn_until(world, &fake.refetches, 1);
	assert_int_equal(world->events, 0);
	fake.refetched(fake.refetched_arg, true); /* in vain; by now the stream has proved itself */
	turn_until(world, &world->transmitter.acks, 1);
	turn_until(world, &fake.refetches, 2);
	assert_int_equal(world->polled, 0); /* it may be a revocation */
	assert_int_equal(b2b_jwks_parse(text, strlen(text), &more), 0);
	fake.jwks = more;
	fake.refetched(fake.refetched_arg, true);
	turn_until(world, &world->events, 1);
	assert_false(*world->transmitter.sets[0].err);
	b2b_jwks_free(world->jwks);
	world->jwks = more;
	json_decref(keys);
	free(text);
}

static void failures_pass(void **state)
{
	struct world *world = *state;
	struct b2b_stream_status status;
	int polled;

	world->transmitter.appended = true; /* the first place answers 404 */
	start(world);
	turn_until(world, &world->polled, 2);
	pthread_mutex_lock(&world->transmitter.lock);
	world->transmitter.fail_polls = 2;
	pthread_mutex_unlock(&world->transmitter.lock);
	do {
		b2b_loop_turn(world->loop, 20);
		b2b_stream_get_status(world->stream, &status);
	} while (status.connected);
	assert_non_null(strstr(status.why, "500"));
	assert_true(status.failing_since_s > 0);
	polled = world->polled;
	turn_until(world, &world->polled, polled + 1);
	b2b_stream_get_status(world->stream, &status);
	assert_true(status.connected);
	assert_int_equal(status.failing_since_s, 0);
	assert_int_equal(world->gaps, 1);
	/* the stream is gone: set up anew, and nobody knows what was missed */
	pthread_mutex_lock(&world->transmitter.lock);
	world->transmitter.gone = true;
	world->transmitter.exists = false;
	pthread_mutex_unlock(&world->transmitter.lock);
	turn_until(world, &world->transmitter.creations, 2);
	polled = world->polled;
	turn_until(world, &world->polled, polled + 1);
	assert_int_equal(world->gaps, 3);
}

/* What is held back may be a revocation: no lease before it is here. */
static void a_poll_is_complete_when_nothing_is_held_back(void **state)
{
	struct world *world = *state;

	world->transmitter.more_polls = 3;
	start(world);
	turn_until(world, &world->polled, 1);
	assert_int_equal(world->transmitter.more_polls, 0);
	assert_in_range(world->transmitter.polls, 4, 5);
}

static void a_paused_stream_is_enabled(void **state)
{
	struct world *world = *state;
	char *jwt;

	world->transmitter.exists = true;
	world->transmitter.paused = true;
	start(world);
	turn_until(world, &world->polled, 1);
	assert_int_equal(world->transmitter.enablings, 1);
	assert_int_equal(world->gaps, 1);
	jwt = make_set(&world->transmitter, world->transmitter.key, "k1", "updated", SSF "stream-updated", b2b_wall_s(), "web7",
	               json_pack("{s:s}", "status", "paused"));
	pthread_mutex_lock(&world->transmitter.lock);
	world->transmitter.paused = true;
	pthread_mutex_unlock(&world->transmitter.lock);
	add_set(&world->transmitter, "updated", jwt);
	free(jwt);
	turn_until(world, &world->transmitter.enablings, 2);
	assert_true(world->gaps >= 2);
}

static void a_longer_hold_than_ours_is_cut(void **state)
{
	struct world *world = *state;
	int immediate;

	world->conf.host.poll_hold_s = 0; /* gives up after the margin of one second; the service holds for longer */
	start(world);
	turn_until(world, &world->transmitter.acks, 1);
	immediate = world->transmitter.immediate_polls;
	turn_until(world, &world->transmitter.immediate_polls, immediate + 1);
	immediate = world->polled;
	turn_until(world, &world->polled, immediate + 1);
}

static void another_issuers_configuration_is_refused(void **state)
{
	struct world *world = *state;
	struct b2b_stream_status status;

	world->transmitter.other_issuer = true;
	start(world);
	do {
		b2b_loop_turn(world->loop, 20);
		b2b_stream_get_status(world->stream, &status);
	} while (!status.failing_since_s);
	assert_non_null(strstr(status.why, "another issuer"));
	assert_int_equal(world->transmitter.creations, 0);
}

static void turn_until_why(struct world *world, const char *text)
{
	uint64_t deadline = b2b_now_ns() + 40 * B2B_NS_PER_S;
	struct b2b_stream_status status;

	do {
		assert_true(b2b_now_ns() < deadline);
		b2b_loop_turn(world->loop, 20);
		b2b_stream_get_status(world->stream, &status);
	} while (!strstr(status.why, text));
}

/* An earlier version asked for less, or somebody else made the stream. */
static void what_differs_is_changed(void **state)
{
	struct world *world = *state;

	world->transmitter.exists = true;
	snprintf(world->transmitter.requested, sizeof(world->transmitter.requested), "[\"" RISC "account-disabled\"]");
	start(world);
	turn_until(world, &world->polled, 1);
	assert_string_equal(world->transmitter.updates, "PATCH ");
	assert_non_null(strstr(world->transmitter.requested, "session-revoked"));
	assert_int_equal(world->gaps, 1); /* of what it did not tell before */
	/* and what does not, is left alone */
	b2b_stream_free(world->stream);
	start(world);
	turn_until(world, &world->polled, 2);
	assert_string_equal(world->transmitter.updates, "PATCH ");
	assert_int_equal(world->gaps, 1);
}

static void a_stream_that_is_pushed_is_made_one_that_is_polled(void **state)
{
	struct world *world = *state;

	world->transmitter.exists = world->transmitter.pushed = true;
	world->transmitter.patch_status = 405;
	start(world);
	turn_until(world, &world->polled, 1);
	assert_string_equal(world->transmitter.updates, "PATCH PUT ");
	assert_false(world->transmitter.pushed);
}

static void a_stream_that_the_service_keeps_paused_is_not_taken_for_one_that_works(void **state)
{
	struct world *world = *state;

	world->transmitter.exists = world->transmitter.paused = world->transmitter.stays_paused = true;
	start(world);
	turn_until_why(world, "keeps the stream paused (moving house)");
	assert_int_equal(world->polled, 0);
	pthread_mutex_lock(&world->transmitter.lock);
	world->transmitter.stays_paused = false;
	pthread_mutex_unlock(&world->transmitter.lock);
	turn_until(world, &world->polled, 1);
	assert_int_equal(world->gaps, 1);
}

static void organisations_are_added_where_nothing_is_told_unasked(void **state)
{
	struct world *world = *state;

	world->transmitter.none = true;
	world->transmitter.subject_status = 404; /* of all but the first */
	start(world);
	turn_until(world, &world->polled, 1);
	assert_string_equal(world->transmitter.subjects, "42c3e9 9d01f2 ");
}

static void a_service_that_takes_no_organisation_tells_nothing(void **state)
{
	struct world *world = *state;

	world->transmitter.none = true;
	world->transmitter.subject_status = 400;
	snprintf(world->transmitter.subjects, sizeof(world->transmitter.subjects), "none ");
	start(world);
	turn_until_why(world, "none of the organisations");
	assert_int_equal(world->polled, 0);
	assert_int_equal(world->transmitter.verifications, 0);
}

/* Polls that are answered with nothing prove nothing. */
static void no_lease_without_a_verification_event(void **state)
{
	struct world *world = *state;
	int polls;

	world->transmitter.silent_verify = true;
	start(world);
	turn_until(world, &world->transmitter.polls, 2);
	turn_until_why(world, "has not come");
	assert_int_equal(world->polled, 0);
	/* it is late: the stream is set up anew, and is not believed before it has come */
	world->stream->verify_due_ns = 0;
	turn_until(world, &world->transmitter.verifications, 2);
	polls = world->transmitter.polls;
	turn_until(world, &world->transmitter.polls, polls + 2);
	assert_int_equal(world->polled, 0);
	assert_true(world->gaps >= 2);
	pthread_mutex_lock(&world->transmitter.lock);
	world->transmitter.silent_verify = false;
	pthread_mutex_unlock(&world->transmitter.lock);
	world->stream->verify_due_ns = 0;
	turn_until(world, &world->polled, 1);
	/* an old one does not vouch for ever */
	world->stream->verified_ns -= 3600 * B2B_NS_PER_S;
	world->stream->verify_due_ns = UINT64_MAX;
	polls = world->transmitter.polls;
	world->polled = 0;
	turn_until(world, &world->transmitter.polls, polls + 2);
	assert_int_equal(world->polled, 0);
}

/* Events go to whoever polls first: neither host hears all. */
static void another_host_on_the_same_stream_is_noticed(void **state)
{
	struct world *world = *state;
	int polls;

	start(world);
	turn_until(world, &world->polled, 1);
	pthread_mutex_lock(&world->transmitter.lock);
	world->transmitter.verify_as = "0123456789abcdef0123456789abcdef";
	pthread_mutex_unlock(&world->transmitter.lock);
	world->stream->verify_due_ns = 0; /* one comes, but it is not ours */
	turn_until_why(world, "another host has this client_id");
	world->polled = 0;
	polls = world->transmitter.polls;
	turn_until(world, &world->transmitter.polls, polls + 2);
	assert_int_equal(world->polled, 0);
	/* the other has gone */
	pthread_mutex_lock(&world->transmitter.lock);
	world->transmitter.verify_as = NULL;
	pthread_mutex_unlock(&world->transmitter.lock);
	world->stream->shared_ns -= 3600 * B2B_NS_PER_S;
	world->stream->verify_due_ns = 0;
	turn_until(world, &world->polled, 1);
}

/* It was asked for by the host that this one was before it got its name, or was made anew. */
static void what_was_asked_for_before_the_agent_began_is_no_other_host(void **state)
{
	struct world *world = *state;
	int polls;

	start(world);
	turn_until(world, &world->polled, 1);
	pthread_mutex_lock(&world->transmitter.lock);
	world->transmitter.verify_as = "0123456789abcdef0123456789abcdef";
	pthread_mutex_unlock(&world->transmitter.lock);
	world->stream->began_s = b2b_wall_s() + 3600;
	world->stream->verify_due_ns = 0;
	turn_until(world, &world->transmitter.verifications, 2);
	polls = world->transmitter.polls;
	world->polled = 0;
	turn_until(world, &world->transmitter.polls, polls + 2);
	assert_true(world->polled > 0);
}

/* What a service says of its own accord is no other host's. */
static void a_state_of_the_service_is_no_other_host(void **state)
{
	struct world *world = *state;

	world->transmitter.verify_as = "hello";
	start(world);
	turn_until_why(world, "has not come");
}

static void verification_that_cannot_be_asked_for_now_is_asked_for_again(void **state)
{
	struct world *world = *state;

	world->transmitter.verify_status = 429;
	start(world);
	turn_until(world, &world->transmitter.polls, 2);
	assert_int_equal(world->polled, 0);
	pthread_mutex_lock(&world->transmitter.lock);
	world->transmitter.verify_status = 0;
	pthread_mutex_unlock(&world->transmitter.lock);
	turn_until(world, &world->polled, 1); /* by itself, soon: polls are not held meanwhile */
	assert_in_range(world->transmitter.verifications, 2, 10);
}

static void a_service_that_refuses_verification_is_believed(void **state)
{
	struct world *world = *state;

	world->transmitter.verify_status = 403;
	start(world);
	turn_until(world, &world->polled, 1);
	assert_int_equal(world->transmitter.verifications, 1);
}

struct deletion {
	int done, error;
};

static void deleted(void *arg, int error, const char *why)
{
	struct deletion *deletion = arg;

	(void)why;
	deletion->done++;
	deletion->error = error;
}

static void a_stream_is_deleted_for_good(void **state)
{
	struct world *world = *state;
	struct deletion deletion = { 0 }, other = { 0 };
	struct b2b_stream_status status;
	int polled, i;

	start(world);
	assert_int_equal(b2b_stream_delete(world->stream, deleted, &deletion), -ENOTCONN);
	turn_until(world, &world->polled, 1);
	assert_int_equal(b2b_stream_delete(world->stream, deleted, &deletion), 0);
	assert_int_equal(b2b_stream_delete(world->stream, deleted, &other), -EALREADY);
	turn_until(world, &deletion.done, 1);
	assert_int_equal(deletion.error, 0);
	assert_int_equal(world->transmitter.deletions, 1);
	polled = world->polled;
	for (i = 0; i < 30; i++)
		b2b_loop_turn(world->loop, 10);
	assert_int_equal(world->polled, polled);
	assert_int_equal(world->transmitter.creations, 1);
	b2b_stream_get_status(world->stream, &status);
	assert_false(status.connected);
	assert_non_null(strstr(status.why, "deleted"));
	assert_int_equal(other.done, 0);
}

static void whoever_waits_for_the_deletion_is_told_when_the_agent_stops(void **state)
{
	struct world *world = *state;
	struct deletion deletion = { 0 };

	start(world);
	turn_until(world, &world->polled, 1);
	assert_int_equal(b2b_stream_delete(world->stream, deleted, &deletion), 0);
	b2b_stream_free(world->stream);
	world->stream = NULL;
	assert_int_equal(deletion.done, 1);
	assert_int_equal(deletion.error, -ECANCELED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(is_set_up_and_brings_events),    TEST(says_that_closed_accounts_are_not_signalled),
		TEST(events_come_in_the_order_of_their_time), TEST(what_is_not_durable_comes_again),
		TEST(bad_ones_are_refused),           TEST(an_unknown_key_is_waited_for),           TEST(failures_pass),
		TEST(a_poll_is_complete_when_nothing_is_held_back),
		TEST(whoever_refuses_again_within_a_minute_owes_a_pass_all_the_same),
		TEST(what_cannot_be_noted_as_lost_is_not_refused_yet),
		TEST(what_was_refused_and_comes_for_ever_is_lost_once),
		TEST(what_was_taken_and_comes_for_ever_is_not_asked_for_in_a_circle),
		TEST(a_backlog_of_what_was_seen_does_not_wait),
		TEST(polls_that_are_not_held_come_with_growing_pauses),
		TEST(no_lease_while_an_event_is_withheld),
		TEST(what_differs_is_changed),
		TEST(a_stream_that_is_pushed_is_made_one_that_is_polled),
		TEST(a_stream_that_the_service_keeps_paused_is_not_taken_for_one_that_works),
		TEST(organisations_are_added_where_nothing_is_told_unasked),
		TEST(a_service_that_takes_no_organisation_tells_nothing),
		TEST(no_lease_without_a_verification_event),
		TEST(another_host_on_the_same_stream_is_noticed),
		TEST(what_was_asked_for_before_the_agent_began_is_no_other_host),
		TEST(a_state_of_the_service_is_no_other_host),
		TEST(verification_that_cannot_be_asked_for_now_is_asked_for_again),
		TEST(a_service_that_refuses_verification_is_believed),
		TEST(a_stream_is_deleted_for_good),
		TEST(whoever_waits_for_the_deletion_is_told_when_the_agent_stops),
		TEST(a_paused_stream_is_enabled),     TEST(a_longer_hold_than_ours_is_cut),         TEST(another_issuers_configuration_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
