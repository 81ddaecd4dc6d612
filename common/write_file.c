#include "common/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int b2b_pwrite_all(int fd, const void *data, size_t size, off_t offset)
{
	const char *from = data;

	while (size > 0) {
		ssize_t put = pwrite(fd, from, size, offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		from += put;
		offset += put;
		size -= (size_t)put;
	}
	return 0;
}

int b2b_write_unsynced(int dirfd, const char *name, const void *data, size_t size, mode_t mode, int *ret_fd)
{
	int fd, r;

	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = b2b_pwrite_all(fd, data, size, 0);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		unlinkat(dirfd, name, 0);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int b2b_write_new(int dirfd, const char *name, const void *data, size_t size, mode_t mode)
{
	int fd = -1, r = b2b_write_unsynced(dirfd, name, data, size, mode, &fd);

	if (r < 0)
		return r;
	if (fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, name, 0);
	return r;
}
