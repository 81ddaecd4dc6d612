#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"
#include "common/cache_format.h"
#include "common/live.h"

struct list {
	struct b2b_range *ranges;
	size_t n;
};

static int add(struct list *list, const char *id, uint32_t lo, uint32_t hi)
{
	struct b2b_range *ranges = reallocarray(list->ranges, list->n + 1, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	list->ranges = ranges;
	snprintf(ranges[list->n].id, sizeof(ranges[list->n].id), "%s", id);
	ranges[list->n].lo = lo;
	ranges[list->n++].hi = hi;
	return 0;
}

/* A live file is never removed, so that it also tells the range of an organisation that has no section any more. */
static int add_live(struct list *list, const char *dir, const char *id)
{
	struct b2b_live *live = NULL;
	uint32_t lo, hi;
	int r;

	if (!b2b_org_id_valid(id))
		return 0;
	r = b2b_live_open(dir, id, &live);
	if (r < 0)
		return r;
	b2b_live_range(live, &lo, &hi);
	b2b_live_unmap(live);
	return add(list, id, lo, hi);
}

static int add_lives(struct list *list, const char *dir)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *stream;
	int r = 0;

	if (snprintf(path, sizeof(path), "%s/live", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	stream = opendir(path);
	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (entry = readdir(stream)))
		r = add_live(list, dir, entry->d_name);
	closedir(stream);
	return r;
}

int b2b_ranges_known(const char *dir, const struct b2b_policy *policy, struct b2b_range **ret_ranges, size_t *ret_n)
{
	struct list list = { 0 };
	int r = 0;

	for (uint32_t i = 0; r == 0 && policy && i < policy->n_orgs; i++)
		r = add(&list, policy->orgs[i].id, policy->orgs[i].range_lo, policy->orgs[i].range_hi);
	if (r == 0)
		r = add_lives(&list, dir);
	if (r < 0) {
		free(list.ranges);
		return r;
	}
	*ret_ranges = list.ranges;
	*ret_n = list.n;
	return 0;
}
