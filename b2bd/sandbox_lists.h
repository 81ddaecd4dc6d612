/* Building seccomp filters from lists of names. Private to sandbox*.c. */
#ifndef B2B_SANDBOX_LISTS_H
#define B2B_SANDBOX_LISTS_H

#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/types.h>

#define B2B_CLONE_NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* Add ACTION for every name of the NULL-terminated NAMES; a name that this architecture does not have is passed over. */
int b2b_filter_names(scmp_filter_ctx filter, uint32_t action, const char *const *names);

/*
 * A new filter that allows b2b_calls_life, advice about memory (all but MADV_REMOVE) and CALLS, and refuses everything else
 * with EPERM. Returns 0 or a negative errno.
 */
int b2b_filter_new(const char *const *calls, scmp_filter_ctx *ret_filter);

/*
 * Threads and child processes, but no new namespace: clone's flags can be judged. clone3's lie in memory where a filter
 * cannot see them, so it is told not to exist, and libc goes back to clone.
 */
int b2b_filter_processes(scmp_filter_ctx filter);

/*
 * What libcurl, OpenSSL and libc need for connections: sockets of IP and netlink, pairs of UNIX sockets, and the few requests
 * about descriptors, names and own limits. UNIX sockets that connect are the caller's to allow.
 */
int b2b_filter_network(scmp_filter_ctx filter);

/* Load and free FILTER (also on failure). BEFORE: the result so far; nothing is loaded when it is negative. */
int b2b_filter_load(scmp_filter_ctx filter, int before);

/* What any C program calls to live: memory, time, its own signal handlers, its own end. Allowed to all but the first process. */
extern const char *const b2b_calls_life[];

/* no_new_privs, no core, not dumpable. */
int b2b_sandbox_common(void);

/* UID and GID, neither of them 0, without groups and without any capability; there is no way back. Returns 0 or a negative errno, logged. */
int b2b_sandbox_become(uid_t uid, gid_t gid);

#endif
