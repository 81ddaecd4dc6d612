#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_draft.h"

#define SUDO_STALENESS_S 120
#define POLL_HOLD_MOST_S 25
#define SYNC_INTERVAL_S 900

static int need(struct b2b_draft *draft, const struct b2b_draft_section *section, const char *key, const char *value, const char *why)
{
	const struct b2b_conf_key *row;
	char expected[B2B_CONF_ERROR_SIZE] = "";
	size_t at;

	if (value)
		return 0;
	row = b2b_conf_key_find(section->section, key, &at);
	if (row)
		b2b_conf_key_expected(row, expected, sizeof(expected));
	return b2b_draft_fail_key(draft, section, key, "found nothing; expected %s%s", expected, why);
}

static int need_proof(struct b2b_draft *draft, const struct b2b_draft_section *section, const struct b2b_conf_federation *federation)
{
	int r;

	switch (federation->client_auth) {
	case B2B_CLIENT_PRIVATE_KEY_JWT:
		return need(draft, section, "client_key", federation->client_key, ", as client_auth is private_key_jwt");
	case B2B_CLIENT_TLS:
	case B2B_CLIENT_SELF_SIGNED_TLS:
		r = need(draft, section, "client_certificate", federation->client_certificate, ", as client_auth is a TLS method");
		return r < 0 ? r : need(draft, section, "client_key", federation->client_key, ", as client_auth is a TLS method");
	default:
		return need(draft, section, "client_secret_file", federation->client_secret_file, ", as client_auth is a secret's");
	}
}

/* Keycloak's issuers are those of realms, and where its admin API is follows from them. */
static int need_realm(struct b2b_draft *draft, const struct b2b_draft_section *section, const struct b2b_conf_federation *federation)
{
	bool found = federation->directory != B2B_DIRECTORY_KEYCLOAK || strstr(federation->issuer, "/realms/");

	return found ? 0 : need(draft, section, "keycloak_url", federation->keycloak_url, ", as the issuer is no realm's (https://…/realms/NAME)");
}

static int compile_federation(struct b2b_draft *draft, struct b2b_conf *conf)
{
	struct b2b_draft_section *section = b2b_draft_only(draft, B2B_CONF_FEDERATION);
	struct b2b_conf_federation *federation = &section->u.federation;
	int r;

	r = need(draft, section, "issuer", federation->issuer, "");
	if (r == 0)
		r = need(draft, section, "client_id", federation->client_id, "");
	if (r == 0)
		r = need_proof(draft, section, federation);
	if (r == 0)
		r = need_realm(draft, section, federation);
	if (r < 0)
		return r;
	conf->federation = *federation;
	memset(federation, 0, sizeof(*federation));
	return 0;
}

static bool has_acr(const struct b2b_conf *conf, const char *acr)
{
	for (size_t i = 0; i < conf->n_acrs; i++)
		if (strcmp(conf->acrs[i].acr, acr) == 0)
			return true;
	return false;
}

static int add_acr(struct b2b_draft *draft, const char *key, const char *acr, enum b2b_assurance level, struct b2b_conf *conf)
{
	char quoted[B2B_QUOTE_SIZE], *copy;

	if (has_acr(conf, acr))
		return b2b_draft_fail_key(draft, b2b_draft_only(draft, B2B_CONF_ASSURANCE), key, "found %s, which a lower level has too; expected it once",
		                          b2b_draft_quote(acr, strlen(acr), quoted));
	copy = strdup(acr);
	if (!copy)
		return -ENOMEM;
	conf->acrs[conf->n_acrs].acr = copy;
	conf->acrs[conf->n_acrs++].level = level;
	return 0;
}

static int compile_acrs(struct b2b_draft *draft, struct b2b_conf *conf)
{
	static const char *const keys[] = { "aal1", "aal2", "aal3" };
	const struct b2b_conf_words *lists = b2b_draft_only(draft, B2B_CONF_ASSURANCE)->u.assurance.acrs;
	int r = 0;

	memcpy(conf->limits + B2B_AAL1, b2b_draft_only(draft, B2B_CONF_ASSURANCE)->u.assurance.limits, 3 * sizeof(conf->limits[0]));
	conf->acrs = calloc(lists[0].n + lists[1].n + lists[2].n + 1, sizeof(*conf->acrs));
	if (!conf->acrs)
		return -ENOMEM;
	for (size_t level = 0; level < 3; level++)
		for (size_t i = 0; r == 0 && i < lists[level].n; i++)
			r = add_acr(draft, keys[level], lists[level].words[i], (enum b2b_assurance)(B2B_AAL1 + level), conf);
	return r;
}

