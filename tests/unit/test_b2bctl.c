/* b2bctl's answers from the agent: what is printed, how wide, with which exit code; and when there is no agent. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "b2bctl/ctl.h"
#include "common/clock.h"
#include "common/proto.h"
#include "common/reason.h"
#include "tests/support/ctl_run.h"

#define NOW 1800000000ll

static const char status_well[] =
	"{\"agent\":{\"pid\":123,\"since_s\":1799989200},\"federation\":{\"issuer\":\"https://login.example.com/realms/partners\",\"ready\":true,\"why\":\"\"},"
	"\"directory\":{\"last_complete_s\":1799999880,\"failing_since_s\":0,\"why\":\"\",\"people\":120,\"organisations\":4,\"groups\":7,"
	"\"changes\":{\"interval_s\":30,\"last_s\":1799999988,\"why_not\":\"\"}},"
	"\"signals\":{\"connected\":true,\"last_poll_s\":1799999997,\"failing_since_s\":0,\"why\":\"\",\"events\":12,\"refused\":1,"
	"\"unplaced\":{\"count\":0,\"last_s\":0,\"last\":\"\"}},"
	"\"status_lists\":[{\"uri\":\"https://lists.example.com/1\",\"sessions\":2,\"fetched_s\":1799999970,\"ttl_s\":60,\"interval_s\":60,\"within_s\":67,\"next_in_s\":34,"
	"\"failing_since_s\":0,\"why\":\"\"}],"
	"\"lease\":{\"age_ms\":3000,\"valid\":true},\"sessions\":3,\"pending_ends\":0,"
	"\"methods\":[{\"service\":\"sshd\",\"methods\":[{\"method\":\"ciba\",\"offered\":false},{\"method\":\"device\",\"offered\":true}]},"
	"{\"service\":\"sudo\",\"methods\":[{\"method\":\"device\",\"offered\":true}]}],"
	"\"verification\":{\"by_refresh\":false,\"by_introspection\":false,\"by_life\":false,\"interval_s\":300,\"refresh\":0,\"introspection\":0,"
	"\"life\":0,\"none\":3,\"failing\":0,\"oldest_s\":0},"
	"\"revocations\":{\"count\":12,\"p50_ms\":40,\"p99_ms\":120,\"max_ms\":130,"
	"\"stages\":[{\"stage\":\"delivery\",\"last\":{\"n\":12,\"p50_us\":8250,\"p99_us\":20000,\"max_us\":21000},"
	"\"since_start\":{\"n\":3,\"p50_us\":7000,\"p99_us\":9000,\"max_us\":9000,\"sum_us\":23000,\"within_us\":[[1000,0],[10000,3]]}},"
	"{\"stage\":\"total\",\"last\":{\"n\":12,\"p50_us\":40000,\"p99_us\":120000,\"max_us\":130000},"
	"\"since_start\":{\"n\":3,\"p50_us\":40000,\"p99_us\":9999000,\"max_us\":99990000,\"sum_us\":100,\"within_us\":[]}}]},\"worst_case_revocation\":\"at once: signals are arriving\"}";

static const char status_ill[] =
	"{\"agent\":{\"pid\":123,\"since_s\":1799999999},\"federation\":{\"issuer\":\"https://login.example.com\",\"ready\":false,\"why\":\"\"},"
	"\"directory\":{\"last_complete_s\":0,\"failing_since_s\":1799999700,\"why\":\"login.example.com: certificate \\u001b[2J has expired, which is "
	"a long story that does not fit one line of eighty columns at all\",\"people\":0,\"organisations\":0,\"groups\":0,"
	"\"changes\":{\"interval_s\":30,\"last_s\":0,\"why_not\":\"the service says that it has no filters\"}},"
	"\"signals\":{\"connected\":false,\"last_poll_s\":0,\"failing_since_s\":0,\"why\":\"\",\"events\":0,\"refused\":0,"
	"\"unplaced\":{\"count\":2,\"last_s\":1799999700,\"last\":\"j-7\"}},"
	"\"held\":[{\"organisation\":\"acme\",\"user\":\"alice@acme\",\"id\":\"0123456789abcdef\",\"left\":1,\"pid\":4711,\"state\":\"D\","
	"\"name\":\"tar\",\"uid\":2013265921},{\"organisation\":\"globex\",\"user\":\"\",\"id\":\"0\",\"left\":2,\"pid\":4712,\"state\":\"D\",\"name\":\"x\",\"uid\":0}],"
	"\"ids\":[{\"organisation\":\"acme\",\"trouble\":\"used-up\"},{\"organisation\":\"globex\",\"trouble\":\"unpinned\"}],"
	"\"approvals\":[{\"organisation\":\"globex\",\"missing\":40,\"living\":50,\"unlisted\":false,\"since_s\":1799999700,\"approved\":false},"
	"{\"organisation\":\"acme\",\"missing\":4,\"living\":4,\"unlisted\":true,\"since_s\":1799999700,\"approved\":true}],"
	"\"by_hand\":[{\"kind\":\"user\",\"name\":\"alice@acme\",\"reason\":\"Laptop \\u001b[2J stolen\",\"since_s\":1799999700,\"by\":0},"
	"{\"kind\":\"all\",\"name\":\"\",\"reason\":\"Break-in\",\"since_s\":1799999700,\"by\":null},"
	"{\"kind\":\"key\",\"name\":\"k1\",\"reason\":\"\",\"since_s\":1799999700,\"by\":4000000000}],"
	"\"status_lists\":[{\"uri\":\"https://lists.example.com/1\",\"sessions\":1,\"fetched_s\":0,\"ttl_s\":0,\"interval_s\":0,\"next_in_s\":1,"
	"\"failing_since_s\":1799999700,\"why\":\"the status list is refused: expired\"}],"
	"\"lease\":{\"age_ms\":null,\"valid\":false,\"keep_s\":3600,\"lapsed\":false},\"sessions\":0,\"pending_ends\":2,"
	"\"verification\":{\"by_refresh\":true,\"by_introspection\":true,\"by_life\":true,\"interval_s\":300,\"refresh\":5,\"introspection\":1,"
	"\"life\":2,\"none\":3,\"failing\":2,\"oldest_s\":1799999700,\"passed_over\":2},"
	"\"revocations\":{\"count\":0,\"p50_ms\":0,\"p99_ms\":0,\"max_ms\":0},\"worst_case_revocation\":\"x\"}";

static char *shown(const char *json_text, int (*show)(FILE *out, const json_t *json, int64_t now_s))
{
	json_error_t error;
	json_t *json = json_loads(json_text, 0, &error);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!json)
		fail_msg("%s", error.text);
	assert_int_equal(show(out, json, NOW), B2B_CTL_OK);
	fclose(out);
	json_decref(json);
	return text;
}

static void assert_fits(const char *text)
{
	assert_true(ctl_fits(text));
}

static void assert_has(const char *text, const char *needle)
{
	if (!strstr(text, needle))
		fail_msg("\nexpected \"%s\" in\n%s", needle, text);
}

static void tells_that_all_is_well(void **state)
{
	char *text = shown(status_well, b2b_ctl_show_status);

	(void)state;
	assert_fits(text);
	assert_has(text, "agent         running for 3 hours, process 123\n");
	assert_has(text, "federation    ready: https://login.example.com/realms/partners\n");
	assert_has(text, "directory     120 people, 7 groups, 4 organisations; read 2 minutes ago\n"
	                 "              asked for changes every 30 seconds; answered 12 seconds ago\n");
	assert_has(text, "signals       arriving, last poll: 3 seconds ago; 12 events, 1 refused\n");
	assert_has(text, "status list   https://lists.example.com/1: 2 sessions, fetched 30 seconds ago\n              ttl 1 minute, next fetch in 34 seconds; what is withdrawn in it\n              shows within 67 s\n");
	assert_has(text, "lease         renewed 3 seconds ago: sessions may be opened\n");
	assert_has(text, "sessions      3 open\n");
	assert_has(text, "log-in by     sshd: ciba (not offered by the service), device; sudo: device\n");
	assert_has(text, "verified      by signals and directory; log-ins are not asked about again, by\n");
	assert_has(text, "revocations   12; half within 40 ms, 99% within 120 ms, all within 130 ms\n");
	assert_has(text, "revoked now   at once: signals are arriving\n");
	assert_has(text, "   12   8.2   20.0   21.0            3   7.0     9.0      9.0\n");
	assert_null(strstr(text, "failing"));
	assert_null(strstr(text, "closed"));
	assert_null(strstr(text, "waits"));
	free(text);
}

static int show_metrics(FILE *out, const json_t *json, int64_t now_s)
{
	(void)now_s;
	return b2b_ctl_show_metrics(out, json);
}

static void gives_figures_to_prometheus(void **state)
{
	char *text = shown(status_well, show_metrics);

	(void)state;
	assert_has(text, "# HELP b2b_up Whether b2bd answers.\n# TYPE b2b_up gauge\nb2b_up 1\n");
	assert_has(text, "b2b_lease_age_seconds 3\n");
	assert_has(text, "b2b_signal_events_refused_total 1\n");
	assert_has(text, "b2b_signal_events_unplaced_total 0\n");
	assert_has(text, "b2b_status_lists 1\n");
	assert_has(text, "b2b_status_lists_failing 0\n");
	assert_has(text, "b2b_status_lists_oldest_fetch_seconds 1799999970\n");
	assert_has(text, "b2b_closed_by_hand{kind=\"user\"} 0\n");
	assert_has(text, "# TYPE b2b_revocation_seconds histogram\n");
	assert_has(text, "b2b_revocation_seconds_bucket{stage=\"delivery\",le=\"0.01\"} 3\n");
	assert_has(text, "b2b_revocation_seconds_bucket{stage=\"delivery\",le=\"+Inf\"} 3\n");
	assert_has(text, "b2b_revocation_seconds_sum{stage=\"delivery\"} 0.023000\n");
	assert_has(text, "b2b_revocation_quantile_seconds{stage=\"total\",window=\"last\",quantile=\"0.99\"} 0.120000\n");
	free(text);
	text = shown(status_ill, show_metrics);
	assert_has(text, "b2b_closed_by_hand{kind=\"user\"} 1\n");
	assert_has(text, "b2b_approvals_waiting 2\n");
	assert_null(strstr(text, "b2b_lease_age_seconds"));
	free(text);
}

static void tells_what_is_wrong_and_since_when(void **state)
{
	char *text = shown(status_ill, b2b_ctl_show_status);

	(void)state;
	assert_fits(text);
	assert_has(text, "federation    not reached: https://login.example.com (not asked yet); nobody can\n              be authenticated\n");
	assert_has(text, "0 organisations; read never\n              full passes alone, not asked for changes: the service says that it\n"
	                 "              has no filters\n");
	assert_has(text, "              failing for 5 minutes: login.example.com: certificate ?[2J has\n");
	assert_has(text, "ids           acme: the range is used up, who is new is not published;\n              b2b.conf(5), IDS, says what to do\n");
	assert_has(text, "ids           globex: somebody is not published, who has neither a pin nor an id\n              from the directory; journalctl -u b2bd");
	assert_has(text, "signals       not arriving, last poll: never");
	assert_has(text, "              2 events were to end sessions, of whom cannot be told; the last, 5\n              minutes ago: j-7\n");
	assert_has(text, "status list   https://lists.example.com/1: 1 session, fetched never\n              failing for 5 minutes: the status list is refused: expired; nobody");
	assert_has(text, "lease         none since the host or b2bd was started: no session is opened\n              open sessions end when it is 1 hour old\n");
	assert_has(text, "2 being ended; journalctl");
	assert_has(text, "verified      the service is asked again every 5 minutes, by refresh token,");
	assert_has(text, "5 by refresh token, 1 by");
	assert_has(text, "2 refresh tokens of the service's cannot be used");
	assert_has(text, "2 log-ins without an answer, the oldest verified 5 minutes ago;");
	assert_has(text, "not ended     alice@acme: 1 process cannot be ended and is tried again; 4711\n              (tar, state D, uid 2013265921); id 0123456789abcdef\n");
	assert_has(text, "not ended     globex: 2 processes cannot be ended and are tried again; 4712");
	assert_has(text, "waits         globex: 40 of 50 people are not in the directory any more; first\n              missed 5 minutes ago; b2bctl approve globex\n");
	assert_has(text, "4 of 4 people");
	assert_has(text, "approved,");
	assert_has(text, "closed        alice@acme, by root 5 minutes ago: Laptop ?[2J stolen\n");
	assert_has(text, "closed        every partner, by root 5 minutes ago: Break-in\n");
	assert_has(text, "distrusted    the key k1, by uid 4000000000 5 minutes ago\n");
	assert_has(text, "revocations   none yet\n");
	free(text);
}

static int show_orgs(FILE *out, const json_t *json, int64_t now_s)
{
	(void)now_s;
	return b2b_ctl_show_orgs(out, json);
}

static void prints_tables_that_fit(void **state)
{
	char *text = shown("{\"organisations\":[{\"alias\":\"acme\",\"id\":\"42c3e9\",\"parent\":null,\"state\":\"active\",\"open\":true,\"range\":[2013265920,2013331455],"
	                   "\"people\":1000000,\"sessions\":4,\"services\":[\"sshd\",\"sudo\",\"a-very-long-service-name-indeed\"],\"roles\":[\"dba\",\"operator\",\"another-role\"]},"
	                   "{\"alias\":\"emea.acme\",\"id\":\"7be10a\",\"parent\":\"acme\",\"state\":\"active\",\"open\":false,\"range\":[2013331456,2013396991],"
	                   "\"people\":1,\"sessions\":0,\"services\":[],\"roles\":[]}]}",
	                   show_orgs);

	(void)state;
	assert_fits(text);
	assert_has(text, "ORGANISATION  STATE    PEOPLE  SESSIONS  FIRST ID    SERVICES  ");
	assert_has(text, "acme          active  1000000         4  0x78000000  ");
	assert_has(text, "emea.acme     closed        1         0  0x78010000  -");
	assert_has(text, "~");
	free(text);
	text = shown("{\"users\":[{\"name\":\"alice@acme\",\"uid\":2013265921,\"organisation\":\"acme\",\"state\":\"active\",\"open\":true,\"reason\":\"ok\",\"roles\":[\"dba\",\"op\"],\"sessions\":2},"
	             "{\"name\":\"bob@acme\",\"uid\":2013265922,\"organisation\":\"acme\",\"state\":\"suspended\",\"open\":false,\"reason\":\"user-suspended\",\"roles\":[],\"sessions\":0}]}",
	             b2b_ctl_show_users);
	assert_string_equal(text, "NAME               UID  STATE      ACCESS          SESSIONS  ROLES\n"
	                          "alice@acme  2013265921  active     open                   2  dba op\n"
	                          "bob@acme    2013265922  suspended  user-suspended         0  -\n");
	free(text);
	text = shown("{\"sessions\":[{\"user\":\"abcdefghijklmnopqrstuvw@emea.acme\",\"uid\":2013265921,\"organisation\":\"acme\",\"service\":\"sshd\",\"pid\":4194303,\"tty\":\"\","
	             "\"from\":\"2001:db8:1234:5678:9abc:def0:\\n1234:5678\",\"opened_s\":1799996400,\"ends_s\":1800003600,\"authenticated\":true,\"acr\":\"urn:example:acr:strong\",\"audit_id\":\"0\"},"
	             "{\"user\":\"al@acme\",\"uid\":1,\"organisation\":\"acme\",\"service\":\"sudo\",\"pid\":5,\"tty\":\"pts/3\",\"from\":\"host\",\"opened_s\":1799999999,\"ends_s\":0,"
	             "\"authenticated\":false,\"acr\":\"\",\"audit_id\":\"1\"}]}",
	             b2b_ctl_show_sessions);
	assert_fits(text);
	assert_has(text, "  1 hour    1 hour   urn:");
	assert_has(text, "  1 second  -        key\n");
	free(text);
}

static void says_it_where_there_is_nothing(void **state)
{
	char *text = shown("{\"sessions\":[]}", b2b_ctl_show_sessions);

	(void)state;
	assert_string_equal(text, "No partner is logged in.\n");
	free(text);
}

static void tells_ages_in_words(void **state)
{
	char buf[B2B_AGE_SIZE];

	(void)state;
	assert_string_equal(b2b_ctl_ago(0, NOW, buf), "never");
	assert_string_equal(b2b_ctl_ago(NOW, NOW, buf), "just now");
	assert_string_equal(b2b_ctl_ago(NOW + 5, NOW, buf), "just now");
	assert_string_equal(b2b_ctl_ago(NOW - 1, NOW, buf), "1 second ago");
	assert_string_equal(b2b_ctl_ago(NOW - 119, NOW, buf), "1 minute ago");
	assert_string_equal(b2b_ctl_ago(NOW - 7200, NOW, buf), "2 hours ago");
	assert_string_equal(b2b_ctl_ago(1, INT64_MAX, buf), "106751991167300 days ago");
}

/* ---- asking ---- */

