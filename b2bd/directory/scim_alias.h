/* What else a SCIM record calls a person by: addresses, and numbers (RFC 7643 4.1). */
#ifndef B2B_SCIM_ALIAS_H
#define B2B_SCIM_ALIAS_H

#include <jansson.h>

#include "b2bd/alias.h"

/* userName where it is an address, emails and phoneNumbers; what has another shape is passed over. */
void b2b_scim_aliases(const json_t *resource, struct b2b_aliases *ret_aliases);

#endif
