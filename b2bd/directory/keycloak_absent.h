/*
 * Whom and what this host knows of an organisation's groups, and a listing of Keycloak's did not show. Such a listing says no total and
 * ends with its first empty page, so nobody is taken out for that alone: they are asked for one by one.
 */
#ifndef B2B_KEYCLOAK_ABSENT_H
#define B2B_KEYCLOAK_ABSENT_H

#include <jansson.h>

#include "b2bd/state/directory_state.h"

/* Ids of people who are in the group GROUP_ID here, and not in LISTED (ids). Those removed do not count. A new reference, NULL on failure. */
json_t *b2b_keycloak_absent_members(struct b2b_state *state, const char *org_id, const char *group_id, const json_t *listed);

/* Ids of the organisation's groups here that are not among LISTED (groups). A new reference, NULL on failure. */
json_t *b2b_keycloak_absent_groups(struct b2b_state *state, const char *org_id, const json_t *listed);

#endif
