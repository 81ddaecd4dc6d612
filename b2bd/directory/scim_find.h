/* One person, asked for by name: what a first log-in waits for. */
#ifndef B2B_SCIM_FIND_H
#define B2B_SCIM_FIND_H

#include "b2bd/api_call.h"
#include "b2bd/directory/scim_store.h"

struct b2b_scim_find; /* opaque */

/*
 * DONE(arg, error) exactly once from the loop, after which it is freed: 0 stored; -ENOENT the service says that there
 * is no such person; -EHOSTUNREACH it did not answer in time, or not in a way that can be used. STORE must outlive it.
 * Returns 0 or a negative errno.
 */
int b2b_scim_find_start(const struct b2b_api *api, const char *base, struct b2b_scim_store *store, int org, const char *local,
                        void (*done)(void *arg, int error), void *arg, struct b2b_scim_find **ret_find);
void b2b_scim_find_cancel(struct b2b_scim_find *find); /* NULL is legal */

#endif
