/*
 * Which OpenSSH calls? The module looks into the program that it runs in: this one, which therefore carries a version
 * of OpenSSH's beside the patterns of its list of peers.
 */
#include <errno.h>
#include <security/pam_appl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/live.h"
#include "common/proto.h"
#include "common/reason.h"
#include "common/session_record.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"
#include "tests/support/scripted_agent.h"

#define CACHE "/var/lib/b2b/cache"
#define ALICE (FIXTURE_LO(FIXTURE_ACME) + 1)

/* Kept in the binary as they stand in sshd's: each a string of its own. */
__attribute__((used)) static const char before[] = "\0OpenSSH_6.5*,OpenSSH_6.6*";
__attribute__((used)) static const char version[] = "\0OpenSSH_10.3p1 Debian-1";

static int styles[4], n_styles;

static int converse(int n, const struct pam_message **messages, struct pam_response **ret, void *arg)
{
	(void)arg;
	*ret = calloc((size_t)n, sizeof(**ret));
	for (int i = 0; i < n && n_styles < 4; i++)
		styles[n_styles++] = messages[i]->msg_style;
	return PAM_SUCCESS;
}

static struct fixture fixture;
static char confdir[SCRATCH_SIZE], module[4096];

static int set_up(void **state)
{
	static struct nss_module nss;

	(void)state;
	fixture_start(&fixture, CACHE);
	nss_module_load(&nss);
	nss_module_configure();
	scratch_make(confdir);
	machine_built(module, sizeof(module), "pam_b2b.so");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove(confdir);
	fixture_stop(&fixture);
	return 0;
}

static const char *options = ""; /* of the module, for authentication */

/* SERVICE, in whose connection sshd says AUTH_INFO (NULL: nothing). */
static pam_handle_t *begin(const char *service, const char *auth_info)
{
	static const struct pam_conv conversation = { .conv = converse };
	char path[SCRATCH_SIZE], text[8192];
	pam_handle_t *pamh = NULL;

	n_styles = 0;
	scratch_path(path, confdir, service);
	scratch_write(path, text, (size_t)snprintf(text, sizeof(text), "auth required %s %s\nsession required %s\n", module, options, module), 0644);
	assert_int_equal(pam_start_confdir(service, "alice@acme", &conversation, confdir, &pamh), PAM_SUCCESS);
	if (auth_info)
		assert_int_equal(pam_putenv(pamh, auth_info), PAM_SUCCESS);
	unlink(path);
	return pamh;
}

/* To an agent that plays STEPS. Returns PAM's code, -1 where they were not played to their end. */
static int log_in(const char *service, const char *auth_info, const struct scripted_step *steps, size_t n)
{
	pid_t agent = n ? scripted_agent_start(steps, n) : 0;
	pam_handle_t *pamh = begin(service, auth_info);
	int code = pam_authenticate(pamh, 0);

	assert_int_equal(pam_getenv(pamh, "B2B_TICKET") != NULL, code == PAM_SUCCESS);
	pam_end(pamh, PAM_SUCCESS);
	return agent && scripted_agent_end(agent) != 0 ? -1 : code;
}

/* A session, after a log-in where TICKET is not NULL, to an agent to which it must go as OPEN says. Returns PAM's code. */
static int open_session(const char *service, const char *auth_info, const char *ticket, struct scripted_step open)
{
	const struct scripted_step steps[] = { open, { .want = B2B_ASK_CLOSE, .type = B2B_SAY_DECISION } };
	pid_t agent = scripted_agent_start(steps, open.reason == B2B_OK ? 2 : 1);
	pam_handle_t *pamh = begin(service, auth_info);
	int code;

	if (ticket)
		assert_int_equal(pam_putenv(pamh, ticket), PAM_SUCCESS);
	code = pam_open_session(pamh, 0);
	if (code == PAM_SUCCESS)
		assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, PAM_SUCCESS);
	assert_int_equal(scripted_agent_end(agent), 0);
	return code;
}

