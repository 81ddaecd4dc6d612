#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "b2bctl/ctl.h"
#include "common/clock.h"
#include "common/write_file.h"

#define FILE_MOST (128u << 20)
#define NEW ".b2bctl.new"
#define LOCK_NS (10 * B2B_NS_PER_S)

/* Beside, then renamed over: whoever reads sees the old or the new. */
static int put_in(int dirfd, const char *path, const char *text, size_t len, mode_t mode, uid_t uid, gid_t gid)
{
	int r = b2b_write_new(dirfd, NEW, text, len, mode);

	if (r < 0)
		return r;
	if (fchownat(dirfd, NEW, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 || renameat(dirfd, NEW, AT_FDCWD, path) < 0) {
		r = -errno;
		unlinkat(dirfd, NEW, 0);
		return r;
	}
	return fsync(dirfd) < 0 ? -errno : 0;
}

static int open_folder(const char *path)
{
	char *copy = strdup(path);
	int fd, r;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : fd;
	free(copy);
	return r;
}

int b2b_ctl_put_file(const char *path, const char *text, size_t len, mode_t mode, uid_t uid, gid_t gid)
{
	int dirfd = open_folder(path), r;

	if (dirfd < 0)
		return dirfd;
	r = put_in(dirfd, path, text, len, mode, uid, gid);
	close(dirfd);
	return r;
}

/* Whoever may read the folder can hold its lock: root waits for them, but not for ever. */
int b2b_ctl_lock_folder(const char *path)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	uint64_t deadline = b2b_now_ns() + LOCK_NS;
	int fd = open_folder(path), r;

	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
		if (r != -EWOULDBLOCK || b2b_now_ns() >= deadline) {
			close(fd);
			return r;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

int b2b_ctl_replace_file(const char *path, const char *text, size_t len)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -errno;
	return b2b_ctl_put_file(path, text, len, st.st_mode & 0777, st.st_uid, st.st_gid);
}

static int append(struct b2b_ctl *ctl, const char *path, const char *old, const char *text,
                  int (*check)(struct b2b_ctl *ctl, const char *whole, size_t len, void *arg, char *error), void *arg)
{
	size_t len = strlen(old);
	char error[B2B_CONF_ERROR_SIZE], *whole = NULL;
	int all = asprintf(&whole, "%s%s%s", old, len && old[len - 1] != '\n' ? "\n" : "", text), r;

	if (all < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "out of memory");
	if (check(ctl, whole, (size_t)all, arg, error) < 0) {
		r = b2b_ctl_fail(ctl, B2B_CTL_CONF, "with the addition the file would be wrong, and was left: %s", error);
	} else {
		r = b2b_ctl_replace_file(path, whole, (size_t)all);
		if (r < 0)
			r = b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%s cannot be written: %s", path, strerror(-r));
	}
	free(whole);
	return r;
}

int b2b_ctl_append(struct b2b_ctl *ctl, const char *path, const char *text,
                   int (*check)(struct b2b_ctl *ctl, const char *whole, size_t len, void *arg, char *error), void *arg)
{
	char error[B2B_CONF_ERROR_SIZE], *old = NULL;
	int lock = b2b_ctl_lock_folder(path), r;
	size_t len;

	if (lock < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "the folder of %s cannot be locked: %s", path, strerror(-lock));
	if (b2b_conf_read_text(path, FILE_MOST, &old, &len, error) < 0)
		r = b2b_ctl_fail(ctl, B2B_CTL_CONF, "%s", error);
	else
		r = append(ctl, path, old, text, check, arg);
	free(old);
	close(lock);
	return r;
}
