#include "b2bctl/doctor_sudoers.h"

#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUDOERS "/etc/sudoers"
#define DEPTH_MAX 16
#define BLANKS " \t\r\n"
#define TIMEOUT_DEFAULT 15.0 /* minutes, as Debian builds it; others remember for a shorter time */

enum scope {
	SCOPE_NOT_OURS,
	SCOPE_ALL,
	SCOPE_PARTNERS,
	SCOPE_SOME, /* it depends on the command, on as whom it runs, or on the host */
};

struct reader {
	const struct b2b_doctor *doctor;
	struct b2b_sudoers *sudoers;
	bool partners_timeout; /* given for partners, who are then not all others */
	double some_timeout;   /* the longest of SCOPE_SOME; 0: none */
	char host[HOST_NAME_MAX + 1];
};

static void read_file(struct reader *reader, const char *path, int depth);

static bool is_word(const char *at, size_t len, const char *word)
{
	return len == strlen(word) && strncmp(at, word, len) == 0;
}

static bool is_longer(double timeout, double than)
{
	return than >= 0 && (timeout < 0 || timeout > than);
}

/* One member of a Defaults line's list, negated or not: does a list of users with it concern all partners, one of hosts this host? */
static bool member_concerns(const struct reader *reader, char kind, const char *at, size_t len)
{
	if (len && *at == '!')
		return true; /* all but somebody */
	if (is_word(at, len, "ALL"))
		return true;
	return kind == ':' ? is_word(at, len, "%" B2B_GROUP_PARTNERS) : is_word(at, len, reader->host);
}

/* What stands directly behind "Defaults"; *at is moved to the settings. */
static enum scope take_scope(const struct reader *reader, char **at)
{
	char kind = **at, *c = *at;
	bool concerns = false;

	if (!kind || strchr(BLANKS, kind))
		return SCOPE_ALL;
	if (!strchr(":@>!", kind))
		return SCOPE_NOT_OURS; /* another word */
	do {
		size_t len;

		c += 1 + strspn(c + 1, BLANKS);
		len = *c == '"' ? 1 + strcspn(c + 1, "\"") + 1 : strcspn(c, "," BLANKS);
		len = strnlen(c, len);
		concerns = concerns || member_concerns(reader, kind, c, len);
		c += len;
		c += strspn(c, BLANKS);
	} while (*c == ',');
	*at = c;
	if (kind == '>' || kind == '!')
		return SCOPE_SOME;
	return !concerns ? SCOPE_NOT_OURS : kind == ':' ? SCOPE_PARTNERS : SCOPE_SOME;
}

static void take_flag(bool *flag, bool value, enum scope scope)
{
	*flag = value || (*flag && scope == SCOPE_SOME);
}

static void take_timeout(struct reader *reader, double timeout, enum scope scope)
{
	if (scope == SCOPE_SOME) {
		if (is_longer(timeout, reader->some_timeout))
			reader->some_timeout = timeout;
	} else if (scope == SCOPE_PARTNERS || !reader->partners_timeout) { /* sudo applies what is for a user after what is for all */
		reader->sudoers->timeout = timeout;
		reader->partners_timeout = scope == SCOPE_PARTNERS;
	}
}

static void take_service(struct b2b_sudoers *sudoers, const char *name, const char *value, enum scope scope)
{
	bool ours = !*value || strcmp(value, "sudo") == 0 || strcmp(value, "sudo-i") == 0;
	size_t len = strlen(name);

	if (!ours)
		snprintf(sudoers->other_service, sizeof(sudoers->other_service), "%s=%s", name, value);
	else if (scope != SCOPE_SOME && strncmp(sudoers->other_service, name, len) == 0 && sudoers->other_service[len] == '=')
		*sudoers->other_service = '\0';
}

/* "!flag", "name=value", with blanks anywhere and quotes around the value; SETTING is changed. */
static void take_setting(struct reader *reader, char *setting, enum scope scope)
{
	struct b2b_sudoers *sudoers = reader->sudoers;
	bool no = false;
	char *value;

	for (setting += strspn(setting, BLANKS); *setting == '!'; setting += 1 + strspn(setting + 1, BLANKS))
		no = !no;
	value = setting + strcspn(setting, "=" BLANKS);
	if (*value) {
		*value++ = '\0';
		value += strspn(value, "=\"" BLANKS);
		value[strcspn(value, "\"\r\n")] = '\0';
		for (char *end = value + strlen(value); end > value && strchr(BLANKS, end[-1]);)
			*--end = '\0';
	}
	if (strcmp(setting, "pam_session") == 0)
		take_flag(&sudoers->no_session, no, scope);
	else if (strcmp(setting, "pam_acct_mgmt") == 0)
		take_flag(&sudoers->no_account, no, scope);
	else if (strcmp(setting, "timestamp_timeout") == 0)
		take_timeout(reader, no ? 0 : strtod(value, NULL), scope);
	else if (strcmp(setting, "pam_service") == 0 || strcmp(setting, "pam_login_service") == 0 || strcmp(setting, "pam_askpass_service") == 0)
		take_service(sudoers, setting, value, scope);
}

/* The length of TEXT up to one of STOPS that no quotes are around. */
static size_t unquoted(const char *text, const char *stops)
{
	const char *c = text;

	for (bool quoted = false; *c && (quoted || !strchr(stops, *c)); c++) {
		if (*c == '\\' && c[1])
			c++;
		else if (*c == '"')
			quoted = !quoted;
	}
	return (size_t)(c - text);
}

