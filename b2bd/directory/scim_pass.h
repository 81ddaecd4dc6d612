/* A full pass over a SCIM directory: organisations, people, groups; then those that it did not show (pass.h). */
#ifndef B2B_SCIM_PASS_H
#define B2B_SCIM_PASS_H

#include "b2bd/directory/pass.h"

/* ORDER's base is "https://…/scim/v2". Returns 0 or a negative errno. */
int b2b_scim_pass_start(const struct b2b_pass_order *order, struct b2b_pass **ret_pass);

#endif
