/* Words to the terminals of a session that goes on: TELL. Whatever waits when it comes to it is seen to by one look into /proc. */
#ifndef B2B_WARN_H
#define B2B_WARN_H

#include "b2bd/guard/end.h"

#define B2B_WARNINGS_MAX 1024 /* that wait; each turn sees to all */

struct b2b_warnings; /* opaque */

/* SETUP as for b2b_ends_new; answer is called with DONE of a TELL. Returns 0 or -ENOMEM. */
int b2b_warnings_new(const struct b2b_ends_setup *setup, struct b2b_warnings **ret_warnings);
void b2b_warnings_free(struct b2b_warnings *warnings); /* NULL is legal */

/* Another policy with the same slots. */
void b2b_warnings_policy(struct b2b_warnings *warnings, const struct b2b_policy *policy);

/* Take on a checked TELL. Returns 0, -EBUSY when too many wait. */
int b2b_warnings_add(struct b2b_warnings *warnings, const struct b2b_guard_message *message);
/* Tell all that wait; after the ENDs, which are more urgent. */
void b2b_warnings_run(struct b2b_warnings *warnings);

#endif
