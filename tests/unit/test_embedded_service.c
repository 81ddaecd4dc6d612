/* Directory and signals against the embedded federation service: the real protocol on both sides, on loopback. */
#include "tests/unit/state_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "b2bd/directory/source.h"
#include "b2bd/signals/stream.h"
#include "common/clock.h"
#include "common/reason.h"
#include "tests/support/machine.h"
#include "tests/support/scratch.h"
#include "tests/support/signer.h"

struct world {
	char folder[SCRATCH_SIZE], url[128];
	pid_t service;
	struct b2b_conf *conf;
	struct b2b_state *state;
	struct b2b_loop *loop;
	struct b2b_http *http;
	struct b2b_federation *federation;
	struct b2b_source *source;
	struct b2b_stream *stream;
	int passes, pass_error, polled, gaps, events, found, find_error, controlled;
	int64_t committed_ms, event_ms;
	char subject[128];
};

static void write_keys(struct world *world)
{
	EVP_PKEY *key = signer_key("ES256");
	char path[SCRATCH_SIZE];
	FILE *file;

	scratch_path(path, world->folder, "host.key");
	file = fopen(path, "wx");
	assert_non_null(file);
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
	assert_int_equal(chmod(path, 0600), 0);
	scratch_path(path, world->folder, "host.pem");
	file = fopen(path, "wx");
	assert_non_null(file);
	assert_int_equal(PEM_write_PUBKEY(file, key), 1);
	fclose(file);
	EVP_PKEY_free(key);
	scratch_path(path, world->folder, "token");
	scratch_write(path, "letmein\n", 8, 0600);
	scratch_path(path, world->folder, "data");
	assert_int_equal(mkdir(path, 0700), 0);
}

/* With OPTION, NULL for none. The first line says where it listens. */
static void start_service(struct world *world, const char *option)
{
	char binary[4096], data[SCRATCH_SIZE], token[SCRATCH_SIZE], client[SCRATCH_SIZE + 32], line[128] = "";
	char *const argv[] = { binary, (char *)"--data", data, (char *)"--client", client, (char *)"--control-token-file", token, (char *)option, NULL };
	int out[2];
	size_t n = 0;

	machine_built(binary, sizeof(binary), "b2b-federation");
	scratch_path(data, world->folder, "data");
	scratch_path(token, world->folder, "token");
	snprintf(client, sizeof(client), "web7=%s/host.pem", world->folder);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	world->service = fork();
	assert_true(world->service >= 0);
	if (world->service == 0) { /* it ends with the test, also when the test dies */
		if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && dup2(out[1], 1) == 1)
			execv(binary, argv);
		_exit(127);
	}
	close(out[1]);
	while (n < sizeof(line) - 1 && read(out[0], line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	close(out[0]);
	assert_int_equal(strncmp(line, "listening on https://", 21), 0);
	snprintf(world->url, sizeof(world->url), "%s", line + 13);
}

static void read_conf(struct world *world)
{
	char *text = NULL, error[B2B_CONF_ERROR_SIZE] = "";
	int len = asprintf(&text,
	                   "[federation]\nissuer = %s\nclient_id = web7\nclient_key = %s/host.key\nca_file = %s/data/ca.pem\n"
	                   "[organisation acme]\nid = 42c3e9\nrange = 2013265920-2013331455\nservices = sshd\nroles = operator dba\n"
	                   "[organisation globex]\nid = 9d01f2\nrange = 2013331456-2013396991\nservices = sshd\nroles = operator\n"
	                   "[role operator]\nlocal_groups = video\n[role dba]\nlocal_groups = audio\n[service sshd]\nmethods = device\n",
	                   world->url, world->folder, world->folder);

	assert_true(len > 0);
	if (b2b_conf_parse(text, (size_t)len, "test", false, &world->conf, error) < 0)
		fail_msg("%s", error);
	free(text);
}

static void changed(void *arg, int org)
{
	(void)arg;
	(void)org;
}

static void passed(void *arg, uint64_t began_ns, int error, const char *why)
{
	struct world *world = arg;

	(void)began_ns;
	if (error < 0)
		print_message("pass: %s\n", why);
	world->passes++;
	world->pass_error = error;
}

static int on_event(void *arg, const struct b2b_event *event)
{
	struct world *world = arg;

	if (event->kind == B2B_EVENT_ACCOUNT_DISABLED) {
		snprintf(world->subject, sizeof(world->subject), "%s", event->subject);
		world->event_ms = b2b_wall_ms();
		world->events++;
	}
	return b2b_stream_seen(world->state, event->jti, b2b_wall_s());
}

static void on_polled(void *arg)
{
	((struct world *)arg)->polled++;
}

static int on_lost(void *arg)
{
	(void)arg;
	return 0;
}

static void on_gap(void *arg)
{
	((struct world *)arg)->gaps++;
}

static void new_source(struct world *world)
{
	static const struct b2b_source_handlers handlers = { .changed = changed, .passed = passed };

	assert_int_equal(b2b_source_new(world->loop, world->http, world->federation, world->state, world->conf->policy, world->conf, &handlers, world,
	                                &world->source),
	                 0);
}

static int setup_with(void **state, const char *option)
{
	static const struct b2b_stream_handlers stream_handlers = { .event = on_event, .polled = on_polled, .lost = on_lost, .gap = on_gap };
	struct world *world = calloc(1, sizeof(*world));
	char error[B2B_CONF_ERROR_SIZE] = "";

	assert_non_null(world);
	scratch_make(world->folder);
	write_keys(world);
	start_service(world, option);
	read_conf(world);
	assert_int_equal(b2b_state_open(world->folder, &world->state), 0);
	assert_int_equal(b2b_directory_adopt_policy(world->state, world->conf->policy), 0);
	assert_int_equal(b2b_loop_new(&world->loop), 0);
	assert_int_equal(b2b_http_new(world->loop, world->conf->federation.ca_file, NULL, &world->http), 0);
	if (b2b_federation_new(world->loop, world->http, world->conf, &world->federation, error) < 0)
		fail_msg("%s", error);
	new_source(world);
	assert_int_equal(b2b_stream_new(world->loop, world->http, world->federation, world->state, world->conf, world->conf->policy,
	                                &stream_handlers, world, &world->stream),
	                 0);
	*state = world;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, NULL);
}

