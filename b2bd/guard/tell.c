#include "b2bd/guard/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Device numbers of the kernel's admin-guide/devices.txt. */
#define MAJOR_TTY 4
#define MINOR_SERIAL 64
#define MAJOR_PTS_FIRST 136
#define MAJOR_PTS_LAST 143

/* UTF-8 passes (people have names), but C1 controls, which some terminals obey, do not: 0xc2 0x80-0x9f. */
static char printable(const char *at)
{
	unsigned char c = (unsigned char)*at, next = c ? (unsigned char)at[1] : 0;

	if (c < 0x20 || c == 0x7f || (c == 0xc2 && next >= 0x80 && next <= 0x9f))
		return '?';
	return (char)c;
}

/* Any byte that does not belong to a whole UTF-8 character becomes '?': a stray 0x9b is a control sequence to an 8-bit terminal. */
static size_t character(const char *at)
{
	unsigned char c = (unsigned char)*at;
	size_t len = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)at[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

static void clean(char *out, size_t size, const char *in)
{
	size_t used = 0;

	while (*in && used + 5 < size) {
		size_t len = character(in);

		if (len == 0 || printable(in) == '?') {
			out[used++] = '?';
			in += len ? len : 1;
		} else {
			memcpy(out + used, in, len);
			used += len;
			in += len;
		}
	}
	out[used] = '\0';
}

size_t b2b_tell_format(char buf[B2B_TELL_SIZE], const char *message, const char *audit_id)
{
	char text[280], id[24];
	int len;

	clean(text, sizeof(text), message);
	clean(id, sizeof(id), audit_id);
	/* \a rings; \r\n in front, because the cursor stands anywhere and the line may be in raw mode. */
	len = snprintf(buf, B2B_TELL_SIZE, "\a\r\n*** %s%s%s%s ***\r\n", text, id[0] ? " (" : "", id, id[0] ? ")" : "");
	return len < 0 ? 0 : len < B2B_TELL_SIZE ? (size_t)len : B2B_TELL_SIZE - 1;
}

/* As the kernel's new_encode_dev packs it. */
static unsigned major_of(uint32_t tty)
{
	return (tty >> 8) & 0xfff;
}

static unsigned minor_of(uint32_t tty)
{
	return (tty & 0xff) | ((tty >> 12) & 0xfff00);
}

int b2b_terminal_path(uint32_t tty, char *path, size_t size)
{
	unsigned device_major = major_of(tty), device_minor = minor_of(tty);

	if (device_major >= MAJOR_PTS_FIRST && device_major <= MAJOR_PTS_LAST)
		snprintf(path, size, "/dev/pts/%u", (device_major - MAJOR_PTS_FIRST) * 256 + device_minor);
	else if (device_major == MAJOR_TTY && device_minor > 0 && device_minor < MINOR_SERIAL)
		snprintf(path, size, "/dev/tty%u", device_minor);
	else if (device_major == MAJOR_TTY && device_minor >= MINOR_SERIAL)
		snprintf(path, size, "/dev/ttyS%u", device_minor - MINOR_SERIAL);
	else
		return -ENODEV;
	return 0;
}

static bool is_device(const struct stat *st, uint32_t tty)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(major_of(tty), minor_of(tty));
}

int b2b_terminal_typed(uint32_t tty, int64_t *ret_s)
{
	struct stat st;
	char path[32];

	if (b2b_terminal_path(tty, path, sizeof(path)) < 0)
		return -ENODEV;
	if (lstat(path, &st) < 0)
		return -errno;
	if (!is_device(&st, tty))
		return -ENODEV;
	*ret_s = st.st_atim.tv_sec;
	return 0;
}

int b2b_tell(uint32_t tty, const char *line, size_t len)
{
	struct stat st;
	char path[32];
	int fd, r = 0;

	if (b2b_terminal_path(tty, path, sizeof(path)) < 0)
		return -ENODEV;
	fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !is_device(&st, tty))
		r = -ENODEV;
	else if (write(fd, line, len) < 0)
		r = -errno;
	close(fd);
	return r;
}
