#include "tests/fuzz/reader/disk.h"

#include <err.h>
#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cache_view.h"

#define INODES_MAX 4096
#define UNDOS_MAX 8192
#define PATH_SIZE 128

/* The blocks of good files are mended after each run: copying them would be most of what a run costs. */
struct inode {
	unsigned char *bytes;
	size_t size;
	unsigned maps;
	bool good; /* not ours to free */
};

struct undo {
	unsigned char *at, *was;
	size_t n;
};

static struct {
	char path[PATH_SIZE];
	struct inode *inode;
	int refused;
} files[DISK_FILES];
static struct inode inodes[INODES_MAX];
static size_t n_inodes;
static struct undo undos[UNDOS_MAX];
static size_t n_undos;
static size_t mapped, total;

static struct {
	uint64_t tick, limit, next;
	uint64_t (*at)(uint64_t tick);
} watch = { .limit = UINT64_MAX, .next = UINT64_MAX };

static unsigned char *copy_of(const void *bytes, size_t size)
{
	unsigned char *copy = malloc(size);

	if (!copy)
		err(1, "copy of a file");
	memcpy(copy, bytes, size);
	return copy;
}

static struct inode *new_inode(unsigned char *bytes, size_t size, bool good)
{
	struct inode *inode = &inodes[n_inodes];

	if (n_inodes++ == INODES_MAX)
		errx(1, "more than %d files in one run", INODES_MAX);
	*inode = (struct inode){ .bytes = bytes, .size = size, .good = good };
	return inode;
}

/* As it was before the run. */
static void mend(void)
{
	for (size_t i = 0; i < n_inodes; i++)
		if (inodes[i].good)
			ASAN_UNPOISON_MEMORY_REGION(inodes[i].bytes, inodes[i].size);
		else
			free(inodes[i].bytes);
	n_inodes = 0;
	while (n_undos > 0) {
		const struct undo *undo = &undos[--n_undos];

		memcpy(undo->at, undo->was, undo->n);
		free(undo->was);
	}
}

void disk_reset(const struct disk_file good[DISK_FILES], const char *const ids[DISK_ORGS])
{
	mend();
	total = 0;
	for (int i = 0; i < DISK_FILES; i++) {
		files[i].inode = new_inode(good[i].block, good[i].size, true);
		files[i].refused = 0;
		total += good[i].size;
	}
	snprintf(files[DISK_INDEX].path, PATH_SIZE, "%s/index", DISK_DIR);
	for (int org = 0; org < DISK_ORGS; org++) {
		snprintf(files[DISK_LIVE(org)].path, PATH_SIZE, "%s/live/%s", DISK_DIR, ids[org]);
		snprintf(files[DISK_SNAPSHOT(org)].path, PATH_SIZE, "%s/org/%s/snapshot", DISK_DIR, ids[org]);
	}
	disk_watch(UINT64_MAX, UINT64_MAX, NULL);
}

const unsigned char *disk_bytes(int file, size_t *ret_size)
{
	const struct inode *inode = files[file].inode;

	ASAN_UNPOISON_MEMORY_REGION(inode->bytes, inode->size);
	*ret_size = inode->size;
	return inode->bytes;
}

void disk_store(int file, size_t at, const void *bytes, size_t n)
{
	struct inode *inode = files[file].inode;
	struct undo *undo = &undos[n_undos];

	if (at >= inode->size)
		return;
	if (n > inode->size - at)
		n = inode->size - at;
	ASAN_UNPOISON_MEMORY_REGION(inode->bytes, inode->size);
	if (inode->good) {
		if (n_undos++ == UNDOS_MAX)
			errx(1, "more than %d stores in one run", UNDOS_MAX);
		*undo = (struct undo){ .at = inode->bytes + at, .was = copy_of(inode->bytes + at, n), .n = n };
	}
	memmove(inode->bytes + at, bytes, n);
}

void disk_replace(int file, const void *bytes, size_t size)
{
	total += size;
	files[file].inode = new_inode(copy_of(bytes, size), size, false);
}

void disk_refuse(int file, int error)
{
	files[file].refused = error;
}

void disk_tick(void)
{
	watch.tick++;
	if (watch.tick > watch.limit)
		errx(1, "more than %llu fetches for one question", (unsigned long long)watch.limit);
	while (watch.tick >= watch.next)
		watch.next = watch.at(watch.tick);
}

void disk_watch(uint64_t limit, uint64_t next, uint64_t (*at)(uint64_t tick))
{
	watch.tick = 0;
	watch.limit = limit;
	watch.next = next;
	watch.at = at;
}

size_t disk_total(void)
{
	return total;
}

size_t disk_mapped(void)
{
	return mapped;
}

/* ---- what the reader calls ---- */

static int find(const char *path)
{
	for (int i = 0; i < DISK_FILES; i++)
		if (strcmp(files[i].path, path) == 0)
			return files[i].refused ? files[i].refused : files[i].inode->size ? i : -ENOENT;
	return -ENOENT;
}

int b2b_map_open(const char *path, size_t min, size_t max, struct b2b_map *ret_map)
{
	struct inode *inode;
	int file;

	/* What happens between a look at `live` and the open happens here. */
	disk_tick();
	file = find(path);
	if (file < 0)
		return file;
	inode = files[file].inode;
	if (inode->size < min || inode->size > max)
		return -EBADMSG;
	ASAN_UNPOISON_MEMORY_REGION(inode->bytes, inode->size);
	inode->maps++;
	mapped++;
	*ret_map = (struct b2b_map){ inode->bytes, inode->size };
	return 0;
}

void b2b_map_close(struct b2b_map *map)
{
	size_t i = 0;

	if (!map->base)
		return;
	while (i < n_inodes && (inodes[i].bytes != map->base || inodes[i].maps == 0))
		i++;
	if (i == n_inodes || inodes[i].size != map->size)
		errx(1, "unmapped what was not mapped");
	mapped--;
	if (--inodes[i].maps == 0)
		ASAN_POISON_MEMORY_REGION(inodes[i].bytes, inodes[i].size);
	map->base = NULL;
}