#define ASKED                                                                                                                     \
	{ .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT }, { .type = B2B_SAY_PROMPT, .text = "where\n" },                                \
	{                                                                                                                          \
		.want = B2B_ASK_RESULT, .type = B2B_SAY_DECISION, .uid = ALICE                                                     \
	}
static const struct scripted_step asked[] = { ASKED };

static void from_10_3_on_sshd_needs_no_enter(void **state)
{
	(void)state;
	if (machine_valgrind())
		skip(); /* the program that runs is valgrind */
	assert_int_equal(log_in("sshd", NULL, asked, 3), PAM_SUCCESS);
	assert_int_equal(n_styles, 1);
	assert_int_equal(styles[0], PAM_TEXT_INFO);
}

#define KEY "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n"

static void who_has_shown_a_key_and_logged_in_not_long_ago_is_asked_nothing(void **state)
{
	static const struct scripted_step recent[] = { { .want = B2B_ASK_RECENT, .type = B2B_SAY_DECISION, .uid = ALICE } };
	static const struct scripted_step second[] = {
		{ .want = B2B_ASK_RECENT, .type = B2B_SAY_DECISION, .reason = B2B_AUTH_NONE },
		{ .want = B2B_ASK_RECENT, .type = B2B_SAY_DECISION, .uid = ALICE },
	};

	(void)state;
	assert_int_equal(log_in("sshd", KEY, recent, 1), PAM_SUCCESS);
	assert_int_equal(n_styles, 0);
	assert_int_equal(log_in("sshd", "SSH_AUTH_INFO_0=publickey ssh-rsa BB\nhostbased x\npublickey ssh-ed25519 AAAA", second, 2), PAM_SUCCESS);
	assert_int_equal(n_styles, 0);
}

/* Whatever the agent says to it but yes, about this very person. */
static void else_they_are_asked_as_ever(void **state)
{
	static const struct scripted_step no[] = { { .want = B2B_ASK_RECENT, .type = B2B_SAY_DECISION, .reason = B2B_AUTH_AGE }, ASKED };
	static const struct scripted_step other[] = { { .want = B2B_ASK_RECENT, .type = B2B_SAY_DECISION, .uid = ALICE + 1 }, ASKED };
	static const struct scripted_step older[] = { { .want = B2B_ASK_RECENT, .how = SCRIPTED_HANG_UP }, ASKED };

	(void)state;
	assert_int_equal(log_in("sshd", KEY, no, 4), PAM_SUCCESS);
	assert_int_equal(n_styles, 1);
	assert_int_equal(log_in("sshd", KEY, other, 4), PAM_SUCCESS);
	assert_int_equal(n_styles, 1);
	assert_int_equal(log_in("sshd", KEY, older, 4), PAM_SUCCESS);
	assert_int_equal(n_styles, 1);
}

static void without_a_key_and_elsewhere_it_is_no_question(void **state)
{
	char large[5000] = "SSH_AUTH_INFO_0=publickey ";

	(void)state;
	memset(large + strlen(large), 'A', sizeof(large) - strlen(large) - 1);
	large[sizeof(large) - 1] = '\0';
	assert_int_equal(log_in("sshd", "SSH_AUTH_INFO_0=", asked, 3), PAM_SUCCESS);
	assert_int_equal(log_in("sshd", "SSH_AUTH_INFO_0=hostbased ssh-ed25519 AAAA\n", asked, 3), PAM_SUCCESS);
	assert_int_equal(log_in("sshd", large, asked, 3), PAM_SUCCESS);
	assert_int_equal(log_in("sudo", KEY, asked, 3), PAM_SUCCESS);
}

static void who_is_revoked_does_not_get_round_it(void **state)
{
	static const struct scripted_step recent[] = { { .want = B2B_ASK_RECENT, .type = B2B_SAY_DECISION, .uid = ALICE } };

	(void)state;
	b2b_live_store(fixture.lives[FIXTURE_ACME], ALICE, B2B_LIVE_CLOSED, false);
	assert_int_equal(log_in("sshd", KEY, recent, 1), PAM_AUTH_ERR);
}

