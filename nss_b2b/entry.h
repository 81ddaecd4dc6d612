/*
 * What every entry point of the module shares.
 *
 * An entry point saves errno, lets the cache answer, and makes the NSS status once, at its end. It logs nothing, keeps
 * no descriptor, holds no lock, and blocks signals only while it asks the agent (nss_b2b/ask.h).
 */
#ifndef B2B_NSS_ENTRY_H
#define B2B_NSS_ENTRY_H

#include <nss.h>
#include <stdatomic.h>
#include <sys/single_threaded.h>

#include "common/cache.h"

#define NSS_EXPORT __attribute__((visibility("default")))

extern _Atomic(struct b2b_cache *) nss_the_cache; /* for these two alone */
struct b2b_cache *nss_cache_make(void);

/* The process's one cache, made at first use and kept until dlclose. NULL where there is no memory for it. */
static inline struct b2b_cache *nss_cache(void)
{
	struct b2b_cache *cache = atomic_load_explicit(&nss_the_cache, memory_order_acquire);

	return cache ? cache : nss_cache_make();
}

/*
 * The status for R (0 or a negative errno as in common/cache.h). Puts ERRNO_BEFORE back into errno, then, unless R is
 * 0, the reason into *ERRNOP, which may be errno itself: ERANGE with TRYAGAIN (glibc comes again with a larger
 * buffer), ENOMEM, EMFILE or ENFILE with TRYAGAIN, ENOENT with NOTFOUND and UNAVAIL (glibc hands it to the caller of
 * getpwnam_r, where it means that there is no such entry).
 */
enum nss_status nss_finish(int r, int errno_before, int *errnop);

/*
 * Move an enumeration's CURSOR from *HERE to NEXT, so that threads that share it each get entries of their own. False: it
 * stands elsewhere meanwhile, which *HERE says then.
 */
static inline bool nss_cursor_move(_Atomic uint64_t *cursor, uint64_t *here, uint64_t next)
{
	if (!__libc_single_threaded)
		return atomic_compare_exchange_strong(cursor, here, next);
	atomic_store_explicit(cursor, next, memory_order_relaxed);
	return true;
}

/*
 * The passwd entry at *CURSOR, which stands behind it then (nss_cursor_move). Returns 0, -ENOMEM, or as in common/cache.h; -ERANGE and
 * every other error leave *CURSOR and *RET_PW alone.
 */
int nss_next_passwd(_Atomic uint64_t *cursor, struct passwd *ret_pw, char *buffer, size_t buflen);

#endif
