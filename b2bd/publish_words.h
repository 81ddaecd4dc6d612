/* The live words as the state database wants them. */
#ifndef B2B_PUBLISH_WORDS_H
#define B2B_PUBLISH_WORDS_H

#include "b2bd/state/state.h"
#include "common/live.h"

struct b2b_word_hold {
	int org;
	uint32_t uid;
	int hand;         /* root's order of this enum b2b_hand_kind; 0: an event's. None lets go of another's */
	int64_t event_ms; /* the latest closing that it stands for; by hand 0 */
};

struct b2b_words {
	struct b2b_state *state;
	const struct b2b_policy *policy;
	struct b2b_live **lives;
	bool *whole; /* per slot: every word was looked at once, so that news alone are left */
	struct b2b_word_hold *holds;
	size_t n_holds;
	/*
	 * False: no closed word is opened. An event may have closed it that a former agent did not live to store, and that comes
	 * again.
	 */
	bool settled;
};

int b2b_words_init(struct b2b_words *words, struct b2b_state *state, const struct b2b_policy *policy, struct b2b_live **lives);
void b2b_words_clear(struct b2b_words *words);

/*
 * Every word of ORG, its own and those of its people, at the time NOW (seconds): the caller's, who has just ended whoever stands
 * open and may not then. Returns 0 or a negative errno: then some are as they were.
 */
int b2b_words_apply(struct b2b_words *words, int org, int64_t now);
/* A portion: MOST people, from the id FROM on, and where they are the last the organisation's own word. */
int b2b_words_apply_some(struct b2b_words *words, int org, uint32_t from, uint32_t most, int64_t now);
/*
 * Only those of people who have come since the last time: what a new snapshot may show for the first time. It closes nobody who
 * stands open: whose time is over meanwhile is closed by the look that ends them.
 */
int b2b_words_new_people(struct b2b_words *words, int org);

/*
 * Keep a word closed that a closing of EVENT_MS could not close in the database. UID 0: the organisation's. HAND: the enum
 * b2b_hand_kind of root's order, with an EVENT_MS of 0; 0: an event's. Returns 0 or -ENOMEM.
 * Releasing means that this closing or a later one of the same HAND is stored, past, or taken back: what a later one or another
 * HAND holds stays. Returns whether it was held.
 */
int b2b_words_hold(struct b2b_words *words, int org, uint32_t uid, int hand, int64_t event_ms);
bool b2b_words_release(struct b2b_words *words, int org, uint32_t uid, int hand, int64_t event_ms);

#endif
