#include "nss_b2b/entry.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/single_threaded.h>

#include "common/one_piece.h"

_Atomic(struct b2b_cache *) nss_the_cache;

B2B_APART struct b2b_cache *nss_cache_make(void)
{
	struct b2b_cache *cache = NULL, *fresh = NULL;

	if (b2b_cache_new(NULL, &fresh) < 0)
		return NULL;
	if (atomic_compare_exchange_strong(&nss_the_cache, &cache, fresh))
		return fresh;
	b2b_cache_free(fresh); /* another thread was first */
	return cache;
}

/*
 * dlclose takes the cache along. In a process with threads one may still be in a look-up when this runs, at exit above all:
 * there it is left to the kernel. Whoever looks up later, in an exit handler, gets a new one.
 */
__attribute__((destructor)) static void forget(void)
{
	if (__libc_single_threaded)
		b2b_cache_free(atomic_exchange(&nss_the_cache, NULL));
}

enum nss_status nss_finish(int r, int errno_before, int *errnop)
{
	errno = errno_before;
	if (r == 0)
		return NSS_STATUS_SUCCESS;
	switch (r) {
	case -ERANGE:
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
		*errnop = -r;
		return NSS_STATUS_TRYAGAIN;
	case -ENOENT:
	case -ESRCH:
		*errnop = ENOENT;
		return NSS_STATUS_NOTFOUND;
	default:
		*errnop = ENOENT;
		return NSS_STATUS_UNAVAIL;
	}
}
