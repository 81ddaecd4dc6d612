#include "b2bd/proven.h"

#include <stdio.h>
#include <string.h>

#include "b2bd/binding.h"
#include "b2bd/federation/status_cache.h"

enum b2b_assurance b2b_level_of(const struct b2b_conf *conf, const char *acr)
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

static void authentication_from(const struct b2b_conf *conf, const struct b2b_principal *principal, const struct b2b_id_token *token,
                                struct b2b_authentication *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->uid = principal->uid;
	ret->level = b2b_level_of(conf, token->acr);
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

enum b2b_reason b2b_proven(struct b2b_core *core, struct b2b_decision_facts *facts, const struct b2b_id_token *token,
                           struct b2b_authentication *ret_authentication, const char **ret_fault)
{
	enum b2b_reason reason = b2b_binding_check(&core->conf->federation, facts, token, ret_fault);

	if (reason == B2B_OK)
		reason = b2b_status_of_place(core, &token->status, ret_fault);
	if (reason != B2B_OK)
		return reason;
	if (lacks_auth_time(facts, token))
		return B2B_AUTH_AGE;
	authentication_from(core->conf, facts->principal, token, ret_authentication);
	if (b2b_status_note(core, &token->status, ret_authentication) < 0)
		return B2B_INTERNAL;
	facts->authentication = ret_authentication;
	return b2b_decide(facts);
}

bool b2b_proven_awaits(struct b2b_core *core, const struct b2b_id_token *token, struct b2b_id_token *ret_copy, void (*done)(void *arg, bool came),
                       void *arg)
{
	struct b2b_id_token copy;
	const char *fault;

	if (b2b_status_of_place(core, &token->status, &fault) != B2B_AUTH_UNKNOWN || b2b_id_token_copy(token, &copy) < 0)
		return false;
	if (b2b_status_cache_want(core->status, token->status.uri, done, arg) < 0) {
		b2b_id_token_clear(&copy);
		return false;
	}
	*ret_copy = copy;
	return true;
}
