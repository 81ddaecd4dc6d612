/* The real pam_b2b.so through libpam: every return code, and what the person gets to see. */
#include <dlfcn.h>
#include <err.h>
#include <link.h>
#include <locale.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/reason.h"
#include "common/session_record.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/next_version.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"
#include "tests/support/scripted_agent.h"

#define CACHE "/var/lib/b2b/cache"
#define IGNORED PAM_CRED_EXPIRED /* what the next module of the test's stack answers */
#define ALICE (FIXTURE_LO(FIXTURE_ACME) + 1)
#define PROMPT "\nLog-in of alice@acme\n\n  1. Open   https://login.example/device\n  2. Enter  WDJB-MJHT\n\n"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct fixture fixture;
static struct nss_module nss;
static char confdir[SCRATCH_SIZE], module[4096];

static const char *typed; /* by the person, where it is not shown; NULL: nothing */

static struct {
	char text[8192]; /* every message: style, colon, text */
	size_t len;
	int prompts;
	bool gone; /* nobody answers */
} screen;

static int converse(int n, const struct pam_message **messages, struct pam_response **ret, void *arg)
{
	(void)arg;
	if (screen.gone)
		return PAM_CONV_ERR;
	*ret = calloc((size_t)n, sizeof(**ret));
	for (int i = 0; i < n; i++) {
		int style = messages[i]->msg_style;

		screen.len += (size_t)snprintf(screen.text + screen.len, sizeof(screen.text) - screen.len, "%d:%s", style, messages[i]->msg);
		if (style != PAM_PROMPT_ECHO_ON && style != PAM_PROMPT_ECHO_OFF)
			continue;
		screen.prompts++;
		(*ret)[i].resp = strdup(style == PAM_PROMPT_ECHO_OFF && typed ? typed : "");
	}
	return PAM_SUCCESS;
}

static void write_service(const char *service, const char *options)
{
	static const char *const types[] = { "auth", "account", "password", "session" };
	char text[8192], path[SCRATCH_SIZE];
	size_t len = 0;

	for (size_t i = 0; i < COUNT(types); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		                        "%s [success=done ignore=ignore default=die] %s %s\n"
		                        "%s required pam_debug.so auth=cred_expired cred=cred_expired acct=cred_expired "
		                        "prechauthtok=cred_expired chauthtok=cred_expired open_session=cred_expired close_session=cred_expired\n",
		                        types[i], module, options, types[i]);
	scratch_path(path, confdir, service);
	scratch_write(path, text, len, 0644);
}

static pam_handle_t *begin(const char *service, const char *user, const char *ruser)
{
	static const struct pam_conv conversation = { .conv = converse };
	pam_handle_t *pamh = NULL;

	memset(&screen, 0, sizeof(screen));
	assert_int_equal(pam_start_confdir(service, user, &conversation, confdir, &pamh), PAM_SUCCESS);
	if (ruser)
		assert_int_equal(pam_set_item(pamh, PAM_RUSER, ruser), PAM_SUCCESS);
	return pamh;
}

static int start(void **state)
{
	(void)state;
	typed = NULL;
	fixture_start(&fixture, CACHE);
	scratch_make(confdir);
	write_service("sshd", "");
	write_service("sudo", "");
	write_service("su", "");
	write_service("enter", "prompt=enter");
	write_service("qr", "qr");
	write_service("odd", "promt=enter");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&fixture);
	scratch_remove(confdir);
	return 0;
}

static int count_record(void *arg, const struct b2b_session_record *record)
{
	uint32_t *uid = arg;

	assert_int_equal(*uid, 0);
	*uid = record->uid;
	assert_int_equal(record->pid, getpid());
	return 0;
}

/* The uid of the one record that is there; 0: none. */
static uint32_t registered(void)
{
	uint32_t uid = 0;

	assert_int_equal(b2b_session_each(count_record, &uid), 0);
	return uid;
}

/* One call without a script, or with one that must be played to its end. */
static int call(int (*function)(pam_handle_t *, int), const char *service, const char *user, const struct scripted_step *steps, size_t n)
{
	pid_t agent = n ? scripted_agent_start(steps, n) : 0;
	pam_handle_t *pamh = begin(service, user, NULL);
	int code = function(pamh, 0);

	pam_end(pamh, code);
	if (agent)
		assert_int_equal(scripted_agent_end(agent), 0);
	return code;
}

