/* One person of an organisation in Keycloak, asked for by name. */
#ifndef B2B_KEYCLOAK_FIND_H
#define B2B_KEYCLOAK_FIND_H

#include "b2bd/directory/find.h"

/*
 * Members whose username or name holds the local name are looked through; then, where an attribute carries the name, people of the realm
 * who have it and are members. Where there are too many to be sure, it is as if the service had not answered: the next pass shows them.
 * Returns 0 or a negative errno.
 */
int b2b_keycloak_find_start(const struct b2b_find *question, struct b2b_find **ret_find);

#endif
