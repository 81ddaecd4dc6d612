/* b2bctl idmap against the agent's own answers: who has which id, what somebody would get, and pins for other hosts. */
#include "tests/unit/state_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "b2bctl/ctl.h"
#include "b2bd/core.h"
#include "b2bd/requests.h"
#include "common/clock.h"
#include "tests/support/machine.h"
#include "tests/support/scratch.h"

#define WORD(text) ((char *)(uintptr_t)(text))

/* A host: the agent's state and socket, and root's files. */
struct host {
	struct state_fixture *base;
	struct b2b_core core;
	struct b2b_conf conf;
	int listen_fd;
	char folder[SCRATCH_SIZE], conf_path[SCRATCH_SIZE], pins_path[SCRATCH_SIZE];
	/* the last verb's */
	char **argv;
	char *out, *err;
	int code;
	atomic_bool done;
};

static bool run_is_ours; /* /run of our own, so that the agent's place is not a real one's */

static int own_run(void **state)
{
	(void)state;
	run_is_ours = geteuid() == 0;
	if (run_is_ours)
		machine_private();
	return 0;
}

static void listen_at_the_agents_place(struct host *host)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = B2B_SOCKET_PATH };

	unlink(B2B_SOCKET_PATH);
	host->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(host->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(host->listen_fd, 4), 0);
	assert_int_equal(b2b_server_new(host->core.loop, host->listen_fd, b2b_on_request, &host->core, &host->core.server), 0);
}

static int setup(void **state)
{
	struct host *host = calloc(1, sizeof(*host));

	fixture_setup((void **)&host->base);
	scratch_make(host->folder);
	scratch_path(host->conf_path, host->folder, "b2b.conf");
	scratch_path(host->pins_path, host->folder, "idmap");
	host->conf.host.idmap = host->pins_path;
	host->core.conf = &host->conf;
	host->core.policy = &host->base->policy;
	host->core.state = host->base->state;
	assert_int_equal(b2b_loop_new(&host->core.loop), 0);
	if (run_is_ours)
		listen_at_the_agents_place(host);
	*state = host;
	return 0;
}

static void forget(struct host *host)
{
	free(host->out);
	free(host->err);
	host->out = host->err = NULL;
}

static int teardown(void **state)
{
	struct host *host = *state;
	void *base = host->base;

	b2b_timer_stop(&host->core.pins);
	b2b_server_free(host->core.server);
	b2b_loop_free(host->core.loop);
	if (run_is_ours)
		close(host->listen_fd);
	b2b_idmap_free(host->conf.pins);
	scratch_remove(host->folder);
	fixture_teardown(&base);
	forget(host);
	free(host);
	return 0;
}

static void *tool(void *arg)
{
	struct host *host = arg;
	size_t out_len, err_len;
	FILE *out = open_memstream(&host->out, &out_len), *err = open_memstream(&host->err, &err_len);
	int argc = 0;

	while (host->argv[argc])
		argc++;
	host->code = b2b_ctl_main(argc, host->argv, out, err);
	fclose(out);
	fclose(err);
	atomic_store(&host->done, true);
	return NULL;
}

/* The tool in a thread, the agent's loop in this one. */
static int run(struct host *host, char **argv)
{
	pthread_t thread;

	forget(host);
	host->argv = argv;
	atomic_store(&host->done, false);
	assert_int_equal(pthread_create(&thread, NULL, tool, host), 0);
	while (!atomic_load(&host->done))
		b2b_loop_turn(host->core.loop, 5);
	pthread_join(thread, NULL);
	return host->code;
}

#define RUN(host, ...) run(host, (char *[]){ WORD("b2bctl"), __VA_ARGS__, NULL })

static void assert_has(const char *text, const char *needle)
{
	if (!strstr(text, needle))
		fail_msg("\nexpected \"%s\" in\n%s", needle, text);
}

static void assert_fits(const char *text)
{
	for (; *text; text += strcspn(text, "\n") + 1)
		assert_true(strcspn(text, "\n") <= B2B_CTL_WIDTH);
}

static void put(struct host *host, const char *id, const char *local, uint32_t wanted)
{
	struct b2b_principal person = fixture_person(id, local);
	bool changed;

	person.wanted_uid = wanted;
	assert_int_equal(b2b_directory_put_principal(host->core.state, host->core.policy, &person, 1, &changed), 0);
}

