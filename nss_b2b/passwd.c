#include <errno.h>
#include <stdatomic.h>

#include "common/one_piece.h"
#include "nss_b2b/ask.h"
#include "nss_b2b/entry.h"

enum nss_status _nss_b2b_getpwnam_r(const char *name, struct passwd *result, char *buffer, size_t buflen, int *errnop);
enum nss_status _nss_b2b_getpwuid_r(uid_t uid, struct passwd *result, char *buffer, size_t buflen, int *errnop);
enum nss_status _nss_b2b_setpwent(int stayopen);
enum nss_status _nss_b2b_endpwent(void);
enum nss_status _nss_b2b_getpwent_r(struct passwd *result, char *buffer, size_t buflen, int *errnop);

/* The cache does not know NAME, but the agent might. */
B2B_APART static int ask(struct b2b_cache *cache, const char *name, struct passwd *ret_pw, char *buffer, size_t buflen)
{
	uint32_t uid;

	switch (nss_ask(name, &uid)) {
	case NSS_ASKED_PUBLISHED:
		return b2b_cache_getpwnam(cache, name, ret_pw, buffer, buflen);
	case NSS_ASKED_RESERVED:
		return b2b_cache_newcomer(cache, name, uid, ret_pw, buffer, buflen);
	default:
		return -ESRCH;
	}
}

B2B_ONE_PIECE NSS_EXPORT enum nss_status _nss_b2b_getpwnam_r(const char *name, struct passwd *result, char *buffer, size_t buflen, int *errnop)
{
	int before = errno, r;
	struct b2b_cache *cache = nss_cache();

	r = cache ? b2b_cache_getpwnam(cache, name, result, buffer, buflen) : -ENOMEM;
	if (r == -ESRCH)
		r = ask(cache, name, result, buffer, buflen);
	return nss_finish(r, before, errnop);
}

NSS_EXPORT enum nss_status _nss_b2b_getpwuid_r(uid_t uid, struct passwd *result, char *buffer, size_t buflen, int *errnop)
{
	int before = errno, r;
	struct b2b_cache *cache = nss_cache();

	r = cache ? b2b_cache_getpwuid(cache, uid, result, buffer, buflen) : -ENOMEM;
	return nss_finish(r, before, errnop);
}

int nss_next_passwd(_Atomic uint64_t *cursor, struct passwd *ret_pw, char *buffer, size_t buflen)
{
	struct b2b_cache *cache = nss_cache();
	uint64_t here = atomic_load(cursor), next;
	struct passwd pw;
	int r;

	do {
		next = here;
		r = cache ? b2b_cache_nextpw(cache, &next, &pw, buffer, buflen) : -ENOMEM;
	} while (r == 0 && !nss_cursor_move(cursor, &here, next));
	if (r == 0)
		*ret_pw = pw;
	return r;
}

static _Atomic uint64_t cursor;

NSS_EXPORT enum nss_status _nss_b2b_setpwent(int stayopen)
{
	(void)stayopen;
	atomic_store(&cursor, 0);
	return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_b2b_endpwent(void)
{
	atomic_store(&cursor, 0);
	return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_b2b_getpwent_r(struct passwd *result, char *buffer, size_t buflen, int *errnop)
{
	int before = errno;

	return nss_finish(nss_next_passwd(&cursor, result, buffer, buflen), before, errnop);
}
