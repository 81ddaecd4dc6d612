/*
 * A full pass over the organisations of a Keycloak realm: of each that root knows its record, its members, its groups; then those
 * that it did not show (pass.h). Others of the realm are not asked for: the host needs no right to see them.
 */
#ifndef B2B_KEYCLOAK_PASS_H
#define B2B_KEYCLOAK_PASS_H

#include "b2bd/directory/pass.h"

/* ORDER's base is "https://…/admin/realms/NAME". Returns 0 or a negative errno. */
int b2b_keycloak_pass_start(const struct b2b_pass_order *order, struct b2b_pass **ret_pass);

/*
 * MEMBERS of slot ORG, as the API lists them, as SCIM resources; a new reference, NULL for want of memory. Who is known
 * in another organisation of this host is left out, and logged: whoever invites them there must not end what they do here. They move
 * once they have left it.
 */
json_t *b2b_keycloak_people(struct b2b_scim_store *store, int org, const json_t *members);

#endif
