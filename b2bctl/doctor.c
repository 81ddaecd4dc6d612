#include "b2bctl/doctor.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"
#include "common/index.h"

static const struct {
	const char *name;
	b2b_doctor_check *run;
} checks[] = {
	{ "nsswitch", b2b_doctor_nsswitch },
	{ "nscd", b2b_doctor_nscd },
	{ "userdb", b2b_doctor_userdb },
	{ "subids", b2b_doctor_subids },
	{ "homes", b2b_doctor_homes },
	{ "sudo", b2b_doctor_sudo },
	{ "sshd", b2b_doctor_sshd },
};

static const char *const verdicts[] = { [B2B_VERDICT_OK] = "ok", [B2B_VERDICT_WARNING] = "warning", [B2B_VERDICT_PROBLEM] = "problem" };

void b2b_doctor_say(struct b2b_doctor *doctor, enum b2b_verdict verdict, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	for (char *c = text; c && *c; c++) /* names out of the host's files: JSON takes UTF-8 only, a terminal less */
		if (*c < ' ' || *c > '~')
			*c = '?';
	json_array_append_new(doctor->findings, json_pack("{s:s,s:s,s:s}", "check", doctor->check, "verdict", verdicts[verdict], "text",
	                                                  text ? text : "out of memory"));
	free(text);
	doctor->problems += verdict == B2B_VERDICT_PROBLEM;
	doctor->warnings += verdict == B2B_VERDICT_WARNING;
}

static bool below_root(const struct b2b_doctor *doctor, const char *path, char buf[PATH_MAX])
{
	return snprintf(buf, PATH_MAX, "%s%s", doctor->root, path) < PATH_MAX;
}

FILE *b2b_doctor_open(const struct b2b_doctor *doctor, const char *path)
{
	char real[PATH_MAX];

	return below_root(doctor, path, real) ? fopen(real, "re") : NULL;
}

struct b2b_conf *b2b_doctor_conf(const struct b2b_doctor *doctor)
{
	FILE *file = b2b_doctor_open(doctor, B2B_CONF_PATH);
	char *text = NULL, error[B2B_CONF_ERROR_SIZE];
	struct b2b_conf *conf = NULL;
	size_t size = 0;
	ssize_t len = file ? getdelim(&text, &size, '\0', file) : -1;

	if (len > 0)
		b2b_conf_parse(text, (size_t)len, B2B_CONF_PATH, false, &conf, error);
	free(text);
	if (file)
		fclose(file);
	return conf;
}

bool b2b_doctor_any(const struct b2b_doctor *doctor, const char *pattern)
{
	char real[PATH_MAX];
	glob_t found = { 0 };
	bool any;

	if (!below_root(doctor, pattern, real))
		return false;
	any = glob(real, GLOB_NOSORT, NULL, &found) == 0;
	globfree(&found);
	return any;
}

/* "Num: RefCount Protocol Flags Type St Inode Path"; the flag of a listening socket is __SO_ACCEPTCON. */
static bool line_listens(const char *line, const char *path)
{
	const char *end = strchr(line, '\n'), *at = strchr(line, ' ');
	size_t len = strlen(path);
	unsigned long flags = 0;

	for (int field = 0; at && field < 2; field++) /* to the third of the fields behind the number */
		at = strchr(at + 1, ' ');
	if (at)
		flags = strtoul(at, NULL, 16);
	return end && (flags & 0x10000) && (size_t)(end - line) > len && strncmp(end - len, path, len) == 0 && end[-(ptrdiff_t)len - 1] == ' ';
}

bool b2b_doctor_listens(const struct b2b_doctor *doctor, const char *path)
{
	FILE *file = b2b_doctor_open(doctor, "/proc/net/unix");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (file && !found && getline(&line, &size, file) > 0)
		found = line_listens(line, path);
	free(line);
	if (file)
		fclose(file);
	return found;
}

bool b2b_doctor_all_visible(const struct b2b_doctor *doctor)
{
	return doctor->policy && doctor->policy->visibility == B2B_VISIBLE_EVERYONE;
}

int b2b_doctor_examine(const char *root, const struct b2b_policy *policy, json_t **ret_json)
{
	struct b2b_doctor doctor = { .root = root, .policy = policy, .findings = json_array() };
	json_t *json;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		doctor.check = checks[i].name;
		checks[i].run(&doctor);
	}
	json = json_pack("{s:o,s:i,s:i}", "checks", doctor.findings, "problems", (int)doctor.problems, "warnings", (int)doctor.warnings);
	if (!json)
		return -ENOMEM;
	*ret_json = json;
	return 0;
}

int b2b_ctl_examine(const struct b2b_ctl *ctl, json_t **ret_json)
{
	struct b2b_policy *policy = NULL;
	int r;

	if (b2b_index_read(ctl->cache_dir, &policy) < 0)
		policy = NULL;
	r = b2b_doctor_examine("", policy, ret_json);
	b2b_policy_free(policy);
	return r;
}

void b2b_ctl_show_findings(FILE *out, const json_t *json)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(json, "checks"), i, finding)
		b2b_ctl_paragraph(out, b2b_ctl_text(finding, "check"), "%s: %s", b2b_ctl_text(finding, "verdict"), b2b_ctl_text(finding, "text"));
}

int b2b_ctl_doctor(struct b2b_ctl *ctl)
{
	json_t *json = NULL;
	int r = b2b_ctl_examine(ctl, &json);

	if (r < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%s", strerror(-r));
	if (ctl->json)
		r = b2b_ctl_print_json(ctl, json);
	else
		b2b_ctl_show_findings(ctl->out, json);
	if (r == B2B_CTL_OK && b2b_ctl_number(json, "problems"))
		r = B2B_CTL_FAILED;
	json_decref(json);
	return r;
}
