#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "b2bctl/verify.h"
#include "common/partner_acl.h"

#define WRITABLE (S_IWGRP | S_IWOTH)

void b2b_verify_owner(struct b2b_verify *verify, const char *file, const struct stat *st)
{
	if (st->st_uid != 0)
		b2b_verify_fault(verify, file, B2B_VERIFY_NOWHERE, "its owner is not root, so no reader trusts it", "find out who made it, then remove it or chown root");
	if (st->st_mode & WRITABLE)
		b2b_verify_fault(verify, file, B2B_VERIFY_NOWHERE, "others than root may write it, so no reader trusts it", "find out who did, then chmod go-w");
	if (S_ISREG(st->st_mode) && st->st_nlink != 1)
		b2b_verify_fault(verify, file, B2B_VERIFY_NOWHERE, "it has another name", "find -inum tells it; remove that one");
}

void b2b_verify_partner_acl(struct b2b_verify *verify, const char *file, int fd, int org, bool below, mode_t access)
{
	int r = b2b_partner_acl_check(fd, verify->policy, org, below, access);

	if (r == -EPERM)
		b2b_verify_fault(verify, file, B2B_VERIFY_NOWHERE, "group, mode or ACL are not what the policy's visibility asks for", "restart b2bd: it sets them");
	else if (r < 0)
		b2b_verify_unread(verify, file, r, NULL, "");
}

static int open_folder(struct b2b_verify *verify, const char *name, struct stat *ret_st)
{
	const char *shown = *name ? name : ".";
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", verify->ctl->cache_dir, name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, ret_st) == 0)
		return fd;
	if (errno == ENOTDIR || errno == ELOOP)
		b2b_verify_fault(verify, shown, B2B_VERIFY_NOWHERE, "it is no folder", "remove it and restart b2bd: it makes one");
	else
		b2b_verify_unread(verify, shown, -errno, NULL, "restart b2bd: it makes one");
	return -1;
}

void b2b_verify_folder(struct b2b_verify *verify, const char *name)
{
	const char *shown = *name ? name : ".";
	struct stat st;
	int fd = open_folder(verify, name, &st);

	if (fd < 0)
		return;
	b2b_verify_owner(verify, shown, &st);
	if ((st.st_mode & 0555) != 0555)
		b2b_verify_fault(verify, shown, B2B_VERIFY_NOWHERE, "not everybody may pass through it", "chmod 755");
	close(fd);
}

void b2b_verify_org_folder(struct b2b_verify *verify, int org)
{
	char name[B2B_CACHE_FILE_NAME];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "org/%s", verify->policy->orgs[org].id);
	fd = open_folder(verify, name, &st);
	if (fd < 0)
		return;
	b2b_verify_owner(verify, name, &st);
	b2b_verify_partner_acl(verify, name, fd, org, false, 5);
	close(fd);
}