static int (*const functions[])(pam_handle_t *, int) = { pam_authenticate, pam_acct_mgmt,     pam_open_session,
	                                                 pam_close_session, pam_setcred,       pam_chauthtok };

static void local_users_are_ignored(void **state)
{
	static const char *const users[] = { "root", "somebody", "alice@nowhere", "alice@", "a-name-that-is-far-longer-than-any-partners@acme" };

	(void)state;
	for (size_t u = 0; u < COUNT(users); u++)
		for (size_t f = 0; f < COUNT(functions); f++)
			assert_int_equal(call(functions[f], "sshd", users[u], NULL, 0), IGNORED);
	assert_int_equal(call(pam_authenticate, "odd", "root", NULL, 0), IGNORED);
}

static void without_a_cache_locals_pass_and_partners_do_not(void **state)
{
	assert_int_equal(unlink(CACHE "/index"), 0);
	assert_int_equal(call(pam_authenticate, "sshd", "root", NULL, 0), IGNORED);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "root", NULL, 0), IGNORED);
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", NULL, 0), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "alice@acme", NULL, 0), PAM_PERM_DENIED);
	assert_int_equal(call(pam_open_session, "sshd", "alice@acme", NULL, 0), PAM_PERM_DENIED);
	assert_non_null(strstr(screen.text, "The partner cache cannot be read"));
	(void)state;
}

static void a_dead_agent_denies(void **state)
{
	(void)state;
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", NULL, 0), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "alice@acme", NULL, 0), PAM_PERM_DENIED);
	assert_int_equal(call(pam_open_session, "sshd", "alice@acme", NULL, 0), PAM_PERM_DENIED);
	assert_ptr_equal(strstr(screen.text, "3:The partner access agent does not answer; tell the host's administrator. (reference "), screen.text);
	assert_int_equal(registered(), 0);
}

static void a_misbehaving_agent_denies_within_two_seconds(void **state)
{
	static const enum scripted_how hows[] = { SCRIPTED_GARBAGE, SCRIPTED_SHORT, SCRIPTED_HANG_UP, SCRIPTED_NOTHING };
	static const struct { int (*function)(pam_handle_t *, int); uint16_t want; int code; } cases[] = {
		{ pam_authenticate, B2B_ASK_AUTH, PAM_AUTHINFO_UNAVAIL },
		{ pam_acct_mgmt, B2B_ASK_ACCOUNT, PAM_PERM_DENIED },
		{ pam_open_session, B2B_ASK_OPEN, PAM_PERM_DENIED },
	};

	(void)state;
	for (size_t c = 0; c < COUNT(cases); c++) {
		for (size_t h = 0; h < COUNT(hows); h++) {
			struct scripted_step step = { .want = cases[c].want, .how = hows[h], .type = B2B_SAY_DECISION, .uid = ALICE };
			uint64_t began = b2b_now_ns();

			assert_int_equal(call(cases[c].function, "sshd", "alice@acme", &step, 1), cases[c].code);
			assert_true(b2b_now_ns() - began < 3 * B2B_NS_PER_S);
			assert_int_equal(registered(), 0);
			fixture_beat(&fixture);
		}
	}
}

static void a_stopped_agent_denies_within_two_seconds(void **state)
{
	struct scripted_step step = { .want = B2B_ASK_ACCOUNT, .type = B2B_SAY_DECISION, .uid = ALICE };
	pid_t agent = scripted_agent_start(&step, 1);
	uint64_t began = b2b_now_ns();

	(void)state;
	assert_int_equal(kill(agent, SIGSTOP), 0);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "alice@acme", NULL, 0), PAM_PERM_DENIED);
	assert_true(b2b_now_ns() - began < 3 * B2B_NS_PER_S);
	kill(agent, SIGCONT);
	scripted_agent_end(agent);
}

static const struct scripted_step good_login[] = {
	{ .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT },
	{ .type = B2B_SAY_PROMPT, .text = PROMPT },
	{ .want = B2B_ASK_RESULT, .type = B2B_SAY_DECISION, .uid = ALICE },
};

static void a_login_shows_one_prompt_and_leaves_a_ticket(void **state)
{
	pid_t agent = scripted_agent_start(good_login, COUNT(good_login));
	pam_handle_t *pamh = begin("sshd", "alice@acme", NULL);

	(void)state;
	assert_int_equal(pam_authenticate(pamh, PAM_SILENT), PAM_SUCCESS);
	assert_string_equal(screen.text, "2:" PROMPT "Press Enter when you have approved: ");
	assert_int_equal(screen.prompts, 1);
	assert_string_equal(pam_getenv(pamh, "B2B_TICKET"), SCRIPTED_TICKET);
	pam_end(pamh, PAM_SUCCESS);
	assert_int_equal(scripted_agent_end(agent), 0);
}

