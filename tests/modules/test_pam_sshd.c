/*
 * Which OpenSSH calls? The module looks into the program that it runs in: this one, which therefore carries a version
 * of OpenSSH's beside the patterns of its list of peers.
 */
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

#include "common/proto.h"
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

static void from_10_3_on_sshd_needs_no_enter(void **state)
{
	static const struct pam_conv conversation = { .conv = converse };
	static const struct scripted_step steps[] = {
		{ .want = B2B_ASK_AUTH, .type = B2B_SAY_WAIT },
		{ .type = B2B_SAY_PROMPT, .text = "where\n" },
		{ .want = B2B_ASK_RESULT, .type = B2B_SAY_DECISION, .uid = ALICE },
	};
	char confdir[SCRATCH_SIZE], path[SCRATCH_SIZE], module[4096], text[8192];
	struct nss_module nss;
	struct fixture fixture;
	pam_handle_t *pamh = NULL;
	pid_t agent;

	(void)state;
	if (machine_valgrind())
		skip(); /* the program that runs is valgrind */
	fixture_start(&fixture, CACHE);
	nss_module_load(&nss);
	nss_module_configure();
	scratch_make(confdir);
	machine_built(module, sizeof(module), "pam_b2b.so");
	scratch_path(path, confdir, "sshd");
	scratch_write(path, text, (size_t)snprintf(text, sizeof(text), "auth required %s\n", module), 0644);
	agent = scripted_agent_start(steps, 3);
	assert_int_equal(pam_start_confdir("sshd", "alice@acme", &conversation, confdir, &pamh), PAM_SUCCESS);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, PAM_SUCCESS);
	assert_int_equal(scripted_agent_end(agent), 0);
	assert_int_equal(n_styles, 1);
	assert_int_equal(styles[0], PAM_TEXT_INFO);
	scratch_remove(confdir);
	fixture_stop(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(from_10_3_on_sshd_needs_no_enter) };

	machine_private();
	return cmocka_run_group_tests_name("pam_sshd", tests, NULL, NULL);
}
