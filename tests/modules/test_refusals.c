/*
 * The real pam_b2b.so: whoever is refused reads one sentence with a reference, and the log has the reason under the same one. Whatever refuses:
 * the agent, its silence, the cache, or the module itself.
 */
#include <ctype.h>
#include <security/pam_appl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/proto.h"
#include "common/reason.h"
#include "tests/support/fixture.h"
#include "tests/support/log_tap.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"
#include "tests/support/scripted_agent.h"

#define CACHE "/var/lib/b2b/cache"
#define ALICE (FIXTURE_LO(FIXTURE_ACME) + 1)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define REFERENCE " (reference "

static struct fixture fixture;
static char confdir[SCRATCH_SIZE], module[4096];
static char shown[8192]; /* errors and nothing else: prompts are no refusal */
static const char *typed;

static int converse(int n, const struct pam_message **messages, struct pam_response **ret, void *arg)
{
	(void)arg;
	*ret = calloc((size_t)n, sizeof(**ret));
	for (int i = 0; i < n; i++) {
		size_t len = strlen(shown);

		if (messages[i]->msg_style == PAM_ERROR_MSG)
			snprintf(shown + len, sizeof(shown) - len, "%s\n", messages[i]->msg);
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_ON || messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			(*ret)[i].resp = strdup(typed ? typed : "");
	}
	return PAM_SUCCESS;
}

static pam_handle_t *begin(const char *service, const char *user)
{
	static const struct pam_conv conversation = { .conv = converse };
	pam_handle_t *pamh = NULL;

	*shown = '\0';
	log_tap_forget();
	assert_int_equal(pam_start_confdir(service, user, &conversation, confdir, &pamh), PAM_SUCCESS);
	return pamh;
}

static void write_service(const char *service, const char *options)
{
	char path[SCRATCH_SIZE], text[8192];
	int n = snprintf(text, sizeof(text), "auth required %s %s\naccount required %s %s\nsession required %s %s\n", module, options, module, options,
	                 module, options);

	scratch_path(path, confdir, service);
	scratch_write(path, text, (size_t)n, 0644);
}

