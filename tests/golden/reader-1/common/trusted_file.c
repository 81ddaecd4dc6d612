#include "common/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int judge(int fd, size_t max, size_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	if (st.st_size < 0 || (uintmax_t)st.st_size > max)
		return -EFBIG;
	if (ret_size)
		*ret_size = (size_t)st.st_size;
	return 0;
}

int b2b_trusted_open(const char *path, size_t max, size_t *ret_size)
{
	int fd, r;

	if (path[0] != '/')
		return -EINVAL;
	/* Non-blocking, or a FIFO in its place would hold the caller before fstat could refuse it. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	r = judge(fd, max, ret_size);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* A file that grows meanwhile is cut at SIZE, one that shrinks ends earlier. */
static int read_up_to(int fd, char *text, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(fd, text + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	*ret_len = len;
	return 0;
}

int b2b_trusted_read(const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	size_t size = 0, len = 0;
	char *text = NULL;
	int fd, r;

	fd = b2b_trusted_open(path, max, &size);
	if (fd < 0)
		return fd;
	text = malloc(size + 1);
	r = text ? read_up_to(fd, text, size, &len) : -ENOMEM;
	close(fd);
	if (r < 0) {
		/* It may be a key: nothing of it stays behind. */
		if (text)
			explicit_bzero(text, size);
		free(text);
		return r;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;
}
