/*
 * sshd's configuration, as far as it undoes what b2b promises. Read as sshd reads it (sshd_config(5)): the first value of a keyword counts; what a
 * Match block says goes before what stands outside, wherever that is; a block ends with its file.
 */
#include <ctype.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "b2bctl/doctor.h"

#define SSHD_CONFIG "/etc/ssh/sshd_config"
#define DEPTH_MAX 16
#define VALUE_SIZE 256
#define GRACE_DEFAULT_S 120
#define GRACE_LEAST_S 60 /* to open a page on another device, and to log in there */

struct sshd {
	struct b2b_doctor *doctor;
	bool found;
	char match[VALUE_SIZE]; /* of the block that is being read; "" outside */
	char use_pam[16], kbd_interactive[16], grace[32]; /* "" where nothing is said */
	char other[VALUE_SIZE], other_match[VALUE_SIZE]; /* another's AuthorizedKeysCommand; its block, "" outside */
	char ours[VALUE_SIZE];  /* the block that ours stands in */
	bool have_ours, other_first; /* another's block stands before ours */
};

static void read_file(struct sshd *sshd, const char *path, int depth);

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

static void take_command(struct sshd *sshd, const char *command)
{
	if (is_ours(command)) {
		if (!sshd->have_ours)
			snprintf(sshd->ours, sizeof(sshd->ours), "%s", sshd->match);
		sshd->have_ours = true;
	} else if (strcasecmp(command, "none") != 0 && !*sshd->other) {
		snprintf(sshd->other, sizeof(sshd->other), "%s", command);
		snprintf(sshd->other_match, sizeof(sshd->other_match), "%s", sshd->match);
		sshd->other_first = *sshd->match && !sshd->have_ours;
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

static void include(struct sshd *sshd, char *patterns, int depth)
{
	char *rest = patterns, *word, path[PATH_MAX];
	size_t root = strlen(sshd->doctor->root);

	while ((word = strsep(&rest, " \t"))) {
		glob_t files = { 0 };

		if (!*word || snprintf(path, sizeof(path), "%s%s%s", sshd->doctor->root, *word == '/' ? "" : "/etc/ssh/", word) >= (int)sizeof(path))
			continue;
		if (glob(path, 0, NULL, &files) == 0) {
			for (size_t i = 0; i < files.gl_pathc; i++)
				read_file(sshd, files.gl_pathv[i] + root, depth + 1);
		}
		globfree(&files);
	}
}

static void take(struct sshd *sshd, const char *keyword, char *value, int depth)
{
	bool outside = !*sshd->match;

	if (strcasecmp(keyword, "Include") == 0)
		include(sshd, value, depth);
	else if (strcasecmp(keyword, "Match") == 0)
		snprintf(sshd->match, sizeof(sshd->match), "%s", strcasecmp(value, "all") == 0 ? "" : value);
	else if (strcasecmp(keyword, "AuthorizedKeysCommand") == 0)
		take_command(sshd, value);
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

/* "Keyword value", "Keyword=value"; *ret_value without blanks around it and without quotes. NULL: nothing is said. */
static char *split(char *line, char **ret_value)
{
	char *keyword = line + strspn(line, " \t"), *value = keyword + strcspn(keyword, " \t=\r\n"), *end;

	if (!*keyword || *keyword == '#' || value == keyword)
		return NULL;
	end = value + strlen(value);
	if (*value)
		*value++ = '\0';
	value += strspn(value, " \t=\"");
	while (end > value && (isspace((unsigned char)end[-1]) || end[-1] == '"'))
		*--end = '\0';
	*ret_value = value;
	return keyword;
}

static void read_file(struct sshd *sshd, const char *path, int depth)
{
	FILE *file = depth < DEPTH_MAX ? b2b_doctor_open(sshd->doctor, path) : NULL;
	char before[VALUE_SIZE], *line = NULL, *keyword, *value;
	size_t size = 0;

	if (!file)
		return;
	sshd->found = true;
	memcpy(before, sshd->match, sizeof(before));
	while (getline(&line, &size, file) > 0) {
		keyword = split(line, &value);
		if (keyword)
			take(sshd, keyword, value, depth);
	}
	memcpy(sshd->match, before, sizeof(sshd->match));
	free(line);
	fclose(file);
}

/* "120", "2m", "1h30m"; 0: for ever. -1: sshd would not start with it. */
static long grace_s(const char *text)
{
	long total = 0;
	char *end;

	if (!*text)
		return GRACE_DEFAULT_S;
	if (strcasecmp(text, "none") == 0)
		return 0;
	while (*text) {
		long number = strtol(text, &end, 10);

		if (end == text || number < 0 || number > INT_MAX / 86400)
			return -1;
		switch (tolower((unsigned char)*end)) {
		case 'h': number *= 3600; break;
		case 'm': number *= 60; break;
		case 's': case '\0': break;
		default: return -1;
		}
		total += number;
		text = *end ? end + 1 : end;
	}
	return total;
}

static void judge_grace(struct b2b_doctor *doctor, const struct sshd *sshd)
{
	long grace = grace_s(sshd->grace);

	if (grace > 0 && grace < GRACE_LEAST_S)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "LoginGraceTime is %lds: sshd hangs up before somebody can approve a log-in on another device; set it "
		               "to 120", grace);
	else if (grace > 0 && grace < GRACE_DEFAULT_S)
		b2b_doctor_say(doctor, B2B_VERDICT_WARNING, "LoginGraceTime is %lds: sshd hangs up before pam_b2b has waited its 110s and could say why; set it to "
		               "120, or timeout=%ld behind pam_b2b.so in /etc/pam.d", grace, grace > 15 ? grace - 10 : 5);
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

	read_file(&sshd, SSHD_CONFIG, 0);
	if (!sshd.found) {
		b2b_doctor_say(doctor, B2B_VERDICT_OK, "there is no " SSHD_CONFIG);
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