/* The keys that sshd took, whatever they are, are told to the agent, which alone knows which of them count. */
static void the_agent_hears_of_the_keys_when_the_session_opens(void **state)
{
	static const struct { const char *service, *auth_info, *keys; } cases[] = {
		{ "sshd", KEY, "ssh-ed25519 AAAA\n" },
		{ "sudo", KEY, "ssh-ed25519 AAAA\n" }, /* an sshd by another name */
		{ "sshd", "SSH_AUTH_INFO_0=publickey ssh-rsa BB\nhostbased ssh-rsa CC\npublickey ssh-ed25519-cert-v01@openssh.com DD",
		  "ssh-rsa BB\nssh-ed25519-cert-v01@openssh.com DD\n" },
		{ "sshd", "SSH_AUTH_INFO_0=", "" },
		{ "sshd", "SSH_AUTH_INFO_0=hostbased ssh-ed25519 AAAA\npassword\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scripted_step open = { .want = B2B_ASK_OPEN_SSH, .type = B2B_SAY_DECISION, .uid = ALICE, .answer = cases[i].keys };

		assert_int_equal(open_session(cases[i].service, cases[i].auth_info, NULL, open), PAM_SUCCESS);
		open.reason = B2B_AUTH_KEY;
		assert_int_equal(open_session(cases[i].service, cases[i].auth_info, NULL, open), PAM_PERM_DENIED);
	}
}

static void a_key_that_is_too_long_is_left_out_whole(void **state)
{
	struct scripted_step open = { .want = B2B_ASK_OPEN_SSH, .type = B2B_SAY_DECISION, .uid = ALICE, .answer = "ssh-ed25519 AAAA\n" };
	char large[B2B_SHOWN_SIZE + 256] = "SSH_AUTH_INFO_0=publickey ssh-rsa ";

	(void)state;
	memset(large + strlen(large), 'B', B2B_SHOWN_SIZE);
	strncat(large, "\npublickey ssh-ed25519 AAAA\n", sizeof(large) - strlen(large) - 1);
	assert_int_equal(open_session("sshd", large, NULL, open), PAM_SUCCESS);
}

static void after_a_log_in_and_elsewhere_it_hears_of_none(void **state)
{
	const struct scripted_step open = { .want = B2B_ASK_OPEN, .type = B2B_SAY_DECISION, .uid = ALICE };

	(void)state;
	assert_int_equal(open_session("sshd", KEY, "B2B_TICKET=" SCRIPTED_TICKET, open), PAM_SUCCESS);
	assert_int_equal(open_session("sudo", NULL, NULL, open), PAM_SUCCESS);
}

static void configure(const char *text)
{
	scratch_write("/etc/ssh/sshd_config", text, strlen(text), 0644);
}

static double age_s(pid_t pid)
{
	uint64_t ticks = 0;

	if (b2b_start_ticks(pid, &ticks) < 0)
		return -1;
	return (double)b2b_now_ns() / (double)B2B_NS_PER_S - (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

struct waiting {
	const char *config, *options;
	unsigned seconds; /* of the connection's age */
	bool from_now;
};

/* In a process that this one has started, as sshd starts one for each connection's PAM. */
static int waits(void *arg)
{
	const struct waiting *waiting = arg;
	unsigned most = waiting->seconds - 1 - (waiting->from_now ? 0 : (unsigned)age_s(getppid()));
	const struct scripted_step steps[] = { { .want = B2B_ASK_AUTH, .type = B2B_SAY_DECISION, .reason = B2B_AUTH_NONE, .most_s = most,
		                                 .least_s = most > 20 ? most - 20 : 1 } };

	options = waiting->options;
	CHECK(log_in("sshd", NULL, steps, 1) == PAM_AUTH_ERR);
	return 0;
}

static void until_a_connection_is_old(double seconds)
{
	while (age_s(getpid()) < seconds)
		usleep(20000);
	fixture_beat(&fixture);
}

/* A second less is told to the agent, see auth.c. What sshd gives a connection counts from its beginning, by this process two seconds ago. */
static void a_login_waits_for_what_login_grace_time_leaves(void **state)
{
	static const struct waiting cases[] = {
		{ "UsePAM yes\n", "", 110, false },
		{ "LoginGraceTime 1m\nLoginGraceTime 20\nMatch User x\nLoginGraceTime 5\n", "", 50, false },
		{ "LoginGraceTime 24\n", "", 16, false },
		{ "LoginGraceTime 24\n", "timeout=300", 16, false },
		{ "LoginGraceTime 24\n", "timeout=9", 9, false },
		{ "LoginGraceTime 600\n", "", 110, false },
		{ "LoginGraceTime 600\n", "timeout=300", 300, false },
		{ "LoginGraceTime 600\n", "timeout=3000", 590, false },
		{ "LoginGraceTime 0\n", "timeout=300", 300, true },
		{ "LoginGraceTime sometime\n", "", 110, false },
		{ "Include /etc/ssh/other\nLoginGraceTime 600\n", "", 40, false },
	};

	(void)state;
	if (machine_valgrind())
		skip(); /* the program that runs is valgrind */
	scratch_write("/etc/ssh/other", "LoginGraceTime=\"50\"\n", 20, 0644);
	until_a_connection_is_old(2.1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		configure(cases[i].config);
		if (machine_child(waits, (void *)(uintptr_t)&cases[i]) != 0)
			fail_msg("case %zu: %s", i, cases[i].config);
	}
	unlink("/etc/ssh/sshd_config");
	assert_int_equal(machine_child(waits, (void *)(uintptr_t)&cases[0]), 0);
}

static int is_over(void *arg)
{
	(void)arg;
	options = "";
	CHECK(log_in("sshd", NULL, NULL, 0) == PAM_AUTH_ERR);
	CHECK(n_styles == 1 && styles[0] == PAM_ERROR_MSG);
	return 0;
}

/* There is time left to say so, and the agent is not asked. */
static void a_connection_that_took_too_long_before_is_told_at_once(void **state)
{
	(void)state;
	if (machine_valgrind())
		skip();
	configure("LoginGraceTime 3\n");
	until_a_connection_is_old(2.1);
	assert_int_equal(machine_child(is_over, NULL), 0);
	unlink("/etc/ssh/sshd_config");
}

/* The method "password" runs PAM in the connection's own process: its parent, the listener, is older than any connection. */
static void a_parent_that_is_older_than_any_connection_is_the_listener(void **state)
{
	static const struct waiting own = { "LoginGraceTime 6\n", "", 4, true };

	(void)state;
	if (machine_valgrind() || !machine_full_counts())
		skip();
	configure(own.config);
	until_a_connection_is_old(11.1);
	assert_int_equal(machine_child(waits, (void *)(uintptr_t)&own), 0);
	unlink("/etc/ssh/sshd_config");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(from_10_3_on_sshd_needs_no_enter),
		TEST(who_has_shown_a_key_and_logged_in_not_long_ago_is_asked_nothing),
		TEST(else_they_are_asked_as_ever),
		TEST(without_a_key_and_elsewhere_it_is_no_question),
		TEST(who_is_revoked_does_not_get_round_it),
		TEST(the_agent_hears_of_the_keys_when_the_session_opens),
		TEST(a_key_that_is_too_long_is_left_out_whole),
		TEST(after_a_log_in_and_elsewhere_it_hears_of_none),
		TEST(a_login_waits_for_what_login_grace_time_leaves),
		TEST(a_connection_that_took_too_long_before_is_told_at_once),
		TEST(a_parent_that_is_older_than_any_connection_is_the_listener),
	};

	machine_private();
	machine_own("/etc");
	if (mkdir("/etc/ssh", 0755) < 0 && errno != EEXIST)
		return 1;
	return cmocka_run_group_tests_name("pam_sshd", tests, NULL, NULL);
}
