#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "b2bctl/ctl.h"
#include "common/write_file.h"

#define FILE_MOST (128u << 20)
#define NEW ".b2bctl.new"

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

int b2b_ctl_put_file(const char *path, const char *text, size_t len, mode_t mode, uid_t uid, gid_t gid)
{
	char *copy = strdup(path);
	int dirfd, r;

	if (!copy)
		return -ENOMEM;
	dirfd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dirfd < 0 ? -errno : put_in(dirfd, path, text, len, mode, uid, gid);
	if (dirfd >= 0)
		close(dirfd);
	free(copy);
	return r;
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
	size_t len;
	int r = b2b_conf_read_text(path, FILE_MOST, &old, &len, error);

	if (r < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_CONF, "%s", error);
	r = append(ctl, path, old, text, check, arg);
	free(old);
	return r;
}
