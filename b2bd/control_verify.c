/* For status: which ways in the service offers, how what is open is verified again, and how long a revocation would take at the worst. */
#include <stdio.h>
#include <string.h>

#include "b2bd/core.h"
#include "b2bd/proofs.h"

static const struct {
	uint8_t number;
	const char *name;
	bool (*offered)(const struct b2b_federation *federation);
} methods[] = {
	{ B2B_METHOD_DEVICE, "device", b2b_device_offered },
	{ B2B_METHOD_CIBA, "ciba", b2b_ciba_offered },
	{ B2B_METHOD_TOKEN, "token", b2b_federation_ready }, /* signed ones need its keys alone */
};

static json_t *service_methods(const struct b2b_core *core, const struct b2b_policy_service *service)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(service->methods) && service->methods[i]; i++) {
		for (size_t j = 0; j < sizeof(methods) / sizeof(*methods); j++) {
			if (methods[j].number == service->methods[i])
				json_array_append_new(list, json_pack("{s:s,s:b}", "method", methods[j].name, "offered", methods[j].offered(core->federation)));
		}
	}
	return list;
}

json_t *b2b_methods_json(const struct b2b_core *core)
{
	const struct b2b_policy *policy = core->policy;
	json_t *list = json_array();
	uint64_t granted = 0;

	for (uint32_t i = 0; i < policy->n_orgs; i++)
		granted |= policy->orgs[i].services;
	for (uint32_t i = 0; i < policy->n_services; i++) {
		if (granted & (1ull << i))
			json_array_append_new(list, json_pack("{s:s,s:o}", "service", policy->services[i].name, "methods",
			                                      service_methods(core, &policy->services[i])));
	}
	return list;
}

json_t *b2b_verification_json(const struct b2b_core *core)
{
	const struct b2b_conf_federation *conf = &core->conf->federation;
	struct b2b_proof_figures figures = { 0 };

	if (b2b_proof_figures(core->state, &figures) < 0)
		return json_null();
	return json_pack("{s:b,s:b,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "by_refresh", (conf->reverify & B2B_REVERIFY_REFRESH) != 0, "by_introspection",
	                 (conf->reverify & B2B_REVERIFY_INTROSPECTION) && b2b_introspection_offered(core->federation), "by_life",
	                 (conf->reverify & B2B_REVERIFY_LIFE) != 0, "interval_s", (json_int_t)conf->reverify_interval_s, "refresh",
	                 (json_int_t)figures.refresh, "introspection", (json_int_t)figures.introspection, "life", (json_int_t)figures.life, "none",
	                 (json_int_t)figures.none, "failing", (json_int_t)figures.failing, "oldest_s", (json_int_t)figures.oldest_s, "passed_over",
	                 (json_int_t)b2b_federation_passed_over(core->federation));
}

/* What the service withdraws and the directory does not show: a single log-in. */
static void of_a_log_in(const struct b2b_core *core, char *buf, size_t size)
{
	const struct b2b_conf_federation *conf = &core->conf->federation;

	if (b2b_reverify_asks(conf->reverify))
		snprintf(buf, size, "; a log-in that the service alone withdraws: within about %us, when it is asked again", conf->reverify_interval_s);
	else if (conf->reverify & B2B_REVERIFY_LIFE)
		snprintf(buf, size, "; a log-in that the service alone withdraws: when its tokens end");
	else
		snprintf(buf, size, "; that the service alone withdraws a log-in shows nowhere");
}

/* Without signals and without a directory. */
static json_t *of_a_person_of_the_tokens(const struct b2b_core *core)
{
	const struct b2b_conf_federation *conf = &core->conf->federation;
	uint32_t keep_s = conf->token_keep_s + conf->token_keep_s / 8;

	if (b2b_reverify_asks(conf->reverify))
		return json_sprintf("within about %us, when the service is asked again about the log-in; who is not logged in, %us after the last "
		                    "log-in (token_keep): there are neither signals nor a directory", conf->reverify_interval_s, keep_s);
	return json_sprintf("with the session, or %us after the last log-in (token_keep): there are neither signals nor a directory", keep_s);
}

static bool asks_for_changes(const struct b2b_source_status *directory)
{
	return directory->changes_interval_s && !*directory->changes_why_not;
}

/* How soon the directory shows that somebody is to be closed. */
static void of_the_directory(const struct b2b_core *core, const struct b2b_source_status *directory, char *buf, size_t size)
{
	uint32_t whole_s = core->conf->federation.sync_interval_s;

	if (asks_for_changes(directory))
		snprintf(buf, size, "within about %us where it shows as a change in the directory, within about %us where it does not, as a deletion",
		         directory->changes_interval_s, whole_s);
	else
		snprintf(buf, size, "within about %us", whole_s);
}

json_t *b2b_worst_case_json(const struct b2b_core *core, const struct b2b_stream_status *signals, const struct b2b_source_status *directory)
{
	const char *intervals = asks_for_changes(directory) ? "these intervals" : "that interval";
	char log_in[128], shown[192];

	of_the_directory(core, directory, shown, sizeof(shown));
	of_a_log_in(core, log_in, sizeof(log_in));
	if (signals && signals->connected && signals->closings)
		return signals->pause_s ? json_sprintf("within %us: the service does not hold the polls for signals, or repeats what was taken", signals->pause_s)
		                        : json_string("at once: signals are arriving");
	if (signals && signals->connected && !core->reservations)
		return json_sprintf("%s: the service signals ended log-ins, but not closed accounts; for these the directory is read at %s", shown, intervals);
	if (signals && !signals->connected)
		return json_sprintf("signals are not arriving: open sessions stay until they do; new ones are refused after the staleness limit%s", log_in);
	if (core->reservations)
		return of_a_person_of_the_tokens(core);
	if (directory->failing_since_s)
		return json_sprintf("the directory cannot be read: open sessions stay until it can; new ones are refused after the staleness limit%s", log_in);
	if (core->withheld)
		return json_sprintf("a mass removal waits for your word (b2bctl approve): there open sessions stay until then; new ones are refused after the staleness limit%s", log_in);
	return json_sprintf("%s: there are no signals, the directory is read at %s%s", shown, intervals, log_in);
}