static void take_settings(struct reader *reader, char *settings, enum scope scope)
{
	char *next;

	settings[unquoted(settings, "#")] = '\0';
	for (; settings; settings = next) {
		size_t len = unquoted(settings, ",");

		next = settings[len] ? settings + len + 1 : NULL;
		settings[len] = '\0';
		take_setting(reader, settings, scope);
	}
}

/* The name behind "@include": quoted, or with its blanks escaped; %h is this host. */
static void take_name(const struct reader *reader, const char *text, char buf[PATH_MAX])
{
	size_t at = 0;
	bool quoted = *text == '"';

	for (text += quoted; *text && at < PATH_MAX - 1 && !(quoted ? *text == '"' : !!strchr(BLANKS, *text)); text++) {
		if (text[0] == '%' && text[1] == 'h') {
			at += (size_t)snprintf(buf + at, PATH_MAX - at, "%s", reader->host);
			if (at >= PATH_MAX)
				at = PATH_MAX - 1;
			text++;
			continue;
		}
		if (text[0] == '\\' && text[1])
			text++;
		buf[at++] = *text;
	}
	buf[at] = '\0';
}

/* As sudo reads a folder: no names with a dot or a tilde at the end, in their order. */
static void read_folder(struct reader *reader, const char *path, int depth)
{
	const char *root = reader->doctor->root;
	char pattern[PATH_MAX];
	glob_t found = { 0 };

	if (snprintf(pattern, sizeof(pattern), "%s%s/*", root, path) >= (int)sizeof(pattern) || glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *file = found.gl_pathv[i] + strlen(root), *name = strrchr(file, '/');

		if (!strchr(name, '.') && file[strlen(file) - 1] != '~')
			read_file(reader, file, depth);
	}
	globfree(&found);
}

/* "@include FILE", "#includedir FOLDER", from the file FROM. False: LINE is something else. */
static bool take_include(struct reader *reader, const char *line, const char *from, int depth)
{
	char name[PATH_MAX], path[PATH_MAX];
	const char *behind;
	bool folder;

	if ((*line != '@' && *line != '#') || strncmp(line + 1, "include", 7) != 0)
		return false;
	folder = strncmp(line + 8, "dir", 3) == 0;
	behind = line + (folder ? 11 : 8);
	if (*behind != ' ' && *behind != '\t')
		return false;
	take_name(reader, behind + strspn(behind, " \t"), name);
	if (snprintf(path, sizeof(path), "%.*s%s", *name == '/' ? 0 : (int)(strrchr(from, '/') + 1 - from), from, name) >= (int)sizeof(path))
		return true;
	if (folder)
		read_folder(reader, path, depth + 1);
	else
		read_file(reader, path, depth + 1);
	return true;
}

/* Append the file's next line to *line; false: there is none. */
static bool append_line(FILE *file, char **line, size_t *size, size_t *len)
{
	char *more = NULL, *both;
	size_t more_size = 0;
	ssize_t n = getline(&more, &more_size, file);

	both = n > 0 ? realloc(*line, *len + (size_t)n + 1) : NULL;
	if (both) {
		memcpy(both + *len, more, (size_t)n + 1);
		*line = both;
		*size = *len + (size_t)n + 1;
		*len += (size_t)n;
	}
	free(more);
	return both;
}

/* A line with those that continue it; a comment is never continued. Returns its start behind blanks, or NULL at the end. */
static char *next_line(FILE *file, char **line, size_t *size)
{
	ssize_t n = getline(line, size, file);
	size_t len = n > 0 ? (size_t)n : 0;

	if (n <= 0)
		return NULL;
	while ((*line)[strspn(*line, BLANKS)] != '#' && len >= 2 && strcmp(*line + len - 2, "\\\n") == 0) {
		len -= 2;
		(*line)[len] = '\0';
		if (!append_line(file, line, size, &len))
			break;
	}
	return *line + strspn(*line, BLANKS);
}

static void read_file(struct reader *reader, const char *path, int depth)
{
	FILE *file = depth < DEPTH_MAX ? b2b_doctor_open(reader->doctor, path) : NULL;
	char *line = NULL, *start;
	enum scope scope;
	size_t size = 0;

	while (file && (start = next_line(file, &line, &size))) {
		if (take_include(reader, start, path, depth) || strncmp(start, "Defaults", 8) != 0)
			continue;
		start += 8;
		scope = take_scope(reader, &start);
		if (scope != SCOPE_NOT_OURS)
			take_settings(reader, start, scope);
	}
	free(line);
	if (file)
		fclose(file);
}

void b2b_doctor_read_sudoers(const struct b2b_doctor *doctor, struct b2b_sudoers *ret_sudoers)
{
	struct reader reader = { .doctor = doctor, .sudoers = ret_sudoers };

	*ret_sudoers = (struct b2b_sudoers){ .timeout = TIMEOUT_DEFAULT };
	if (gethostname(reader.host, sizeof(reader.host) - 1) == 0)
		reader.host[strcspn(reader.host, ".")] = '\0';
	read_file(&reader, SUDOERS, 0);
	if (is_longer(reader.some_timeout, ret_sudoers->timeout))
		ret_sudoers->timeout = reader.some_timeout;
}
