#include <errno.h>
#include <stdatomic.h>

#include "nss_b2b/entry.h"

enum nss_status _nss_b2b_getgrnam_r(const char *name, struct group *result, char *buffer, size_t buflen, int *errnop);
enum nss_status _nss_b2b_getgrgid_r(gid_t gid, struct group *result, char *buffer, size_t buflen, int *errnop);
enum nss_status _nss_b2b_setgrent(int stayopen);
enum nss_status _nss_b2b_endgrent(void);
enum nss_status _nss_b2b_getgrent_r(struct group *result, char *buffer, size_t buflen, int *errnop);

/* No question for an absent group: the agent fetches people, whose private groups come with them. */
NSS_EXPORT enum nss_status _nss_b2b_getgrnam_r(const char *name, struct group *result, char *buffer, size_t buflen, int *errnop)
{
	int before = errno, r;
	struct b2b_cache *cache = nss_cache();

	r = cache ? b2b_cache_getgrnam(cache, name, result, buffer, buflen) : -ENOMEM;
	return nss_finish(r, before, errnop);
}

NSS_EXPORT enum nss_status _nss_b2b_getgrgid_r(gid_t gid, struct group *result, char *buffer, size_t buflen, int *errnop)
{
	int before = errno, r;
	struct b2b_cache *cache = nss_cache();

	r = cache ? b2b_cache_getgrgid(cache, gid, result, buffer, buflen) : -ENOMEM;
	return nss_finish(r, before, errnop);
}

static _Atomic uint64_t cursor; /* moved on as nss_next_passwd does */

NSS_EXPORT enum nss_status _nss_b2b_setgrent(int stayopen)
{
	(void)stayopen;
	atomic_store(&cursor, 0);
	return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_b2b_endgrent(void)
{
	atomic_store(&cursor, 0);
	return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_b2b_getgrent_r(struct group *result, char *buffer, size_t buflen, int *errnop)
{
	int before = errno, r;
	struct b2b_cache *cache = nss_cache();
	uint64_t here = atomic_load(&cursor), next;
	struct group gr;

	do {
		next = here;
		r = cache ? b2b_cache_nextgr(cache, &next, &gr, buffer, buflen) : -ENOMEM;
	} while (r == 0 && !nss_cursor_move(&cursor, &here, next));
	if (r == 0)
		*result = gr;
	return nss_finish(r, before, errnop);
}