#define QUESTION "\nLog-in of alice@acme\n\nAccess token: "

static void a_token_is_asked_for_without_echo_and_handed_on(void **state)
{
	static const struct scripted_step steps[] = {
		{ .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT },
		{ .type = B2B_SAY_QUESTION, .text = QUESTION },
		{ .want = B2B_ASK_ANSWER, .answer = "a.token", .type = B2B_SAY_WAIT },
		{ .type = B2B_SAY_DECISION, .uid = ALICE },
	};

	(void)state;
	typed = "a.token";
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", steps, COUNT(steps)), PAM_SUCCESS);
	assert_string_equal(screen.text, "1:" QUESTION);
}

static void without_a_token_another_way_follows(void **state)
{
	static const struct scripted_step steps[] = {
		{ .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT },
		{ .type = B2B_SAY_QUESTION, .text = QUESTION },
		{ .want = B2B_ASK_ANSWER, .answer = "", .type = B2B_SAY_WAIT },
		{ .type = B2B_SAY_PROMPT, .text = PROMPT },
		{ .want = B2B_ASK_RESULT, .type = B2B_SAY_DECISION, .uid = ALICE },
	};

	(void)state;
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", steps, COUNT(steps)), PAM_SUCCESS);
	assert_string_equal(screen.text, "1:" QUESTION "2:" PROMPT "Press Enter when you have approved: ");
}

static void a_token_beyond_all_measure_is_not_sent(void **state)
{
	static const struct scripted_step steps[] = {
		{ .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT },
		{ .type = B2B_SAY_QUESTION, .text = QUESTION },
	};
	static char large[B2B_ANSWER_SIZE + 1];

	(void)state;
	memset(large, 'a', B2B_ANSWER_SIZE);
	typed = large;
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", steps, COUNT(steps)), PAM_AUTH_ERR);
	assert_non_null(strstr(screen.text, "use a shorter one or a reference"));
}

static void nobody_is_let_in_who_was_shown_nothing(void **state)
{
	static const struct scripted_step steps[] = {
		{ .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT },
		{ .type = B2B_SAY_WAIT },
		{ .type = B2B_SAY_DECISION, .uid = ALICE },
	};

	(void)state;
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", steps, COUNT(steps)), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(screen.prompts, 0);
}

static void sudo_needs_no_enter(void **state)
{
	(void)state;
	assert_int_equal(call(pam_authenticate, "sudo", "alice@acme", good_login, COUNT(good_login)), PAM_SUCCESS);
	assert_string_equal(screen.text, "4:" PROMPT "Waiting for the approval ...");
	assert_int_equal(screen.prompts, 0);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	struct scripted_step steps[3];

	(void)state;
	memcpy(steps, good_login, sizeof(steps));
	steps[1].text = "a\033[2Jb\xc2\x9b" "c\r\177\nd";
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", steps, 3), PAM_SUCCESS);
	assert_string_equal(screen.text, "2:a[2Jbc\ndPress Enter when you have approved: ");
}

static void every_denial_of_auth_has_its_code_and_text(void **state)
{
	static const struct { int32_t reason; int code; } cases[] = {
		{ B2B_USER_UNKNOWN, PAM_USER_UNKNOWN }, { B2B_USER_SUSPENDED, PAM_AUTH_ERR }, { B2B_ORG_ENDED, PAM_AUTH_ERR },
		{ B2B_SERVICE_DENIED, PAM_AUTH_ERR }, { B2B_STALE, PAM_AUTHINFO_UNAVAIL }, { B2B_SERVICE_DOWN, PAM_AUTHINFO_UNAVAIL },
		{ B2B_AUTH_DENIED, PAM_AUTH_ERR }, { B2B_AUTH_EXPIRED, PAM_AUTH_ERR }, { B2B_AUTH_WRONG_PERSON, PAM_AUTH_ERR },
		{ B2B_AUTH_WRONG_ORG, PAM_AUTH_ERR }, { B2B_AUTH_TOKEN, PAM_AUTH_ERR }, { B2B_AUTH_PENDING, PAM_AUTH_ERR },
		{ B2B_BUSY, PAM_AUTHINFO_UNAVAIL }, { -7, PAM_AUTH_ERR }, { 9999, PAM_AUTH_ERR },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct scripted_step at_once = { .want = B2B_ASK_AUTH, .type = B2B_SAY_DECISION, .reason = cases[i].reason };
		struct scripted_step steps[3];

		memcpy(steps, good_login, sizeof(steps));
		steps[2].reason = cases[i].reason;
		steps[2].uid = 0;
		assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", &at_once, 1), cases[i].code);
		assert_non_null(strstr(screen.text, "(reference " SCRIPTED_ID ")"));
		assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", steps, 3), cases[i].code);
		assert_non_null(strstr(screen.text, "3:"));
		fixture_beat(&fixture);
	}
}

