/* Would a log-in get as far as the person? Each way's own first request is made as a log-in makes it; nobody is asked. */
#include <errno.h>
#include <string.h>

#include "b2bd/asking.h"
#include "b2bd/errand/errand.h"
#include "b2bd/federation/federation.h"
#include "b2bd/prompt.h"

struct way {
	const char *name; /* as in b2b.conf(5), and of the line that tells */
	uint8_t method;
	const char *grant;
	bool (*offered)(const struct b2b_federation *federation);
	int (*start)(struct b2b_federation *federation, const struct b2b_approval_request *request, const struct b2b_approval_handlers *handlers,
	             void *arg, struct b2b_approval **ret_approval);
	const char *nobody[3]; /* errors that say no more than that nobody was named; NULL-terminated */
};

/* Keycloak has invalid_request where CIBA Core 13 has unknown_user_id. */
static const struct way ways[] = {
	{ "ciba", B2B_METHOD_CIBA, B2B_GRANT_CIBA, b2b_ciba_offered, b2b_ciba_start, { "unknown_user_id", "invalid_request", NULL } },
	{ "device", B2B_METHOD_DEVICE, B2B_GRANT_DEVICE, b2b_device_offered, b2b_device_start, { NULL } },
};

struct trial {
	const struct way *way;
	bool answered, works;
	char text[1024];
};

/* The code is let expire. */
static void begun(void *arg, const struct b2b_approval_prompt *prompt)
{
	struct trial *trial = arg;

	trial->answered = trial->works = true;
	snprintf(trial->text, sizeof(trial->text), "%s", prompt->verification_uri ? prompt->verification_uri : "taken");
}

static bool names_nobody(const struct way *way, const char *fault_text)
{
	size_t len = strcspn(fault_text, ":");

	for (const char *const *error = way->nobody; *error; error++)
		if (strlen(*error) == len && strncmp(fault_text, *error, len) == 0)
			return true;
	return false;
}

static void refused(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	struct trial *trial = arg;

	(void)token;
	trial->answered = true;
	trial->works = names_nobody(trial->way, fault_text);
	if (trial->works)
		snprintf(trial->text, sizeof(trial->text), "this host may ask; nobody was asked");
	else if (reason == B2B_AUTH_METHOD)
		snprintf(trial->text, sizeof(trial->text), "%s; give this client the grant %s there, or leave %s out of methods", fault_text,
		         trial->way->grant, trial->way->name);
	else
		snprintf(trial->text, sizeof(trial->text), "%s", fault_text);
}

static bool try_way(struct b2b_errand *errand, const struct b2b_conf *conf, struct b2b_federation *federation, const struct way *way)
{
	static const struct b2b_approval_handlers handlers = { .prompt = begun, .result = refused };
	struct b2b_approval_request request = { .login_hint = way->method == B2B_METHOD_CIBA ? "" : NULL };
	char host[B2B_HOST_SIZE], message[B2B_BINDING_SIZE];
	struct b2b_approval *approval = NULL;
	struct trial trial = { .way = way };
	int r;

	if (!way->offered(federation)) {
		b2b_errand_say(errand, way->name, "none:", "the service does not offer it");
		return false;
	}
	b2b_asking_host(conf, host);
	r = b2b_binding_message(host, message);
	request.binding_message = message;
	if (r == 0)
		r = way->start(federation, &request, &handlers, &trial, &approval);
	if (r < 0)
		snprintf(trial.text, sizeof(trial.text), "%s", strerror(-r));
	while (r == 0 && !trial.answered) /* the call has its own time-out */
		b2b_loop_turn(errand->loop, 1000);
	b2b_approval_cancel(approval);
	b2b_errand_say(errand, way->name, trial.works ? "ok" : "failed", trial.text);
	return trial.works;
}

static uint8_t methods_of(const struct b2b_policy_service *service)
{
	uint8_t methods = 0;

	for (size_t i = 0; i < sizeof(service->methods); i++)
		methods |= service->methods[i];
	return methods;
}

/* What any organisation may use; before there is one, everything. */
static uint64_t granted(const struct b2b_policy *policy)
{
	uint64_t services = 0;

	for (uint32_t i = 0; i < policy->n_orgs; i++)
		services |= policy->orgs[i].services;
	return policy->n_orgs ? services : ~UINT64_C(0);
}

void b2b_errand_check_ways(struct b2b_errand *errand, const struct b2b_conf *conf, struct b2b_federation *federation)
{
	const struct b2b_policy *policy = conf->policy;
	uint8_t wanted = 0, works = B2B_METHOD_TOKEN; /* people bring theirs along: there is none to try */
	uint64_t services = granted(policy);
	char text[128];

	for (uint32_t i = 0; i < policy->n_services; i++)
		if (services >> i & 1)
			wanted |= methods_of(&policy->services[i]);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if ((wanted & ways[i].method) && try_way(errand, conf, federation, &ways[i]))
			works |= ways[i].method;
	for (uint32_t i = 0; i < policy->n_services; i++) {
		if (!(services >> i & 1) || policy->services[i].key_suffices || (methods_of(&policy->services[i]) & works))
			continue;
		snprintf(text, sizeof(text), "%s: none of its methods lets anybody in", policy->services[i].name);
		b2b_errand_say(errand, "login", "failed", text);
	}
}