/* The longest first. */
static void compile_warnings(const struct b2b_conf_words *words, struct b2b_conf_host *host)
{
	for (size_t i = 0; i < words->n; i++) {
		uint64_t seconds = 0;
		size_t at = host->n_warnings++;

		b2b_conf_read_duration(words->words[i], &seconds); /* as it was read */
		for (; at > 0 && host->warnings_s[at - 1] < seconds; at--)
			host->warnings_s[at] = host->warnings_s[at - 1];
		host->warnings_s[at] = (uint32_t)seconds;
	}
}

static void compile_host(struct b2b_draft *draft, struct b2b_conf *conf)
{
	struct b2b_draft_host *host = &b2b_draft_only(draft, B2B_CONF_HOST)->u.host;
	struct b2b_policy *policy = conf->policy;

	conf->host = host->host;
	compile_warnings(&host->warnings, &conf->host);
	host->host.audience = NULL;
	host->host.idmap = NULL;
	policy->separator = B2B_SEPARATORS[host->separator];
	policy->visibility = (uint8_t)host->visibility;
	policy->enumerate = host->enumerate;
	policy->group_members = host->group_members == 0;
	policy->partners_gid = host->partners_gid;
	policy->ending_grace_s = host->ending_grace_s;
	policy->end_left_behind = host->left_behind == 1;
	snprintf(policy->home, sizeof(policy->home), "%s", host->home);
	for (size_t i = 0; i < host->shells.n; i++)
		snprintf(policy->shells[policy->n_shells++], sizeof(policy->shells[0]), "%s", host->shells.words[i]);
}

/* A service that demands what no token can prove would deny for ever, and nobody would know why. */
static int judge_assurance(struct b2b_draft *draft, const struct b2b_conf *conf)
{
	for (size_t i = 0; i < draft->n_sections; i++) {
		const struct b2b_draft_section *section = &draft->sections[i];
		bool provable = false;

		if (section->section != B2B_CONF_SERVICE || section->u.service.assurance == B2B_AAL_NONE)
			continue;
		for (size_t j = 0; j < conf->n_acrs; j++)
			provable = provable || (uint32_t)conf->acrs[j].level >= section->u.service.assurance;
		if (!provable)
			return b2b_draft_fail_key(draft, section, "assurance", "found aal%u; expected section [assurance] to name an acr value for it or a higher level",
			                          section->u.service.assurance);
		if (section->u.service.key)
			return b2b_draft_fail_key(draft, section, "key_suffices", "found yes; expected no, as a key alone proves no assurance");
	}
	return 0;
}

/* An ID token that this host was given must not open it as an access token; where typ does not tell them apart the audience has to. */
static int check_audience(struct b2b_draft *draft, const struct b2b_conf *conf)
{
	const char *audience = conf->host.audience;

	if (conf->federation.access_token_typ != B2B_TYP_ANY || (audience && strcmp(audience, conf->federation.client_id) != 0))
		return 0;
	return b2b_draft_fail_key(draft, b2b_draft_only(draft, B2B_CONF_FEDERATION), "access_token_typ",
	                          "found any without an audience of its own; expected section host to have an audience other than client_id");
}

/* Without a directory the token alone says whose name it is, and nobody's number is known before. */
static int check_directory(struct b2b_draft *draft, const struct b2b_conf *conf)
{
	const struct b2b_draft_section *federation = b2b_draft_only(draft, B2B_CONF_FEDERATION);
	bool token = conf->federation.directory == B2B_DIRECTORY_TOKEN;

	if (token && !conf->federation.name_claim)
		return b2b_draft_fail_key(draft, federation, "directory", "found token without name_claim; expected the claim that holds a person's log-in name");
	if (token && !conf->host.hashed_ids)
		return b2b_draft_fail_key(draft, b2b_draft_only(draft, B2B_CONF_HOST), "hashed_ids",
		                          "found no with directory = token; expected yes, as nobody's pin is known before the first log-in");
	return 0;
}