struct answer {
	const char *text;
	int32_t reason;
	size_t piece;  /* bytes in a packet */
	bool cut;      /* go away in the middle */
	int listen_fd;
	struct b2b_ask_control asked;
};

static void say(int fd, const void *text, size_t len, int32_t reason, bool final)
{
	struct {
		struct b2b_packet_head head;
		struct b2b_say_text body;
	} *packet = calloc(1, sizeof(*packet));

	packet->head = (struct b2b_packet_head){ B2B_PROTO_VERSION, B2B_SAY_TEXT, sizeof(packet->body) };
	packet->body.reason = reason;
	packet->body.final = final;
	packet->body.length = (uint32_t)len;
	memcpy(packet->body.text, text, len);
	send(fd, packet, sizeof(*packet), MSG_NOSIGNAL);
	free(packet);
}

static void *agent(void *arg)
{
	struct answer *answer = arg;
	struct {
		struct b2b_packet_head head;
		struct b2b_ask_control body;
	} ask;
	size_t len = strlen(answer->text), at = 0;
	int fd = accept(answer->listen_fd, NULL, NULL);

	if (recv(fd, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask))
		answer->asked = ask.body;
	while (at < len && !(answer->cut && at > 0)) {
		size_t n = len - at < answer->piece ? len - at : answer->piece;

		say(fd, answer->text + at, n, answer->reason, at + n == len);
		at += n;
	}
	close(fd);
	return NULL;
}

