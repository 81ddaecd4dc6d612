/*
 * Ending: told, ended, looked again, until a look into /proc finds nothing. Many at once, none of which waits.
 *
 *   at once      the registered sessions, as far as their records lead to their processes: the same as in the first look, but
 *                without reading what all other processes are; not where the scope is one session, which only a look can tell from others.
 *                Also in the middle of a look for others, which an END that comes meanwhile need not wait for
 *   breath       where that found somebody: until a leader of theirs is gone, at most 20 ms. A look before that would find them dying,
 *                prove nothing, and take from them the time in which they do
 *   first look   the terminals of all that is found get the message, then everything but relays and leaders is killed
 *   grace        where root's policy gives it: they get SIGHUP instead, once each; killed when it is over, or relays' and
 *                leaders' turn as soon as nothing else is there; who is open and logs in anew meanwhile is left alone
 *   next looks   at once while something new was found (and who forks meanwhile is killed as he is met); else as soon as
 *                the first of those that were there is gone, at the latest after 5, 10, then 20 ms
 *   forkers      who brings somebody new into two looks in a row loses everything with his uid at one stroke (strike.h)
 *   relays       exit by themselves once their children are gone; killed 100 ms after they were first seen
 *   leaders      exit by themselves and close the PAM session; killed 1 s after everything else was gone, at once when stopped
 *   clear        a whole look found nothing: DONE
 *   held         3 s without that: DONE with -EBUSY and how many are left, then looks from 250 ms to 2 s until it is clear: DONE again
 *
 * Tombstone. For 150 s after an END of a person or organisation was clear (longer than sshd's LoginGraceTime) the scope is
 * looked at again, whenever a session is registered and every 250 ms to 2 s. The rule then, which nobody who was
 * reinstated, or who has authenticated anew after session-revoked, may suffer from:
 *   - somebody whose live word, organisation's or ancestor's word is CLOSED now: everything of theirs is ended;
 *   - somebody who is open: only processes that were started, and sessions whose record was made, before the END began.
 * What an END under way has seen is left to it.
 * A guard that starts has no memory of such ENDs. For its first 150 s it applies the first rule to everybody.
 */
#ifndef B2B_END_H
#define B2B_END_H

#include "b2bd/guard/guard_proto.h"
#include "b2bd/guard/scope.h"

#define B2B_END_BREATH_NS 20000000ull
#define B2B_END_DRAIN_NS 100000000ull
#define B2B_END_LEADER_NS 1000000000ull
#define B2B_END_HELD_NS 3000000000ull
#define B2B_END_TOMBSTONE_NS 150000000000ull
#define B2B_ENDS_MAX 4096

struct b2b_ends; /* opaque: all that are under way */

struct b2b_ends_setup {
	const struct b2b_policy *policy;
	struct b2b_live *const *lives; /* one per slot */
	pid_t own;                     /* b2bd's first process */
	void (*answer)(void *arg, const struct b2b_guard_message *message); /* DONE of an END */
	/*
	 * Called now and then during a look: ENDs that are waiting are taken on with b2b_ends_add. Were there any? A look at
	 * tombstones alone is put off for them, once.
	 */
	bool (*hear)(void *arg);
	void *arg;
};

/* SETUP is copied; what it points to outlives the ends. Returns 0 or a negative errno. */
int b2b_ends_new(const struct b2b_ends_setup *setup, struct b2b_ends **ret_ends);
void b2b_ends_free(struct b2b_ends *ends); /* NULL is legal */

/* Take on a checked END. Returns 0, -EBUSY when too many are under way, or -ENOMEM. */
int b2b_ends_add(struct b2b_ends *ends, const struct b2b_guard_message *message);

/* Another policy with the same slots. */
void b2b_ends_policy(struct b2b_ends *ends, const struct b2b_policy *policy);

/* Whoever asked is gone: see everything through, answer nobody. */
void b2b_ends_forget(struct b2b_ends *ends);

/* A session was registered: look at the tombstones now. */
void b2b_ends_registered(struct b2b_ends *ends);

/* A descriptor that is readable when something was waited for; b2b_ends_run then. */
int b2b_ends_fd(const struct b2b_ends *ends);
/* When b2b_ends_run is due, b2b_now_ns clock; UINT64_MAX: never. */
uint64_t b2b_ends_due(const struct b2b_ends *ends);
/* Do what is due: at most one look into /proc. */
void b2b_ends_run(struct b2b_ends *ends);

#endif
