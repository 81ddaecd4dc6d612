#include "common/session_record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME_SIZE 64

static int read_all(int fd, void *buf, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = read(fd, (char *)buf + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (int)have;
}

int b2b_start_ticks(pid_t pid, uint64_t *ret_ticks)
{
	char path[64], stat[1024], *p, *end;
	unsigned long long ticks;
	int fd, n, field;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read_all(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (n < 0)
		return n;
	stat[n] = '\0';
	p = strrchr(stat, ')'); /* the command name before it may hold anything */
	for (field = 2; p && field < 22; field++) {
		p = strchr(p + 1, ' ');
	}
	if (!p)
		return -EBADMSG;
	errno = 0;
	ticks = strtoull(p + 1, &end, 10);
	if (errno || end == p + 1)
		return -EBADMSG;
	*ret_ticks = ticks;
	return 0;
}

static void file_name(char *buf, size_t size, int32_t pid, uint64_t start_ticks)
{
	snprintf(buf, size, "%d-%llu", (int)pid, (unsigned long long)start_ticks);
}

static int open_directory(void)
{
	int fd = open(B2B_SESSION_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return fd;
	close(fd);
	return -EPERM;
}

static int write_record(int fd, const struct b2b_session_record *record)
{
	size_t done = 0;

	while (done < sizeof(*record)) {
		ssize_t n = write(fd, (const char *)record + done, sizeof(*record) - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

int b2b_session_put(const struct b2b_session_record *record)
{
	char name[FILE_NAME_SIZE], temporary[FILE_NAME_SIZE + 8];
	int dir, fd, r;

	file_name(name, sizeof(name), record->pid, record->start_ticks);
	snprintf(temporary, sizeof(temporary), ".tmp.%s", name);
	dir = open_directory();
	if (dir < 0)
		return dir;
	unlinkat(dir, temporary, 0); /* of a predecessor that died while writing */
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0) {
		r = -errno;
		goto out;
	}
	r = write_record(fd, record);
	close(fd);
	if (r == 0 && renameat(dir, temporary, dir, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, temporary, 0);
out:
	close(dir);
	return r;
}

int b2b_session_remove(pid_t pid, uint64_t start_ticks)
{
	char name[FILE_NAME_SIZE];
	int dir = open_directory(), r = 0;

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	file_name(name, sizeof(name), pid, start_ticks);
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		r = -errno;
	close(dir);
	return r;
}

static bool terminated(const struct b2b_session_record *record)
{
	const struct b2b_origin *origin = &record->origin;

	return memchr(origin->user, '\0', sizeof(origin->user)) && memchr(origin->service, '\0', sizeof(origin->service)) &&
	       memchr(origin->tty, '\0', sizeof(origin->tty)) && memchr(origin->rhost, '\0', sizeof(origin->rhost)) &&
	       memchr(origin->ruser, '\0', sizeof(origin->ruser)) && memchr(record->audit_id, '\0', sizeof(record->audit_id));
}

/* Returns true when NAME in DIR is root's, whole, and says of itself what its name says. */
static bool read_record(int dir, const char *name, struct b2b_session_record *record)
{
	char expected[FILE_NAME_SIZE];
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	bool good;

	if (fd < 0)
		return false;
	good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH)) &&
	       st.st_size == sizeof(*record) && read_all(fd, record, sizeof(*record)) == sizeof(*record) &&
	       record->magic == B2B_SESSION_MAGIC && terminated(record);
	close(fd);
	if (!good)
		return false;
	file_name(expected, sizeof(expected), record->pid, record->start_ticks);
	return strcmp(expected, name) == 0;
}

int b2b_session_each(int (*each)(void *arg, const struct b2b_session_record *record), void *arg)
{
	struct b2b_session_record record;
	struct dirent *entry;
	int fd = open_directory(), r = 0;
	DIR *dir;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && read_record(fd, entry->d_name, &record))
			r = each(arg, &record);
	}
	closedir(dir);
	return r;
}
