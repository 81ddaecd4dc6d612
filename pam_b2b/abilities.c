#include "pam_b2b/abilities.h"

#include <fcntl.h>
#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* 0 where there is no terminal, or it does not know. */
static uint32_t columns(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct winsize size;
	bool known;

	if (fd < 0)
		return 0;
	known = ioctl(fd, TIOCGWINSZ, &size) == 0;
	close(fd);
	return known ? size.ws_col : 0;
}

uint32_t b2b_abilities(const struct b2b_call *call, bool sshd)
{
	bool utf8 = call->options.qr || (!sshd && strcmp(nl_langinfo(CODESET), "UTF-8") == 0);

	return B2B_CAN_ANSWER | (utf8 ? B2B_CAN_UTF8 : 0) | (sshd ? 0 : columns() << B2B_CAN_COLUMNS);
}