static uint32_t smallest_staleness(const struct b2b_draft *draft, const struct b2b_policy *policy)
{
	uint32_t smallest = b2b_draft_only(draft, B2B_CONF_HOST)->u.host.staleness_s;

	for (uint32_t i = 0; i < policy->n_services; i++)
		if (policy->services[i].staleness_s < smallest)
			smallest = policy->services[i].staleness_s;
	return smallest;
}

/* VALUE of KEY, where what renews the lease may come MOST seconds apart at the most; 0: not said, then BY_DEFAULT or less. */
static int bound_renewal(struct b2b_draft *draft, enum b2b_conf_section section, const char *key, uint32_t most, uint32_t by_default,
                         uint32_t *value)
{
	if (*value > most)
		return b2b_draft_fail_key(draft, b2b_draft_only(draft, section), key,
		                          "found %us; expected at most %us, a third of the smallest staleness", *value, most);
	if (*value == 0)
		*value = most < by_default ? most : by_default;
	return 0;
}

/* Polls renew the lease; without signals, passes do. */
static int compile_renewals(struct b2b_draft *draft, struct b2b_conf *conf)
{
	uint32_t third = smallest_staleness(draft, conf->policy) / 3;
	uint32_t pass = conf->federation.signals == B2B_SIGNALS_NONE ? third : UINT32_MAX;
	int r = bound_renewal(draft, B2B_CONF_HOST, "poll_hold", third, POLL_HOLD_MOST_S, &conf->host.poll_hold_s);

	if (r < 0)
		return r;
	return bound_renewal(draft, B2B_CONF_FEDERATION, "sync_interval", pass, SYNC_INTERVAL_S, &conf->federation.sync_interval_s);
}

/* Between two full passes; only SCIM has a question for what has changed. */
static int check_delta(struct b2b_draft *draft, const struct b2b_conf *conf)
{
	const struct b2b_conf_federation *federation = &conf->federation;
	const struct b2b_draft_section *section = b2b_draft_only(draft, B2B_CONF_FEDERATION);

	if (federation->delta_interval_s && federation->directory != B2B_DIRECTORY_SCIM)
		return b2b_draft_fail_key(draft, section, "delta_interval", "found %us; expected none, as directory is not scim", federation->delta_interval_s);
	if (federation->delta_interval_s && federation->delta_interval_s >= federation->sync_interval_s)
		return b2b_draft_fail_key(draft, section, "delta_interval", "found %us; expected less than sync_interval, which is %us, or none",
		                          federation->delta_interval_s, federation->sync_interval_s);
	return 0;
}

static int compile_reverify(struct b2b_draft *draft, struct b2b_conf *conf)
{
	struct b2b_conf_federation *federation = &conf->federation;

	if (!federation->reverify)
		federation->reverify = federation->signals == B2B_SIGNALS_NONE ? B2B_REVERIFY_REFRESH | B2B_REVERIFY_INTROSPECTION | B2B_REVERIFY_LIFE
		                                                               : B2B_REVERIFY_NONE;
	if ((federation->reverify & B2B_REVERIFY_NONE) && federation->reverify != B2B_REVERIFY_NONE)
		return b2b_draft_fail_key(draft, b2b_draft_only(draft, B2B_CONF_FEDERATION), "reverify", "found none and more; expected none alone, or a way");
	return 0;
}

/* What opens would end at once where less were allowed for going on. */
static int check_staleness_keep(struct b2b_draft *draft, const struct b2b_conf *conf)
{
	const struct b2b_draft_section *section = b2b_draft_only(draft, B2B_CONF_HOST);
	uint32_t largest = section->u.host.staleness_s;

	for (uint32_t i = 0; i < conf->policy->n_services; i++)
		if (conf->policy->services[i].staleness_s > largest)
			largest = conf->policy->services[i].staleness_s;
	if (conf->host.staleness_keep_s && conf->host.staleness_keep_s < largest)
		return b2b_draft_fail_key(draft, section, "staleness_keep", "found %us; expected at least %us, the largest staleness, or none",
		                          conf->host.staleness_keep_s, largest);
	return 0;
}

