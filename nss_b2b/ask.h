/* The one question that a look-up may ask: a name of ours, not in the cache, while the agent is alive. */
#ifndef B2B_NSS_ASK_H
#define B2B_NSS_ASK_H

#include <stdint.h>

enum nss_asked { NSS_ASKED_NO, NSS_ASKED_PUBLISHED, NSS_ASKED_RESERVED };

/*
 * Ask the agent to fetch NAME (at most 31 bytes). All of it, connecting included, takes 2 s at the very most. PUBLISHED: look
 * again. RESERVED, which the agent says to root alone: nobody has proven to be that person yet, and *ret_uid is kept for them;
 * nothing else of theirs is the agent's to say, and b2b_cache_newcomer judges even that. Signals are blocked and cancellation is
 * put off meanwhile; a thread that is already asking is not let in again.
 *
 * b2bd itself never looks up a partner's name through NSS (it would wait for itself): it keeps its own tables.
 */
enum nss_asked nss_ask(const char *name, uint32_t *ret_uid);

#endif