static void set_pins(struct host *host, const char *text)
{
	char error[B2B_CONF_ERROR_SIZE];

	b2b_idmap_free(host->conf.pins);
	host->conf.pins = NULL;
	if (b2b_idmap_parse(text, strlen(text), "idmap", host->core.policy, &host->conf.pins, error) < 0)
		fail_msg("%s", error);
	b2b_ledger_set_rules(host->core.state, host->conf.pins, true);
}

/* alice by hash (0x78005903), bob by the directory, dba pinned, carol removed. */
static void populate(struct host *host)
{
	struct b2b_principal carol = fixture_person("u-3", "carol");
	bool changed;

	set_pins(host, "42c3e9 group 0x78000008 g-1\n");
	put(host, "u-1", "alice", 0);
	put(host, "u-2", "bob", ACME_LO + 2);
	put(host, "u-3", "carol", ACME_LO + 3);
	carol.state = B2B_REMOVED;
	assert_int_equal(b2b_directory_put_principal(host->core.state, host->core.policy, &carol, 1, &changed), 0);
	assert_int_equal(b2b_directory_put_group(host->core.state, host->core.policy, "g-1", "42c3e9", "dba", 0, NULL, 0, 1, &changed), 0);
}

static void shows_who_has_which_id(void **state)
{
	struct host *host = *state;

	if (!run_is_ours)
		skip();
	assert_int_equal(RUN(host, WORD("idmap")), B2B_CTL_OK);
	assert_string_equal(host->out, "No id was given yet.\n");
	populate(host);
	assert_int_equal(RUN(host, WORD("idmap")), B2B_CTL_OK);
	assert_string_equal(host->out, "        ID  KIND   NAME        STATE    CHOSEN     OWNER\n"
	                               "2013265922  user   bob@acme    active   directory  u-2\n"
	                               "2013265923  user   carol@acme  removed  directory  u-3\n"
	                               "2013265928  group  dba@acme    active   pinned     g-1\n"
	                               "2013288707  user   alice@acme  active   hash       u-1\n");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("show"), WORD("alice@acme")), B2B_CTL_OK);
	assert_has(host->out, "\n2013288707  user  alice@acme  active  hash    u-1\n");
	assert_null(strstr(host->out, "bob"));
	assert_int_equal(RUN(host, WORD("idmap"), WORD("dba@acme"), WORD("--json")), B2B_CTL_OK);
	assert_string_equal(host->out, "{\"ids\":[{\"id\":2013265928,\"kind\":\"group\",\"organisation\":\"acme\",\"organisation_id\":\"42c3e9\","
	                               "\"owner\":\"g-1\",\"name\":\"dba@acme\",\"state\":\"active\",\"chosen\":\"pinned\"}]}\n");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("0x78000002")), B2B_CTL_OK);
	assert_has(host->out, "bob@acme");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("globex")), B2B_CTL_OK);
	assert_string_equal(host->out, "No id was given yet.\n");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("zoe@acme")), B2B_CTL_FAILED);
	assert_string_equal(host->err, "b2bctl: there is no organisation, person or group zoe@acme on this host; b2bctl idmap lists all\n");
}

/* More than a page. */
static void lists_as_many_as_there_are(void **state)
{
	struct host *host = *state;
	json_error_t error;
	json_t *json;
	size_t n;

	if (!run_is_ours)
		skip();
	assert_int_equal(sqlite3_exec(b2b_state_db(host->core.state),
	                              "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
	                              " INSERT INTO ledger (id, org_id, kind, owner) SELECT 2013265920 + i * 3, '42c3e9', 1, 'former' || i FROM n",
	                              NULL, NULL, NULL),
	                 SQLITE_OK);
	assert_int_equal(RUN(host, WORD("idmap"), WORD("--json")), B2B_CTL_OK);
	json = json_loads(host->out, 0, &error);
	n = json_array_size(json_object_get(json, "ids"));
	assert_int_equal(n, 2500);
	assert_string_equal(b2b_ctl_text(json_array_get(json_object_get(json, "ids"), 2499), "owner"), "former2500");
	assert_string_equal(b2b_ctl_text(json_array_get(json_object_get(json, "ids"), 0), "chosen"), "older");
	json_decref(json);
	assert_int_equal(RUN(host, WORD("idmap"), WORD("acme")), B2B_CTL_OK);
	assert_fits(host->out);
}

