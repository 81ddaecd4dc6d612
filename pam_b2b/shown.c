#include "pam_b2b/shown.h"

#include <string.h>

#define AUTH_INFO "SSH_AUTH_INFO_0" /* a line for each method that succeeded in this connection; nobody but sshd can set it before */
#define PUBLICKEY "publickey "

const char *b2b_shown(pam_handle_t *pamh)
{
	return pam_getenv(pamh, AUTH_INFO);
}

const char *b2b_shown_next(const char **at, size_t *ret_len)
{
	const char *line = *at;
	size_t len;

	for (; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (strncmp(line, PUBLICKEY, strlen(PUBLICKEY)) != 0)
			continue;
		*at = line + len + (line[len] == '\n');
		*ret_len = len - strlen(PUBLICKEY);
		return line + strlen(PUBLICKEY);
	}
	*at = line;
	return NULL;
}

void b2b_shown_lines(const char *shown, char *buf, size_t size)
{
	const char *key;
	size_t len, at = 0;

	while ((key = b2b_shown_next(&shown, &len))) {
		if (len + 1 >= size - at)
			continue;
		memcpy(buf + at, key, len);
		at += len;
		buf[at++] = '\n';
	}
	buf[at] = '\0';
}
