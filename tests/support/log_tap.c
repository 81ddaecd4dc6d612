#include "tests/support/log_tap.h"

#include <err.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/support/machine.h"

static int tap = -1;
static char said[16384]; /* lines, each with its NUL */
static size_t said_len;

void log_tap_open(void)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };

	machine_own("/dev");
	tap = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (tap < 0 || bind(tap, (const struct sockaddr *)&address, sizeof(address)) < 0 || chmod(address.sun_path, 0666) < 0)
		err(1, "%s", address.sun_path);
}

static void listen_to_it(void)
{
	ssize_t n;

	while (said_len + 1 < sizeof(said) && (n = recv(tap, said + said_len, sizeof(said) - said_len - 1, 0)) > 0) {
		said_len += (size_t)n;
		said[said_len++] = '\0';
	}
}

void log_tap_forget(void)
{
	listen_to_it();
	said_len = 0;
}

const char *log_tap_line(const char *text)
{
	listen_to_it();
	for (size_t at = 0; at < said_len; at += strlen(said + at) + 1) {
		if (strstr(said + at, text))
			return said + at;
	}
	return NULL;
}