static int start(void **state)
{
	(void)state;
	typed = NULL;
	fixture_start(&fixture, CACHE);
	scratch_make(confdir);
	write_service("sshd", "");
	write_service("su", "");
	write_service("sudo", "timeout=5");
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

/* What was shown is one sentence with one reference, and a line of the log has CODE for it. */
static bool told(const char *code)
{
	const char *begins = strstr(shown, REFERENCE), *id = begins ? begins + strlen(REFERENCE) : "";
	char line[128];

	if (strspn(id, "0123456789abcdef") != B2B_AUDIT_ID_SIZE - 1 || strcmp(id + B2B_AUDIT_ID_SIZE - 1, ")\n") != 0 || begins == shown ||
	    !isupper((unsigned char)*shown) || begins[-1] != '.') {
		print_error("no sentence with a reference, for %s: %s", code, shown);
		return false;
	}
	snprintf(line, sizeof(line), " reason=%s id=%.*s ", code, B2B_AUDIT_ID_SIZE - 1, id);
	if (!log_tap_line(line))
		print_error("the log lacks \"%s\"\n", line);
	return log_tap_line(line) != NULL;
}

/* Returns whether it is refused and told so, for CODE; the agent plays STEPS to their end. */
static bool refused(int (*function)(pam_handle_t *, int), const char *service, const char *user, const struct scripted_step *steps, size_t n,
                    const char *code)
{
	pid_t agent = n ? scripted_agent_start(steps, n) : 0;
	pam_handle_t *pamh = begin(service, user);
	int result;

	fixture_beat(&fixture);
	result = function(pamh, 0);
	pam_end(pamh, result);
	return (!agent || scripted_agent_end(agent) == 0) && result != PAM_SUCCESS && result != PAM_IGNORE && told(code);
}

static void by_the_agent_for_any_reason(void **state)
{
#define REASON(symbol, number, code, text) B2B_##symbol,
	static const int32_t reasons[] = { B2B_REASONS(REASON) 9999 };
#undef REASON

	(void)state;
	for (size_t i = 1; i < COUNT(reasons); i++) { /* behind B2B_OK */
		struct scripted_step auth = { .want = B2B_ASK_AUTH, .type = B2B_SAY_DECISION, .reason = reasons[i] };
		struct scripted_step account = { .want = B2B_ASK_ACCOUNT, .type = B2B_SAY_DECISION, .reason = reasons[i], .text = "No, not now." };
		struct scripted_step open = { .want = B2B_ASK_OPEN, .type = B2B_SAY_DECISION, .reason = reasons[i] };
		const char *code = b2b_reason_code(reasons[i]);

		assert_true(refused(pam_authenticate, "sshd", "alice@acme", &auth, 1, reasons[i] == B2B_AUTH_PENDING ? "auth-expired" : code));
		assert_true(refused(pam_acct_mgmt, "sshd", "alice@acme", &account, 1, code));
		assert_true(refused(pam_open_session, "sshd", "alice@acme", &open, 1, code));
	}
}

static void by_an_agent_that_is_not_there_or_makes_no_sense(void **state)
{
	static const struct {
		int (*function)(pam_handle_t *, int);
		uint16_t want;
	} calls[] = { { pam_authenticate, B2B_ASK_AUTH }, { pam_acct_mgmt, B2B_ASK_ACCOUNT }, { pam_open_session, B2B_ASK_OPEN } };

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++) {
		struct scripted_step garbage = { .want = calls[i].want, .how = SCRIPTED_GARBAGE };
		struct scripted_step hang_up = { .want = calls[i].want, .how = SCRIPTED_HANG_UP };
		struct scripted_step nothing = { .want = calls[i].want, .how = SCRIPTED_NOTHING };
		struct scripted_step other = { .want = calls[i].want, .type = B2B_SAY_DECISION, .uid = ALICE + 1 };

		assert_true(refused(calls[i].function, "sshd", "alice@acme", NULL, 0, "agent-down"));
		assert_true(refused(calls[i].function, "sshd", "alice@acme", &garbage, 1, "protocol"));
		assert_true(refused(calls[i].function, "sshd", "alice@acme", &hang_up, 1, "agent-down"));
		assert_true(refused(calls[i].function, "sshd", "alice@acme", &other, 1, "protocol"));
		if (i == 0) /* a second; the others two */
			assert_true(refused(calls[i].function, "sshd", "alice@acme", &nothing, 1, "agent-down"));
	}
}

#define PROMPT(...) { .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT }, { .type = B2B_SAY_PROMPT, .text = "Open it\n", __VA_ARGS__ }

static void by_time(void **state)
{
	static const struct scripted_step mute[] = { PROMPT(.lifetime_s = 1), { .want = B2B_ASK_RESULT, .how = SCRIPTED_NOTHING } };
	static const struct scripted_step mute_service[] = { { .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT }, { .how = SCRIPTED_NOTHING } };

	(void)state;
	assert_true(refused(pam_authenticate, "sshd", "alice@acme", mute, COUNT(mute), "auth-expired"));
	if (machine_full_counts())
		assert_true(refused(pam_authenticate, "sudo", "alice@acme", mute_service, COUNT(mute_service), "federation-down"));
}

static void close_words(void *arg)
{
	(void)arg;
	b2b_live_store(fixture.lives[FIXTURE_ACME], ALICE, B2B_LIVE_CLOSED, true);
}

/* Whether the agent has decided or not. */
static void by_the_cache(void **state)
{
	static const struct scripted_step waits = { .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT };
	static const struct scripted_step approved[] = { PROMPT(.lifetime_s = 600),
		                                         { .want = B2B_ASK_RESULT, .type = B2B_SAY_DECISION, .uid = ALICE, .before = close_words } };
	static const struct scripted_step yes = { .want = B2B_ASK_ACCOUNT, .type = B2B_SAY_DECISION, .uid = ALICE };
	static const struct scripted_step gone = { .want = B2B_ASK_ACCOUNT, .how = SCRIPTED_HANG_UP };

	(void)state;
	assert_true(refused(pam_authenticate, "su", "alice@acme", &waits, 1, "service-denied"));
	assert_true(refused(pam_acct_mgmt, "su", "alice@acme", &yes, 1, "service-denied"));
	assert_true(refused(pam_authenticate, "sshd", "alice@acme", approved, COUNT(approved), "revoked"));
	assert_true(refused(pam_acct_mgmt, "sshd", "alice@acme", &yes, 1, "revoked"));
	assert_true(refused(pam_acct_mgmt, "sshd", "alice@acme", &gone, 1, "revoked"));
	assert_true(refused(pam_open_session, "sshd", "alice@acme", NULL, 0, "revoked"));
	assert_int_equal(unlink(CACHE "/index"), 0);
	assert_true(refused(pam_authenticate, "sshd", "alice@acme", NULL, 0, "cache-down"));
	assert_true(refused(pam_acct_mgmt, "sshd", "alice@acme", NULL, 0, "cache-down"));
	assert_true(refused(pam_open_session, "sshd", "alice@acme", NULL, 0, "cache-down"));
}

