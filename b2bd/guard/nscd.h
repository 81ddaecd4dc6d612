/*
 * Caching daemons beside us: glibc's nscd, and unscd, which takes the same requests on the same socket. What they remember
 * of a person outlives a revocation (groups for an hour, by default), so each is told to forget passwd and group.
 *
 * A child of the guard's own does it, with nothing but the system calls that this takes, for two reasons: the guard makes no
 * sockets, and a daemon that hangs must not hold up an END. It tells the daemon at once, again a second later (for an
 * answer that the daemon was working on meanwhile), and where the daemon does not answer, until it does. Two processes: one
 * that speaks with the daemon, and one that does nothing but start it again, because the guard, shut in, could not.
 */
#ifndef B2B_NSCD_H
#define B2B_NSCD_H

#define B2B_NSCD_PATH "/var/run/nscd/socket" /* nscd.h of glibc: _PATH_NSCDSOCKET */

struct b2b_nscd; /* opaque: the guard's end */

/*
 * Start the child, which shuts itself in; to be called before the caller does so. It ends when the caller frees the handle or
 * dies. PATH is kept. Returns 0 or a negative errno.
 */
int b2b_nscd_start(const char *path, struct b2b_nscd **ret_nscd);
/* Waits for the child: up to a second where the daemon hangs. NULL is legal. */
void b2b_nscd_free(struct b2b_nscd *nscd);

/* Have the daemon forget, where there is one. Never waits. NULL is legal: nobody is told. */
void b2b_nscd_forget(struct b2b_nscd *nscd);

#endif
