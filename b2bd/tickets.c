#include "b2bd/tickets.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define TICKETS 4096
#define TICKET_LIFE_NS (3600 * B2B_NS_PER_S) /* past any LoginGraceTime; sudo's own timestamp is shorter */

struct ticket {
	char id[B2B_TICKET_SIZE];
	char service[B2B_LABEL_SIZE];
	char tty[B2B_TTY_SIZE];
	uint64_t made_ns; /* 0: unused */
	struct b2b_authentication authentication;
};

struct b2b_tickets {
	size_t next; /* the oldest makes room */
	struct ticket all[TICKETS];
};

int b2b_tickets_new(struct b2b_tickets **ret_tickets)
{
	struct b2b_tickets *tickets = calloc(1, sizeof(*tickets));

	if (!tickets)
		return -ENOMEM;
	*ret_tickets = tickets;
	return 0;
}

void b2b_tickets_free(struct b2b_tickets *tickets)
{
	if (!tickets)
		return;
	b2b_tickets_forget(tickets);
	free(tickets);
}

void b2b_tickets_forget(struct b2b_tickets *tickets)
{
	explicit_bzero(tickets, sizeof(*tickets));
}

int b2b_ticket_add(struct b2b_tickets *tickets, const struct b2b_authentication *authentication, const char *service, const char *tty,
                   uint64_t now_ns, char ret_ticket[B2B_TICKET_SIZE])
{
	struct ticket *ticket = &tickets->all[tickets->next];
	unsigned char random[(B2B_TICKET_SIZE - 1) / 2];
	size_t i;

	if (RAND_bytes(random, sizeof(random)) != 1)
		return -EIO;
	tickets->next = (tickets->next + 1) % TICKETS;
	memset(ticket, 0, sizeof(*ticket));
	for (i = 0; i < sizeof(random); i++)
		snprintf(ticket->id + 2 * i, 3, "%02x", random[i]);
	snprintf(ticket->service, sizeof(ticket->service), "%s", service);
	snprintf(ticket->tty, sizeof(ticket->tty), "%s", tty);
	ticket->made_ns = now_ns;
	ticket->authentication = *authentication;
	memcpy(ret_ticket, ticket->id, B2B_TICKET_SIZE);
	return 0;
}

static bool alive(const struct ticket *ticket, uint64_t now_ns)
{
	return ticket->made_ns && now_ns - ticket->made_ns <= TICKET_LIFE_NS;
}

static bool valid(const struct ticket *ticket, uint32_t uid, const char *service, uint64_t now_ns)
{
	return alive(ticket, now_ns) && ticket->authentication.uid == uid &&
	       strcmp(ticket->service, service) == 0;
}

const struct b2b_authentication *b2b_ticket_find(const struct b2b_tickets *tickets, const char *id, uint32_t uid, const char *service,
                                                 uint64_t now_ns)
{
	size_t i;

	if (strlen(id) != B2B_TICKET_SIZE - 1)
		return NULL;
	for (i = 0; i < TICKETS; i++) {
		const struct ticket *ticket = &tickets->all[i];

		if (valid(ticket, uid, service, now_ns) && CRYPTO_memcmp(ticket->id, id, B2B_TICKET_SIZE - 1) == 0)
			return &ticket->authentication;
	}
	return NULL;
}

static bool is_terminal(const char *tty)
{
	return strncmp(tty, "/dev/", 5) == 0 || strncmp(tty, "pts/", 4) == 0;
}

const struct b2b_authentication *b2b_ticket_latest(const struct b2b_tickets *tickets, uint32_t uid, const char *service, const char *tty,
                                                   uint64_t now_ns)
{
	const struct ticket *latest = NULL;
	size_t i;

	if (!is_terminal(tty))
		return NULL;
	for (i = 0; i < TICKETS; i++) {
		const struct ticket *ticket = &tickets->all[i];

		if (valid(ticket, uid, service, now_ns) && strcmp(ticket->tty, tty) == 0 && (!latest || ticket->made_ns > latest->made_ns))
			latest = ticket;
	}
	return latest ? &latest->authentication : NULL;
}

bool b2b_tickets_name_list(const struct b2b_tickets *tickets, int64_t list, uint64_t now_ns)
{
	for (size_t i = 0; i < TICKETS; i++) {
		if (tickets->all[i].authentication.status_list == list && alive(&tickets->all[i], now_ns))
			return true;
	}
	return false;
}