static int without_root(void *arg)
{
	(void)arg;
	CHECK(setgid(65534) == 0 && setuid(65534) == 0);
	CHECK(refused(pam_authenticate, "sshd", "alice@acme", NULL, 0, "not-root"));
	CHECK(refused(pam_acct_mgmt, "sshd", "alice@acme", NULL, 0, "not-root"));
	return 0;
}

static void by_the_module_itself(void **state)
{
	static const struct scripted_step question[] = { { .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT }, { .type = B2B_SAY_QUESTION, .text = "Token: " } };
	static char large[B2B_ANSWER_SIZE + 1];
	const char *line;
	char id[64];

	(void)state;
	assert_true(refused(pam_authenticate, "sshd", "nobody@acme", NULL, 0, "user-unknown"));
	assert_true(refused(pam_acct_mgmt, "sshd", "nobody@acme", NULL, 0, "user-unknown"));
	assert_true(refused(pam_authenticate, "sshd", "Alice@Acme", NULL, 0, "name-invalid"));
	assert_non_null(strstr(shown, "Your name on this host is alice@acme"));
	memset(large, 'a', B2B_ANSWER_SIZE);
	typed = large;
	assert_true(refused(pam_authenticate, "sshd", "alice@acme", question, COUNT(question), "auth-token-cut"));
	assert_int_equal(machine_child(without_root, NULL), 0);
	/* what is wrong stands in a line of its own, under the same reference */
	assert_true(refused(pam_authenticate, "odd", "alice@acme", NULL, 0, "internal"));
	line = log_tap_line("option \"promt=enter\"");
	snprintf(id, sizeof(id), "id=%.16s", strstr(shown, REFERENCE) + strlen(REFERENCE));
	assert_true(line && strstr(line, id));
}

static void never_by_the_same_reference_twice(void **state)
{
	char first[sizeof(shown)];

	(void)state;
	assert_true(refused(pam_acct_mgmt, "sshd", "nobody@acme", NULL, 0, "user-unknown"));
	memcpy(first, shown, sizeof(first));
	assert_true(refused(pam_acct_mgmt, "sshd", "nobody@acme", NULL, 0, "user-unknown"));
	assert_string_not_equal(shown, first);
}

/* The agent's end of a request is its own word, under its own reference: the module waits for that. */
static void say_it_late(void *arg)
{
	(void)arg;
	usleep(1050 * 1000);
}

static void the_agent_ends_first_what_has_an_end(void **state)
{
	static const struct scripted_step late[] = {
		PROMPT(.lifetime_s = 1),
		{ .want = B2B_ASK_RESULT, .type = B2B_SAY_DECISION, .reason = B2B_AUTH_EXPIRED, .before = say_it_late },
	};

	(void)state;
	assert_true(refused(pam_authenticate, "sshd", "alice@acme", late, COUNT(late), "auth-expired"));
	assert_non_null(strstr(shown, REFERENCE SCRIPTED_ID));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(by_the_agent_for_any_reason),
		CASE(by_an_agent_that_is_not_there_or_makes_no_sense),
		CASE(by_time),
		CASE(by_the_cache),
		CASE(by_the_module_itself),
		CASE(never_by_the_same_reference_twice),
		CASE(the_agent_ends_first_what_has_an_end),
	};
	static struct nss_module nss;

	machine_private();
	log_tap_open();
	machine_built(module, sizeof(module), "pam_b2b.so");
	machine_reachable(module, sizeof(module));
	nss_module_load(&nss);
	nss_module_configure();
	return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
