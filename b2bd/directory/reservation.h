/*
 * Ids of people whom nobody has seen yet, where there is no directory (directory = token): sshd wants to know the id of a
 * name before anybody has proven to be that person. They are kept in memory alone, and go into the ledger with the proof.
 *
 * Anybody can ask for any name, by a connection, and sshd keeps what it was told as long as that connection lives: whoever was given the same
 * id meanwhile would be taken for the first one there. So nothing is let go before its time to make room, and every look-up counts anew; but there
 * is room for all that the agent answers in that time (b2bd/name_ask.c sees to it). Who asks for many names cannot take up everybody's.
 */
#ifndef B2B_RESERVATION_H
#define B2B_RESERVATION_H

#include <stdint.h>

#include "b2bd/state/state.h"
#include "common/proto.h"

#define B2B_RESERVE_KEEP_S 120      /* sshd's LoginGraceTime */
#define B2B_RESERVATIONS_MAX 768    /* all that is answered in that time, and log-ins besides that began before it */
#define B2B_RESERVATIONS_LOGINS 100 /* of them: sshd's MaxStartups */

struct b2b_reservations; /* opaque */

/* STATE and POLICY outlive it. Returns 0 or -ENOMEM. */
int b2b_reservations_new(struct b2b_state *state, const struct b2b_policy *policy, struct b2b_reservations **ret_reservations);
void b2b_reservations_free(struct b2b_reservations *reservations); /* NULL is legal */

/*
 * Keep an id for LOCAL of ORG (slot) from NOW_NS on for B2B_RESERVE_KEEP_S: the one that it has been given already, or the place that a
 * hash of its name has in the organisation's range (b2b_ledger_place), or the next behind it that nobody ever had. Who meets another
 * reservation at that place waits until it is over, so that nobody is told a number that depends on who else is there.
 * Returns 0 and fills all of *ret_reserved; -EINVAL no name for a person of ORG; -EEXIST a group's or somebody else's name; -EBUSY too
 * many of them on the host, or too fast (at most 32 new ones of an organisation at once, then one a second); -EDQUOT no id can be had;
 * or a negative errno.
 */
int b2b_reserve(struct b2b_reservations *reservations, int org, const char *local, uint64_t now_ns, struct b2b_say_reserved *ret_reserved);

/* The id that is kept for LOCAL at NOW_NS; 0: none. */
uint32_t b2b_reserved_uid(struct b2b_reservations *reservations, int org, const char *local, uint64_t now_ns);

/* A log-in begins: what is kept for LOCAL at NOW_NS stays so until b2b_reservation_release of what this returns. 0: nothing is kept. */
uint64_t b2b_reservation_hold(struct b2b_reservations *reservations, int org, const char *local, uint64_t now_ns);
/* It is over: kept for B2B_RESERVE_KEEP_S from NOW_NS on, as the connection may go on. A HOLD of 0 is legal. */
void b2b_reservation_release(struct b2b_reservations *reservations, uint64_t hold, uint64_t now_ns);

/* It is in the ledger now. */
void b2b_reservation_drop(struct b2b_reservations *reservations, int org, const char *local);

#endif
