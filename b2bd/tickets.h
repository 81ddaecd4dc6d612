/*
 * Tickets: an authentication proven in PAM's auth part, kept for its account and session part (another process,
 * to which only the PAM environment comes along). In memory only: after a restart people log in again.
 */
#ifndef B2B_TICKETS_H
#define B2B_TICKETS_H

#include "b2bd/decide.h"
#include "common/proto.h"

struct b2b_tickets; /* opaque */

int b2b_tickets_new(struct b2b_tickets **ret_tickets); /* 0 or -ENOMEM */
void b2b_tickets_free(struct b2b_tickets *tickets);    /* NULL is legal */
void b2b_tickets_forget(struct b2b_tickets *tickets);  /* all of them; cannot fail */

/* Keep AUTHENTICATION, made for SERVICE on TTY, under a new random ticket. Returns 0 or a negative errno. */
int b2b_ticket_add(struct b2b_tickets *tickets, const struct b2b_authentication *authentication, const char *service, const char *tty,
                   uint64_t now_ns, char ret_ticket[B2B_TICKET_SIZE]);

/* The authentication of TICKET for this uid and service, or NULL (unknown, too old, somebody else's). */
const struct b2b_authentication *b2b_ticket_find(const struct b2b_tickets *tickets, const char *ticket, uint32_t uid, const char *service,
                                                 uint64_t now_ns);

/*
 * Without a ticket: the latest authentication of this person for this service on this very terminal. For sudo, whose own
 * timestamp skips `auth`; the service's max_age still decides whether it is fresh enough. Only terminals count ("/dev/…"
 * or "pts/…"), never sshd's placeholder.
 */
const struct b2b_authentication *b2b_ticket_latest(const struct b2b_tickets *tickets, uint32_t uid, const char *service, const char *tty,
                                                   uint64_t now_ns);

/* Does one that is still valid name the status list LIST? */
bool b2b_tickets_name_list(const struct b2b_tickets *tickets, int64_t list, uint64_t now_ns);

#endif
