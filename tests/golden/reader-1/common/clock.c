#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_CHARS 36 /* 8-4-4-4-12 hexadecimal digits */

uint64_t b2b_now_ns(void)
{
	struct timespec now = { 0, 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * B2B_NS_PER_S + (uint64_t)now.tv_nsec;
}

int64_t b2b_wall_s(void)
{
	return b2b_wall_ms() / 1000;
}

int64_t b2b_wall_ms(void)
{
	struct timespec now = { 0, 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / (int64_t)B2B_NS_PER_MS;
}

int b2b_ms_left(uint64_t deadline_ns)
{
	uint64_t now = b2b_now_ns(), left;

	if (deadline_ns <= now)
		return 0;
	left = (deadline_ns - now - 1) / B2B_NS_PER_MS + 1;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_uuid(const char *text, uint8_t ret_id[16])
{
	uint8_t id[16];
	size_t at = 0;

	for (size_t i = 0; i < sizeof(id); i++) {
		int high, low;

		if (text[at] == '-')
			at++;
		high = hex_digit(text[at]);
		low = high < 0 ? -1 : hex_digit(text[at + 1]);
		if (low < 0)
			return -EBADMSG;
		id[i] = (uint8_t)(high << 4 | low);
		at += 2;
	}
	memcpy(ret_id, id, sizeof(id));
	return 0;
}

int b2b_boot_id(uint8_t ret_id[16])
{
	char text[BOOT_ID_CHARS + 1] = "";
	ssize_t got;
	int fd;

	fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	do
		got = read(fd, text, BOOT_ID_CHARS);
	while (got < 0 && errno == EINTR);
	close(fd);
	return got == BOOT_ID_CHARS ? parse_uuid(text, ret_id) : -EBADMSG;
}
