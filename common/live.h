/*
 * Live files: what closes within a blink (<dir>/live/<organisation id>).
 *
 * One per organisation: fixed size, preallocated, created once by the guard,
 * never replaced, truncated or renamed. The agent inherits writable mappings
 * from the guard by fork and can store words, nothing else. Readers map them
 * read-only and see every store at their next look-up, with no system call.
 *
 * Access: root:partners 0644 with an ACL: group `partners` nothing, groups
 * members@X for the organisation and everything below it (readers walk the
 * parents) may read, others may read. In strict mode others may not.
 *
 * A word is 32 bits: bits 0-3 the state, bits 4-31 an epoch that grows with
 * every withdrawal. A session that saw another epoch when it was decided has
 * been overtaken by a revocation.
 */
#ifndef B2B_LIVE_H
#define B2B_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/policy.h"

enum b2b_live_state {
	B2B_LIVE_EMPTY = 0,  /* never given out; a snapshot record with it counts as closed */
	B2B_LIVE_OPEN = 1,
	B2B_LIVE_CLOSED = 2, /* suspended, removed, disabled: name stays, nologin, no groups */
	/* anything else reads as closed */
};
#define B2B_LIVE_STATE(word) ((word) & 0xfu)
#define B2B_LIVE_EPOCH(word) ((word) >> 4)

struct b2b_live; /* one organisation's file, mapped; opaque */

/*
 * Guard: create <dir>/live/<id> where it does not exist (size from the range,
 * blocks allocated, ACL set) and map it read-write. An existing file whose
 * range differs is -EEXIST: ranges never change under an id; one that only a
 * newer version understands is -EPROTONOSUPPORT.
 * Heartbeat and verified time are reset to 0; words stay.
 * Returns 0 or a negative errno. Caller frees with b2b_live_unmap.
 */
int b2b_live_create(const char *dir, const struct b2b_policy *policy, int org, struct b2b_live **ret_live);

/*
 * Write again what never changes in LIVE, the file of ORG: its header, and the id of this boot. Whoever could store words
 * could store there, and readers refuse a file that does not say what it is. Words and generation are left alone.
 * Returns 0 it was whole, 1 it was mended (heartbeat and lease are cleared then), or a negative errno.
 */
int b2b_live_mend(struct b2b_live *live, const struct b2b_policy_org *org);

/* Map read-only, for b2bctl and tests. Returns 0, -ENOENT, -EACCES, -EPERM (not trusted), -EBADMSG, -EPROTONOSUPPORT (of a newer version). */
int b2b_live_open(const char *dir, const char *org_id, struct b2b_live **ret_live);

void b2b_live_unmap(struct b2b_live *live); /* NULL is legal */

/* The organisation's ids, first and last. */
void b2b_live_range(const struct b2b_live *live, uint32_t *ret_lo, uint32_t *ret_hi);

/* Words. UID outside the range: load gives 0, store gives -ERANGE. Stores are single and atomic (release). */
uint32_t b2b_live_load(const struct b2b_live *live, uint32_t uid);
uint32_t b2b_live_load_org(const struct b2b_live *live);
int b2b_live_store(struct b2b_live *live, uint32_t uid, enum b2b_live_state state, bool bump_epoch);
void b2b_live_store_org(struct b2b_live *live, enum b2b_live_state state, bool bump_epoch);

/*
 * Nobody of this version stores words from now on: readers copy no roster until b2b_live_wake, or the next word. For who comes
 * instead may be of version 1, which does not say in `changes` that it has closed somebody. After b2b_live_wake, which is called
 * before anybody stores words again, no roster counts as proven that was before. NULL is legal.
 */
void b2b_live_rest(struct b2b_live *live);
void b2b_live_wake(struct b2b_live *live);

/* The agent's sign of life and its lease; nanoseconds of CLOCK_BOOTTIME, valid for the boot in the header. */
void b2b_live_beat(struct b2b_live *live, uint64_t now_ns);
void b2b_live_verified(struct b2b_live *live, uint64_t now_ns); /* a signal poll completed */
uint64_t b2b_live_heartbeat(const struct b2b_live *live);
uint64_t b2b_live_verified_at(const struct b2b_live *live);

/* Generation of the installed snapshot; the guard stores it after the rename. */
uint64_t b2b_live_generation(const struct b2b_live *live);
void b2b_live_set_generation(struct b2b_live *live, uint64_t generation);

/*
 * Guard: no snapshot that could be announced is in place. Whoever has the mapping by fork knows it too, until the
 * generation is another one.
 */
void b2b_live_set_unpublished(struct b2b_live *live);
bool b2b_live_unpublished(const struct b2b_live *live);

#define B2B_HEARTBEAT_EVERY_NS 1000000000ull
#define B2B_HEARTBEAT_FRESH_NS 5000000000ull /* older: the agent is taken for dead */

#endif
