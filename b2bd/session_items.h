/* Sessions that were read and are to be ended: rows cannot go while they are being read. */
#ifndef B2B_SESSION_ITEMS_H
#define B2B_SESSION_ITEMS_H

#include "b2bd/state/session_state.h"

struct b2b_session_items {
	struct b2b_session *list; /* freed by the owner */
	size_t n, room;
};

/* Keep a copy of SESSION. Returns 0 or -ENOMEM. */
int b2b_session_keep(struct b2b_session_items *items, const struct b2b_session *session);

#endif
