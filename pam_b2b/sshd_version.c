#include "pam_b2b/sshd_version.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_FILE (32u << 20)
#define LONGEST_STRING 64 /* of the version, as far as it must be looked at */
#define CHUNK 8192

static int number(const char **text, const char *end)
{
	int value = 0, digits = 0;

	for (; *text < end && isdigit((unsigned char)**text) && digits < 3; (*text)++, digits++)
		value = value * 10 + (**text - '0');
	return digits ? value : -1;
}

/*
 * TEXT begins behind "OpenSSH_". The version stands alone in its string; the patterns of OpenSSH's list of
 * incompatible peers ("OpenSSH_6.5*,OpenSSH_6.6*") hold a comma or an asterisk and are not taken.
 */
static int parse_version(const char *text, const char *end)
{
	int major = number(&text, end), minor;

	if (major < 0 || text == end || *text++ != '.')
		return 0;
	minor = number(&text, end);
	if (minor < 0 || minor > 99)
		return 0;
	if (text < end && *text == 'p') {
		text++;
		if (number(&text, end) < 0)
			return 0;
	}
	return text < end && (*text == '\0' || *text == ' ') ? 100 * major + minor : 0;
}

/* Versions that begin in the first LIMIT bytes of BUF. Returns false when they disagree with *VERSION. */
static bool scan(const char *buf, size_t len, size_t limit, int *version)
{
	static const char mark[] = "\0OpenSSH_"; /* the NUL before it: the beginning of a string */
	const size_t mark_len = sizeof(mark) - 1;
	const char *at = buf;

	while ((at = memmem(at, len - (size_t)(at - buf), mark, mark_len)) && (size_t)(at - buf) < limit) {
		int found = parse_version(at + mark_len, buf + len);

		if (found && *version && found != *version)
			return false;
		if (found)
			*version = found;
		at += mark_len;
	}
	return true;
}

int b2b_sshd_version_of(int fd)
{
	char buf[CHUNK + LONGEST_STRING];
	int version = 0;
	off_t at;

	for (at = 0; at < (off_t)LONGEST_FILE; at += CHUNK) {
		ssize_t n = pread(fd, buf, sizeof(buf), at); /* chunks overlap, so that none is cut in two */

		if (n < 0)
			return 0;
		if (!scan(buf, (size_t)n, CHUNK, &version))
			return 0;
		if ((size_t)n < sizeof(buf))
			return version;
	}
	return 0;
}

int b2b_sshd_version(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), version;

	if (fd < 0)
		return 0;
	version = b2b_sshd_version_of(fd);
	close(fd);
	return version;
}