static void success_must_be_about_the_same_person(void **state)
{
	struct scripted_step steps[3], early = { .want = B2B_ASK_AUTH, .type = B2B_SAY_DECISION, .uid = ALICE };
	struct scripted_step account = { .want = B2B_ASK_ACCOUNT, .type = B2B_SAY_DECISION, .uid = ALICE + 1 };

	(void)state;
	memcpy(steps, good_login, sizeof(steps));
	steps[2].uid = ALICE + 1;
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", steps, 3), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", &early, 1), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "alice@acme", &account, 1), PAM_PERM_DENIED);
}

static void withdraw(void *arg)
{
	(void)arg;
	b2b_live_store(fixture.lives[FIXTURE_ACME], ALICE, B2B_LIVE_CLOSED, true);
}

static void withdraw_and_reinstate(void *arg)
{
	withdraw(arg);
	b2b_live_store(fixture.lives[FIXTURE_ACME], ALICE, B2B_LIVE_OPEN, false);
}

static void a_withdrawal_while_the_person_approves_denies(void **state)
{
	struct scripted_step steps[3];

	(void)state;
	memcpy(steps, good_login, sizeof(steps));
	steps[2].before = withdraw;
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", steps, 3), PAM_AUTH_ERR);
}

static void the_cache_closes_what_the_agent_opens(void **state)
{
	struct scripted_step account = { .want = B2B_ASK_ACCOUNT, .type = B2B_SAY_DECISION, .uid = ALICE };

	(void)state;
	assert_int_equal(call(pam_acct_mgmt, "sshd", "alice@acme", &account, 1), PAM_SUCCESS);
	assert_int_equal(call(pam_acct_mgmt, "su", "alice@acme", &account, 1), PAM_PERM_DENIED); /* service not granted */
	withdraw(NULL);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "alice@acme", &account, 1), PAM_PERM_DENIED);
	withdraw_and_reinstate(NULL);
	b2b_live_verified(fixture.lives[FIXTURE_ACME], 0);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "alice@acme", &account, 1), PAM_PERM_DENIED);
	assert_non_null(strstr(screen.text, "has not heard"));
	fixture_beat(&fixture);
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_CLOSED, true);
	account.uid = FIXTURE_LO(FIXTURE_EMEA) + 1;
	assert_int_equal(call(pam_acct_mgmt, "sshd", "bob@emea.acme", &account, 1), PAM_PERM_DENIED); /* a subsidiary */
	b2b_live_beat(fixture.lives[FIXTURE_GLOBEX], 1);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "erin@globex", NULL, 0), PAM_PERM_DENIED);
}

/* Files of the next version: those that this one understands are judged as ever, others deny partners and nobody else. */
static void newer_files_are_understood_or_deny(void **state)
{
	static const unsigned files[] = { NEXT_INDEX, NEXT_LIVE, NEXT_SNAPSHOT };
	struct scripted_step account = { .want = B2B_ASK_ACCOUNT, .type = B2B_SAY_DECISION, .uid = ALICE };

	next_version(CACHE, "42c3e9", NEXT_ALL, NEXT_SAME_READER);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "alice@acme", &account, 1), PAM_SUCCESS);
	withdraw(NULL);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "alice@acme", &account, 1), PAM_PERM_DENIED);
	for (size_t i = 0; i < COUNT(files); i++) {
		stop(state);
		start(state);
		next_version(CACHE, "42c3e9", files[i], NEXT_ONLY_READER);
		assert_int_equal(call(pam_acct_mgmt, "sshd", "alice@acme", NULL, 0), PAM_PERM_DENIED);
		assert_non_null(strstr(screen.text, "The partner cache cannot be read"));
		assert_int_equal(call(pam_acct_mgmt, "sshd", "root", NULL, 0), IGNORED);
	}
}

