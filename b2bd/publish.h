/*
 * Publishing: an organisation's directory copy becomes its snapshot. Built in a child (a large organisation must not
 * hold up the loop) into a memfd, sealed, installed by the guard, generation stored by the guard after the rename.
 * Words of people who become visible are stored before their snapshot is installed.
 */
#ifndef B2B_PUBLISH_H
#define B2B_PUBLISH_H

#include "b2bd/guard_link.h"
#include "b2bd/loop.h"
#include "b2bd/state/state.h"
#include "common/live.h"

struct b2b_publish; /* opaque */

/* LIVES: one mapping per slot of POLICY. All must outlive it. Returns 0 or -ENOMEM. */
int b2b_publish_new(struct b2b_loop *loop, struct b2b_state *state, const struct b2b_policy *policy, struct b2b_live **lives,
                    struct b2b_guard_link *guard, struct b2b_publish **ret_publish);
void b2b_publish_free(struct b2b_publish *publish); /* NULL is legal */

/*
 * Publish ORG soon; requests for the same organisation while one is being built are folded into one more build.
 * DONE (or NULL) is called from the loop with 0 or a negative errno when a snapshot that holds everything stored before this call is installed.
 */
void b2b_publish_org(struct b2b_publish *publish, int org, void (*done)(void *arg, int error), void *arg);
void b2b_publish_forget(struct b2b_publish *publish, void *arg); /* ARG's pending callbacks do not come any more */

/*
 * Bring the live words of ORG (-1: of all) into line with the state database at NOW (seconds; b2b_words_apply): open what
 * stands open, close what does not. Never opens a word that an event closed. Returns 0 or a negative errno.
 */
int b2b_publish_words(struct b2b_publish *publish, int org, int64_t now);
/* A portion of ORG's (b2b_words_apply_some). */
int b2b_publish_words_some(struct b2b_publish *publish, int org, uint32_t from, uint32_t most, int64_t now);

/*
 * Every event that came while no agent ran was taken: from the next b2b_publish_words on closed words may open. Before, one
 * that a former agent closed without living to store why would open again.
 */
void b2b_publish_settled(struct b2b_publish *publish);

/*
 * An event of EVENT_MS, or root's order of the kind HAND (0: an event), closed UID (0: the organisation ORG itself) and could not be
 * stored: its word stays closed, whatever the database says, until that is released (it came again and is stored; root takes the
 * order back) or the agent starts anew. Events release what events hold, orders what orders of their kind do (publish_words.h).
 * Hold returns 0 or -ENOMEM, release whether it was held.
 */
int b2b_publish_hold(struct b2b_publish *publish, int org, uint32_t uid, int hand, int64_t event_ms);
bool b2b_publish_release(struct b2b_publish *publish, int org, uint32_t uid, int hand, int64_t event_ms);

#endif
