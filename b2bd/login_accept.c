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

enum b2b_reason b2b_login_accept(struct b2b_login *login, const struct b2b_id_token *token, int *ret_org, char detail[B2B_LOGIN_DETAIL_SIZE])
{
	struct b2b_core *core = login->core;
	struct b2b_authentication authentication;
	struct b2b_gathered gathered;
	const char *fault = "";
	enum b2b_reason reason;

	*detail = '\0';
	b2b_gather(core, login->origin.user, login->origin.service, &gathered);
	*ret_org = gathered.facts.org;
	reason = b2b_proven(core, &gathered.facts, token, &authentication, &fault);
	if (*fault && reason != B2B_USER_UNKNOWN)
		describe(token, fault, detail);
	if (reason == B2B_OK && login->method->admit)
		reason = login->method->admit(login, token);
	if (reason == B2B_OK && b2b_proof_begin(core, token, login->method != &b2b_login_token, &authentication) < 0)
		reason = B2B_INTERNAL; /* what could not be verified again must not be opened */
	if (reason == B2B_OK && authentication.proof)
		b2b_reverify_look(core);
	if (reason == B2B_OK && b2b_ticket_add(core->tickets, &authentication, login->origin.service, login->origin.tty, b2b_now_ns(),
	                                       login->decision.ticket) < 0)
		reason = B2B_INTERNAL;
	login->uid = gathered.principal.uid;
	b2b_gathered_clear(&gathered);
	return reason;
}
