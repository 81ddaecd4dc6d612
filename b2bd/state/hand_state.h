/*
 * What root closed by hand on this host, and which of the issuer's keys root does not trust. Kept apart from what the
 * directory and its events say: neither lifts it, only root's word does.
 */
#ifndef B2B_HAND_STATE_H
#define B2B_HAND_STATE_H

#include "b2bd/state/state.h"
#include "common/idmap.h"
#include "common/proto.h"

enum b2b_hand_kind { B2B_HAND_USER = 1, B2B_HAND_ORG, B2B_HAND_ALL, B2B_HAND_KEY }; /* stored as numbers */
#define B2B_HAND_OTHER_SIZE B2B_MESSAGE_SIZE

struct b2b_hand {
	enum b2b_hand_kind kind;
	char what[B2B_OWNER_SIZE];       /* the directory's id of the person, which stays theirs in another organisation; the organisation's; "" for all; the key's kid */
	char other[B2B_HAND_OTHER_SIZE]; /* what root called it; of a key its RFC 7638 thumbprint, "" where it was not known */
	char reason[B2B_MESSAGE_SIZE];
	char audit_id[B2B_AUDIT_ID_SIZE];
	uint32_t by;                     /* audit login uid of who asked; UINT32_MAX: none */
	int64_t since_ms;
};

/*
 * Close by hand, in the caller's transaction. What an authentication of before was good for is over too: the cut-offs of the
 * person, of the organisation or of all organisations move to since_ms. Returns 0 or a negative errno.
 */
int b2b_hand_store(struct b2b_state *state, const struct b2b_hand *hand);

/* The opposite, a transaction of its own. Returns 0, -ENOENT when it was not closed by hand, or a negative errno. */
int b2b_hand_drop(struct b2b_state *state, enum b2b_hand_kind kind, const char *what);

/* Returns 0, -ENOENT, or a negative errno. */
int b2b_hand_find(struct b2b_state *state, enum b2b_hand_kind kind, const char *what, struct b2b_hand *ret_hand);

/* All of KIND, or with 0 of every kind, the oldest first. EACH returns 0 to go on. */
int b2b_hand_each(struct b2b_state *state, int kind, int (*each)(void *arg, const struct b2b_hand *hand), void *arg);

#endif
