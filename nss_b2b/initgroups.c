#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "nss_b2b/entry.h"

enum nss_status _nss_b2b_initgroups_dyn(const char *user, gid_t group, long int *start, long int *size, gid_t **groupsp,
                                        long int limit, int *errnop);

/*
 * glibc's growing array of groups: *start are used of *size, never more than limit where that is above 0. The local
 * groups of roles come last, from n_own on (-1: none yet).
 */
struct groups {
	gid_t primary;
	long int *start, *size, n_own, limit;
	gid_t **list;
};

/* What tells the walk to stop because the array is as full as the caller wants it: not an error. */
#define ENOUGH (-EXFULL)

static int grow(struct groups *groups)
{
	long int more = *groups->size > 0 ? 2 * *groups->size : 16;
	gid_t *bigger;

	if (groups->limit > 0 && more > groups->limit)
		more = groups->limit;
	bigger = reallocarray(*groups->list, (size_t)more, sizeof(gid_t));
	if (!bigger)
		return -ENOMEM;
	*groups->list = bigger;
	*groups->size = more;
	return 0;
}

/* Two roles may give the same local group: once is enough. Groups of ours come once each; to look through them would be quadratic. */
static bool has(struct groups *groups, gid_t gid)
{
	if (gid >= B2B_GID_FIRST && gid <= B2B_RANGE_LAST)
		return gid == groups->primary;
	if (groups->n_own < 0)
		groups->n_own = *groups->start;
	for (long int i = groups->n_own; i < *groups->start; i++)
		if ((*groups->list)[i] == gid)
			return true;
	return gid == groups->primary;
}

static int add(void *arg, uint32_t gid)
{
	struct groups *groups = arg;

	if (has(groups, gid))
		return 0;
	if (groups->limit > 0 && *groups->start >= groups->limit)
		return ENOUGH;
	if (*groups->start >= *groups->size) {
		int r = grow(groups);

		if (r < 0)
			return r;
	}
	(*groups->list)[(*groups->start)++] = gid;
	return 0;
}

NSS_EXPORT enum nss_status _nss_b2b_initgroups_dyn(const char *user, gid_t group, long int *start, long int *size, gid_t **groupsp,
                                                   long int limit, int *errnop)
{
	struct groups groups = { group, start, size, -1, limit, groupsp };
	int before = errno, r;
	struct b2b_cache *cache = nss_cache();

	r = cache ? b2b_cache_initgroups(cache, user, add, &groups) : -ENOMEM;
	return nss_finish(r == ENOUGH ? 0 : r, before, errnop);
}
