/*
 * The id ledger: which id belongs to whom, for ever. An id never passes to another, even after removal, and an
 * organisation's range never changes under its id: both would hand files of one person to another.
 *
 * Who comes for the first time gets the first of these that can be had, and keeps it:
 *   1. the id that root pinned (common/idmap.h): this one or none;
 *   2. the number that the directory supplies, if it lies in the organisation's range and nobody else ever had it;
 *   3. the place in the range that a hash of the directory's id names, or the next free one behind it, from the end on at
 *      the beginning (b2b_ledger_place).
 * Two hosts agree by 1 and 2; by 3 as long as no two people meet at one place: then who came first has it, on each host.
 */
#ifndef B2B_LEDGER_H
#define B2B_LEDGER_H

#include "b2bd/state/ledger_notes.h"
#include "b2bd/state/state.h"
#include "common/idmap.h"

/* Who chose an id; stored as a number. */
enum b2b_id_chooser { B2B_ID_BY_ARRIVAL = 0 /* in an earlier version */, B2B_ID_BY_PIN, B2B_ID_BY_DIRECTORY, B2B_ID_BY_HASH };

#define B2B_WANTED_NO_ID UINT32_MAX /* the directory supplies something, which is no id */

/*
 * From now on PINS (NULL: none; they outlive STATE) come first, and with HASHED false last: who has neither a pin nor a
 * number from the directory that can be had gets none.
 */
void b2b_ledger_set_rules(struct b2b_state *state, const struct b2b_idmap *pins, bool hashed);

/*
 * Record ORG's range, or see that it is the recorded one. Returns 0, -EEXIST when another range is recorded for this
 * organisation or another organisation's recorded range overlaps (logged), or a negative errno.
 */
int b2b_ledger_range(struct b2b_state *state, const struct b2b_policy_org *org);

/*
 * The id of OWNER (the directory's id of a person or group) in ORG: its former one, or one that nobody ever had, by the
 * rules above. WANTED: the directory's number, 0 where it supplies none. People and groups share the numbers; the first of
 * the range is the members group's. Call inside a transaction.
 * Returns 0, -EDQUOT when none can be had (logged; -ENOSPC is a full disk), -EEXIST as above, or a negative errno.
 */
int b2b_ledger_id(struct b2b_state *state, const struct b2b_policy_org *org, enum b2b_id_kind kind, const char *owner, uint32_t wanted,
                  uint32_t *ret_id);

/* Why the last of ORG's people or groups who could not get an id did not, since the database was opened. */
enum b2b_ledger_trouble b2b_ledger_trouble(const struct b2b_state *state, const struct b2b_policy_org *org);

/*
 * Ids that people of ORG asked for since the database was opened or this was forgotten: whoever a snapshot may show for the
 * first time is among them, in no order. An id whose transaction was undone is too, and some may stand there twice.
 * Valid until the next call of b2b_ledger_id.
 */
const uint32_t *b2b_ledger_news(const struct b2b_state *state, const struct b2b_policy_org *org, size_t *ret_n);
void b2b_ledger_forget_news(struct b2b_state *state, const struct b2b_policy_org *org);

/* ---- choosing (ledger_choose.c) ---- */

struct b2b_ledger_choice {
	uint32_t id;                     /* 0: none can be had, for the reason in trouble */
	enum b2b_id_chooser by;
	enum b2b_ledger_trouble trouble;
	uint32_t place;                  /* where the hash would have it, whoever chose */
	const char *unmet;               /* why the directory's number was passed over, as the end of a sentence; NULL: it was not */
};

/* What b2b_ledger_id would give OWNER, whom the ledger does not know, now; stores nothing. Returns 0 or a negative errno. */
int b2b_ledger_choose(struct b2b_state *state, const struct b2b_policy_org *org, enum b2b_id_kind kind, const char *owner, uint32_t wanted,
                      struct b2b_ledger_choice *ret_choice);

/*
 * The place of OWNER in ORG's range, the same on every host: the first eight bytes, as a big-endian number, of the SHA-256
 * of "user:OWNER" or "group:OWNER", modulo the ids of the range without its first, counted from its second.
 * Returns 0 or -ENOMEM.
 */
int b2b_ledger_place(const struct b2b_policy_org *org, enum b2b_id_kind kind, const char *owner, uint32_t *ret_place);

/* ---- reading (ledger_list.c) ---- */

struct b2b_ledger_entry {
	uint32_t id;
	const char *org_id, *owner, *local; /* valid during the call; LOCAL "" where the directory's copy does not know it */
	enum b2b_id_kind kind;
	enum b2b_id_chooser by;
	bool removed; /* nobody has it any more, and nobody ever will */
};

/* Up to LIMIT entries with ids FROM to TO, ascending. EACH returns 0 to go on. Returns 0, what EACH did, or a negative errno. */
int b2b_ledger_each(struct b2b_state *state, uint32_t from, uint32_t to, uint32_t limit,
                    int (*each)(void *arg, const struct b2b_ledger_entry *entry), void *arg);

/* The id that OWNER has. Returns 0, -ENOENT, or a negative errno. */
int b2b_ledger_find(struct b2b_state *state, const char *org_id, enum b2b_id_kind kind, const char *owner, uint32_t *ret_id);

int b2b_ledger_was_given(struct b2b_state *state, uint32_t id); /* to anybody, ever? 1, 0, or a negative errno */

/*
 * Does PIN hold here: has its owner no other id, and no other owner its id? Returns 0; -EEXIST, its owner has another for
 * ever; -EADDRINUSE, another has it for ever; or a negative errno.
 */
int b2b_ledger_judge_pin(struct b2b_state *state, const struct b2b_pin *pin);

#endif
