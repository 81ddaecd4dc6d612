/* Partners have no password on this host: shadow says so, that pam_unix and chage(1) need not guess. */
#include <errno.h>
#include <shadow.h>

#include "nss_b2b/entry.h"

enum nss_status _nss_b2b_getspnam_r(const char *name, struct spwd *result, char *buffer, size_t buflen, int *errnop);

NSS_EXPORT enum nss_status _nss_b2b_getspnam_r(const char *name, struct spwd *result, char *buffer, size_t buflen, int *errnop)
{
	int before = errno, r;
	struct b2b_cache *cache = nss_cache();
	struct passwd pw;

	r = cache ? b2b_cache_getpwnam(cache, name, &pw, buffer, buflen) : -ENOMEM;
	if (r == 0)
		*result = (struct spwd){ .sp_namp = pw.pw_name, .sp_pwdp = pw.pw_passwd, .sp_lstchg = -1, .sp_min = -1, .sp_max = -1,
					 .sp_warn = -1, .sp_inact = -1, .sp_expire = -1, .sp_flag = ~0ul };
	return nss_finish(r, before, errnop);
}
