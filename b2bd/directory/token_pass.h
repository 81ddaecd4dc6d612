/*
 * What a full pass is where there is no directory (directory = token): root's organisations are active, and the service answers. There is
 * nobody to read; people come with their log-ins (b2bd/login_enter.c).
 */
#ifndef B2B_TOKEN_PASS_H
#define B2B_TOKEN_PASS_H

#include "b2bd/directory/pass.h"

struct b2b_token_pass; /* opaque */

/* Of ORDER: the API's federation, state, policy, handlers and their argument. Returns 0 or a negative errno. */
int b2b_token_pass_start(const struct b2b_pass_order *order, struct b2b_token_pass **ret_pass);
void b2b_token_pass_cancel(struct b2b_token_pass *pass); /* NULL is legal; not from within a handler */

#endif
