/* sshd's configuration, as far as it undoes what b2b promises. */
#include <string.h>
#include <strings.h>

#include "b2bctl/doctor.h"
#include "common/sshd_config.h"

#define VALUE_SIZE 256
#define GRACE_LEAST_S 60 /* to open a page on another device, and to log in there */

struct sshd {
	struct b2b_doctor *doctor;
	char use_pam[16], kbd_interactive[16], grace[32]; /* "" where nothing is said */
	char other[VALUE_SIZE], other_match[B2B_SSHD_MATCH_SIZE]; /* another's AuthorizedKeysCommand; its block, "" outside */
	char ours[B2B_SSHD_MATCH_SIZE]; /* the block that ours stands in */
	bool have_ours, other_first; /* another's block stands before ours */
};

static void first(char *field, size_t size, const char *value)
{
	if (!*field)
		snprintf(field, size, "%s", value);
}

static bool is_ours(const char *command)
{
	const char *end = command + strcspn(command, " \t"), *name = command;

	for (const char *c = command; c < end; c++)
		name = *c == '/' ? c + 1 : name;
	return (size_t)(end - name) == strlen("b2b-keys") && strncmp(name, "b2b-keys", strlen("b2b-keys")) == 0;
}

static void take_command(struct sshd *sshd, const char *match, const char *command)
{
	if (is_ours(command)) {
		if (!sshd->have_ours)
			snprintf(sshd->ours, sizeof(sshd->ours), "%s", match);
		sshd->have_ours = true;
	} else if (strcasecmp(command, "none") != 0 && !*sshd->other) {
		snprintf(sshd->other, sizeof(sshd->other), "%s", command);
		snprintf(sshd->other_match, sizeof(sshd->other_match), "%s", match);
		sshd->other_first = *match && !sshd->have_ours;
	}
}

/* "alice@acme" is to sshd the user alice, coming from the host acme. */
static void take_users(struct sshd *sshd, const char *keyword, char *list)
{
	const struct b2b_policy *policy = sshd->doctor->policy;
	char *rest = list, *word;

	while (policy && (word = strsep(&rest, " \t"))) {
		char *at = strrchr(word, policy->separator);

		if (policy->separator != '@' || !at || b2b_policy_org_by_alias(policy, at + 1) < 0)
			continue;
		*at = '\0';
		b2b_doctor_say(sshd->doctor, B2B_VERDICT_PROBLEM, "%s %s@%s %s: sshd takes %s for a host; write %s?%s, or use %sGroups", keyword, word, at + 1,
		               *keyword == 'D' ? "denies nobody" : "lets nobody in", at + 1, word, at + 1, *keyword == 'D' ? "Deny" : "Allow");
	}
}

static void take(void *arg, const char *match, const char *keyword, char *value)
{
	struct sshd *sshd = arg;
	bool outside = !*match;

	if (strcasecmp(keyword, "AuthorizedKeysCommand") == 0)
		take_command(sshd, match, value);
	else if (strcasecmp(keyword, "DenyUsers") == 0)
		take_users(sshd, "DenyUsers", value);
	else if (strcasecmp(keyword, "AllowUsers") == 0)
		take_users(sshd, "AllowUsers", value);
	else if (strcasecmp(keyword, "UsePAM") == 0 && outside)
		first(sshd->use_pam, sizeof(sshd->use_pam), value);
	else if ((strcasecmp(keyword, "KbdInteractiveAuthentication") == 0 || strcasecmp(keyword, "ChallengeResponseAuthentication") == 0) && outside)
		first(sshd->kbd_interactive, sizeof(sshd->kbd_interactive), value);
	else if (strcasecmp(keyword, "LoginGraceTime") == 0 && outside)
		first(sshd->grace, sizeof(sshd->grace), value);
}

static void judge_grace(struct b2b_doctor *doctor, const struct sshd *sshd)
{
	long grace = b2b_sshd_grace_s(sshd->grace);

	if (grace > 0 && grace < GRACE_LEAST_S)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "LoginGraceTime is %lds: sshd hangs up before somebody can approve a log-in on another device; set it "
		               "to 120", grace);
}

static void judge_commands(struct b2b_doctor *doctor, const struct sshd *sshd)
{
	bool wide = strstr(sshd->ours, "*@*") || strstr(sshd->ours, "*+*");

	if (!*sshd->other)
		return;
	if (!sshd->have_ours)
		b2b_doctor_say(doctor, B2B_VERDICT_WARNING, "AuthorizedKeysCommand is %s for partners too, and b2b-keys for nobody: SSH keys of their directory do not "
		               "count; take in sshd_config.d/50-b2b.conf", sshd->other);
	else if (sshd->other_first)
		b2b_doctor_say(doctor, B2B_VERDICT_WARNING, "AuthorizedKeysCommand %s stands in a block before that of b2b-keys (Match %s): partners whom it is about "
		               "get no keys of their directory; put it behind", sshd->other, sshd->other_match);
	else if (wide)
		b2b_doctor_say(doctor, B2B_VERDICT_WARNING, "AuthorizedKeysCommand %s is not asked for names with @ or +, as b2b-keys is for all of them (Match %s): people "
		               "of that directory who are named so get no keys; name this host's partners there, as Match User *@%s", sshd->other, sshd->ours,
		               doctor->policy && doctor->policy->n_orgs ? doctor->policy->orgs[0].alias : "acme");
}

void b2b_doctor_sshd(struct b2b_doctor *doctor)
{
	struct sshd sshd = { .doctor = doctor };
	unsigned before = doctor->problems + doctor->warnings;

	if (b2b_sshd_config_read(doctor->root, take, &sshd) < 0) {
		b2b_doctor_say(doctor, B2B_VERDICT_OK, "there is no " B2B_SSHD_CONFIG);
		return;
	}
	if (strcasecmp(sshd.use_pam, "yes") != 0)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "UsePAM is not yes: a key alone lets partners in, revoked or not; set it to yes");
	if (strcasecmp(sshd.kbd_interactive, "no") == 0)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "KbdInteractiveAuthentication is no: partners cannot be asked to log in; set it to yes before that line");
	judge_grace(doctor, &sshd);
	judge_commands(doctor, &sshd);
	if (doctor->problems + doctor->warnings == before)
		b2b_doctor_say(doctor, B2B_VERDICT_OK, "sshd asks PAM, and waits long enough for an approval");
}
