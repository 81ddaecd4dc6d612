#include "common/sshd_config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 16
#define FILES_MAX 256
#define FILE_MAX_BYTES (1 << 20)

struct reader {
	const char *root;
	b2b_sshd_line *line;
	void *arg;
	char match[B2B_SSHD_MATCH_SIZE]; /* of the block that is being read; "" outside */
	unsigned files; /* read so far: those that include each other would come to no end */
	bool found;
};

static void read_file(struct reader *reader, const char *path, int depth);

/* PATH has the root in front. A FIFO must not hold up a log-in. */
static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *file = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX_BYTES)
		file = fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
}

static void include(struct reader *reader, char *patterns, int depth)
{
	char *rest = patterns, *word, path[PATH_MAX];

	while ((word = strsep(&rest, " \t"))) {
		glob_t files = { 0 };

		if (!*word || snprintf(path, sizeof(path), "%s%s%s", reader->root, *word == '/' ? "" : "/etc/ssh/", word) >= (int)sizeof(path))
			continue;
		if (glob(path, 0, NULL, &files) == 0) {
			for (size_t i = 0; i < files.gl_pathc && reader->files++ < FILES_MAX; i++)
				read_file(reader, files.gl_pathv[i], depth + 1);
		}
		globfree(&files);
	}
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

static void take(struct reader *reader, const char *keyword, char *value, int depth)
{
	if (strcasecmp(keyword, "Include") == 0)
		include(reader, value, depth);
	else if (strcasecmp(keyword, "Match") == 0)
		snprintf(reader->match, sizeof(reader->match), "%s", strcasecmp(value, "all") == 0 ? "" : value);
	else
		reader->line(reader->arg, reader->match, keyword, value);
}

static void read_file(struct reader *reader, const char *path, int depth)
{
	FILE *file = depth < DEPTH_MAX ? open_file(path) : NULL;
	char before[sizeof(reader->match)], *line = NULL, *keyword, *value;
	size_t size = 0;

	if (!file)
		return;
	reader->found = true;
	memcpy(before, reader->match, sizeof(before));
	while (getline(&line, &size, file) > 0) {
		keyword = split(line, &value);
		if (keyword)
			take(reader, keyword, value, depth);
	}
	memcpy(reader->match, before, sizeof(reader->match));
	free(line);
	fclose(file);
}

int b2b_sshd_config_read(const char *root, b2b_sshd_line *line, void *arg)
{
	struct reader reader = { .root = root, .line = line, .arg = arg };
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s", root, B2B_SSHD_CONFIG) < (int)sizeof(path))
		read_file(&reader, path, 0);
	return reader.found ? 0 : -ENOENT;
}

long b2b_sshd_grace_s(const char *text)
{
	long total = 0;
	char *end;

	if (!*text)
		return B2B_SSHD_GRACE_S;
	if (strcasecmp(text, "none") == 0)
		return 0;
	while (*text) {
		long number = strtol(text, &end, 10);

		if (end == text || number < 0 || number > INT_MAX / (7 * 86400))
			return -1;
		if (*end == ' ' || *end == '\t')
			end = (char *)(uintptr_t)""; /* a comment may follow */
		switch (tolower((unsigned char)*end)) {
		case 'w': number *= 7 * 86400; break;
		case 'd': number *= 86400; break;
		case 'h': number *= 3600; break;
		case 'm': number *= 60; break;
		case 's': case '\0': break;
		default: return -1;
		}
		total += number;
		if (total > INT_MAX)
			return -1;
		text = *end ? end + 1 : end;
	}
	return total;
}

/* The first counts; in a Match block sshd takes none. */
static void take_grace(void *arg, const char *match, const char *keyword, char *value)
{
	long *grace = arg;

	if (*grace < 0 && !*match && strcasecmp(keyword, "LoginGraceTime") == 0)
		*grace = b2b_sshd_grace_s(value);
}

unsigned b2b_sshd_login_grace_s(void)
{
	long grace = -1;

	b2b_sshd_config_read("", take_grace, &grace);
	return grace < 0 ? B2B_SSHD_GRACE_S : (unsigned)grace;
}
