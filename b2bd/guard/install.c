#include "b2bd/guard/install.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

static int check_and_replace(const char *dir, const struct b2b_policy *policy, int org, int fd, uint64_t *installed)
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
		r = judge_generation(generation, *installed);
	if (r == 0)
		r = replace(dir, policy->orgs[org].id, image, size);
	munmap(image, size);
	if (r == 0)
		*installed = generation;
	return r;
}

int b2b_install(const char *dir, const struct b2b_policy *policy, int org, int fd, uint64_t *ret_generation)
{
	uint64_t installed = in_place(dir, policy->orgs[org].id);
	int r = check_and_replace(dir, policy, org, fd, &installed);

	*ret_generation = installed;
	return r;
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
