/*
 * sudo: does it ask about the commands that another person must approve? And do its own settings leave PAM its word: the account and
 * session parts, and a time stamp that is over before what was proven is too old?
 */
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"
#include "b2bctl/doctor.h"
#include "common/conf.h"

#define SUDO_CONF "/etc/sudo.conf"
#define PLUGIN_DIR "/usr/libexec/sudo/"
#define TIMEOUT_DEFAULT 15.0 /* minutes, as Debian builds it; others remember for a shorter time */

/* What sudoers says for partners. */
struct sudoers {
	double timeout;        /* minutes; negative: for ever */
	bool partners_timeout; /* given for partners, who are then not all others */
	bool no_account, no_session;
};

/* Does a Defaults line of SCOPE (":%partners,bob", "" for everybody, "@host" and others) concern all partners? */
static bool concerns_partners(const char *scope)
{
	size_t len;

	if (!*scope)
		return true;
	if (*scope++ != ':')
		return false;
	for (; *scope; scope += len + (scope[len] == ',')) {
		len = strcspn(scope, ",");
		if ((len == strlen("%" B2B_GROUP_PARTNERS) && strncmp(scope, "%" B2B_GROUP_PARTNERS, len) == 0) || (len == 3 && strncmp(scope, "ALL", 3) == 0))
			return true;
	}
	return false;
}

static void take_setting(const char *setting, bool for_partners, struct sudoers *sudoers)
{
	if (strcmp(setting, "!pam_session") == 0)
		sudoers->no_session = true;
	else if (strcmp(setting, "pam_session") == 0)
		sudoers->no_session = false;
	else if (strcmp(setting, "!pam_acct_mgmt") == 0)
		sudoers->no_account = true;
	else if (strcmp(setting, "pam_acct_mgmt") == 0)
		sudoers->no_account = false;
	else if ((strncmp(setting, "timestamp_timeout=", 18) == 0 || strcmp(setting, "!timestamp_timeout") == 0) &&
	         (for_partners || !sudoers->partners_timeout)) { /* sudo applies what is for a user after what is for all */
		sudoers->timeout = *setting == '!' ? 0 : strtod(setting + 18, NULL);
		sudoers->partners_timeout = for_partners;
	}
}

/* "Defaults[:WHOM] SETTING, SETTING …"; LINE is changed. */
static void take_line(char *line, struct sudoers *sudoers)
{
	char *scope = line + strspn(line, " \t"), *rest, *setting;

	scope[strcspn(scope, "#\n")] = '\0';
	if (strncmp(scope, "Defaults", 8) != 0)
		return;
	scope += 8;
	rest = scope + strcspn(scope, " \t");
	if (*rest)
		*rest++ = '\0';
	if (!concerns_partners(scope))
		return;
	while ((setting = strsep(&rest, ", \t"))) /* blanks around '=' are rare, and then the default is assumed */
		take_setting(setting, *scope, sudoers);
}

static void read_sudoers(const struct b2b_doctor *doctor, const char *path, struct sudoers *sudoers)
{
	FILE *file = b2b_doctor_open(doctor, path);
	char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0)
		take_line(line, sudoers);
	free(line);
	if (file)
		fclose(file);
}

/* As sudo reads the folder: no names with a dot or a tilde at the end, in their order. */
static void read_all_sudoers(const struct b2b_doctor *doctor, struct sudoers *sudoers)
{
	char pattern[PATH_MAX];
	glob_t found = { 0 };

	read_sudoers(doctor, "/etc/sudoers", sudoers);
	if (snprintf(pattern, sizeof(pattern), "%s/etc/sudoers.d/*", doctor->root) >= (int)sizeof(pattern) || glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i] + strlen(doctor->root), *name = strrchr(path, '/');

		if (!strchr(name, '.') && path[strlen(path) - 1] != '~')
			read_sudoers(doctor, path, sudoers);
	}
	globfree(&found);
}

static const struct b2b_policy_service *service_of(const struct b2b_policy *policy)
{
	int service = policy ? b2b_policy_service(policy, "sudo") : -1;

	for (uint32_t i = 0; service >= 0 && i < policy->n_orgs; i++)
		if (policy->orgs[i].services & (1ull << service))
			return &policy->services[service];
	return NULL;
}

static bool judge_timeout(struct b2b_doctor *doctor, const struct b2b_policy_service *service, const struct sudoers *sudoers)
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

static bool judge_pam(struct b2b_doctor *doctor, const struct sudoers *sudoers)
{
	if (sudoers->no_account)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "sudoers has !pam_acct_mgmt, so that sudo goes on for who was withdrawn; remove it");
	if (sudoers->no_session)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "sudoers has !pam_session, so that no withdrawal finds what partners run by sudo; remove it");
	return !sudoers->no_account && !sudoers->no_session;
}

/* An organisation whose commands need an approval, or NULL. *ret_conf is the caller's. */
static const char *who_needs_approval(const struct b2b_doctor *doctor, struct b2b_conf **ret_conf)
{
	FILE *file = b2b_doctor_open(doctor, B2B_CONF_PATH);
	char *text = NULL, error[B2B_CONF_ERROR_SIZE];
	struct b2b_conf *conf = NULL;
	size_t size = 0;
	ssize_t len = file ? getdelim(&text, &size, '\0', file) : -1;

	if (len > 0)
		b2b_conf_parse(text, (size_t)len, B2B_CONF_PATH, false, &conf, error); /* what is wrong with it is policy check's to say */
	free(text);
	if (file)
		fclose(file);
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
	struct sudoers sudoers = { .timeout = TIMEOUT_DEFAULT };
	bool well = judge_plugin(doctor);

	if (service) {
		read_all_sudoers(doctor, &sudoers);
		well = judge_pam(doctor, &sudoers) && well;
		well = judge_timeout(doctor, service, &sudoers) && well;
	}
	if (well)
		b2b_doctor_say(doctor, B2B_VERDICT_OK, service ? "sudo asks what it has to ask, and PAM each time" : "no organisation may use sudo");
}
