/*
 * sudo: does it ask about the commands that another person must approve? And do its own settings leave PAM its word: the account and
 * session parts, and a time stamp that is over before what was proven is too old?
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"
#include "b2bctl/doctor_sudoers.h"
#include "common/conf.h"

#define SUDO_CONF "/etc/sudo.conf"
#define PLUGIN_DIR "/usr/libexec/sudo/"

static const struct b2b_policy_service *service_of(const struct b2b_policy *policy)
{
	int service = policy ? b2b_policy_service(policy, "sudo") : -1;

	for (uint32_t i = 0; service >= 0 && i < policy->n_orgs; i++)
		if (policy->orgs[i].services & (1ull << service))
			return &policy->services[service];
	return NULL;
}

static bool judge_timeout(struct b2b_doctor *doctor, const struct b2b_policy_service *service, const struct b2b_sudoers *sudoers)
{
	char kept[32] = "for ever";

	if (sudoers->timeout >= 0) {
		if (!service->max_age_s || sudoers->timeout * 60 <= service->max_age_s)
			return true;
		snprintf(kept, sizeof(kept), "for %g minutes", sudoers->timeout);
	}
	if (service->max_age_s)
		b2b_doctor_say(doctor, B2B_VERDICT_WARNING, "sudo remembers %s whom it asked, and max_age of service sudo is %us: in between partners are refused, "
		               "not asked; put \"Defaults:%%partners timestamp_timeout=0\" into /etc/sudoers.d/b2b", kept, service->max_age_s);
	else
		b2b_doctor_say(doctor, B2B_VERDICT_WARNING, "sudo remembers %s whom it asked, and service sudo has no max_age; put \"Defaults:%%partners "
		               "timestamp_timeout=0\" into /etc/sudoers.d/b2b", kept);
	return false;
}

static bool judge_pam(struct b2b_doctor *doctor, const struct b2b_sudoers *sudoers)
{
	if (sudoers->no_account)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "sudoers has !pam_acct_mgmt, so that sudo goes on for who was withdrawn; remove it");
	if (sudoers->no_session)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "sudoers has !pam_session, so that no withdrawal finds what partners run by sudo; remove it");
	if (*sudoers->other_service)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "sudoers has %s, so that partners' sudo is another service to PAM, and no approval is asked for; remove it",
		               sudoers->other_service);
	return !sudoers->no_account && !sudoers->no_session && !*sudoers->other_service;
}

/* An organisation whose commands need an approval, or NULL. *ret_conf is the caller's. */
static const char *who_needs_approval(const struct b2b_doctor *doctor, struct b2b_conf **ret_conf)
{
	struct b2b_conf *conf = b2b_doctor_conf(doctor);

	*ret_conf = conf;
	for (uint32_t i = 0; conf && i < conf->policy->n_orgs; i++)
		if (conf->sudo[i].approvers)
			return conf->policy->orgs[i].alias;
	return NULL;
}

/* The path that "Plugin b2b_approval PATH" names, into BUF. */
static bool find_plugin(const struct b2b_doctor *doctor, char *buf, size_t size)
{
	FILE *file = b2b_doctor_open(doctor, SUDO_CONF);
	char *line = NULL, *rest, *word;
	size_t room = 0;
	bool found = false;

	while (file && !found && getline(&line, &room, file) > 0) {
		const char *words[3] = { NULL };
		size_t n = 0;

		rest = line;
		while (n < 3 && (word = strsep(&rest, " \t\n")))
			if (*word)
				words[n++] = word;
		found = n == 3 && strcmp(words[0], "Plugin") == 0 && strcmp(words[1], "b2b_approval") == 0;
		if (found)
			snprintf(buf, size, "%s%s", *words[2] == '/' ? "" : PLUGIN_DIR, words[2]);
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

static bool judge_plugin(struct b2b_doctor *doctor)
{
	struct b2b_conf *conf = NULL;
	const char *alias = who_needs_approval(doctor, &conf);
	char path[PATH_MAX];
	bool loaded = find_plugin(doctor, path, sizeof(path)), there = loaded && b2b_doctor_any(doctor, path);

	if (loaded && !there)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, SUDO_CONF " loads %s, which is not there, so that sudo runs nothing for anybody; install it or remove the line",
		               path);
	else if (alias && !loaded)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "commands of %s need an approval (sudo_approvers), and " SUDO_CONF " does not load sudo_b2b, so that their sudo "
		               "is refused; add the lines of sudo_b2b(8)", alias);
	b2b_conf_free(conf);
	return loaded ? there : !alias;
}

void b2b_doctor_sudo(struct b2b_doctor *doctor)
{
	const struct b2b_policy_service *service = service_of(doctor->policy);
	struct b2b_sudoers sudoers;
	bool well = judge_plugin(doctor);

	if (service) {
		b2b_doctor_read_sudoers(doctor, &sudoers);
		well = judge_pam(doctor, &sudoers) && well;
		well = judge_timeout(doctor, service, &sudoers) && well;
	}
	if (well)
		b2b_doctor_say(doctor, B2B_VERDICT_OK, service ? "sudo asks what it has to ask, and PAM each time" : "no organisation may use sudo");
}
