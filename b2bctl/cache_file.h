/*
 * The cache's files as cache dump and cache verify take them: copied whole, whoever owns them, so that also a copy of a
 * cache, a damaged one, and one that somebody truncates meanwhile can be looked at.
 */
#ifndef B2B_CTL_CACHE_FILE_H
#define B2B_CTL_CACHE_FILE_H

#include <sys/stat.h>

#include "common/cache_view.h"

#define B2B_CACHE_FILE_NAME 128

struct b2b_cache_file {
	char name[B2B_CACHE_FILE_NAME]; /* below the cache's folder: "live/42c3e9" */
	unsigned char *bytes;           /* aligned for any number */
	size_t size;
	struct stat st;
	int fd;                         /* for its ACL */
};

/*
 * Copy DIR/NAME, a regular file of at most MAX bytes and no symbolic link. With every error but -ENOENT and -EACCES
 * *ret_finding says what it is instead. Returns 0, -ENOENT, -EACCES, -EBADMSG, -ENOMEM. Release with b2b_cache_file_clear.
 */
int b2b_cache_file_read(const char *dir, const char *name, size_t max, struct b2b_cache_file *ret_file, struct b2b_finding *ret_finding);
void b2b_cache_file_clear(struct b2b_cache_file *file); /* one that is all zero is legal */

/* An organisation's snapshot, copied, for the readers' own functions (common/cache_view.h). */
struct b2b_roster {
	struct b2b_cache_file file;
	struct b2b_org org;
	struct b2b_snap snap;
	struct b2b_format_snapshot header;
};

/*
 * The snapshot of ORG_ID with the ids LO to HI below DIR. Its header and tables have been checked as a reader does; records
 * are, one by one, by b2b_snap_by_offset. Returns as b2b_cache_file_read, -EPROTONOSUPPORT (of a newer version). Caller frees
 * with b2b_roster_close.
 */
int b2b_roster_open(const char *dir, const char *org_id, uint32_t lo, uint32_t hi, struct b2b_roster **ret_roster, struct b2b_finding *ret_finding);
void b2b_roster_close(struct b2b_roster *roster); /* NULL is legal */

#endif
