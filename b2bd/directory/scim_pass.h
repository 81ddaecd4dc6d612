/*
 * A pass over a SCIM directory: organisations, people, groups. A full one then asks for those that it did not show (pass.h).
 *
 * One for changes alone asks for what was modified since the last one, by the directory's own times. What its answers show counts: new
 * and changed records, one that says no longer active, one that is of no organisation of this host any more. What they do not show
 * means nothing: deleted resources, and members of a group that the directory does not count as modified with them, are a full pass's
 * to find.
 */
#ifndef B2B_SCIM_PASS_H
#define B2B_SCIM_PASS_H

#include "b2bd/directory/pass.h"

/*
 * ORDER's base is "https://…/scim/v2", its known is not NULL. The end of one for changes is 0, or for nothing of it being a full one:
 * -EAGAIN it failed on the way; -EOPNOTSUPP the service cannot be asked so, or does not heed what it is asked; -ESTALE the answers may
 * not be whole; -EBUSY more left an organisation than may without a full pass (mass_guard.h). Returns 0 or a negative errno.
 */
int b2b_scim_pass_start(const struct b2b_pass_order *order, struct b2b_pass **ret_pass);

#endif
