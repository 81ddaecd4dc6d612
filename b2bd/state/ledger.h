/*
 * The id ledger: which id belongs to whom, for ever. An id never passes to another, even after removal, and an
 * organisation's range never changes under its id: both would hand files of one person to another.
 */
#ifndef B2B_LEDGER_H
#define B2B_LEDGER_H

#include "b2bd/state/state.h"

enum b2b_ledger_kind { B2B_LEDGER_USER = 1, B2B_LEDGER_GROUP = 2 };

/*
 * Record ORG's range, or see that it is the recorded one. Returns 0, -EEXIST when another range is recorded for this
 * organisation or another organisation's recorded range overlaps (logged), or a negative errno.
 */
int b2b_ledger_range(struct b2b_state *state, const struct b2b_policy_org *org);

/*
 * The id of OWNER (the directory's id of a person or group) in ORG: its former one, or the next of the range that
 * nobody ever had. People and groups share the numbers; the first of the range is the members group's.
 * Returns 0, -EDQUOT range used up (-ENOSPC is a full disk), -EEXIST as above, or a negative errno.
 */
int b2b_ledger_id(struct b2b_state *state, const struct b2b_policy_org *org, enum b2b_ledger_kind kind, const char *owner,
                  uint32_t *ret_id);

/*
 * Ids that people of ORG asked for since the database was opened or this was forgotten: whoever a snapshot may show for the
 * first time is among them, in no order. An id whose transaction was undone is too, and some may stand there twice.
 * Valid until the next call of b2b_ledger_id.
 */
const uint32_t *b2b_ledger_news(const struct b2b_state *state, const struct b2b_policy_org *org, size_t *ret_n);
void b2b_ledger_forget_news(struct b2b_state *state, const struct b2b_policy_org *org);

#endif