#define WORD(text) ((char *)(uintptr_t)(text))

static struct ctl_result run_with(struct answer *answer, const char *verb, const char *operand, const char *option)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = B2B_SOCKET_PATH };
	char *argv[5] = { WORD("b2bctl"), WORD(verb) };
	struct ctl_result result;
	pthread_t thread;
	int n = 2;

	if (operand)
		argv[n++] = WORD(operand);
	if (option)
		argv[n++] = WORD(option);
	answer->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	unlink(B2B_SOCKET_PATH);
	assert_int_equal(bind(answer->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(answer->listen_fd, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, agent, answer), 0);
	result = ctl_run(argv);
	pthread_join(thread, NULL);
	close(answer->listen_fd);
	unlink(B2B_SOCKET_PATH);
	return result;
}

static bool run_is_ours; /* /run of our own, so that the agent's place is not a real one's */

static int own_run(void **state)
{
	(void)state;
	run_is_ours = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	              mount("run", "/run", "tmpfs", 0, "mode=755") == 0 && mkdir(B2B_RUN_DIR, 0755) == 0 && chmod(B2B_RUN_DIR, 0755) == 0;
	return 0;
}

static void puts_pieces_together(void **state)
{
	struct answer answer = { .text = status_well, .piece = 100 };
	struct ctl_result result;

	(void)state;
	if (!run_is_ours)
		skip();
	result = run_with(&answer, "status", NULL, NULL);
	assert_int_equal(result.code, B2B_CTL_OK);
	assert_has(result.out, "federation    ready");
	assert_has(result.out, "\nhost          ");
	assert_string_equal(result.err, "");
	assert_string_equal(answer.asked.verb, "status");
	assert_string_equal(answer.asked.argument, "");
	ctl_result_free(&result);
	result = run_with(&answer, "status", NULL, "--json");
	assert_int_equal(result.code, B2B_CTL_OK);
	/* what b2bd said, whole, and what doctor found here */
	assert_memory_equal(result.out, status_well, strlen(status_well) - 1);
	assert_int_equal(strncmp(result.out + strlen(status_well) - 1, ",\"host\":{\"checks\":[{", 20), 0);
	ctl_result_free(&result);
}

