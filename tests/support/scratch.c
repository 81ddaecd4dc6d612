#include "tests/support/scratch.h"

#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void scratch_make(char path[SCRATCH_SIZE])
{
	const char *below = secure_getenv("TMPDIR");

	snprintf(path, SCRATCH_SIZE, "%s/b2b-test.XXXXXX", below ? below : "/tmp");
	if (!mkdtemp(path) || chmod(path, 0755) < 0)
		err(1, "scratch directory %s", path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void scratch_remove(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
		warn("remove %s", path);
}

void scratch_path(char path[SCRATCH_SIZE], const char *dir, const char *name)
{
	if (snprintf(path, SCRATCH_SIZE, "%s/%s", dir, name) >= SCRATCH_SIZE)
		errx(1, "path too long: %s/%s", dir, name);
}

void scratch_write(const char *path, const void *data, size_t size, unsigned mode)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 || fchmod(fd, mode) < 0 || write(fd, data, size) != (ssize_t)size || close(fd) < 0)
		err(1, "write %s", path);
}
