/* The creating side of live files, apart from live.c: it needs libacl, which no module may link. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/live_map.h"
#include "common/org_dir.h"
#include "common/partner_acl.h"
#include "common/write_file.h"

#define TEMPORARY_SIZE (B2B_ID_SIZE + 8)

/* What never changes in the header of ORG's file; the rest is zero. */
static void header_of(const struct b2b_policy_org *org, struct b2b_format_live *header)
{
	memset(header, 0, sizeof(*header));
	b2b_format_head_init(&header->head, B2B_MAGIC_LIVE, b2b_live_size(org->range_lo, org->range_hi), 0, sizeof(*header));
	memcpy(header->org_id, org->id, strlen(org->id));
	header->range_lo = org->range_lo;
	header->range_hi = org->range_hi;
}

static int write_header(int fd, const struct b2b_policy_org *org)
{
	struct b2b_format_live header;

	header_of(org, &header);
	return b2b_pwrite_all(fd, &header, sizeof(header), 0);
}

/* Every block is there before anybody maps the file: a store can then never meet a full disk. */
static int allocate(int fd, size_t size)
{
	int r;

	do
		r = posix_fallocate(fd, 0, (off_t)size);
	while (r == EINTR);
	return -r;
}

static void name_temporary(char temporary[TEMPORARY_SIZE], const char *id)
{
	snprintf(temporary, TEMPORARY_SIZE, ".new-%s", id);
}

static int remove_temporary(int dirfd, const char *id)
{
	char temporary[TEMPORARY_SIZE];

	name_temporary(temporary, id);
	return unlinkat(dirfd, temporary, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Written beside under a name that no organisation can have, complete before it gets its own. */
static int make_file(int dirfd, const struct b2b_policy *policy, int org)
{
	const struct b2b_policy_org *from = &policy->orgs[org];
	char temporary[TEMPORARY_SIZE];
	int fd, r;

	name_temporary(temporary, from->id);
	r = remove_temporary(dirfd, from->id);
	if (r < 0)
		return r;
	fd = openat(dirfd, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = allocate(fd, b2b_live_size(from->range_lo, from->range_hi));
	if (r == 0)
		r = write_header(fd, from);
	if (r == 0)
		r = b2b_partner_acl_set(fd, policy, org, true, 4);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	close(fd);
	/* link, not rename: an existing file is never replaced. */
	if (r == 0 && linkat(dirfd, temporary, dirfd, from->id, 0) < 0)
		r = -errno;
	unlinkat(dirfd, temporary, 0);
	return r;
}

/* Whoever made the file may have died before its name was on disk, or before the other one was gone. */
static int settle(int dirfd, const char *id)
{
	int r = remove_temporary(dirfd, id);

	return r == 0 && fsync(dirfd) < 0 ? -errno : r;
}

/* An existing file is judged like a reader would, and must be of this very organisation and range. */
static int map_file(int fd, const struct b2b_policy_org *org, struct b2b_live **ret_live)
{
	struct b2b_live *live = NULL;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	r = b2b_live_map(fd, (size_t)st.st_size, PROT_READ | PROT_WRITE, &live);
	if (r < 0)
		return r;
	if (live->range_lo != org->range_lo || live->range_hi != org->range_hi) {
		b2b_live_unmap(live);
		return -EEXIST;
	}
	if (strncmp(live->file->org_id, org->id, sizeof(live->file->org_id)) != 0) {
		b2b_live_unmap(live);
		return -EBADMSG;
	}
	*ret_live = live;
	return 0;
}

/* The times of another boot mean nothing in this one: cleared first, so that the boot id never stands beside old times. */
static int begin_boot(struct b2b_live *live)
{
	uint8_t id[16];
	int r;

	b2b_live_beat(live, 0);
	b2b_live_verified(live, 0);
	r = b2b_boot_id(id);
	if (r == 0)
		memcpy(live->file->boot_id, id, sizeof(id));
	return r;
}

static int open_or_make(int dirfd, const struct b2b_policy *policy, int org)
{
	const char *id = policy->orgs[org].id;
	int fd, r;

	fd = openat(dirfd, id, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 || errno != ENOENT)
		return fd >= 0 ? fd : -errno;
	r = make_file(dirfd, policy, org);
	if (r < 0)
		return r;
	fd = openat(dirfd, id, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd >= 0 ? fd : -errno;
}

int b2b_live_create(const char *dir, const struct b2b_policy *policy, int org, struct b2b_live **ret_live)
{
	struct b2b_live *live = NULL;
	int dirfd, fd, r;

	if (org < 0 || (uint32_t)org >= policy->n_orgs || !b2b_org_id_valid(policy->orgs[org].id))
		return -EINVAL;
	dirfd = b2b_subdir_open(dir, "live");
	if (dirfd < 0)
		return dirfd;
	fd = open_or_make(dirfd, policy, org);
	r = fd < 0 ? fd : settle(dirfd, policy->orgs[org].id);
	close(dirfd);
	if (fd < 0)
		return fd;
	if (r == 0)
		r = map_file(fd, &policy->orgs[org], &live);
	/* The visibility may have changed since the file was made. */
	if (r == 0)
		r = b2b_partner_acl_set(fd, policy, org, true, 4);
	if (r == 0)
		r = begin_boot(live);
	close(fd);
	if (r < 0) {
		b2b_live_unmap(live);
		return r;
	}
	*ret_live = live;
	return 0;
}

int b2b_live_mend(struct b2b_live *live, const struct b2b_policy_org *org)
{
	const size_t fixed = offsetof(struct b2b_format_live, org_word);
	struct b2b_format_live *file = live->file, header;
	uint8_t id[16];
	int r;

	header_of(org, &header);
	r = b2b_boot_id(id);
	if (r < 0)
		return r;
	if (memcmp(file, &header, fixed) == 0 && memcmp(file->boot_id, id, sizeof(id)) == 0)
		return 0;
	memcpy(file, &header, fixed);
	/* Times that another boot id stood beside mean nothing beside this one. */
	b2b_live_beat(live, 0);
	b2b_live_verified(live, 0);
	memcpy(file->boot_id, id, sizeof(id));
	return 1;
}
