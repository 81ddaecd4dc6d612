#include "b2bd/guard/linger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

#define BUFFER_SIZE 1024

/* The person's id; where the roster does not know them, their organisation's first, which is closed with it; or 0. */
static uint32_t id_of(const struct b2b_scope *scope, struct b2b_cache *cache, const char *name)
{
	struct b2b_name parts;
	struct passwd person;
	char buffer[BUFFER_SIZE];
	int org;

	if (b2b_name_split(name, scope->policy->separator, &parts) < 0)
		return 0;
	if (b2b_cache_getpwnam(cache, name, &person, buffer, sizeof(buffer)) == 0)
		return person.pw_uid;
	org = b2b_policy_org_by_alias(scope->policy, parts.alias);
	return org < 0 ? 0 : scope->policy->orgs[org].range_lo;
}

static int end_in(DIR *dir, const struct b2b_scope *scope, struct b2b_cache *cache)
{
	struct dirent *entry;
	int n = 0;

	while ((errno = 0, entry = readdir(dir))) {
		uint32_t id = id_of(scope, cache, entry->d_name);

		if (!id || !b2b_scope_closed(scope, id))
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			return -errno;
		b2b_log(LOG_NOTICE, "event=linger-ended user=%s", entry->d_name);
		n++;
	}
	return errno ? -errno : n;
}

int b2b_linger_end(const char *dir, const struct b2b_scope *scope, struct b2b_cache *cache)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;
	DIR *opened;

	if (fd < 0 && errno == ENOENT)
		return 0;
	opened = fd < 0 ? NULL : fdopendir(fd);
	r = opened ? end_in(opened, scope, cache) : -errno;
	if (r < 0)
		b2b_log(LOG_ERR, "event=linger-not-ended error=\"%s\"; remove who is revoked from %s by hand", strerror(-r), dir);
	if (opened)
		closedir(opened);
	else if (fd >= 0)
		close(fd);
	return r;
}
