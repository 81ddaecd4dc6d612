/* What was proven, held against who wants in: the binding check and the decision, the same for every method. */
#include <stdio.h>
#include <string.h>

#include "b2bd/login.h"
#include "b2bd/proofs.h"
#include "b2bd/proven.h"
#include "common/clock.h"
#include "common/log.h"

/* What was approved, as the service says it. */
static void describe(const struct b2b_id_token *token, const char *fault, char detail[B2B_LOGIN_DETAIL_SIZE])
{
	b2b_audit_field(detail, B2B_LOGIN_DETAIL_SIZE, "fault", fault);
	b2b_audit_field(detail, B2B_LOGIN_DETAIL_SIZE, "approved_by", token->subject);
	b2b_audit_field(detail, B2B_LOGIN_DETAIL_SIZE, "approved_for", token->organisation ? token->organisation : "none");
}

enum b2b_reason b2b_login_admit(struct b2b_login *login, struct b2b_gathered *gathered)
{
	struct b2b_core *core = login->core;
	enum b2b_reason reason;

	gathered->facts.authentication = &login->authentication;
	reason = b2b_decide(&gathered->facts);
	if (reason == B2B_OK && b2b_ticket_add(core->tickets, &login->authentication, login->origin.service, login->origin.tty, b2b_now_ns(),
	                                       login->decision.ticket) < 0)
		reason = B2B_INTERNAL;
	return reason;
}

/* What can be said against it before anything of the person is stored. */
static enum b2b_reason judge(struct b2b_login *login, struct b2b_gathered *gathered, const struct b2b_id_token *token,
                             char detail[B2B_LOGIN_DETAIL_SIZE])
{
	const char *fault = "";
	enum b2b_reason reason = b2b_proven(login->core, &gathered->facts, token, &login->authentication, &fault);

	if (*fault && reason != B2B_USER_UNKNOWN)
		describe(token, fault, detail);
	if (reason == B2B_OK && login->method->admit)
		reason = login->method->admit(login, token);
	return reason;
}

/* What could not be verified again must not be opened. */
static enum b2b_reason keep_proof(struct b2b_login *login, const struct b2b_id_token *token)
{
	if (b2b_proof_begin(login->core, token, login->method != &b2b_login_token, &login->authentication) < 0)
		return B2B_INTERNAL;
	if (login->authentication.proof)
		b2b_reverify_look(login->core);
	return B2B_OK;
}

void b2b_login_drop_proof(struct b2b_login *login)
{
	int r = login->authentication.proof ? b2b_proof_drop(login->core->state, login->authentication.proof) : 0;

	if (r < 0)
		b2b_log(LOG_ERR, "event=proof-not-dropped user=%s error=\"%s\"", login->origin.user, strerror(-r));
	login->authentication.proof = 0;
}

enum b2b_reason b2b_login_accept(struct b2b_login *login, const struct b2b_id_token *token, int *ret_org, char detail[B2B_LOGIN_DETAIL_SIZE])
{
	struct b2b_gathered gathered;
	enum b2b_reason reason;

	*detail = '\0';
	b2b_login_gather(login->core, &login->origin, &gathered);
	*ret_org = gathered.facts.org;
	login->uid = gathered.principal.uid;
	reason = judge(login, &gathered, token, detail);
	if (reason == B2B_OK)
		reason = keep_proof(login, token);
	if (reason == B2B_OK)
		reason = b2b_login_enter(login, &gathered, token);
	if (reason == B2B_OK)
		reason = b2b_login_admit(login, &gathered);
	if (reason != B2B_OK && reason != B2B_AUTH_PENDING)
		b2b_login_drop_proof(login);
	b2b_gathered_clear(&gathered);
	return reason;
}
