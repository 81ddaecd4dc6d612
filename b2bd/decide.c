#include "b2bd/decide.h"

#include "common/clock.h"

static size_t policy_depth(const struct b2b_policy *policy, int org)
{
	size_t depth = 0;

	for (; org >= 0 && depth <= B2B_DEPTH_MAX; org = policy->orgs[org].parent)
		depth++;
	return depth;
}

static enum b2b_reason decide_organisation(const struct b2b_decision_facts *facts)
{
	size_t i;
	int r;

	if (facts->org < 0 || (uint32_t)facts->org >= facts->policy->n_orgs)
		return B2B_ORG_UNKNOWN;
	/* an ancestor that the directory does not know cannot be known to be active */
	if (facts->n_chain != policy_depth(facts->policy, facts->org))
		return B2B_ORG_UNKNOWN;
	for (i = 0; i < facts->n_chain; i++) {
		r = b2b_org_standing(&facts->chain[i], facts->now_s);
		if (r != B2B_OK)
			return (enum b2b_reason)r;
	}
	return B2B_OK;
}

static const struct b2b_policy_service *granted_service(const struct b2b_decision_facts *facts)
{
	int service = b2b_policy_service(facts->policy, facts->service);

	if (service < 0 || !(facts->policy->orgs[facts->org].services & (1ull << service)))
		return NULL;
	return &facts->policy->services[service];
}

enum b2b_reason b2b_decide_standing(const struct b2b_decision_facts *facts)
{
	const struct b2b_policy_service *service;
	enum b2b_reason reason;
	int standing;

	if (!facts->principal)
		return B2B_USER_UNKNOWN;
	reason = decide_organisation(facts);
	if (reason != B2B_OK)
		return reason;
	standing = b2b_principal_standing(facts->principal, facts->now_s);
	if (standing != B2B_OK)
		return (enum b2b_reason)standing;
	if (!facts->words_open)
		return B2B_REVOKED;
	service = granted_service(facts);
	if (!service)
		return B2B_SERVICE_DENIED;
	if (!facts->clock_trusted)
		return B2B_CLOCK;
	if (facts->verified_age_ns / B2B_NS_PER_S > service->staleness_s)
		return B2B_STALE;
	return B2B_OK;
}

/* The latest moment at which this principal's authentications became void; RFC: see standards, cut-off per subject or tenant. */
static int64_t cutoff_ms(const struct b2b_decision_facts *facts)
{
	int64_t latest = facts->principal->cutoff_ms;
	size_t i;

	for (i = 0; i < facts->n_chain; i++) {
		if (facts->chain[i].cutoff_ms > latest)
			latest = facts->chain[i].cutoff_ms;
	}
	return latest;
}

static enum b2b_reason decide_authentication(const struct b2b_decision_facts *facts, const struct b2b_policy_service *service)
{
	const struct b2b_authentication *authentication = facts->authentication;

	if (!authentication && (!service->key_suffices || service->assurance != B2B_AAL_NONE))
		return B2B_AUTH_NONE;
	if (!authentication)
		return facts->key_counts ? B2B_OK : B2B_AUTH_KEY;
	if (authentication->uid != facts->principal->uid)
		return B2B_AUTH_WRONG_PERSON;
	/* auth_time has whole seconds: what happened within the second of the withdrawal counts as before it */
	if (authentication->auth_time_s <= cutoff_ms(facts) / 1000)
		return B2B_REVOKED;
	if (authentication->level < service->assurance)
		return B2B_ASSURANCE;
	if (service->max_age_s && facts->now_s - authentication->auth_time_s > (int64_t)service->max_age_s)
		return B2B_AUTH_AGE;
	if (facts->level_session_s && facts->now_s - authentication->auth_time_s >= (int64_t)facts->level_session_s)
		return B2B_AUTH_AGE; /* it would end at once */
	if (authentication->session_expiry_s && authentication->session_expiry_s <= facts->now_s)
		return B2B_SESSION_LIMIT;
	if (authentication->token_end_s && authentication->token_end_s <= facts->now_s)
		return B2B_SESSION_TOKEN;
	return B2B_OK;
}

enum b2b_reason b2b_decide(const struct b2b_decision_facts *facts)
{
	enum b2b_reason reason = b2b_decide_standing(facts);

	if (reason != B2B_OK)
		return reason;
	return decide_authentication(facts, granted_service(facts));
}

struct end {
	int64_t at;
	enum b2b_reason why;
};

static void sooner(struct end *end, int64_t candidate, enum b2b_reason why)
{
	if (candidate > 0 && (end->at == 0 || candidate < end->at))
		*end = (struct end){ candidate, why };
}

int64_t b2b_session_end(const struct b2b_decision_facts *facts, enum b2b_reason *ret_why)
{
	uint32_t longest = facts->policy->orgs[facts->org].session_s;
	struct end end = { .why = B2B_SESSION_LIMIT };
	size_t i;

	if (longest)
		sooner(&end, facts->now_s + longest, B2B_SESSION_LIMIT);
	sooner(&end, facts->principal->not_after, B2B_USER_WINDOW);
	for (i = 0; i < facts->n_chain; i++)
		sooner(&end, facts->chain[i].not_after, B2B_ORG_WINDOW);
	if (facts->authentication) {
		if (facts->level_session_s)
			sooner(&end, facts->authentication->auth_time_s + facts->level_session_s, B2B_SESSION_LIMIT);
		sooner(&end, facts->authentication->session_expiry_s, B2B_SESSION_LIMIT);
		sooner(&end, facts->authentication->token_end_s, B2B_SESSION_TOKEN);
	}
	*ret_why = end.why;
	return end.at;
}
