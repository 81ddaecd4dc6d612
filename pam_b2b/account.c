/* account: always decided afresh, also for logins that skip auth (public keys, sudo's timestamp). */
#include "pam_b2b/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pam_b2b/call.h"

#define DECIDED "b2b_decided"

static void forget(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data);
}

static enum b2b_reason remember(struct b2b_call *call)
{
	struct b2b_standing *copy = malloc(sizeof(*copy));

	if (!copy)
		return B2B_INTERNAL;
	*copy = call->standing;
	if (pam_set_data(call->pamh, DECIDED, copy, forget) == PAM_SUCCESS)
		return B2B_OK;
	free(copy);
	return B2B_INTERNAL;
}

const struct b2b_standing *b2b_account_decided(pam_handle_t *pamh)
{
	const void *data = NULL;

	return pam_get_data(pamh, DECIDED, &data) == PAM_SUCCESS ? data : NULL;
}

/* A handle may be used for one after the other: what was decided for the first says nothing about the next. */
static void forget_decided(pam_handle_t *pamh)
{
	if (b2b_account_decided(pamh))
		pam_set_data(pamh, DECIDED, NULL, NULL);
}

static enum b2b_reason decide(struct b2b_call *call)
{
	struct b2b_ask_account body;
	enum b2b_reason reason = b2b_call_allowed(call), verdict;

	if (reason == B2B_OK)
		reason = b2b_call_person(call, call->origin.user, &call->standing);
	if (reason != B2B_OK)
		return reason;
	if (!call->standing.agent_alive)
		return B2B_AGENT_DOWN; /* without spending the two seconds */
	verdict = b2b_standing_verdict(&call->standing);
	memset(&body, 0, sizeof(body));
	body.origin = call->origin;
	b2b_call_ticket(call, body.ticket);
	reason = b2b_call_ask(call, B2B_ASK_ACCOUNT, &body, call->standing.uid);
	explicit_bzero(body.ticket, sizeof(body.ticket));
	/* the agent knows why the words are closed; but it cannot open what they close */
	if (verdict != B2B_OK && (reason == B2B_OK || reason == B2B_AGENT_DOWN))
		return verdict;
	return reason == B2B_OK ? remember(call) : reason;
}

/*
 * Under its time stamp sudo skips `auth`, so that nobody can authenticate again, as the agent advises, before it forgets the stamp; and
 * the agent cannot know what sudo skipped.
 */
static void advise_sudo(struct b2b_call *call, enum b2b_reason reason)
{
	const char *service = call->origin.service;

	if (reason != B2B_AUTH_AGE || pam_getenv(call->pamh, B2B_TICKET_VARIABLE) || (strcmp(service, "sudo") != 0 && strcmp(service, "sudo-i") != 0))
		return;
	snprintf(call->decision.message, sizeof(call->decision.message), "Your authentication is too old for this service; run sudo -k, then try again.");
}

static int account_code(enum b2b_reason reason)
{
	switch (reason) {
	case B2B_OK:
		return PAM_SUCCESS;
	case B2B_USER_UNKNOWN:
	case B2B_NAME_INVALID:
	case B2B_ORG_UNKNOWN:
		return PAM_USER_UNKNOWN;
	case B2B_USER_REMOVED:
	case B2B_USER_WINDOW:
	case B2B_ORG_ENDED:
	case B2B_ORG_WINDOW:
		return PAM_ACCT_EXPIRED;
	default:
		return PAM_PERM_DENIED;
	}
}

__attribute__((visibility("default"))) int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct b2b_call call;
	int code = PAM_IGNORE;

	(void)flags; /* a refusal is told also under PAM_SILENT: sudo sets it always */
	b2b_call_begin(&call, pamh, "pam-account", argc, argv);
	forget_decided(pamh);
	if (call.user_ours) {
		enum b2b_reason reason = decide(&call);

		advise_sudo(&call, reason);
		b2b_call_tell(&call, reason);
		code = account_code(reason);
	}
	b2b_call_end(&call);
	return code;
}
