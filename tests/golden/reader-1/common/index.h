/*
 * The index file: root's compiled policy on disk (<dir>/index, 0644, root-owned).
 * Byte layout: common/cache_format.h.
 *
 * Replaced by rename; the superseded inode then gets its `superseded` word
 * stored, so that a process which has it mapped notices at its next look-up
 * without a system call. A crash between the two leaves <dir>/index.old, a
 * link to the previous inode, which the next write or b2b_index_recover() marks.
 */
#ifndef B2B_INDEX_H
#define B2B_INDEX_H

#include "common/policy.h"

#define B2B_CACHE_DIR "/var/lib/b2b/cache"

/*
 * Read <dir>/index (a trusted file: root-owned, not group or world writable).
 * Returns 0; -ENOENT where none was compiled yet; -EPERM not to be trusted;
 * -EBADMSG damaged; -EPROTONOSUPPORT made by a newer version, not for this one. Caller frees with b2b_policy_free.
 */
int b2b_index_read(const char *dir, struct b2b_policy **ret_policy);

/*
 * Write POLICY as <dir>/index: complete or not at all (written beside, fsync,
 * rename, fsync of the directory, old one marked superseded). Root only.
 * Returns 0 or a negative errno (-ENOSPC, -EINVAL for a policy that breaks
 * the bounds of common/policy.h).
 */
int b2b_index_write(const char *dir, const struct b2b_policy *policy);

/* Finish what a crash left (see above). Returns 0 or a negative errno. */
int b2b_index_recover(const char *dir);

#endif
