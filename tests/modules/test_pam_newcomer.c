/*
 * The real pam_b2b.so for people who are not in the cache yet, where there is no directory. Apart from test_pam.c, as libnss_b2b.so.2
 * keeps the files that it has mapped: one cache for all, and a name of its own for each test.
 */
#include <err.h>
#include <security/pam_appl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/reason.h"
#include "common/session_record.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"
#include "tests/support/scripted_agent.h"

#define CACHE "/var/lib/b2b/cache"
#define NEW (FIXTURE_LO(FIXTURE_ACME) + 40)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RESERVED { .want = B2B_ASK_NAME, .type = B2B_SAY_RESERVED, .uid = NEW }

static struct fixture fixture;
static char confdir[SCRATCH_SIZE], module[4096], shown[1024];

static int converse(int n, const struct pam_message **messages, struct pam_response **ret, void *arg)
{
	(void)arg;
	*ret = calloc((size_t)n, sizeof(**ret));
	for (int i = 0; i < n; i++) {
		snprintf(shown, sizeof(shown), "%s", messages[i]->msg);
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_ON)
			(*ret)[i].resp = strdup("");
	}
	return PAM_SUCCESS;
}

static int call(int (*function)(pam_handle_t *, int), const char *user, const struct scripted_step *steps, size_t n)
{
	static const struct pam_conv conversation = { .conv = converse };
	pid_t agent = n ? scripted_agent_start(steps, n) : 0;
	pam_handle_t *pamh = NULL;
	int code;

	assert_int_equal(pam_start_confdir("sshd", user, &conversation, confdir, &pamh), PAM_SUCCESS);
	code = function(pamh, 0);
	pam_end(pamh, code);
	if (agent)
		assert_int_equal(scripted_agent_end(agent), 0);
	return code;
}

static int count_record(void *arg, const struct b2b_session_record *record)
{
	(void)record;
	++*(int *)arg;
	return 0;
}

/* What the agent does before it says yes: puts somebody into the cache. */
struct newcomer {
	const char *local;
	uint32_t uid;
};

static void publish(void *arg)
{
	const struct newcomer *who = arg;
	struct b2b_snapshot_user user = { .local = who->local, .uid = who->uid };
	struct b2b_snapshot_builder *builder;

	fixture.generation[FIXTURE_ACME] = b2b_live_generation(fixture.lives[FIXTURE_ACME]); /* of the agent before this one */
	builder = fixture_builder(&fixture, FIXTURE_ACME, true);
	if (b2b_snapshot_add_user(builder, &user) < 0)
		errx(1, "%s", who->local);
	b2b_live_store(fixture.lives[FIXTURE_ACME], user.uid, B2B_LIVE_OPEN, false);
	fixture_publish(&fixture, FIXTURE_ACME, builder);
	b2b_snapshot_free(builder);
}

#define LOG_IN(...)                                                                                                                    \
	RESERVED, RESERVED, { .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT }, { .type = B2B_SAY_PROMPT, .text = "Open it" },             \
	{                                                                                                                              \
		.want = B2B_ASK_RESULT, .type = B2B_SAY_DECISION, .uid = NEW, __VA_ARGS__                                              \
	}

/* The first question is getpwnam's, the second the module's own. */
static void a_reservation_alone_lets_nobody_in(void **state)
{
	static const struct scripted_step steps[] = { LOG_IN(.before = NULL) };
	int records = 0;

	(void)state;
	assert_int_equal(call(pam_authenticate, "ann@acme", steps, COUNT(steps)), PAM_USER_UNKNOWN);
	assert_int_equal(call(pam_acct_mgmt, "ann@acme", NULL, 0), PAM_USER_UNKNOWN);
	assert_int_equal(call(pam_open_session, "ann@acme", NULL, 0), PAM_PERM_DENIED);
	assert_int_equal(b2b_session_each(count_record, &records), 0);
	assert_int_equal(records, 0);
}

static void who_was_refused_is_refused(void **state)
{
	static const struct scripted_step steps[] = { LOG_IN(.reason = B2B_AUTH_WRONG_PERSON) };

	(void)state;
	assert_int_equal(call(pam_authenticate, "ann@acme", steps, COUNT(steps)), PAM_AUTH_ERR);
}

static void an_agent_that_began_later_denies(void **state)
{
	static const struct scripted_step steps[] = {
		RESERVED,
		{ .want = B2B_ASK_NAME, .type = B2B_SAY_RESERVED, .uid = NEW, .reason = 1 },
	};

	(void)state;
	assert_int_equal(call(pam_authenticate, "ann@acme", steps, COUNT(steps)), PAM_AUTH_ERR);
	assert_non_null(strstr(shown, "log in once more"));
}

static void two_reservations_deny(void **state)
{
	static const struct scripted_step steps[] = {
		RESERVED,
		{ .want = B2B_ASK_NAME, .type = B2B_SAY_RESERVED, .uid = NEW + 1 },
	};

	(void)state;
	assert_int_equal(call(pam_authenticate, "ann@acme", steps, COUNT(steps)), PAM_AUTHINFO_UNAVAIL);
}

static void a_name_is_written_as_it_is_kept(void **state)
{
	static const struct scripted_step steps[] = { RESERVED, RESERVED };

	(void)state;
	assert_int_equal(call(pam_authenticate, "Ann@acme", steps, COUNT(steps)), PAM_USER_UNKNOWN);
	assert_non_null(strstr(shown, "Your name on this host is ann@acme"));
}

static void another_id_than_sshd_was_told_denies(void **state)
{
	static struct newcomer who = { "bea", NEW + 1 };
	static const struct scripted_step steps[] = { LOG_IN(.before = publish, .arg = &who) };

	(void)state;
	assert_int_equal(call(pam_authenticate, "bea@acme", steps, COUNT(steps)), PAM_AUTH_ERR);
	assert_non_null(strstr(shown, "log in once more"));
}

static void who_is_published_with_that_id_logs_in(void **state)
{
	static struct newcomer who = { "cleo", NEW };
	static const struct scripted_step steps[] = { LOG_IN(.before = publish, .arg = &who) };

	(void)state;
	assert_int_equal(call(pam_authenticate, "cleo@acme", steps, COUNT(steps)), PAM_SUCCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reservation_alone_lets_nobody_in),
		cmocka_unit_test(who_was_refused_is_refused),
		cmocka_unit_test(an_agent_that_began_later_denies),
		cmocka_unit_test(two_reservations_deny),
		cmocka_unit_test(a_name_is_written_as_it_is_kept),
		cmocka_unit_test(another_id_than_sshd_was_told_denies),
		cmocka_unit_test(who_is_published_with_that_id_logs_in),
	};
	static struct nss_module nss;
	char line[8192], path[SCRATCH_SIZE];
	int failed, n;

	machine_private();
	machine_built(module, sizeof(module), "pam_b2b.so");
	machine_reachable(module, sizeof(module));
	nss_module_load(&nss);
	nss_module_configure();
	fixture_start(&fixture, CACHE);
	scratch_make(confdir);
	n = snprintf(line, sizeof(line), "auth required %s\naccount required %s\nsession required %s\n", module, module, module);
	scratch_path(path, confdir, "sshd");
	scratch_write(path, line, (size_t)n, 0644);
	failed = cmocka_run_group_tests_name("pam newcomer", tests, NULL, NULL);
	fixture_stop(&fixture);
	scratch_remove(confdir);
	return failed;
}
