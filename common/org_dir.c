#include "common/org_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/partner_acl.h"

static int open_made(int dirfd, const char *name, mode_t mode)
{
	int fd;

	if (mkdirat(dirfd, name, mode) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int b2b_subdir_open(const char *dir, const char *name)
{
	int dirfd, fd;

	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dirfd < 0)
		return -errno;
	fd = open_made(dirfd, name, 0755);
	close(dirfd);
	if (fd >= 0 && fchmod(fd, 0755) < 0) { /* whatever the umask: everybody passes through */
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

int b2b_org_dir_create(const char *dir, const struct b2b_policy *policy, int org)
{
	int parent, fd, r;

	if (org < 0 || (uint32_t)org >= policy->n_orgs)
		return -EINVAL;
	parent = b2b_subdir_open(dir, "org");
	if (parent < 0)
		return parent;
	/* Closed until its ACL is in place. */
	fd = open_made(parent, policy->orgs[org].id, 0700);
	r = fd < 0 ? fd : b2b_partner_acl_set(fd, policy, org, false, 5);
	if (r == 0 && fsync(parent) < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	close(parent);
	return r;
}
