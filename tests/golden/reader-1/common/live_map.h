/* Inside of struct b2b_live, shared by live.c (libc only) and live_create.c (ACLs). */
#ifndef B2B_LIVE_MAP_H
#define B2B_LIVE_MAP_H

#include "common/cache_format.h"
#include "common/live.h"

struct b2b_live {
	struct b2b_format_live *file; /* the mapping */
	size_t size;
	uint32_t range_lo, range_hi; /* copies that were checked: the file's own are not looked at again */
};

/* Bytes of a live file for a range (checked: B2B_RANGE_MAX ids at most). */
static inline size_t b2b_live_size(uint32_t range_lo, uint32_t range_hi)
{
	return B2B_LIVE_WORDS_AT + ((size_t)range_hi - range_lo + 1) * sizeof(uint32_t);
}

/* Is HEADER (a copy) the header of a live file of SIZE bytes, whole and of a readable version? RET_FINDING: what is wrong, or NULL. */
bool b2b_format_live_valid(const struct b2b_format_live *header, size_t size, struct b2b_finding *ret_finding);

/*
 * Map FD, a live file of SIZE bytes, with PROTECTION; FD stays the caller's.
 * Returns 0, -EBADMSG, -EPROTONOSUPPORT (a newer version made it, and no reader of this one understands it), or mmap's error. Caller frees with b2b_live_unmap.
 */
int b2b_live_map(int fd, size_t size, int protection, struct b2b_live **ret_live);

#endif
