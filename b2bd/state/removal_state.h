/*
 * Mass removals that wait for an administrator's word: whom a complete directory pass did not meet, of an organisation that
 * would lose more than root's threshold. What is approved is this list, and it is removed by the next pass that still does
 * not meet them: the service may have them again.
 */
#ifndef B2B_REMOVAL_STATE_H
#define B2B_REMOVAL_STATE_H

#include "b2bd/state/state.h"

struct b2b_removal {
	char org_id[B2B_ID_SIZE];
	uint32_t *missing;    /* uids, ascending */
	size_t n_missing;
	uint64_t living;      /* people of the organisation then */
	bool unlisted;        /* the organisation itself is no longer listed: its end would be noted too */
	int64_t since_s;      /* of the first pass in a row that wanted it */
	int64_t approved_s;   /* 0: not yet */
	uint32_t by;          /* audit login uid of who approved it; UINT32_MAX: none */
};
void b2b_removal_clear(struct b2b_removal *removal); /* NULL is legal */

/* Each is one transaction. Return 0, -ENOENT (none of ORG_ID), or a negative errno. */
int b2b_removal_put(struct b2b_state *state, const struct b2b_removal *removal); /* instead of the former of the same organisation */
int b2b_removal_get(struct b2b_state *state, const char *org_id, struct b2b_removal *ret_removal); /* caller clears */
int b2b_removal_approve(struct b2b_state *state, const char *org_id, int64_t now_s, uint32_t by);
/* Does one of ORG_ID wait, approved or not? Returns 1, 0, or a negative errno. */
int b2b_removal_waits(struct b2b_state *state, const char *org_id);
int b2b_removal_drop(struct b2b_state *state, const char *org_id);

/* Does what was approved cover MISSING (ascending)? How many of them it does not. */
size_t b2b_removal_beyond(const struct b2b_removal *removal, const uint32_t *missing, size_t n);

#endif