static void unknown_and_misspelt_names_start_nothing(void **state)
{
	(void)state;
	assert_int_equal(call(pam_authenticate, "sshd", "nobody@acme", NULL, 0), PAM_USER_UNKNOWN);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "nobody@acme", NULL, 0), PAM_USER_UNKNOWN);
	assert_int_equal(call(pam_acct_mgmt, "sshd", "dba@acme", NULL, 0), PAM_USER_UNKNOWN);
	assert_int_equal(call(pam_authenticate, "sshd", "Alice@Acme", NULL, 0), PAM_USER_UNKNOWN);
	assert_ptr_equal(strstr(screen.text, "3:Your name on this host is alice@acme; log in by exactly that name. (reference "), screen.text);
}

static void open_alice(void *arg)
{
	(void)arg;
	b2b_live_store(fixture.lives[FIXTURE_ACME], ALICE, B2B_LIVE_OPEN, false);
}

/* The program has looked her up before, and has no shell for her. */
static void who_is_opened_by_the_proof_logs_in_once_more(void **state)
{
	static const struct scripted_step steps[] = {
		{ .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT },
		{ .type = B2B_SAY_PROMPT, .text = PROMPT },
		{ .want = B2B_ASK_RESULT, .type = B2B_SAY_DECISION, .uid = ALICE, .before = open_alice },
	};

	(void)state;
	b2b_live_store(fixture.lives[FIXTURE_ACME], ALICE, B2B_LIVE_CLOSED, true);
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", steps, COUNT(steps)), PAM_AUTH_ERR);
	assert_non_null(strstr(screen.text, "log in once more"));
}

/*
 * Who is closed gets no prompt where there is a directory: the agent's refusal comes at once. One that was taken over, whatever it says
 * (also that there is no directory), shows a prompt at most, and that only where nothing but the person's own word is closed.
 */
static void who_is_revoked_never_gets_in(void **state)
{
	static const struct scripted_step honest = { .want = B2B_ASK_AUTH, .type = B2B_SAY_DECISION, .reason = B2B_REVOKED };
	static const struct scripted_step yes = { .want = B2B_ASK_AUTH, .type = B2B_SAY_DECISION, .uid = ALICE };
	static const struct scripted_step unproven[] = { { .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT }, { .type = B2B_SAY_DECISION, .uid = ALICE } };
	static const struct scripted_step waits = { .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT };

	(void)state;
	withdraw(NULL);
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", &honest, 1), PAM_AUTH_ERR);
	assert_null(strstr(screen.text, PROMPT));
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", &yes, 1), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", unproven, 2), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", good_login, 3), PAM_AUTH_ERR);
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", NULL, 0), PAM_AUTHINFO_UNAVAIL); /* nobody at the socket */
	/* More than that is closed: no prompt either, whatever the agent would say next. */
	assert_int_equal(call(pam_authenticate, "su", "alice@acme", &waits, 1), PAM_AUTH_ERR); /* service not granted */
	b2b_live_verified(fixture.lives[FIXTURE_ACME], 0);
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", &waits, 1), PAM_AUTHINFO_UNAVAIL);
	assert_non_null(strstr(screen.text, "has not heard"));
	fixture_beat(&fixture);
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_CLOSED, true);
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", &waits, 1), PAM_AUTH_ERR);
	b2b_live_beat(fixture.lives[FIXTURE_ACME], 1); /* no sign of life: not even asked */
	assert_int_equal(call(pam_authenticate, "sshd", "alice@acme", NULL, 0), PAM_AUTHINFO_UNAVAIL);
}

