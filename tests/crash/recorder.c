#include "tests/crash/recorder.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/crash/tracer.h"

#define WORD 8u
#define FILE_MAX (1u << 20)

struct file {
	ino_t real;            /* on the file system of the recording */
	unsigned inode;        /* in the log */
	int fd;                /* ours, for files */
	bool mapped;
	unsigned char *known;  /* what the log has of a mapped file */
	uint64_t size;
};

struct recorder {
	struct disk_log *log;
	const char *mapped;
	struct file files[DISK_INODES];
	size_t n;
	char path[2][PATH_MAX];  /* of the call under way, absolute */
	struct file *gone;       /* what the path named before the call */
};

static struct file *find(struct recorder *recorder, ino_t real)
{
	for (size_t i = 0; i < recorder->n; i++) {
		if (recorder->files[i].real == real)
			return &recorder->files[i];
	}
	return NULL;
}

static struct file *find_path(struct recorder *recorder, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? find(recorder, st.st_ino) : NULL;
}

static struct file *find_fd(struct recorder *recorder, const struct tracer_call *call)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)call->pid, (int)call->args[0]);
	return stat(path, &st) == 0 ? find(recorder, st.st_ino) : NULL;
}

/* The folder of PATH, and its last part; NULL: nothing of ours. */
static struct file *folder_of(struct recorder *recorder, const char *path, char name[DISK_NAME])
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (!slash || snprintf(name, DISK_NAME, "%s", slash + 1) >= DISK_NAME)
		return NULL;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	return find_path(recorder, folder);
}

static bool passed_over(const char *path)
{
	size_t len = strlen(path);

	return len > 4 && strcmp(path + len - 4, "-shm") == 0;
}

static struct file *add_file(struct recorder *recorder, const struct stat *st, unsigned inode, int fd, bool mapped)
{
	struct file *file = &recorder->files[recorder->n++];

	*file = (struct file){ .real = st->st_ino, .inode = inode, .fd = fd, .mapped = mapped };
	if (mapped)
		file->known = calloc(1, FILE_MAX);
	if (mapped && !file->known)
		err(1, "recorder");
	return file;
}

static bool in_mapped(const struct recorder *recorder, const char *path)
{
	char folder[PATH_MAX];

	return recorder->mapped && snprintf(folder, sizeof(folder), "/%s/", recorder->mapped) < (int)sizeof(folder) && strstr(path, folder);
}

static void note_name(struct recorder *recorder, const char *path, unsigned inode)
{
	char name[DISK_NAME];
	struct file *folder = folder_of(recorder, path, name);
	struct disk_op *op = disk_log_add(recorder->log, DISK_NAME_SET, folder ? folder->inode : DISK_ROOT);

	snprintf(op->name, sizeof(op->name), "%s", name);
	op->target = inode;
}

/* A file or folder that was not there before the call. */
static void note_created(struct recorder *recorder, const char *path)
{
	char name[DISK_NAME];
	struct stat st;
	int fd;

	if (passed_over(path) || !folder_of(recorder, path, name) || lstat(path, &st) < 0 || find(recorder, st.st_ino))
		return;
	fd = S_ISREG(st.st_mode) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	add_file(recorder, &st, disk_log_inode(recorder->log, S_ISDIR(st.st_mode), st.st_mode & 07777), fd, in_mapped(recorder, path));
	note_name(recorder, path, recorder->log->n_inodes - 1);
}

static void note_rename(struct recorder *recorder)
{
	char from[DISK_NAME], to[DISK_NAME];
	struct file *folder = folder_of(recorder, recorder->path[1], to), *moved = find_path(recorder, recorder->path[1]);
	struct disk_op *op;

	if (!folder || !moved || folder_of(recorder, recorder->path[0], from) != folder)
		return;
	op = disk_log_add(recorder->log, DISK_RENAME, folder->inode);
	snprintf(op->name, sizeof(op->name), "%s", to);
	snprintf(op->from, sizeof(op->from), "%s", from);
	op->target = moved->inode;
}

static void note_unlink(struct recorder *recorder)
{
	char name[DISK_NAME];
	struct file *folder = folder_of(recorder, recorder->path[0], name);

	if (folder && recorder->gone)
		snprintf(disk_log_add(recorder->log, DISK_NAME_GONE, folder->inode)->name, DISK_NAME, "%s", name);
}

static void note_data(struct recorder *recorder, struct file *file, const struct tracer_call *call, int64_t size)
{
	unsigned char *bytes = malloc((size_t)size);

	if (!bytes || tracer_copy(call->pid, bytes, call->args[1], (size_t)size) < 0 || call->args[3] + (uint64_t)size > FILE_MAX)
		err(1, "a write of %lld bytes", (long long)size);
	disk_log_data(recorder->log, file->inode, call->args[3], bytes, (uint64_t)size, file->size);
	if (call->args[3] + (uint64_t)size > file->size)
		file->size = call->args[3] + (uint64_t)size;
	if (file->mapped)
		memcpy(file->known + call->args[3], bytes, (size_t)size);
	free(bytes);
}

static void note_size(struct recorder *recorder, struct file *file)
{
	struct stat st;

	if (fstat(file->fd, &st) < 0 || (uint64_t)st.st_size == file->size)
		return;
	file->size = (uint64_t)st.st_size;
	disk_log_add(recorder->log, DISK_SIZE, file->inode)->size = file->size;
}

static void note_attributes(struct recorder *recorder, const struct file *file, const struct tracer_call *call)
{
	struct disk_op *op = disk_log_add(recorder->log, DISK_ATTRIBUTES, file->inode);
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)call->pid, (int)call->args[0]);
	op->attributes = calloc(1, sizeof(*op->attributes));
	if (!op->attributes || stat(path, &st) < 0)
		err(1, "attributes");
	op->attributes->mode = st.st_mode & 07777;
	op->attributes->gid = st.st_gid;
	op->attributes->acl_size = getxattr(path, "system.posix_acl_access", op->attributes->acl, sizeof(op->attributes->acl));
}

