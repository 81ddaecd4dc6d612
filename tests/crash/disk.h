/*
 * A model of what a disk may hold after a power cut. A log has what a writer did to a folder, in order: names, sizes, blocks,
 * attributes, stores into mappings, and syncs. What was not synced may have reached the disk or not, each operation by itself:
 *
 *  - a sync of a file makes its earlier blocks, sizes, attributes and stores durable, and nothing else;
 *  - a sync of a folder makes its earlier names durable; a rename is one operation;
 *  - a block reaches the disk whole or not at all, and a write of more may be torn between two; a size may be there without its blocks (zeros), or the reverse;
 *  - a store into a mapping is never synced, and reaches the disk or not word by word.
 *
 * That is less than any file system in use promises: what holds here holds there.
 */
#ifndef B2B_CRASH_DISK_H
#define B2B_CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Sizes of a block: a sector; and a page of the kernel's cache, of SQLite, and of what most disks write. */
#define DISK_SECTOR 512u
#define DISK_PAGE 4096u
#define DISK_NAME 64
#define DISK_ACL 256
#define DISK_OPS 4096
#define DISK_INODES 128
#define DISK_ROOT 0u /* the folder itself */

enum disk_kind { DISK_NAME_SET, DISK_NAME_GONE, DISK_RENAME, DISK_SIZE, DISK_DATA, DISK_ATTRIBUTES, DISK_SYNC, DISK_SYNC_ALL, DISK_MARK };

struct disk_attributes {
	mode_t mode;
	gid_t gid;
	ssize_t acl_size; /* 0: none */
	unsigned char acl[DISK_ACL];
};

struct disk_op {
	enum disk_kind kind;
	unsigned inode;                  /* that it changes: of names, the folder's */
	char name[DISK_NAME];            /* set, gone; of a rename the new one */
	char from[DISK_NAME];            /* of a rename */
	unsigned target;                 /* set, rename: what the name leads to */
	uint64_t offset, size;           /* data; size: the new size */
	unsigned char *bytes;            /* data */
	struct disk_attributes *attributes;
	int mark;                        /* what the writer reported, tracer_mark() */
};

struct disk_log {
	struct disk_op ops[DISK_OPS];
	size_t n;
	struct {
		bool folder;
		mode_t mode; /* as it was made */
	} inodes[DISK_INODES];
	unsigned n_inodes;
	uint32_t block;
};

struct disk_log *disk_log_new(uint32_t block); /* DISK_SECTOR or DISK_PAGE */
void disk_log_free(struct disk_log *log);

/* Append; the caller fills the rest. Exits the test when there is no room, as all here do on failure. */
struct disk_op *disk_log_add(struct disk_log *log, enum disk_kind kind, unsigned inode);
unsigned disk_log_inode(struct disk_log *log, bool folder, mode_t mode);
/* SIZE bytes at OFFSET of INODE, block by block; a growing file gets its new size too. SIZE_BEFORE: of the file. */
void disk_log_data(struct disk_log *log, unsigned inode, uint64_t offset, const void *bytes, uint64_t size, uint64_t size_before);

struct disk_cut {
	size_t at;                 /* operations before it were made */
	int mark;                  /* the last that the writer reported before it; 0: none */
	size_t unsynced[DISK_OPS]; /* of those the ones that may be missing, ascending */
	size_t n_unsynced;
};

/*
 * The next cut at or behind operation AT that adds states: before each sync, and at the end. Between them every state of an
 * earlier cut is one of the later, with some operations missing. Returns false when there is none.
 */
bool disk_next_cut(const struct disk_log *log, size_t at, struct disk_cut *ret_cut);

struct disk_state; /* opaque: files and folders */

/* What is on disk at CUT where of its unsynced operations those are there for which PRESENT is true. Caller frees. */
struct disk_state *disk_state_new(const struct disk_log *log, const struct disk_cut *cut, const bool *present);
void disk_state_free(struct disk_state *state);
uint64_t disk_state_hash(const struct disk_state *state);
/* Make it as the folder DIR, which is there and empty. */
void disk_state_write(const struct disk_state *state, const char *dir);

#endif
