/* One state that a cut may leave: built from the log in memory, then written out as files. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/crash/disk.h"
#include "tests/support/scratch.h"

#define FILE_MAX (1u << 20)
#define NAMES_MAX 128
#define ACL_ATTRIBUTE "system.posix_acl_access"

struct name {
	unsigned folder, inode;
	char name[DISK_NAME];
};

struct inode {
	unsigned char *bytes; /* as far as anything was written */
	uint64_t room, size;
	const struct disk_attributes *attributes; /* NULL: as it was made */
};

struct disk_state {
	const struct disk_log *log;
	struct name names[NAMES_MAX];
	size_t n_names;
	struct inode inodes[DISK_INODES];
};

static struct name *find_name(struct disk_state *state, unsigned folder, const char *name)
{
	for (size_t i = 0; i < state->n_names; i++) {
		if (state->names[i].folder == folder && strcmp(state->names[i].name, name) == 0)
			return &state->names[i];
	}
	return NULL;
}

static void remove_name(struct disk_state *state, unsigned folder, const char *name)
{
	struct name *found = find_name(state, folder, name);

	if (found)
		*found = state->names[--state->n_names];
}

static void set_name(struct disk_state *state, unsigned folder, const char *name, unsigned inode)
{
	struct name *at;

	remove_name(state, folder, name);
	if (state->n_names == NAMES_MAX)
		errx(1, "more than %u names", NAMES_MAX);
	at = &state->names[state->n_names++];
	*at = (struct name){ .folder = folder, .inode = inode };
	snprintf(at->name, sizeof(at->name), "%s", name);
}

/* The former name goes with the rename only where it still leads to the same file. */
static void rename_name(struct disk_state *state, const struct disk_op *op)
{
	const struct name *from = find_name(state, op->inode, op->from);

	if (from && from->inode == op->target)
		remove_name(state, op->inode, op->from);
	set_name(state, op->inode, op->name, op->target);
}

static void put_data(struct inode *inode, const struct disk_op *op)
{
	uint64_t end = op->offset + op->size;

	if (end > FILE_MAX)
		errx(1, "a file of more than %u bytes", FILE_MAX);
	if (end > inode->room) {
		inode->bytes = realloc(inode->bytes, end);
		if (!inode->bytes)
			err(1, "file");
		memset(inode->bytes + inode->room, 0, end - inode->room);
		inode->room = end;
	}
	memcpy(inode->bytes + op->offset, op->bytes, op->size);
}

static void apply(struct disk_state *state, const struct disk_op *op)
{
	struct inode *inode = &state->inodes[op->inode];

	switch (op->kind) {
	case DISK_NAME_SET: set_name(state, op->inode, op->name, op->target); break;
	case DISK_NAME_GONE: remove_name(state, op->inode, op->name); break;
	case DISK_RENAME: rename_name(state, op); break;
	case DISK_SIZE: inode->size = op->size; break;
	case DISK_DATA: put_data(inode, op); break;
	case DISK_ATTRIBUTES: inode->attributes = op->attributes; break;
	default: break;
	}
}

struct disk_state *disk_state_new(const struct disk_log *log, const struct disk_cut *cut, const bool *present)
{
	struct disk_state *state = calloc(1, sizeof(*state));
	size_t next = 0;

	if (!state)
		err(1, "state");
	state->log = log;
	for (size_t i = 0; i < cut->at; i++) {
		bool missing = next < cut->n_unsynced && cut->unsynced[next] == i && !present[next];

		if (next < cut->n_unsynced && cut->unsynced[next] == i)
			next++;
		if (!missing)
			apply(state, &log->ops[i]);
	}
	return state;
}

void disk_state_free(struct disk_state *state)
{
	for (unsigned i = 0; state && i < DISK_INODES; i++)
		free(state->inodes[i].bytes);
	free(state);
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *from = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ from[i]) * 0x100000001b3u;
	return hash;
}

/* Order of names does not count: summed up. */
uint64_t disk_state_hash(const struct disk_state *state)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < state->n_names; i++) {
		const struct name *name = &state->names[i];
		const struct inode *inode = &state->inodes[name->inode];
		uint64_t one = mix(0xcbf29ce484222325u, name->name, strlen(name->name));

		one = mix(one, &name->folder, sizeof(name->folder));
		one = mix(one, &name->inode, sizeof(name->inode));
		one = mix(one, &inode->size, sizeof(inode->size));
		one = mix(one, inode->bytes, inode->room);
		one = mix(one, &inode->attributes, sizeof(inode->attributes));
		hash += one;
	}
	return hash;
}

static void set_attributes(int fd, const struct disk_attributes *attributes, const char *path)
{
	if (fchown(fd, 0, attributes->gid) < 0 || fchmod(fd, attributes->mode & 07777) < 0 ||
	    (attributes->acl_size > 0 && fsetxattr(fd, ACL_ATTRIBUTE, attributes->acl, (size_t)attributes->acl_size, 0) < 0))
		err(1, "%s", path);
}

/* Bytes beyond the size are none; below it, what was not written is zero. */
static void write_file(const struct inode *inode, int fd, const char *path)
{
	size_t known = inode->room < inode->size ? inode->room : inode->size;

	if (ftruncate(fd, (off_t)inode->size) < 0 || (known && pwrite(fd, inode->bytes, known, 0) != (ssize_t)known))
		err(1, "%s", path);
}

static void write_folder(const struct disk_state *state, unsigned folder, const char *dir, char (*made)[SCRATCH_SIZE]);

static void write_inode(const struct disk_state *state, unsigned number, const char *path, char (*made)[SCRATCH_SIZE])
{
	const struct inode *inode = &state->inodes[number];
	bool folder = state->log->inodes[number].folder;
	mode_t mode = state->log->inodes[number].mode;
	int fd;

	if (*made[number]) { /* under another name already */
		if (link(made[number], path) < 0)
			err(1, "%s", path);
		return;
	}
	snprintf(made[number], SCRATCH_SIZE, "%s", path);
	if (folder && mkdir(path, mode) < 0)
		err(1, "%s", path);
	fd = open(path, folder ? O_RDONLY | O_DIRECTORY | O_CLOEXEC : O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		err(1, "%s", path);
	if (!folder)
		write_file(inode, fd, path);
	if (inode->attributes)
		set_attributes(fd, inode->attributes, path);
	close(fd);
	if (folder)
		write_folder(state, number, path, made);
}

static void write_folder(const struct disk_state *state, unsigned folder, const char *dir, char (*made)[SCRATCH_SIZE])
{
	char path[SCRATCH_SIZE];

	for (size_t i = 0; i < state->n_names; i++) {
		if (state->names[i].folder != folder)
			continue;
		scratch_path(path, dir, state->names[i].name);
		write_inode(state, state->names[i].inode, path, made);
	}
}

void disk_state_write(const struct disk_state *state, const char *dir)
{
	static char made[DISK_INODES][SCRATCH_SIZE];

	memset(made, 0, sizeof(made));
	write_folder(state, DISK_ROOT, dir, made);
}
