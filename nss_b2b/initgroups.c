#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/one_piece.h"
#include "nss_b2b/ask.h"
#include "nss_b2b/entry.h"

enum nss_status _nss_b2b_initgroups_dyn(const char *user, gid_t group, long int *start, long int *size, gid_t **groupsp,
                                        long int limit, int *errnop);

/*
 * glibc's growing array of groups, while it is filled: n of size are used, of which room may be: never more than limit where that
 * is above 0. The local groups of roles come last, from n_own on (-1: none yet).
 */
struct groups {
	gid_t *list, primary;
	long int n, room, size, n_own, limit;
};

/* What tells the walk to stop because the array is as full as the caller wants it: not an error. */
#define ENOUGH (-EXFULL)

static long int room_of(long int size, long int limit)
{
	return limit > 0 && limit < size ? limit : size;
}

B2B_APART static int grow(struct groups *groups)
{
	long int more = room_of(groups->size > 0 ? 2 * groups->size : 16, groups->limit);
	gid_t *bigger;

	if (groups->limit > 0 && groups->n >= groups->limit)
		return ENOUGH;
	bigger = reallocarray(groups->list, (size_t)more, sizeof(gid_t));
	if (!bigger)
		return -ENOMEM;
	groups->list = bigger;
	groups->size = groups->room = more;
	return 0;
}

/* Two roles may give the same local group: once is enough. Groups of ours come once each; to look through them would be quadratic. */
static bool has(struct groups *groups, gid_t gid)
{
	if (gid >= B2B_GID_FIRST && gid <= B2B_RANGE_LAST)
		return gid == groups->primary;
	if (groups->n_own < 0)
		groups->n_own = groups->n;
	for (long int i = groups->n_own; i < groups->n; i++)
		if (groups->list[i] == gid)
			return true;
	return gid == groups->primary;
}

static int add(void *arg, uint32_t gid)
{
	struct groups *groups = arg;

	if (has(groups, gid))
		return 0;
	if (groups->n >= groups->room) {
		int r = grow(groups);

		if (r < 0)
			return r;
	}
	groups->list[groups->n++] = gid;
	return 0;
}

/* sshd asks before it lets anybody in (AllowGroups, Match Group), and it is root. */
B2B_APART static int add_reserved(struct b2b_cache *cache, const char *user, struct groups *groups)
{
	uint32_t uid;

	if (geteuid() != 0 || nss_ask(user, &uid) != NSS_ASKED_RESERVED)
		return -ESRCH;
	return b2b_cache_newcomer_groups(cache, user, add, groups);
}

B2B_ONE_PIECE NSS_EXPORT enum nss_status _nss_b2b_initgroups_dyn(const char *user, gid_t group, long int *start, long int *size,
                                                                 gid_t **groupsp, long int limit, int *errnop)
{
	struct groups groups = { *groupsp, group, *start, room_of(*size, limit), *size, -1, limit };
	int before = errno, r;
	struct b2b_cache *cache = nss_cache();

	r = cache ? b2b_cache_initgroups(cache, user, add, &groups) : -ENOMEM;
	if (r == -ESRCH)
		r = add_reserved(cache, user, &groups);
	*groupsp = groups.list;
	*size = groups.size;
	*start = groups.n;
	return nss_finish(r == ENOUGH ? 0 : r, before, errnop);
}
