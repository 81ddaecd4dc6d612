/*
 * People whom a pass did not meet are asked for one by one, by the directory's id, before they go: nobody is removed who was not asked
 * for, and nobody of whom the service does not say that they are gone, or whose record is not of a person of this host.
 */
#ifndef B2B_CONFIRM_H
#define B2B_CONFIRM_H

#include "b2bd/directory/pass.h"

#define B2B_CONFIRM_ROWS 200 /* asked for, and then removed in one transaction: what is confirmed is done, whatever comes next */

/* Note that the person UID with ID, of organisation pass->org, is to be asked for. Returns 0, 1 no more have room now, or -ENOMEM. */
int b2b_confirm_add(struct b2b_pass *pass, uint32_t uid, const char *id);

/* Ask for all of them, remove who is gone, forget them, and go on with THEN, from the loop. On any doubt the pass has failed instead. */
void b2b_confirm(struct b2b_pass *pass, void (*then)(struct b2b_pass *pass));

void b2b_confirm_cancel(struct b2b_pass *pass); /* what is under way */
void b2b_confirm_drop(struct b2b_pass *pass);   /* those noted */

#endif
