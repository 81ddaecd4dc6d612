/* Building seccomp filters from lists of names. Private to sandbox*.c. */
#ifndef B2B_SANDBOX_LISTS_H
#define B2B_SANDBOX_LISTS_H

#include <seccomp.h>
#include <stddef.h>

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

/* Load and free FILTER (also on failure). BEFORE: the result so far; nothing is loaded when it is negative. */
int b2b_filter_load(scmp_filter_ctx filter, int before);

/* What any C program calls to live: memory, time, signals, its own end. Allowed to guard and agent. */
extern const char *const b2b_calls_life[];

/* no_new_privs, no core, not dumpable. */
int b2b_sandbox_common(void);

#endif
