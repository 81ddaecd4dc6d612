/*
 * A full pass over a SCIM directory: organisations, people, groups; then those of root's organisations that it did not show
 * are asked for by id, and removed when the service says that they are gone. An error, a short or an empty page is no such
 * word, and an organisation that would lose too many waits for a person's.
 */
#ifndef B2B_SCIM_PASS_H
#define B2B_SCIM_PASS_H

#include "b2bd/api_call.h"
#include "b2bd/directory/scim_store.h"

struct b2b_scim_pass; /* opaque */

struct b2b_scim_pass_handlers {
	void (*changed)(void *arg, int org);                     /* now and then during the pass, never inside a transaction */
	void (*end)(void *arg, int error, const char *why);      /* exactly once, from the loop: 0, -EAGAIN, -EBUSY; it is freed */
};

/* BASE ("https://…/scim/v2"), STATE, POLICY, CONF must outlive it. Returns 0 or a negative errno. */
int b2b_scim_pass_start(const struct b2b_api *api, const char *base, struct b2b_state *state, const struct b2b_policy *policy,
                        const struct b2b_conf *conf, const struct b2b_scim_pass_handlers *handlers, void *arg,
                        struct b2b_scim_pass **ret_pass);
void b2b_scim_pass_cancel(struct b2b_scim_pass *pass); /* NULL is legal; not from within a handler */

#endif