static void asks_about_one_organisation(void **state)
{
	struct answer answer = { .text = "{\"users\":[]}", .piece = 8192 };
	struct ctl_result result;

	(void)state;
	if (!run_is_ours)
		skip();
	result = run_with(&answer, "users", "emea.acme", NULL);
	assert_int_equal(result.code, B2B_CTL_OK);
	assert_string_equal(answer.asked.verb, "users");
	assert_string_equal(answer.asked.argument, "emea.acme");
	ctl_result_free(&result);
}

static void tells_a_refusal(void **state)
{
	struct answer answer = { .text = "{\"error\":{\"code\":\"org-unknown\",\"text\":\"Your organisation has no access to this host.\"}}", .piece = 8192,
	                         .reason = B2B_ORG_UNKNOWN };
	struct answer not_root = { .text = "{\"error\":{\"code\":\"not-root\",\"text\":\"Only root may ask for this.\"}}", .piece = 8192, .reason = B2B_NOT_ROOT };
	struct ctl_result result;

	(void)state;
	if (!run_is_ours)
		skip();
	result = run_with(&answer, "users", "nobody", NULL);
	assert_int_equal(result.code, B2B_CTL_FAILED);
	assert_string_equal(result.err, "b2bctl: there is no organisation nobody on this host; b2bctl orgs lists them\n");
	ctl_result_free(&result);
	result = run_with(&not_root, "sync", NULL, NULL);
	assert_int_equal(result.code, B2B_CTL_FAILED);
	assert_string_equal(result.err, "b2bctl: Only root may ask for this.\n");
	assert_string_equal(result.out, "");
	ctl_result_free(&result);
	result = run_with(&not_root, "sync", NULL, "--json");
	assert_int_equal(result.code, B2B_CTL_FAILED);
	assert_has(result.out, "\"code\":\"not-root\"");
	ctl_result_free(&result);
}

