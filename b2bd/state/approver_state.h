/* Who may approve commands: people in a group by its name, and people with a role. */
#ifndef B2B_APPROVER_STATE_H
#define B2B_APPROVER_STATE_H

#include "b2bd/state/directory_state.h"
#include "b2bd/state/uids.h"

/*
 * Add to UIDS active people of ORG_ID: members of its group LOCAL, or those to whom its administrators gave one of ROLES (bits by
 * policy->roles). At most 256; whether their windows are open is not looked at. Return 0 or a negative errno.
 */
int b2b_group_people(struct b2b_state *state, const char *org_id, const char *local, struct b2b_uids *uids);
int b2b_role_people(struct b2b_state *state, const char *org_id, uint64_t roles, struct b2b_uids *uids);

/* Is UID in that group? 1, 0, or a negative errno. */
int b2b_group_has(struct b2b_state *state, const char *org_id, const char *local, uint32_t uid);

#endif