static uint8_t method_number(const char *word)
{
	return strcmp(word, "device") == 0 ? B2B_METHOD_DEVICE : strcmp(word, "ciba") == 0 ? B2B_METHOD_CIBA : B2B_METHOD_TOKEN;
}

static void fill_service(struct b2b_draft *draft, const struct b2b_draft_section *section, struct b2b_policy_service *service)
{
	const char *name = section->name;
	uint32_t staleness = b2b_draft_only(draft, B2B_CONF_HOST)->u.host.staleness_s;

	snprintf(service->name, sizeof(service->name), "%s", name);
	if (strcmp(name, "sudo") == 0 || strcmp(name, "sudo-i") == 0)
		staleness = staleness < SUDO_STALENESS_S ? staleness : SUDO_STALENESS_S;
	service->staleness_s = staleness;
	for (size_t i = 0; i < section->u.service.methods.n; i++)
		service->methods[i] = method_number(section->u.service.methods.words[i]);
	service->assurance = (uint8_t)section->u.service.assurance;
	service->key_suffices = section->u.service.key;
	service->max_age_s = section->u.service.max_age_s;
	if (section->u.service.staleness_s)
		service->staleness_s = section->u.service.staleness_s;
}

/* A service that is known by its name alone is as a section of it that says nothing. */
static int find_known(struct b2b_draft *draft, const char *name, struct b2b_draft_section **ret_section)
{
	char title[B2B_LABEL_SIZE + sizeof("service ")];

	*ret_section = b2b_draft_find(draft, B2B_CONF_SERVICE, name);
	if (*ret_section)
		return 0;
	snprintf(title, sizeof(title), "service %s", name);
	return b2b_draft_begin(draft, title, 0, ret_section);
}

int b2b_draft_compile_services(struct b2b_draft *draft, struct b2b_policy *policy)
{
	static const char *const known[] = { B2B_CONF_SERVICES };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct b2b_draft_section *section;
		int r = find_known(draft, known[i], &section);

		if (r < 0)
			return r;
		fill_service(draft, section, &policy->services[policy->n_services++]);
	}
	for (size_t i = 0; i < draft->n_sections; i++) {
		const struct b2b_draft_section *section = &draft->sections[i];

		if (section->section != B2B_CONF_SERVICE || b2b_policy_service(policy, section->name) >= 0)
			continue;
		if (policy->n_services == B2B_SERVICES_MAX)
			return b2b_draft_fail(draft, section->line, "found one service too many; expected at most %d", B2B_SERVICES_MAX);
		fill_service(draft, section, &policy->services[policy->n_services++]);
	}
	return 0;
}

int b2b_draft_compile(struct b2b_draft *draft, bool resolve_groups, struct b2b_conf *conf)
{
	int r;

	conf->policy = calloc(1, sizeof(*conf->policy));
	if (!conf->policy)
		return -ENOMEM;
	r = compile_federation(draft, conf);
	if (r == 0)
		r = compile_acrs(draft, conf);
	if (r < 0)
		return r;
	compile_host(draft, conf);
	r = b2b_draft_compile_services(draft, conf->policy);
	if (r == 0)
		r = judge_assurance(draft, conf);
	if (r == 0)
		r = compile_renewals(draft, conf);
	if (r == 0)
		r = check_delta(draft, conf);
	if (r == 0)
		r = check_audience(draft, conf);
	if (r == 0)
		r = compile_reverify(draft, conf);
	if (r == 0)
		r = check_directory(draft, conf);
	if (r == 0)
		r = check_staleness_keep(draft, conf);
	if (r == 0)
		r = b2b_draft_compile_roles(draft, resolve_groups, conf->policy);
	if (r == 0)
		r = b2b_draft_compile_orgs(draft, conf->policy);
	if (r == 0)
		r = b2b_draft_compile_keys(draft, conf);
	if (r == 0)
		r = b2b_draft_compile_sudo(draft, conf);
	return r;
}