static void refuses_what_is_no_answer(void **state)
{
	static const char *const bad[] = { "{\"users\":", "[]", "{\"users\":7}", "\xff" };
	struct answer cut = { .text = status_well, .piece = 100, .cut = true };
	struct ctl_result result;

	(void)state;
	if (!run_is_ours)
		skip();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct answer answer = { .text = bad[i], .piece = 8192 };

		result = run_with(&answer, "users", NULL, NULL);
		assert_int_equal(result.code, B2B_CTL_FAILED);
		assert_has(result.err, "cannot be read");
		ctl_result_free(&result);
	}
	result = run_with(&cut, "status", NULL, NULL);
	assert_int_equal(result.code, B2B_CTL_NO_AGENT);
	assert_string_equal(result.out, "");
	ctl_result_free(&result);
}

static void says_that_there_is_no_agent(void **state)
{
	struct ctl_result result;

	(void)state;
	if (!run_is_ours)
		skip();
	result = CTL_RUN(WORD("status"));
	assert_int_equal(result.code, B2B_CTL_NO_AGENT);
	assert_has(result.err, "b2bd is not running: no partner can log in");
	assert_has(result.err, "systemctl start b2bd");
	ctl_result_free(&result);
	result = CTL_RUN(WORD("status"), WORD("--json"));
	assert_int_equal(result.code, B2B_CTL_NO_AGENT);
	assert_has(result.out, "{\"error\":{\"code\":\"agent-down\"");
	assert_string_equal(result.err, "");
	ctl_result_free(&result);
	chmod(B2B_RUN_DIR, 0777);
	result = CTL_RUN(WORD("status"));
	chmod(B2B_RUN_DIR, 0755);
	assert_int_equal(result.code, B2B_CTL_NO_AGENT);
	assert_has(result.err, "cannot be trusted");
	ctl_result_free(&result);
}