static void an_unknown_option_denies_partners(void **state)
{
	(void)state;
	assert_int_equal(call(pam_authenticate, "odd", "alice@acme", NULL, 0), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(call(pam_acct_mgmt, "odd", "alice@acme", NULL, 0), PAM_PERM_DENIED);
	assert_int_equal(call(pam_open_session, "odd", "alice@acme", NULL, 0), PAM_PERM_DENIED);
}

/* A picture in UTF-8 is only sent where it will be seen: sshd's own locale says nothing about its client's. */
static void utf8_is_claimed_where_it_is_known(void **state)
{
	static const struct { const char *service, *locale; bool claimed; } cases[] = {
		{ "su", "C.UTF-8", true }, { "su", "C", false },      { "sshd", "C.UTF-8", false },
		{ "sshd", "C", false },    { "qr", "C", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct scripted_step step = { .want = B2B_ASK_AUTH, .type = B2B_SAY_DECISION, .reason = B2B_REVOKED, .can = B2B_CAN_ANSWER };

		*(cases[i].claimed ? &step.can : &step.cannot) |= B2B_CAN_UTF8;
		assert_non_null(setlocale(LC_CTYPE, cases[i].locale));
		assert_int_equal(call(pam_authenticate, cases[i].service, "alice@acme", &step, 1), PAM_AUTH_ERR);
	}
	setlocale(LC_CTYPE, "C");
}

static void account_tells_denials_apart(void **state)
{
	static const struct { int32_t reason; int code; } cases[] = {
		{ B2B_USER_UNKNOWN, PAM_USER_UNKNOWN }, { B2B_USER_SUSPENDED, PAM_PERM_DENIED }, { B2B_USER_REMOVED, PAM_ACCT_EXPIRED },
		{ B2B_USER_WINDOW, PAM_ACCT_EXPIRED }, { B2B_ORG_ENDED, PAM_ACCT_EXPIRED }, { B2B_ORG_SUSPENDED, PAM_PERM_DENIED },
		{ B2B_AUTH_NONE, PAM_PERM_DENIED }, { B2B_ASSURANCE, PAM_PERM_DENIED }, { B2B_REVOKED, PAM_PERM_DENIED }, { -1, PAM_PERM_DENIED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct scripted_step step = { .want = B2B_ASK_ACCOUNT, .type = B2B_SAY_DECISION, .reason = cases[i].reason, .text = "Why\033 not." };

		assert_int_equal(call(pam_acct_mgmt, "sshd", "alice@acme", &step, 1), cases[i].code);
		assert_string_equal(screen.text, "3:Why not. (reference " SCRIPTED_ID ")");
	}
}

/* sudo's time stamp skips auth: only who forgets it can authenticate again. Where auth came first, and elsewhere, the agent's word stands. */
static void an_old_log_in_under_a_time_stamp_says_what_to_do(void **state)
{
	static const struct { const char *service, *ticket; int32_t reason; bool advised; } cases[] = {
		{ "sudo", NULL, B2B_AUTH_AGE, true },
		{ "sudo", "B2B_TICKET=" SCRIPTED_TICKET, B2B_AUTH_AGE, false },
		{ "sudo", NULL, B2B_ASSURANCE, false },
		{ "sshd", NULL, B2B_AUTH_AGE, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct scripted_step step = { .want = B2B_ASK_ACCOUNT, .type = B2B_SAY_DECISION, .reason = cases[i].reason, .text = "Why not." };
		pid_t agent = scripted_agent_start(&step, 1);
		pam_handle_t *pamh = begin(cases[i].service, "alice@acme", NULL);

		if (cases[i].ticket)
			assert_int_equal(pam_putenv(pamh, cases[i].ticket), PAM_SUCCESS);
		assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
		pam_end(pamh, PAM_PERM_DENIED);
		assert_int_equal(scripted_agent_end(agent), 0);
		assert_string_equal(screen.text, cases[i].advised ? "3:Your authentication is too old for this service; run sudo -k, then try again. "
		                                                    "(reference " SCRIPTED_ID ")"
		                                                  : "3:Why not. (reference " SCRIPTED_ID ")");
	}
}

static const struct scripted_step good_session[] = {
	{ .want = B2B_ASK_ACCOUNT, .type = B2B_SAY_DECISION, .uid = ALICE },
	{ .want = B2B_ASK_OPEN, .type = B2B_SAY_DECISION, .uid = ALICE },
	{ .want = B2B_ASK_CLOSE, .type = B2B_SAY_DECISION },
};

static void a_session_is_registered_while_it_lasts(void **state)
{
	pid_t agent = scripted_agent_start(good_session, COUNT(good_session));
	pam_handle_t *pamh = begin("sshd", "alice@acme", NULL);

	(void)state;
	assert_int_equal(pam_putenv(pamh, "B2B_TICKET=" SCRIPTED_TICKET), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(registered(), ALICE);
	assert_null(pam_getenv(pamh, "B2B_TICKET"));
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(registered(), 0);
	pam_end(pamh, PAM_SUCCESS);
	assert_int_equal(scripted_agent_end(agent), 0);
}

static uint64_t closing_ns(void)
{
	static const struct scripted_step mute[] = {
		{ .want = B2B_ASK_ACCOUNT, .type = B2B_SAY_DECISION, .uid = ALICE },
		{ .want = B2B_ASK_OPEN, .type = B2B_SAY_DECISION, .uid = ALICE },
		{ .want = B2B_ASK_CLOSE, .how = SCRIPTED_NOTHING },
	};
	pid_t agent = scripted_agent_start(mute, COUNT(mute));
	pam_handle_t *pamh = begin("sshd", "alice@acme", NULL);
	uint64_t began_ns;

	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	began_ns = b2b_now_ns();
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	began_ns = b2b_now_ns() - began_ns;
	assert_int_equal(registered(), 0);
	pam_end(pamh, PAM_SUCCESS);
	assert_int_equal(scripted_agent_end(agent), 0);
	return began_ns;
}

/* Who waits for an answer waits for the limit, a second, each time; a busy machine does not make each of three as long. */
static void closing_waits_for_no_answer(void **state)
{
	uint64_t least_ns = UINT64_MAX;

	(void)state;
	for (int i = 0; i < 3 && least_ns >= B2B_NS_PER_S; i++) {
		uint64_t took_ns = closing_ns();

		if (took_ns < least_ns)
			least_ns = took_ns;
	}
	assert_true(least_ns < B2B_NS_PER_S);
}

/* sudo's way: authenticated and decided as themself, then PAM_USER becomes the target. */
static void sudo_to_root_is_the_partners_session(void **state)
{
	pid_t agent = scripted_agent_start(good_session, COUNT(good_session));
	pam_handle_t *pamh = begin("sudo", "alice@acme", "alice@acme");

	(void)state;
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_USER, "root"), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(registered(), ALICE);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(registered(), 0);
	pam_end(pamh, PAM_SUCCESS);
	assert_int_equal(scripted_agent_end(agent), 0);
}

/* su's way: a local password decided, the session is still the partner's; a withdrawn partner gets none. */
static void su_to_a_local_account_is_the_partners_session(void **state)
{
	pam_handle_t *pamh = begin("su", "root", "alice@acme");

	(void)state;
	assert_int_equal(pam_authenticate(pamh, 0), IGNORED);
	assert_int_equal(pam_acct_mgmt(pamh, 0), IGNORED);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(registered(), ALICE);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(registered(), 0);
	withdraw(NULL);
	assert_int_equal(pam_open_session(pamh, 0), PAM_PERM_DENIED);
	assert_int_equal(registered(), 0);
	pam_end(pamh, PAM_SUCCESS);
}

/* A revocation between account and the first process, undone meanwhile or not; before and after the record is there. */
static void a_withdrawal_after_account_denies_the_session(void **state)
{
	static const struct { int at; void (*before)(void *); } cases[] = {
		{ 0, withdraw_and_reinstate }, { 1, withdraw_and_reinstate }, { 1, withdraw },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct scripted_step steps[3];
		pam_handle_t *pamh;
		pid_t agent;

		memcpy(steps, good_session, sizeof(steps));
		if (cases[i].at == 1)
			steps[1].before = cases[i].before;
		agent = scripted_agent_start(steps, cases[i].at == 0 ? 1 : 3);
		pamh = begin("sshd", "alice@acme", NULL);
		assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
		if (cases[i].at == 0)
			cases[i].before(NULL);
		assert_int_equal(pam_open_session(pamh, 0), PAM_PERM_DENIED);
		assert_non_null(strstr(screen.text, "Your access has just been withdrawn."));
		assert_int_equal(registered(), 0);
		pam_end(pamh, PAM_SUCCESS);
		assert_int_equal(scripted_agent_end(agent), 0);
		stop(state);
		start(state);
	}
}

static int without_root_body(void *arg)
{
	(void)arg;
	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 1;
	return call(pam_authenticate, "sshd", "alice@acme", NULL, 0) != PAM_CRED_INSUFFICIENT ||
	       call(pam_acct_mgmt, "sshd", "alice@acme", NULL, 0) != PAM_PERM_DENIED ||
	       call(pam_open_session, "sshd", "alice@acme", NULL, 0) != PAM_PERM_DENIED ||
	       call(pam_authenticate, "sshd", "root", NULL, 0) != IGNORED;
}

static void without_root_partners_are_denied(void **state)
{
	(void)state;
	assert_int_equal(machine_child(without_root_body, NULL), 0);
}

static void nobody_at_the_terminal_cancels(void **state)
{
	static const struct scripted_step steps[] = { { .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT },
		                                      { .type = B2B_SAY_PROMPT, .text = PROMPT },
		                                      { .how = SCRIPTED_NOTHING } };
	pid_t agent = scripted_agent_start(steps, COUNT(steps));
	pam_handle_t *pamh = begin("sshd", "alice@acme", NULL);

	(void)state;
	screen.gone = true;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	pam_end(pamh, PAM_AUTH_ERR);
	assert_int_equal(scripted_agent_end(agent), 0); /* it saw the connection end */
}

static void passwords_and_credentials(void **state)
{
	(void)state;
	assert_int_equal(call(pam_setcred, "sshd", "alice@acme", NULL, 0), PAM_SUCCESS);
	assert_int_equal(call(pam_chauthtok, "sshd", "alice@acme", NULL, 0), PAM_PERM_DENIED);
	assert_string_equal(screen.text, "3:This host holds no password of alice@acme; change it where you approve your log-ins.");
}

static void it_exports_the_six_and_needs_two_libraries(void **state)
{
	static const char *const functions_of_pam[] = { "pam_sm_authenticate", "pam_sm_setcred",       "pam_sm_acct_mgmt",
		                                        "pam_sm_open_session", "pam_sm_close_session", "pam_sm_chauthtok" };
	void *handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	struct link_map *map = NULL;
	const char *strings = NULL;

	(void)state;
	assert_non_null(handle);
	for (size_t i = 0; i < COUNT(functions_of_pam); i++)
		assert_non_null(dlsym(handle, functions_of_pam[i]));
	assert_null(dlsym(handle, "b2b_agent_connect"));
	assert_null(dlsym(handle, "b2b_call_begin"));
	assert_int_equal(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
	for (const ElfW(Dyn) *dyn = map->l_ld; dyn->d_tag != DT_NULL; dyn++)
		if (dyn->d_tag == DT_STRTAB)
			strings = (const char *)dyn->d_un.d_ptr;
	for (const ElfW(Dyn) *dyn = map->l_ld; dyn->d_tag != DT_NULL; dyn++) {
		const char *name = strings + dyn->d_un.d_val;

		if (dyn->d_tag == DT_NEEDED)
			assert_true(strcmp(name, "libpam.so.0") == 0 || strcmp(name, "libc.so.6") == 0 || strstr(name, "san.so"));
	}
	dlclose(handle);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(local_users_are_ignored),
		CASE(without_a_cache_locals_pass_and_partners_do_not),
		CASE(a_dead_agent_denies),
		CASE(a_misbehaving_agent_denies_within_two_seconds),
		CASE(a_stopped_agent_denies_within_two_seconds),
		CASE(a_login_shows_one_prompt_and_leaves_a_ticket),
		CASE(a_token_is_asked_for_without_echo_and_handed_on),
		CASE(without_a_token_another_way_follows),
		CASE(a_token_beyond_all_measure_is_not_sent),
		CASE(nobody_is_let_in_who_was_shown_nothing),
		CASE(sudo_needs_no_enter),
		CASE(control_characters_do_not_reach_the_terminal),
		CASE(every_denial_of_auth_has_its_code_and_text),
		CASE(success_must_be_about_the_same_person),
		CASE(a_withdrawal_while_the_person_approves_denies),
		CASE(the_cache_closes_what_the_agent_opens),
		CASE(newer_files_are_understood_or_deny),
		CASE(unknown_and_misspelt_names_start_nothing),
		CASE(who_is_opened_by_the_proof_logs_in_once_more),
		CASE(who_is_revoked_never_gets_in),
		CASE(an_unknown_option_denies_partners),
		CASE(utf8_is_claimed_where_it_is_known),
		CASE(account_tells_denials_apart),
		CASE(an_old_log_in_under_a_time_stamp_says_what_to_do),
		CASE(a_session_is_registered_while_it_lasts),
		CASE(closing_waits_for_no_answer),
		CASE(sudo_to_root_is_the_partners_session),
		CASE(su_to_a_local_account_is_the_partners_session),
		CASE(a_withdrawal_after_account_denies_the_session),
		CASE(without_root_partners_are_denied),
		CASE(nobody_at_the_terminal_cancels),
		CASE(passwords_and_credentials),
		CASE(it_exports_the_six_and_needs_two_libraries),
	};

	machine_private();
	machine_built(module, sizeof(module), "pam_b2b.so");
	machine_reachable(module, sizeof(module));
	nss_module_load(&nss);
	nss_module_configure();
	return cmocka_run_group_tests_name("pam", tests, NULL, NULL);
}