static int setup_cursors(void **state)
{
	return setup_with(state, "--scim-cursors");
}

static int teardown(void **state)
{
	struct world *world = *state;

	b2b_stream_free(world->stream);
	b2b_source_free(world->source);
	b2b_federation_free(world->federation);
	b2b_http_free(world->http);
	b2b_loop_free(world->loop);
	b2b_state_close(world->state);
	b2b_conf_free(world->conf);
	kill(world->service, SIGTERM);
	waitpid(world->service, NULL, 0);
	scratch_remove(world->folder);
	free(world);
	return 0;
}

static void turn_until(struct world *world, const int *value, int wanted)
{
	uint64_t deadline = b2b_now_ns() + 60 * B2B_NS_PER_S;

	while (*value < wanted) {
		assert_true(b2b_now_ns() < deadline);
		b2b_loop_turn(world->loop, 50);
	}
}

static void controlled(void *arg, const struct b2b_http_response *response)
{
	struct world *world = arg;
	json_t *answer;

	if (response->error || response->status != 200)
		fail_msg("control: %s %ld %s", response->error_text ? response->error_text : "", response->status, response->body);
	answer = json_loads(response->body, 0, NULL);
	world->committed_ms = json_integer_value(json_object_get(answer, "committed_ms"));
	json_decref(answer);
	world->controlled++;
}

static void control(struct world *world, const char *verb, const char *body)
{
	char url[256];
	struct b2b_http_request request = { .method = "POST", .url = url, .content_type = "application/json", .bearer = "letmein", .body = body,
		                            .body_len = strlen(body) };
	struct b2b_http_call *call;
	int wanted = world->controlled + 1;

	snprintf(url, sizeof(url), "%s/control/%s", world->url, verb);
	assert_int_equal(b2b_http_start(world->http, &request, controlled, world, &call), 0);
	turn_until(world, &world->controlled, wanted);
}

static void read_all(struct world *world)
{
	int wanted = world->passes + 1;

	while (!b2b_federation_ready(world->federation))
		b2b_loop_turn(world->loop, 50);
	b2b_source_sync(world->source);
	turn_until(world, &world->passes, wanted);
}

static int standing(struct world *world, const char *local)
{
	struct b2b_principal person;
	int r = b2b_directory_by_name(world->state, "42c3e9", local, &person);

	if (r == 0) {
		r = b2b_principal_standing(&person, b2b_wall_s());
		b2b_principal_clear(&person);
	}
	return r;
}

static void note_found(void *arg, int error)
{
	struct world *world = arg;

	world->find_error = error;
	world->found++;
}

