/* Client-initiated backchannel authentication (OpenID CIBA Core 1.0), poll mode: the service asks the person on their own device. */
#include <errno.h>
#include <stdio.h>

#include "b2bd/federation/approval.h"

/* Nothing of the answer is for the person. */
static bool read_answer(const json_t *body, struct b2b_approval_prompt *prompt)
{
	(void)body, (void)prompt;
	return true;
}

/*
 * CIBA Core 13: the person has no approval device, or a secret of theirs that no terminal should ask for is wanted. Keycloak says
 * invalid_grant to a client that was not given the grant, and invalid_request of a hint that names nobody.
 */
static const char *const passed[] = { "unknown_user_id", "unauthorized_client", "missing_user_code", "invalid_user_code",
	                              "invalid_grant",   "invalid_request",     NULL };
static const struct b2b_approval_kind kind = {
	.grant = B2B_GRANT_CIBA,
	.code = "auth_req_id",
	.claim = "urn:openid:params:jwt:claim:auth_req_id",
	.bad_answer = "the answer to the backchannel authentication request lacks something",
	.passed = passed,
	.read = read_answer,
};

bool b2b_ciba_offered(const struct b2b_federation *federation)
{
	return b2b_federation_ready(federation) && federation->discovery.backchannel_authentication_endpoint && federation->discovery.ciba_poll;
}

int b2b_ciba_start(struct b2b_federation *federation, const struct b2b_approval_request *request,
                   const struct b2b_approval_handlers *handlers, void *arg, struct b2b_approval **ret_approval)
{
	struct b2b_form form = { 0 };
	char expiry[16];

	if (!b2b_federation_ready(federation))
		return -EHOSTUNREACH;
	if (!b2b_ciba_offered(federation))
		return -EOPNOTSUPP;
	snprintf(expiry, sizeof(expiry), "%u", request->lifetime_s);
	b2b_form_add(&form, "scope", federation->conf->scope);
	b2b_form_add(&form, "login_hint", request->login_hint);
	b2b_form_add(&form, "binding_message", request->binding_message);
	b2b_form_add(&form, "acr_values", request->acr_values);
	b2b_form_add(&form, "requested_expiry", request->lifetime_s ? expiry : NULL);
	return b2b_approval_start(federation, &kind, federation->discovery.backchannel_authentication_endpoint, &form, request->lifetime_s,
	                          handlers, arg, ret_approval);
}
