#include "tests/crash/disk.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

struct disk_log *disk_log_new(uint32_t block)
{
	struct disk_log *log = calloc(1, sizeof(*log));

	if (!log)
		err(1, "log");
	log->block = block;
	disk_log_inode(log, true, 0755);
	return log;
}

void disk_log_free(struct disk_log *log)
{
	for (size_t i = 0; log && i < log->n; i++) {
		free(log->ops[i].bytes);
		free(log->ops[i].attributes);
	}
	free(log);
}

struct disk_op *disk_log_add(struct disk_log *log, enum disk_kind kind, unsigned inode)
{
	struct disk_op *op;

	if (log->n == DISK_OPS)
		errx(1, "more than %u operations", DISK_OPS);
	op = &log->ops[log->n++];
	*op = (struct disk_op){ .kind = kind, .inode = inode };
	return op;
}

unsigned disk_log_inode(struct disk_log *log, bool folder, mode_t mode)
{
	if (log->n_inodes == DISK_INODES)
		errx(1, "more than %u files", DISK_INODES);
	log->inodes[log->n_inodes].folder = folder;
	log->inodes[log->n_inodes].mode = mode;
	return log->n_inodes++;
}

static void add_block(struct disk_log *log, unsigned inode, uint64_t offset, const unsigned char *bytes, uint64_t size)
{
	struct disk_op *op = disk_log_add(log, DISK_DATA, inode);

	op->offset = offset;
	op->size = size;
	op->bytes = malloc(size);
	if (!op->bytes)
		err(1, "block");
	memcpy(op->bytes, bytes, size);
}

void disk_log_data(struct disk_log *log, unsigned inode, uint64_t offset, const void *bytes, uint64_t size, uint64_t size_before)
{
	const unsigned char *from = bytes;

	if (offset + size > size_before)
		disk_log_add(log, DISK_SIZE, inode)->size = offset + size;
	while (size > 0) {
		uint64_t part = log->block - offset % log->block;

		if (part > size)
			part = size;
		add_block(log, inode, offset, from, part);
		from += part;
		offset += part;
		size -= part;
	}
}

static bool is_sync(const struct disk_op *op)
{
	return op->kind == DISK_SYNC || op->kind == DISK_SYNC_ALL;
}

/* Did a sync before AT reach operation I? */
static bool is_synced(const struct disk_log *log, size_t i, size_t at)
{
	for (size_t j = i + 1; j < at; j++) {
		if (log->ops[j].kind == DISK_SYNC_ALL || (log->ops[j].kind == DISK_SYNC && log->ops[j].inode == log->ops[i].inode))
			return true;
	}
	return false;
}

static void fill_cut(const struct disk_log *log, size_t at, struct disk_cut *cut)
{
	cut->at = at;
	cut->mark = 0;
	cut->n_unsynced = 0;
	for (size_t i = 0; i < at; i++) {
		const struct disk_op *op = &log->ops[i];

		if (op->kind == DISK_MARK)
			cut->mark = op->mark;
		else if (!is_sync(op) && !is_synced(log, i, at))
			cut->unsynced[cut->n_unsynced++] = i;
	}
}

bool disk_next_cut(const struct disk_log *log, size_t at, struct disk_cut *ret_cut)
{
	if (at > log->n)
		return false;
	while (at < log->n && !is_sync(&log->ops[at]))
		at++;
	fill_cut(log, at, ret_cut);
	return true;
}