static void previews_what_somebody_would_get(void **state)
{
	struct host *host = *state;

	if (!run_is_ours)
		skip();
	populate(host);
	put(host, "u-4", "dora", ACME_LO + 0xd59); /* the place of group u-1 */
	assert_int_equal(RUN(host, WORD("idmap"), WORD("preview"), WORD("acme"), WORD("u-1"), WORD("new")), B2B_CTL_OK);
	assert_fits(host->out);
	assert_has(host->out, "user          u-1 of acme\nid            2013288707, for ever\nplace by hash 2013288707\n");
	assert_has(host->out, "user          new of acme\nid            ");
	assert_has(host->out, " would be given (hash)\n");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("preview"), WORD("acme"), WORD("u-1"), WORD("--group")), B2B_CTL_OK);
	assert_has(host->out, "id            2013269338 would be given (hash)\nplace by hash 2013269337, which belongs to dora@acme, user u-4\n");
	set_pins(host, "42c3e9 user 0x78000003 late\n42c3e9 user 0x78000009 u-1\n42c3e9 user 0x7800000a fresh\n");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("preview"), WORD("acme"), WORD("late"), WORD("u-1"), WORD("fresh")), B2B_CTL_OK);
	assert_fits(host->out);
	assert_has(host->out, "id            none: 2013265923 is pinned, and has an owner for ever: carol@acme,\n              user u-3, who was removed; pin another\n");
	assert_has(host->out, "              pinned is 2013265929, which came too late: an id never changes;\n              pin 2013288707\n");
	assert_has(host->out, "id            2013265930 would be given (pinned)\n");
	b2b_ledger_set_rules(host->core.state, NULL, false);
	assert_int_equal(RUN(host, WORD("idmap"), WORD("preview"), WORD("acme"), WORD("x"), WORD("--json")), B2B_CTL_OK);
	assert_has(host->out, "\"id\":0,\"chosen\":null,\"trouble\":\"unpinned\",");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("preview"), WORD("nobody"), WORD("x")), B2B_CTL_FAILED);
	assert_has(host->err, "there is no organisation nobody");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("preview"), WORD("acme")), B2B_CTL_USAGE);
	/* nothing of it was stored */
	assert_int_equal(fixture_id(host->base, 0, B2B_ID_USER, "new"), 0);
}

static void write_conf(struct host *host, const char *pins)
{
	char *text = NULL;
	int len = asprintf(&text,
	                   "[federation]\nissuer = https://login.example.com\nclient_id = web7\nclient_key = /k\n[host]\nidmap = %s\n"
	                   "[organisation acme]\nid = 42c3e9\nrange = 0x78000000-0x7800ffff\n",
	                   host->pins_path);

	assert_true(len > 0);
	scratch_write(host->conf_path, text, (size_t)len, 0640);
	scratch_write(host->pins_path, pins, strlen(pins), 0640);
	free(text);
}

static void assert_pins_file(const struct host *host, const char *expected)
{
	char text[1024] = "";
	FILE *file = fopen(host->pins_path, "r");

	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_string_equal(text, expected);
}

static void writes_pins_that_hold(void **state)
{
	struct host *host = *state;

	if (!run_is_ours)
		skip();
	populate(host);
	assert_int_equal(RUN(host, WORD("idmap"), WORD("pin"), WORD("acme"), WORD("u-1")), B2B_CTL_OK);
	assert_string_equal(host->out, "42c3e9 user 2013288707 u-1\n");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("pin"), WORD("acme"), WORD("a new one"), WORD("0x78000010")), B2B_CTL_OK);
	assert_string_equal(host->out, "42c3e9 user 2013265936 a new one\n");
	/* what does not hold is refused, and says what to do */
	assert_int_equal(RUN(host, WORD("idmap"), WORD("pin"), WORD("acme"), WORD("u-1"), WORD("0x78000010")), B2B_CTL_FAILED);
	assert_has(host->err, "u-1 has 2013288707 on this host, and an id never changes: pin 2013288707 here and on the other hosts");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("pin"), WORD("acme"), WORD("new"), WORD("0x78000003")), B2B_CTL_FAILED);
	assert_has(host->err, "2013265923 was given to carol@acme, user u-3, who was removed, and never passes to another");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("pin"), WORD("acme"), WORD("new"), WORD("0x78000008")), B2B_CTL_FAILED);
	assert_has(host->err, "2013265928 is pinned for another");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("pin"), WORD("acme"), WORD("new"), WORD("0x78000000")), B2B_CTL_FAILED);
	assert_has(host->err, "2013265920 is not in 0x78000001-0x7800ffff, the range of acme without its first");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("pin"), WORD("acme"), WORD("new"), WORD("1x")), B2B_CTL_USAGE);
	assert_string_equal(host->err, "b2bctl: 1x is no id; decimal, or hexadecimal after 0x\n");
	/* into the file, or not at all */
	write_conf(host, "# pins\n42c3e9 user 0x78000020 x");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("pin"), WORD("acme"), WORD("u-1"), WORD("--write"), WORD("--conf"), host->conf_path), B2B_CTL_OK);
	assert_pins_file(host, "# pins\n42c3e9 user 0x78000020 x\n42c3e9 user 2013288707 u-1\n");
	assert_int_equal(RUN(host, WORD("idmap"), WORD("pin"), WORD("acme"), WORD("u-1"), WORD("--write"), WORD("--conf"), host->conf_path), B2B_CTL_CONF);
	assert_has(host->err, "idmap:4: found id 2013288707 (0x78005903), which line 3 gives to another");
	assert_pins_file(host, "# pins\n42c3e9 user 0x78000020 x\n42c3e9 user 2013288707 u-1\n");
}