static void the_seed_is_read(void **state)
{
	struct world *world = *state;
	struct b2b_source_status status;
	struct b2b_principal alice;

	read_all(world);
	assert_int_equal(world->pass_error, 0);
	b2b_source_get_status(world->source, &status);
	assert_int_equal(status.organisations, 2);
	assert_true(status.people >= 6);
	assert_true(status.groups >= 3);
	assert_int_equal(standing(world, "alice"), B2B_OK);
	assert_int_equal(standing(world, "deploy"), B2B_OK);
	assert_int_equal(standing(world, "bob"), -ENOENT); /* of a subsidiary that root did not configure */
	assert_int_equal(b2b_directory_by_name(world->state, "42c3e9", "alice", &alice), 0);
	assert_int_equal(alice.roles, 3);
	b2b_principal_clear(&alice);
	control(world, "person", "{\"organisation\":\"acme\",\"local\":\"zoe\"}");
	b2b_source_find(world->source, b2b_policy_org_by_id(world->conf->policy, "42c3e9"), "zoe", note_found, world);
	turn_until(world, &world->found, 1);
	assert_int_equal(world->find_error, 0);
	assert_int_equal(standing(world, "zoe"), B2B_OK);
	b2b_source_find(world->source, b2b_policy_org_by_id(world->conf->policy, "42c3e9"), "nobody", note_found, world);
	turn_until(world, &world->found, 2);
	assert_int_equal(world->find_error, -ENOENT);
}

static void many_people_and_an_untrue_listing(void **state)
{
	struct world *world = *state;
	struct b2b_source_status status;

	control(world, "people", "{\"organisation\":\"acme\",\"prefix\":\"p\",\"count\":1700}");
	read_all(world);
	assert_int_equal(world->pass_error, 0);
	b2b_source_get_status(world->source, &status);
	assert_true(status.people > 1700);
	control(world, "misbehave", "{\"repeat_page\":true}");
	read_all(world);
	assert_true(world->pass_error < 0);
	control(world, "misbehave", "{\"reset\":true}");
	control(world, "misbehave", "{\"empty_page\":true}");
	read_all(world);
	assert_true(world->pass_error < 0);
	assert_int_equal(standing(world, "alice"), B2B_OK);
	control(world, "misbehave", "{\"reset\":true}");
	control(world, "offboard", "{\"person\":\"alice@acme.example\"}");
	read_all(world);
	assert_int_equal(world->pass_error, 0);
	assert_int_equal(standing(world, "alice"), B2B_USER_REMOVED);
}

static void its_lists_are_read_by_cursors(void **state)
{
	struct world *world = *state;
	struct b2b_source_status status;

	control(world, "people", "{\"organisation\":\"acme\",\"prefix\":\"p\",\"count\":600}");
	read_all(world);
	assert_int_equal(world->pass_error, 0);
	b2b_source_get_status(world->source, &status);
	assert_true(status.people > 600);
	control(world, "misbehave", "{\"expire_cursors\":true}");
	read_all(world);
	assert_true(world->pass_error < 0); /* so it was by cursors */
	control(world, "misbehave", "{\"reset\":true,\"repeat_page\":true}");
	read_all(world);
	assert_true(world->pass_error < 0);
	assert_int_equal(standing(world, "alice"), B2B_OK);
}

static int64_t asked_for_changes(struct world *world)
{
	struct b2b_source_status status;

	b2b_source_get_status(world->source, &status);
	assert_string_equal(status.changes_why_not, "");
	return status.changes_last_s;
}

static void what_changed_is_asked_for(void **state)
{
	struct world *world = *state;
	uint64_t deadline = b2b_now_ns() + 60 * B2B_NS_PER_S;

	b2b_source_free(world->source);
	world->conf->federation.delta_interval_s = 1;
	new_source(world);
	read_all(world);
	assert_int_equal(standing(world, "carol"), B2B_OK);
	control(world, "person", "{\"organisation\":\"acme\",\"local\":\"zoe\"}");
	control(world, "suspend", "{\"person\":\"carol@acme.example\"}");
	while (standing(world, "carol") == B2B_OK || standing(world, "zoe") != B2B_OK || !asked_for_changes(world)) {
		assert_true(b2b_now_ns() < deadline);
		b2b_loop_turn(world->loop, 50);
	}
	assert_int_equal(standing(world, "carol"), B2B_USER_SUSPENDED);
	assert_int_equal(world->passes, 1);
}

static void an_offboarding_arrives_at_once(void **state)
{
	struct world *world = *state;
	struct b2b_stream_status status;
	struct b2b_principal alice;

	read_all(world);
	turn_until(world, &world->polled, 1);
	assert_int_equal(world->gaps, 1);
	control(world, "offboard", "{\"person\":\"alice@acme.example\"}");
	turn_until(world, &world->events, 1);
	print_message("committed to handled: %lld ms\n", (long long)(world->event_ms - world->committed_ms));
	assert_true(world->event_ms - world->committed_ms < 5000);
	assert_int_equal(b2b_directory_by_subject(world->state, world->subject, &alice), 0);
	assert_string_equal(alice.local, "alice");
	b2b_principal_clear(&alice);
	b2b_stream_get_status(world->stream, &status);
	assert_int_equal(status.refused, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_seed_is_read),
		TEST(many_people_and_an_untrue_listing),
		cmocka_unit_test_setup_teardown(its_lists_are_read_by_cursors, setup_cursors, teardown),
		TEST(what_changed_is_asked_for),
		TEST(an_offboarding_arrives_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
