#include "b2bd/asking.h"

#include <stdio.h>
#include <unistd.h>

#include "b2bd/prompt.h"

void b2b_asking_hint(const struct b2b_core *core, const struct b2b_gathered *gathered, const char *name, char *buf, size_t size)
{
	const struct b2b_decision_facts *facts = &gathered->facts;

	b2b_hint_format(core->conf->federation.login_hint, name, gathered->principal.local,
	                facts->org >= 0 ? core->policy->orgs[facts->org].alias : "", gathered->principal.subject ? gathered->principal.subject : "", buf, size);
}

void b2b_asking_acr_values(const struct b2b_conf *conf, const struct b2b_policy_service *service, char buf[B2B_ACR_VALUES_SIZE])
{
	size_t at = 0, i;
	int level;

	*buf = '\0';
	for (level = service->assurance; level > B2B_AAL_NONE && level <= B2B_AAL3; level++) {
		for (i = 0; i < conf->n_acrs && at < B2B_ACR_VALUES_SIZE; i++) {
			if ((int)conf->acrs[i].level == level)
				at += (size_t)snprintf(buf + at, B2B_ACR_VALUES_SIZE - at, "%s%s", at ? " " : "", conf->acrs[i].acr);
		}
	}
	if (at >= B2B_ACR_VALUES_SIZE)
		*buf = '\0'; /* half a value asks for something else */
}

void b2b_asking_host(const struct b2b_conf *conf, char buf[B2B_HOST_SIZE])
{
	const char *audience = conf->host.audience;

	if (audience)
		snprintf(buf, B2B_HOST_SIZE, "%s", audience);
	else if (gethostname(buf, B2B_HOST_SIZE) < 0)
		snprintf(buf, B2B_HOST_SIZE, "this host");
	buf[B2B_HOST_SIZE - 1] = '\0';
}