static void judges_the_command_line(void **state)
{
	static const char *const wrong[][4] = {
		{ "status", "x" }, { "bogus" }, { "policy" }, { "policy", "bogus" }, { "org", "add" }, { "users", "a", "b" }, { "--bogus" }, { "status", "--conf" },
		{ "policy", "check", "--json" }, { "status", "--write" }, { "orgs", "--id", "x" },
		{ "revoke", "user", "alice@acme" }, { "revoke", "user", "--reason", "x" }, { "revoke", "alice@acme" }, { "close", "--reason", "x" },
		{ "close", "--all" }, { "close", "--all", "--reason", "" }, { "open" }, { "status", "--reason", "x" }, { "reinstate", "user", "a@b", "--all" },
		{ "approve" }, { "approve", "acme", "--list" }, { "distrust", "key" }, { "status", "--list" },
	};
	struct ctl_result result;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		result = CTL_RUN(WORD(wrong[i][0]), WORD(wrong[i][1]), WORD(wrong[i][2]), WORD(wrong[i][3]));
		assert_int_equal(result.code, B2B_CTL_USAGE);
		assert_int_equal(strncmp(result.err, "b2bctl: ", 8) && strncmp(result.err, "usage: ", 7), 0);
		assert_string_equal(result.out, "");
		ctl_result_free(&result);
	}
	result = CTL_RUN(WORD("--help"));
	assert_int_equal(result.code, B2B_CTL_OK);
	assert_has(result.out, "policy apply");
	ctl_result_free(&result);
	result = CTL_RUN(WORD("--version"));
	assert_int_equal(strncmp(result.out, "b2bctl ", 7), 0);
	ctl_result_free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_that_all_is_well),
		cmocka_unit_test(gives_figures_to_prometheus),
		cmocka_unit_test(tells_what_is_wrong_and_since_when),
		cmocka_unit_test(prints_tables_that_fit),
		cmocka_unit_test(says_it_where_there_is_nothing),
		cmocka_unit_test(tells_ages_in_words),
		cmocka_unit_test(puts_pieces_together),
		cmocka_unit_test(asks_about_one_organisation),
		cmocka_unit_test(tells_a_refusal),
		cmocka_unit_test(refuses_what_is_no_answer),
		cmocka_unit_test(says_that_there_is_no_agent),
		cmocka_unit_test(judges_the_command_line),
	};

	return cmocka_run_group_tests(tests, own_run, NULL);
}