/* What one host exports gives the other the same ids, in whatever order its people come. */
static void exports_what_makes_another_host_agree(void **state)
{
	struct host *host = *state;
	struct state_fixture *other;
	struct b2b_idmap *idmap = NULL;
	char error[B2B_CONF_ERROR_SIZE];
	uint32_t id;

	if (!run_is_ours)
		skip();
	populate(host);
	put(host, "u-4", "dora", ACME_LO + 0x5904); /* behind alice's place */
	assert_int_equal(RUN(host, WORD("idmap"), WORD("export")), B2B_CTL_OK);
	assert_int_equal(strncmp(host->out, "# Ids of ", 9), 0);
	assert_string_equal(strchr(host->out, '\n') + 1, "42c3e9 user 2013265922 u-2\n42c3e9 user 2013265923 u-3\n42c3e9 group 2013265928 g-1\n"
	                                                 "42c3e9 user 2013288707 u-1\n42c3e9 user 2013288708 u-4\n");
	assert_int_equal(b2b_idmap_parse(host->out, strlen(host->out), "idmap", host->core.policy, &idmap, error), 0);
	fixture_setup((void **)&other);
	b2b_ledger_set_rules(other->state, idmap, true);
	assert_int_equal(b2b_ledger_id(other->state, &other->orgs[0], B2B_ID_USER, "u-4", ACME_LO + 9, &id), 0);
	assert_int_equal(b2b_ledger_id(other->state, &other->orgs[0], B2B_ID_GROUP, "g-1", 0, &id), 0);
	assert_int_equal(b2b_ledger_id(other->state, &other->orgs[0], B2B_ID_USER, "u-1", 0, &id), 0);
	assert_int_equal(fixture_id(other, 0, B2B_ID_USER, "u-4"), fixture_id(host->base, 0, B2B_ID_USER, "u-4"));
	assert_int_equal(fixture_id(other, 0, B2B_ID_USER, "u-1"), fixture_id(host->base, 0, B2B_ID_USER, "u-1"));
	assert_int_equal(fixture_id(other, 0, B2B_ID_GROUP, "g-1"), fixture_id(host->base, 0, B2B_ID_GROUP, "g-1"));
	fixture_teardown((void **)&other);
	b2b_idmap_free(idmap);
}

static void pins_that_came_too_late_are_told(void **state)
{
	struct host *host = *state;
	uint64_t deadline = b2b_now_ns() + 20 * B2B_NS_PER_S;
	char *text = NULL;
	size_t len, n;
	FILE *stream;

	populate(host);
	stream = open_memstream(&text, &len);
	fputs("42c3e9 user 0x78000003 late\n42c3e9 user 0x78000009 u-1\n42c3e9 user 0x78000002 u-2\n", stream);
	for (unsigned i = 0; i < 1200; i++)
		fprintf(stream, "42c3e9 user %u fresh%u\n", ACME_LO + 0x100 + i, i);
	fclose(stream);
	set_pins(host, text);
	free(text);
	b2b_idmap_pins(host->conf.pins, &n);
	b2b_pins_start(&host->core);
	while (host->core.pins_seen < n) {
		assert_true(b2b_now_ns() < deadline);
		b2b_loop_turn(host->core.loop, 5);
	}
	assert_int_equal(host->core.pins_broken, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(shows_who_has_which_id),
		TEST(lists_as_many_as_there_are),
		TEST(previews_what_somebody_would_get),
		TEST(writes_pins_that_hold),
		TEST(exports_what_makes_another_host_agree),
		TEST(pins_that_came_too_late_are_told),
	};

	return cmocka_run_group_tests(tests, own_run, NULL);
}
