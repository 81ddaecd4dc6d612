/* A source of a directory over HTTPS, driven from a test: the same for every kind of directory. */
#ifndef SOURCE_FIXTURE_H
#define SOURCE_FIXTURE_H

#include "tests/unit/fake_federation.h"
#include "tests/unit/state_fixture.h"

#include "b2bd/directory/source.h"
#include "common/clock.h"
#include "tests/support/tls_server.h"

/* The first member of a test's own world: the source's handlers are given the world. */
struct source_run {
	struct state_fixture *base;
	struct tls_server *server;
	struct b2b_loop *loop;
	struct b2b_http *http;
	struct b2b_conf conf;
	struct b2b_source *source;
	int passes, error, changes, found, find_error;
	char why[256];
};

/* State, a directory that ANSWERs with ARG, and what reaches it; the configuration and the source are the test's to make. */
static void source_start(struct source_run *run, tls_handler *answer, void *arg)
{
	fixture_setup((void **)&run->base);
	run->server = tls_server_start(TLS_SERVER_SOUND, answer, arg);
	memset(&fake, 0, sizeof(fake));
	assert_int_equal(b2b_loop_new(&run->loop), 0);
	assert_int_equal(b2b_http_new(run->loop, tls_server_ca(run->server), NULL, &run->http), 0);
}

static void source_stop(struct source_run *run)
{
	void *base = run->base;

	b2b_source_free(run->source);
	b2b_http_free(run->http);
	b2b_loop_free(run->loop);
	tls_server_stop(run->server);
	fixture_teardown(&base);
}

static inline void source_passed(void *arg, uint64_t began_ns, int error, const char *why)
{
	struct source_run *run = arg;

	assert_in_range(began_ns, 1, b2b_now_ns());
	run->passes++;
	run->error = error;
	snprintf(run->why, sizeof(run->why), "%s", why);
}

static inline void source_new(struct source_run *run, void (*changed)(void *arg, int org))
{
	const struct b2b_source_handlers handlers = { .changed = changed, .passed = source_passed };

	assert_int_equal(b2b_source_new(run->loop, run->http, NULL, run->base->state, &run->base->policy, &run->conf, &handlers, run, &run->source), 0);
}

static inline void source_turn_until(struct source_run *run, const int *value, int wanted)
{
	uint64_t deadline = b2b_now_ns() + 60 * B2B_NS_PER_S;

	while (*value < wanted) {
		assert_true(b2b_now_ns() < deadline);
		b2b_loop_turn(run->loop, 50);
	}
}

/* A full pass; what it ended with. */
static inline int source_pass(struct source_run *run)
{
	int wanted = run->passes + 1;

	b2b_source_sync(run->source);
	source_turn_until(run, &run->passes, wanted);
	return run->error;
}

static inline void source_found(void *arg, int error)
{
	struct source_run *run = arg;

	run->found++;
	run->find_error = error;
}

static inline int source_find(struct source_run *run, int org, const char *local)
{
	int wanted = run->found + 1;

	b2b_source_find(run->source, org, local, source_found, run);
	source_turn_until(run, &run->found, wanted);
	return run->find_error;
}

/* How LOCAL of the organisation with ORG_ID stands, or -ENOENT. */
static inline int source_standing(struct source_run *run, const char *org_id, const char *local)
{
	struct b2b_principal person;
	int r = b2b_directory_by_name(run->base->state, org_id, local, &person);

	if (r < 0)
		return r;
	r = b2b_principal_standing(&person, b2b_wall_s());
	b2b_principal_clear(&person);
	return r;
}

#endif
