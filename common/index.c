#include "common/index.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cache_format.h"
#include "common/clock.h"
#include "common/index_codec.h"
#include "common/trusted_file.h"
#include "common/write_file.h"

#define INDEX "index"
#define INDEX_NEW ".index.new"
#define INDEX_OLD "index.old"

static int read_image(const char *dir, char **ret_image, size_t *ret_size)
{
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/" INDEX, dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	r = b2b_trusted_read(path, B2B_INDEX_SIZE_MAX, ret_image, ret_size);
	return r == -EFBIG ? -EBADMSG : r == -ELOOP ? -EPERM : r;
}

int b2b_index_read(const char *dir, struct b2b_policy **ret_policy)
{
	char *image = NULL;
	size_t size;
	int r;

	r = read_image(dir, &image, &size);
	if (r < 0)
		return r;
	r = b2b_index_decode(image, size, ret_policy);
	free(image);
	return r;
}

/*
 * The rename is on disk first, or a power cut could take it back and leave a superseded index in force, which everybody opens
 * anew at each look-up. Where the disk fails readers turn over all the same.
 */
static int supersede(int dirfd, int fd)
{
	const uint32_t superseded = 1;
	int synced = fsync(dirfd) < 0 ? -errno : 0, r;

	r = b2b_pwrite_all(fd, &superseded, sizeof(superseded), offsetof(struct b2b_format_index, superseded));
	return r < 0 ? r : synced;
}

int b2b_index_intact(const char *dir, const struct b2b_policy *policy)
{
	char *image = NULL;
	size_t size;
	int r;

	r = read_image(dir, &image, &size);
	if (r < 0)
		return r;
	r = b2b_index_exact(image, size, policy, NULL);
	free(image);
	return r == 0 ? 1 : r == -EBADMSG ? 0 : r;
}

/* Store the superseded word of the index that DIRFD/index.old names, unless it is still the index itself. */
static int mark_old(int dirfd)
{
	struct stat now, old;
	int fd, r = 0;

	fd = openat(dirfd, INDEX_OLD, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &old) < 0)
		r = -errno;
	else if (fstatat(dirfd, INDEX, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == old.st_ino && now.st_dev == old.st_dev)
		r = 0; /* the crash came before the rename */
	else if (S_ISREG(old.st_mode) && old.st_size >= (off_t)sizeof(struct b2b_format_index))
		r = supersede(dirfd, fd);
	close(fd);
	if (r == 0 && unlinkat(dirfd, INDEX_OLD, 0) < 0)
		r = -errno;
	return r;
}

int b2b_index_recover(const char *dir)
{
	int dirfd, r;

	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dirfd < 0)
		return -errno;
	r = mark_old(dirfd);
	close(dirfd);
	return r;
}

/* Keeps a name on the index that is about to be replaced, so that it can be marked also after a crash. */
static int keep_old(int dirfd)
{
	if (linkat(dirfd, INDEX, dirfd, INDEX_OLD, 0) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* Grows with every apply, also when the index before cannot be read any more. */
static uint64_t next_generation(const char *dir)
{
	uint64_t now = (uint64_t)b2b_wall_ms();
	struct b2b_policy *before = NULL;

	if (b2b_index_read(dir, &before) == 0 && before->generation >= now)
		now = before->generation + 1;
	b2b_policy_free(before);
	return now;
}

static int replace(int dirfd, const void *image, size_t size)
{
	int r;

	r = mark_old(dirfd);
	if (r < 0)
		return r;
	r = b2b_write_new(dirfd, INDEX_NEW, image, size, 0644);
	if (r < 0)
		return r;
	r = keep_old(dirfd);
	if (r == 0 && renameat(dirfd, INDEX_NEW, dirfd, INDEX) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dirfd, INDEX_NEW, 0);
		return r;
	}
	r = mark_old(dirfd);
	if (fsync(dirfd) < 0 && r == 0)
		r = -errno;
	return r;
}

int b2b_index_write(const char *dir, const struct b2b_policy *policy)
{
	struct b2b_policy numbered = *policy;
	void *image = NULL;
	int dirfd = -1, r;
	size_t size;

	if (numbered.generation == 0)
		numbered.generation = next_generation(dir);
	r = b2b_index_encode(&numbered, &image, &size);
	if (r < 0)
		goto out;
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dirfd < 0) {
		r = -errno;
		goto out;
	}
	r = replace(dirfd, image, size);
out:
	if (dirfd >= 0)
		close(dirfd);
	free(image);
	return r;
}
