/* What stands ready before b2bd's processes part: directories, homes of organisations, live files, the socket. As root. */
#ifndef B2B_PREPARE_H
#define B2B_PREPARE_H

#include <sys/types.h>

#include "b2bd/secret.h"
#include "common/live.h"
#include "common/policy.h"

/*
 * The lock that says b2bd runs (B2B_RUN_DIR, made where it is not there). Waits up to 5 s for a predecessor that is just ending.
 * Returns a descriptor to keep open, -EBUSY another b2bd runs, or a negative errno.
 */
int b2b_prepare_lock(void);

/* CACHE_DIR (root's), STATE_DIR (UID's alone) and the session registry (root's, GID may read). Returns 0 or a negative errno. */
int b2b_prepare_dirs(const char *cache_dir, const char *state_dir, uid_t uid, gid_t gid);

/*
 * The key under which the agent seals what it keeps of tokens (b2bd/secret.h), B2B_RUN_DIR/seal, root's alone: made at the first start after
 * the machine's, so that neither a copy of the agent's database nor the next boot can read them. Returns 0 or a negative errno.
 */
int b2b_prepare_seal(unsigned char ret_key[B2B_SEAL_KEY_SIZE]);

/*
 * For each organisation: the directory of its snapshot, its live file (mapped), and the directory of its people's homes.
 * An organisation's trouble with homes is logged and passed over; everything else fails the whole.
 * *ret_lives: one per slot; free with b2b_prepare_release. Returns 0 or a negative errno with the cause logged.
 */
int b2b_prepare_orgs(const char *cache_dir, const struct b2b_policy *policy, struct b2b_live ***ret_lives);
void b2b_prepare_release(struct b2b_live **lives, uint32_t n); /* NULL is legal */

/*
 * The directory that holds the homes of ORG's people: the template's part before %u, with %o filled in, where it has a part
 * of its own for the organisation. Returns 0; -ENOENT where homes of all organisations lie together; -ENAMETOOLONG.
 */
int b2b_prepare_home_path(const char *template, const char *alias, char *buf, size_t size);

/*
 * The agent's socket, listening at B2B_SOCKET_PATH for everybody: bound under another name first, then renamed over what a
 * predecessor left, so that there is never none. The lock must be held. Returns a descriptor or a negative errno.
 */
int b2b_prepare_socket(void);

#endif
