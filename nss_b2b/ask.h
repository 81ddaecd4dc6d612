/* The one question that a look-up may ask: a name of ours, not in the cache, while the agent is alive. */
#ifndef B2B_NSS_ASK_H
#define B2B_NSS_ASK_H

#include <stdbool.h>

/*
 * Ask the agent to fetch NAME (at most 31 bytes). All of it, connecting included, takes 2 s at the very most. True: it is
 * published now, look again. Signals are blocked and cancellation is put off meanwhile; a thread that is already asking is not let in again.
 *
 * b2bd itself never looks up a partner's name through NSS (it would wait for itself): it keeps its own tables.
 */
bool nss_ask(const char *name);

#endif
