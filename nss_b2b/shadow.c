/*
 * Partners have no password on this host, and nothing of theirs ages here: shadow says so, that pam_unix and passwd(1)
 * need not guess. A fixed answer without a secret in it, so whoever may see a person may see this; it neither locks
 * anybody out nor lets anybody in. Enumeration lists whom passwd lists.
 */
#include <errno.h>
#include <shadow.h>

#include "nss_b2b/entry.h"

enum nss_status _nss_b2b_getspnam_r(const char *name, struct spwd *result, char *buffer, size_t buflen, int *errnop);
enum nss_status _nss_b2b_setspent(int stayopen);
enum nss_status _nss_b2b_endspent(void);
enum nss_status _nss_b2b_getspent_r(struct spwd *result, char *buffer, size_t buflen, int *errnop);

/* -1 is an empty field. */
static struct spwd shadow_of(const struct passwd *pw)
{
	return (struct spwd){ .sp_namp = pw->pw_name, .sp_pwdp = pw->pw_passwd, .sp_lstchg = -1, .sp_min = -1, .sp_max = -1,
			      .sp_warn = -1, .sp_inact = -1, .sp_expire = -1, .sp_flag = ~0ul };
}

NSS_EXPORT enum nss_status _nss_b2b_getspnam_r(const char *name, struct spwd *result, char *buffer, size_t buflen, int *errnop)
{
	int before = errno, r;
	struct b2b_cache *cache = nss_cache();
	struct passwd pw;

	r = cache ? b2b_cache_getpwnam(cache, name, &pw, buffer, buflen) : -ENOMEM;
	if (r == 0)
		*result = shadow_of(&pw);
	return nss_finish(r, before, errnop);
}

static _Atomic uint64_t cursor;

NSS_EXPORT enum nss_status _nss_b2b_setspent(int stayopen)
{
	(void)stayopen;
	atomic_store(&cursor, 0);
	return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_b2b_endspent(void)
{
	atomic_store(&cursor, 0);
	return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_b2b_getspent_r(struct spwd *result, char *buffer, size_t buflen, int *errnop)
{
	int before = errno, r;
	struct passwd pw;

	r = nss_next_passwd(&cursor, &pw, buffer, buflen);
	if (r == 0)
		*result = shadow_of(&pw);
	return nss_finish(r, before, errnop);
}
