/* nscd and unscd: they share socket and configuration, and answer everybody what they looked up for anybody. */
#include <stdlib.h>
#include <string.h>

#include "b2bctl/doctor.h"

#define NSCD_CONF "/etc/nscd.conf"

/* "enable-cache SERVICE yes|no"; the last counts, and without a line it is no. */
static void take_line(char *line, bool *passwd, bool *group)
{
	char *rest = line, *words[3];

	line[strcspn(line, "#")] = '\0';
	for (int i = 0; i < 3; i++)
		do
			words[i] = strsep(&rest, " \t\n");
		while (words[i] && !*words[i]);
	if (!words[0] || !words[1] || !words[2] || strcmp(words[0], "enable-cache") != 0)
		return;
	if (strcmp(words[1], "passwd") == 0)
		*passwd = strcmp(words[2], "yes") == 0;
	else if (strcmp(words[1], "group") == 0)
		*group = strcmp(words[2], "yes") == 0;
}

/* What it keeps of ours, in words; NULL: nothing. One whose configuration cannot be read is taken to keep all. */
static const char *kept(const struct b2b_doctor *doctor)
{
	static const char *const words[2][2] = { { NULL, "group" }, { "passwd", "passwd and group" } };
	FILE *file = b2b_doctor_open(doctor, NSCD_CONF);
	bool passwd = !file, group = !file;
	char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0)
		take_line(line, &passwd, &group);
	free(line);
	if (file)
		fclose(file);
	return words[passwd][group];
}

static bool starts_at_boot(const struct b2b_doctor *doctor)
{
	return b2b_doctor_any(doctor, "/etc/systemd/system/*.wants/nscd.service") || b2b_doctor_any(doctor, "/etc/systemd/system/*.wants/unscd.service") ||
	       b2b_doctor_any(doctor, "/etc/rc[2-5].d/S[0-9][0-9]nscd") || b2b_doctor_any(doctor, "/etc/rc[2-5].d/S[0-9][0-9]unscd");
}

void b2b_doctor_nscd(struct b2b_doctor *doctor)
{
	bool runs = b2b_doctor_listens(doctor, "/var/run/nscd/socket") || b2b_doctor_listens(doctor, "/run/nscd/socket");
	bool boots = starts_at_boot(doctor);
	const char *keeps = kept(doctor);

	if (!runs && !boots)
		b2b_doctor_say(doctor, B2B_VERDICT_OK, "neither nscd nor unscd runs");
	else if (!keeps)
		b2b_doctor_say(doctor, B2B_VERDICT_OK, "nscd keeps neither passwd nor group");
	else if (b2b_doctor_all_visible(doctor))
		b2b_doctor_say(doctor, B2B_VERDICT_WARNING, "nscd keeps %s; b2bd makes it forget when somebody is revoked, but it answers without asking whether "
		               "they are: set enable-cache to no for passwd and group in " NSCD_CONF " and restart it", keeps);
	else
		b2b_doctor_say(doctor, runs ? B2B_VERDICT_PROBLEM : B2B_VERDICT_WARNING,
		               "nscd %s and keeps %s, so every partner is told what was looked up of others: set enable-cache to no for passwd and group in "
		               NSCD_CONF " and restart it", runs ? "runs" : "starts at boot", keeps);
}
