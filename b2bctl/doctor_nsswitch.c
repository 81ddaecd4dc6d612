/* Does the C library ask b2b for people and groups, and nobody outside the host before it? */
#include <stdlib.h>
#include <string.h>

#include "b2bctl/doctor.h"

#define NSSWITCH "/etc/nsswitch.conf"
#define SOURCE_SIZE 32

struct sources {
	bool found, ours;       /* there is such a line; b2b is in it */
	bool local;             /* files come before b2b */
	bool stopped;           /* a look-up ends at LAST before it comes to b2b */
	char last[SOURCE_SIZE];
	char outside[SOURCE_SIZE]; /* that asks the network, before b2b */
};

static bool is_word(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

static bool is_one_of(const char *text, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (is_word(text, len, *words))
			return true;
	return false;
}

/* Do the actions in brackets end a look-up of a name that is not found? "!UNAVAIL=return" does too. */
static bool ends_when_not_found(const char *actions, size_t len)
{
	const char *end = actions + len;

	while (actions < end) {
		size_t n, status;
		bool other;

		actions += strspn(actions, " \t");
		n = strcspn(actions, " \t]");
		if (n == 0 || actions + n > end)
			break;
		other = *actions == '!';
		status = strcspn(actions, "=");
		if (status < n && is_word(actions + status + 1, n - status - 1, "return") &&
		    is_word(actions + other, status - other, "NOTFOUND") != other)
			return true;
		actions += n;
	}
	return false;
}

static void take_source(const char *text, size_t len, struct sources *sources)
{
	static const char *const ours[] = { "files", "compat", "db", "extrausers", "cache", "systemd", "mymachines", "altfiles", NULL };
	static const char *const files[] = { "files", "compat", NULL };

	snprintf(sources->last, sizeof(sources->last), "%.*s", (int)len, text);
	if (is_word(text, len, "b2b"))
		sources->ours = true;
	else if (is_one_of(text, len, files))
		sources->local = true;
	else if (!is_one_of(text, len, ours) && !*sources->outside)
		memcpy(sources->outside, sources->last, sizeof(sources->outside));
}

/* TEXT: what stands behind the colon, up to b2b. */
static void take_sources(const char *text, struct sources *sources)
{
	sources->found = true;
	while (!sources->ours && !sources->stopped && *(text += strspn(text, " \t\n"))) {
		size_t len = *text == '[' ? strcspn(text, "]") : strcspn(text, " \t\n[");

		if (*text == '[')
			sources->stopped = ends_when_not_found(text + 1, len - 1);
		else
			take_source(text, len, sources);
		text += len + (text[len] == ']');
	}
	/* Actions end a look-up only where something follows; and b2b may follow. */
	if (sources->stopped)
		sources->stopped = strstr(text, "b2b") != NULL;
}

static void read_sources(FILE *file, const char *database, struct sources *ret_sources)
{
	struct sources sources = { 0 };
	char *line = NULL;
	size_t size = 0, len = strlen(database);

	rewind(file);
	while (getline(&line, &size, file) > 0) {
		const char *at = line + strspn(line, " \t");

		line[strcspn(line, "#")] = '\0';
		if (strncmp(at, database, len) == 0 && at[len + strspn(at + len, " \t")] == ':')
			take_sources(strchr(at, ':') + 1, &sources);
	}
	free(line);
	*ret_sources = sources;
}

static bool judge(struct b2b_doctor *doctor, FILE *file, const char *database)
{
	unsigned before = doctor->problems + doctor->warnings;
	struct sources sources;

	read_sources(file, database, &sources);
	if (sources.stopped)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "%s never comes to b2b, because an action behind %s ends the look-up; move b2b before it in " NSSWITCH,
		               database, sources.last);
	else if (!sources.ours)
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "%s does not ask b2b, so partners have no names; write \"%s: files b2b\" into " NSSWITCH,
		               database, database);
	else if (*sources.outside)
		b2b_doctor_say(doctor, B2B_VERDICT_WARNING, "%s asks %s before b2b, so partners' names leave the host and their log-ins wait for it; move b2b "
		               "before it in " NSSWITCH, database, sources.outside);
	else if (!sources.local)
		b2b_doctor_say(doctor, B2B_VERDICT_WARNING, "%s asks b2b before the host's own files; put files first in " NSSWITCH, database);
	return doctor->problems + doctor->warnings == before;
}

/* Without such a line the group's is used. */
static bool judge_initgroups(struct b2b_doctor *doctor, FILE *file)
{
	struct sources sources;

	read_sources(file, "initgroups", &sources);
	if (!sources.found || (sources.ours && !sources.stopped))
		return true;
	b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "initgroups does not come to b2b, so partners log in without their groups; add b2b to that line of " NSSWITCH
	               ", or remove the line");
	return false;
}

void b2b_doctor_nsswitch(struct b2b_doctor *doctor)
{
	FILE *file = b2b_doctor_open(doctor, NSSWITCH);
	bool well;

	if (!file) {
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, NSSWITCH " cannot be read, so partners have no names; see nss_b2b(8) for what stands in it");
		return;
	}
	well = judge(doctor, file, "passwd");
	well = judge(doctor, file, "group") && well;
	well = judge_initgroups(doctor, file) && well;
	fclose(file);
	if (well)
		b2b_doctor_say(doctor, B2B_VERDICT_OK, "passwd and group ask the host's own files, then b2b");
}
