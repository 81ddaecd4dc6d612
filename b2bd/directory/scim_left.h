/*
 * People of this host whom an answer for changes shows as somebody else's: of no organisation, or of one that is not root's. They are
 * asked for by id like those whom a full pass did not meet, and are under the same guard against mass removal; what a full pass has to
 * decide, or an administrator, is left to it.
 */
#ifndef B2B_SCIM_LEFT_H
#define B2B_SCIM_LEFT_H

#include "b2bd/directory/confirm.h"
#include "b2bd/directory/scim_known.h"

struct b2b_scim_left { /* zeroed at first; struct b2b_pass frees what it hands on, clear the rest */
	struct b2b_missing people[B2B_CONFIRM_ROWS];
	size_t n;
	bool more; /* than that */
};
void b2b_scim_left_clear(struct b2b_scim_left *left);

/* RESOURCES, people, were shown and stored as of PASS: note who of them has left. Returns 0 or a negative errno. */
int b2b_scim_left_note(struct b2b_scim_left *left, struct b2b_pass *pass, const json_t *resources);

/*
 * Of those noted, hand the ones of the next organisation to be confirmed (confirm.h); KNOWN counts them. Returns 1, 0 where nobody is left
 * to be handed, -EBUSY where they are more than may go so, or a negative errno.
 */
int b2b_scim_left_next(struct b2b_scim_left *left, struct b2b_pass *pass, struct b2b_scim_known *known);

#endif