static void note_word(struct recorder *recorder, struct file *file, uint64_t at, const unsigned char *now)
{
	if (memcmp(file->known + at, now + at, WORD) == 0)
		return;
	memcpy(file->known + at, now + at, WORD);
	disk_log_data(recorder->log, file->inode, at, now + at, WORD, file->size);
}

/* Stores since the last system call: of two into one word only the later is seen, which is a state of its own all the same. */
static void note_stores(struct recorder *recorder)
{
	static unsigned char now[FILE_MAX];

	for (size_t i = 0; i < recorder->n; i++) {
		struct file *file = &recorder->files[i];
		ssize_t got = file->mapped && file->fd >= 0 ? pread(file->fd, now, sizeof(now), 0) : 0;

		for (uint64_t at = 0; got > 0 && at + WORD <= (uint64_t)got && at + WORD <= file->size; at += WORD)
			note_word(recorder, file, at, now);
	}
}

/* The path that arguments FD and TEXT of the call name, absolute. */
static void take_path(struct recorder *recorder, const struct tracer_call *call, int64_t fd, uint64_t text, int which)
{
	char folder[PATH_MAX] = "", name[256];
	char *path = recorder->path[which];
	size_t size = sizeof(name);

	while (size > 1 && tracer_copy(call->pid, name, text, size) < 0)
		size /= 2; /* it ends near the end of what is mapped */
	name[sizeof(name) - 1] = '\0';
	if (name[0] != '/' && fd != AT_FDCWD)
		tracer_fd_path(call->pid, (int)fd, folder, sizeof(folder));
	snprintf(path, PATH_MAX, "%s%s%s", folder, *folder ? "/" : "", name);
}

static void take_paths(struct recorder *recorder, const struct tracer_call *call)
{
	const uint64_t *args = call->args;

	switch (call->call) {
	case SYS_open:
	case SYS_unlink:
		take_path(recorder, call, AT_FDCWD, args[0], 0);
		break;
	case SYS_openat:
	case SYS_mkdirat:
	case SYS_unlinkat:
		take_path(recorder, call, (int32_t)args[0], args[1], 0);
		break;
	case SYS_linkat:
	case SYS_renameat:
		take_path(recorder, call, (int32_t)args[0], args[1], 0);
		take_path(recorder, call, (int32_t)args[2], args[3], 1);
		break;
	default:
		return;
	}
	recorder->gone = find_path(recorder, recorder->path[0]);
}

static enum tracer_verdict enter(void *arg, const struct tracer_call *call, int *error)
{
	(void)error;
	note_stores(arg);
	take_paths(arg, call);
	return TRACER_PASS;
}

static void note_file_call(struct recorder *recorder, struct file *file, const struct tracer_call *call, int64_t result)
{
	switch (call->call) {
	case SYS_pwrite64: note_data(recorder, file, call, result); break;
	case SYS_fallocate:
	case SYS_ftruncate: note_size(recorder, file); break;
	case SYS_fsync:
	case SYS_fdatasync: disk_log_add(recorder->log, DISK_SYNC, file->inode); break;
	/* A folder of the recorded one's file system. Of a range of a file, no sync is taken for granted. */
	case SYS_syncfs: disk_log_add(recorder->log, DISK_SYNC_ALL, DISK_ROOT); break;
	case SYS_fchmod:
	case SYS_fchown:
	case SYS_fsetxattr: note_attributes(recorder, file, call); break;
	case SYS_write:
	case SYS_writev: errx(1, "the recorder does not know this kind of write");
	default: break;
	}
}

static void leave(void *arg, const struct tracer_call *call, int64_t result)
{
	struct recorder *recorder = arg;
	struct file *file;

	if (result < 0)
		return;
	switch (call->call) {
	case SYS_open:
	case SYS_openat:
	case SYS_mkdirat: note_created(recorder, recorder->path[0]); return;
	case SYS_linkat: if (recorder->gone) note_name(recorder, recorder->path[1], recorder->gone->inode); return;
	case SYS_renameat: note_rename(recorder); return;
	case SYS_unlink:
	case SYS_unlinkat: note_unlink(recorder); return;
	default: break;
	}
	file = find_fd(recorder, call);
	if (file)
		note_file_call(recorder, file, call, result);
}

static void mark(void *arg, int number)
{
	struct recorder *recorder = arg;

	note_stores(recorder);
	if (number == 0)
		disk_log_add(recorder->log, DISK_SYNC_ALL, DISK_ROOT);
	else
		disk_log_add(recorder->log, DISK_MARK, DISK_ROOT)->mark = number;
}

struct disk_log *recorder_run(const char *dir, const char *mapped, uint32_t block, int (*body)(void *arg), void *body_arg)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	const struct tracer_hooks hooks = { .enter = enter, .leave = leave, .mark = mark, .arg = recorder };
	struct disk_log *log;
	struct stat st;
	int r;

	if (!recorder || stat(dir, &st) < 0)
		err(1, "%s", dir);
	recorder->log = log = disk_log_new(block);
	recorder->mapped = mapped;
	add_file(recorder, &st, DISK_ROOT, -1, false);
	r = tracer_run(&hooks, body, body_arg);
	if (r != 0)
		errx(1, "the writer to be recorded failed: %d", r);
	for (size_t i = 0; i < recorder->n; i++) {
		if (recorder->files[i].fd >= 0)
			close(recorder->files[i].fd);
		free(recorder->files[i].known);
	}
	free(recorder);
	return log;
}
