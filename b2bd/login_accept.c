/* What was proven, held against who wants in: the binding check and the decision, the same for every method. */
#include <stdio.h>
#include <string.h>

#include "b2bd/binding.h"
#include "b2bd/login.h"
#include "common/clock.h"
#include "common/log.h"

static enum b2b_assurance level_of(const struct b2b_conf *conf, const char *acr)
{
	size_t i;

	for (i = 0; acr && i < conf->n_acrs; i++) {
		if (strcmp(conf->acrs[i].acr, acr) == 0)
			return conf->acrs[i].level;
	}
	return acr ? B2B_AAL1 : B2B_AAL_NONE;
}

static void copy_claim(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void authentication_from(const struct b2b_core *core, const struct b2b_principal *principal, const struct b2b_id_token *token,
                                struct b2b_authentication *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->uid = principal->uid;
	ret->level = level_of(core->conf, token->acr);
	ret->auth_time_s = token->auth_time ? token->auth_time : token->issued_at;
	ret->session_expiry_s = token->session_expiry;
	copy_claim(ret->acr, sizeof(ret->acr), token->acr);
	copy_claim(ret->jti, sizeof(ret->jti), token->jti);
	copy_claim(ret->sid, sizeof(ret->sid), token->sid);
}

/* max_age cannot be judged by when the token was issued: a token may be issued long after the person authenticated. */
static bool lacks_auth_time(const struct b2b_decision_facts *facts, const struct b2b_id_token *token)
{
	int service = b2b_policy_service(facts->policy, facts->service);

	return !token->auth_time && (!token->issued_at || (service >= 0 && facts->policy->services[service].max_age_s));
}

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
	reason = b2b_binding_check(&core->conf->federation, &gathered.facts, token, &fault);
	if (reason == B2B_OK)
		reason = b2b_status_of_place(core, &token->status, &fault);
	if (reason != B2B_OK && reason != B2B_USER_UNKNOWN)
		describe(token, fault, detail);
	if (reason == B2B_OK && lacks_auth_time(&gathered.facts, token))
		reason = B2B_AUTH_AGE;
	if (reason == B2B_OK) {
		authentication_from(core, &gathered.principal, token, &authentication);
		if (b2b_status_note(core, &token->status, &authentication) < 0)
			reason = B2B_INTERNAL;
	}
	if (reason == B2B_OK) {
		gathered.facts.authentication = &authentication;
		reason = b2b_decide(&gathered.facts);
	}
	if (reason == B2B_OK && login->method->admit)
		reason = login->method->admit(login, token);
	if (reason == B2B_OK && b2b_ticket_add(core->tickets, &authentication, login->origin.service, login->origin.tty, b2b_now_ns(),
	                                       login->decision.ticket) < 0)
		reason = B2B_INTERNAL;
	login->uid = gathered.principal.uid;
	b2b_gathered_clear(&gathered);
	return reason;
}
