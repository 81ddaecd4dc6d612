/*
 * What a full pass is where there is no directory (directory = token): root's organisations are active, and the service answers. There is
 * nobody to read; people come with their log-ins (b2bd/login_enter.c).
 */
#ifndef B2B_TOKEN_PASS_H
#define B2B_TOKEN_PASS_H

#include "b2bd/federation/federation.h"
#include "b2bd/state/state.h"

struct b2b_token_pass; /* opaque */

struct b2b_token_pass_handlers {
	void (*changed)(void *arg, int org);
	void (*end)(void *arg, int error, const char *why); /* exactly once, from the loop: 0 or -EAGAIN; it is freed */
};

/* FEDERATION, STATE and POLICY must outlive it. Returns 0 or a negative errno. */
int b2b_token_pass_start(struct b2b_federation *federation, struct b2b_state *state, const struct b2b_policy *policy,
                         const struct b2b_token_pass_handlers *handlers, void *arg, struct b2b_token_pass **ret_pass);
void b2b_token_pass_cancel(struct b2b_token_pass *pass); /* NULL is legal; not from within a handler */

#endif
