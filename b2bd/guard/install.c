#include "b2bd/guard/install.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cache_format.h"
#include "common/log.h"
#include "common/snapshot.h"
#include "common/trusted_file.h"
#include "common/write_file.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define NEW_NAME ".snapshot.new"
#define NAME "snapshot"
#define AHEAD_MAX (1ull << 32) /* of one generation before the next: a last one, after which nothing is new, is never reached */

/* Without all three seals its maker could still change the bytes after they were checked. */
static int judge(int fd, size_t *ret_size)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EPERM;
	if (st.st_size <= 0)
		return -EBADMSG;
	if ((uintmax_t)st.st_size > B2B_SNAPSHOT_MAX)
		return -EFBIG;
	*ret_size = (size_t)st.st_size;
	return 0;
}

static int open_org_dir(const char *dir, const char *org_id)
{
	char path[PATH_MAX];
	int fd, len;

	len = snprintf(path, sizeof(path), "%s/org/%s", dir, org_id);
	if (len < 0 || (size_t)len >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int replace(const char *dir, const char *org_id, const void *image, size_t size)
{
	int dirfd = open_org_dir(dir, org_id), r;

	if (dirfd < 0)
		return dirfd;
	r = b2b_write_new(dirfd, NEW_NAME, image, size, 0644);
	if (r == 0 && renameat(dirfd, NEW_NAME, dirfd, NAME) < 0) {
		r = -errno;
		unlinkat(dirfd, NEW_NAME, 0);
	}
	if (r == 0 && fsync(dirfd) < 0)
		r = -errno;
	close(dirfd);
	return r;
}

/* The generation of the snapshot in place; 0: there is none with a header that is one. */
static uint64_t in_place(const char *dir, const char *org_id)
{
	struct b2b_format_head head;
	char path[PATH_MAX];
	size_t size = 0;
	ssize_t got;
	int fd;

	if (snprintf(path, sizeof(path), "%s/org/%s/" NAME, dir, org_id) >= (int)sizeof(path))
		return 0;
	fd = b2b_trusted_open(path, B2B_SNAPSHOT_MAX, &size);
	if (fd < 0)
		return 0;
	got = pread(fd, &head, sizeof(head), 0);
	close(fd);
	if (got != (ssize_t)sizeof(head) || !b2b_format_head_valid(&head, B2B_MAGIC_SNAPSHOT, size, sizeof(struct b2b_format_snapshot), NULL))
		return 0;
	return head.generation;
}

static int judge_generation(uint64_t generation, uint64_t installed)
{
	if (generation <= installed)
		return -ESTALE;
	return generation - installed > AHEAD_MAX ? -ERANGE : 0;
}

/* The sealed memfd FD, mapped and found right for ORG, where INSTALLED is in place. Returns 0 or a negative errno. */
static int map_new(const struct b2b_policy *policy, int org, int fd, uint64_t installed, void **ret_image, size_t *ret_size,
                   uint64_t *ret_generation)
{
	uint64_t generation = 0;
	void *image;
	size_t size = 0;
	int r;

	r = judge(fd, &size);
	if (r < 0)
		return r;
	image = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (image == MAP_FAILED)
		return -errno;
	r = b2b_snapshot_check(image, size, policy, org, &generation);
	if (r == 0)
		r = judge_generation(generation, installed);
	if (r < 0) {
		munmap(image, size);
		return r;
	}
	*ret_image = image;
	*ret_size = size;
	*ret_generation = generation;
	return 0;
}

int b2b_install(const char *dir, const struct b2b_policy *policy, int org, int fd, uint64_t *ret_generation)
{
	uint64_t installed = in_place(dir, policy->orgs[org].id), generation = 0;
	void *image = NULL;
	size_t size = 0;
	int r = map_new(policy, org, fd, installed, &image, &size, &generation);

	if (r == 0) {
		r = replace(dir, policy->orgs[org].id, image, size);
		munmap(image, size);
	}
	*ret_generation = r == 0 ? generation : installed;
	return r;
}

/* ---- several at once ---- */

/* One of several, between being written and being in place. */
struct placing {
	struct b2b_install_item *item;
	int dirfd, fd;
	dev_t device;
	uint64_t generation;
};

static void close_placing(struct placing *placing)
{
	if (placing->fd >= 0)
		close(placing->fd);
	if (placing->dirfd >= 0)
		close(placing->dirfd);
	placing->fd = placing->dirfd = -1;
}

/* Nothing of it stays but what was in place. */
static void give_up(struct placing *placing, int error)
{
	unlinkat(placing->dirfd, NEW_NAME, 0);
	placing->item->result = error;
	close_placing(placing);
}

static int open_place(const char *dir, const char *org_id, struct placing *placing)
{
	struct stat st;

	placing->dirfd = open_org_dir(dir, org_id);
	if (placing->dirfd < 0)
		return placing->dirfd;
	if (fstat(placing->dirfd, &st) < 0)
		return -errno;
	placing->device = st.st_dev;
	return 0;
}

/* Checked and written beside the one in place; the disk begins with it, and is not waited for. */
static void write_beside(const char *dir, const struct b2b_policy *policy, struct placing *placing)
{
	struct b2b_install_item *item = placing->item;
	const char *id = policy->orgs[item->org].id;
	void *image = NULL;
	size_t size = 0;

	item->generation = in_place(dir, id);
	item->result = map_new(policy, item->org, item->fd, item->generation, &image, &size, &placing->generation);
	if (item->result < 0)
		return;
	item->result = open_place(dir, id, placing);
	if (item->result == 0)
		item->result = b2b_write_unsynced(placing->dirfd, NEW_NAME, image, size, 0644, &placing->fd);
	munmap(image, size);
	if (item->result < 0)
		close_placing(placing);
	else
		sync_file_range(placing->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* Kernels before 5.8 do not tell by syncfs that a block could not be written: the file does. */
static void wait_written(struct placing *placing)
{
	if (placing->fd >= 0 &&
	    sync_file_range(placing->fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) < 0)
		give_up(placing, -errno);
}

static void rename_one(struct placing *placing)
{
	if (placing->fd >= 0 && renameat(placing->dirfd, NEW_NAME, placing->dirfd, NAME) < 0)
		give_up(placing, -errno);
}

static bool synced_before(const struct placing *placings, size_t number)
{
	for (size_t i = 0; i < number; i++)
		if (placings[i].fd >= 0 && placings[i].device == placings[number].device)
			return true;
	return false;
}

/* One sync for each file system they lie on, which is one but for who mounts an organisation's folder. Returns 0 or a negative errno. */
static int sync_all(const struct placing *placings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (placings[i].fd >= 0 && !synced_before(placings, i) && syncfs(placings[i].dirfd) < 0)
			return -errno;
	return 0;
}

static void place_all(struct placing *placings, size_t n)
{
	int r;

	for (size_t i = 0; i < n; i++)
		wait_written(&placings[i]);
	r = sync_all(placings, n);
	for (size_t i = 0; i < n; i++)
		if (placings[i].fd >= 0 && r < 0)
			give_up(&placings[i], r);
		else
			rename_one(&placings[i]);
	r = sync_all(placings, n);
	for (size_t i = 0; i < n; i++) {
		if (placings[i].fd < 0)
			continue;
		placings[i].item->result = r;
		if (r == 0)
			placings[i].item->generation = placings[i].generation;
		close_placing(&placings[i]);
	}
}

void b2b_install_all(const char *dir, const struct b2b_policy *policy, struct b2b_install_item *items, size_t n)
{
	struct placing placings[B2B_INSTALL_MOST] = { { .item = NULL } };

	for (size_t i = 0; i < n; i++) {
		placings[i] = (struct placing){ .item = &items[i], .dirfd = -1, .fd = -1 };
		write_beside(dir, policy, &placings[i]);
	}
	place_all(placings, n);
}

/* Map what is in place. Returns 0, -ENOENT where nothing is, or another negative errno. */
static int map_installed(const char *dir, const char *org_id, void **ret_image, size_t *ret_size)
{
	char path[PATH_MAX];
	size_t size = 0;
	void *image;
	int fd, r;

	snprintf(path, sizeof(path), "%s/org/%s/" NAME, dir, org_id);
	fd = b2b_trusted_open(path, B2B_SNAPSHOT_MAX, &size);
	if (fd < 0)
		return fd;
	image = size ? mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	r = image == MAP_FAILED ? -EBADMSG : 0;
	close(fd);
	if (r < 0)
		return r;
	*ret_image = image;
	*ret_size = size;
	return 0;
}

void b2b_install_recover(const char *dir, const struct b2b_policy *policy, int org, struct b2b_live *live)
{
	struct b2b_finding finding = { 0, "it cannot be opened, or is not to be trusted" };
	uint64_t announced = b2b_live_generation(live), generation = 0;
	void *image = NULL;
	size_t size = 0;
	int r;

	r = map_installed(dir, policy->orgs[org].id, &image, &size);
	if (r == -ENOENT && announced == 0)
		return; /* nothing was ever published */
	if (r == 0) {
		r = b2b_snapshot_find(image, size, policy, org, &generation, &finding);
		munmap(image, size);
	}
	if (r == 0 && generation != announced)
		b2b_live_set_generation(live, generation);
	if (r == 0 && generation < announced)
		r = -ESTALE;
	if (r == 0)
		return;
	b2b_log(LOG_WARNING, "event=snapshot-refused org=%s byte=%llu error=\"%s\"; it is published anew", policy->orgs[org].alias,
	        (unsigned long long)finding.at, r == -ENOENT ? "it is gone" : r == -ESTALE ? "an older one than was announced" : finding.what);
	b2b_live_set_unpublished(live);
}
