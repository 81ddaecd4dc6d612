/* The groups of one organisation in Keycloak, with those within them: read and stored. */
#ifndef B2B_KEYCLOAK_GROUPS_H
#define B2B_KEYCLOAK_GROUPS_H

#include "b2bd/directory/pass.h"

struct b2b_keycloak_groups; /* opaque */

/*
 * Of slot ORG, for PASS. DONE exactly once from the loop, it is freed then: 0, also where the release knows no groups of
 * organisations; or -EAGAIN, WHY says what. Returns 0 or a negative errno.
 */
int b2b_keycloak_groups_start(struct b2b_pass *pass, int org, void (*done)(struct b2b_pass *pass, int error, const char *why),
                              struct b2b_keycloak_groups **ret_groups);
void b2b_keycloak_groups_cancel(struct b2b_keycloak_groups *groups); /* NULL is legal */

#endif
