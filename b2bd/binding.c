#include "b2bd/binding.h"

#include <string.h>

#include "b2bd/federation/mapper.h"

static enum b2b_reason refuse(enum b2b_reason reason, const char *fault, const char **ret_fault)
{
	*ret_fault = fault;
	return reason;
}

enum b2b_reason b2b_binding_check(const struct b2b_conf_federation *conf, const struct b2b_decision_facts *facts,
                                  const struct b2b_id_token *token, const char **ret_fault)
{
	const struct b2b_principal *principal = facts->principal;
	enum b2b_token_fault fault;

	if (!principal || facts->org < 0)
		return refuse(B2B_USER_UNKNOWN, "nobody of that name is known", ret_fault);
	if (principal->subject && strcmp(token->subject, principal->subject) != 0)
		return refuse(B2B_AUTH_WRONG_PERSON, "another subject", ret_fault);
	if (!principal->subject && !conf->name_claim)
		return refuse(B2B_AUTH_WRONG_PERSON, "nothing in it says whose name that is", ret_fault);
	/* whoever may choose a client's name at the service could choose a person's subject (RFC 9068 5) */
	if (token->of_client && principal->kind != B2B_SERVICE_PRINCIPAL)
		return refuse(B2B_AUTH_WRONG_PERSON, "a client, or not to be told from one, and no person", ret_fault);
	fault = b2b_mapper_in_organisation(token->claims, conf->organisation_claim, facts->policy->orgs[facts->org].id);
	if (fault != B2B_TOKEN_OK)
		return refuse(B2B_AUTH_WRONG_ORG, b2b_token_fault_text(fault), ret_fault);
	fault = conf->name_claim ? b2b_mapper_is_named(token->claims, conf->name_claim, principal->local) : B2B_TOKEN_OK;
	if (fault != B2B_TOKEN_OK)
		return refuse(B2B_AUTH_WRONG_PERSON, b2b_token_fault_text(fault), ret_fault);
	return B2B_OK;
}
