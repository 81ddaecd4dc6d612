/* A validated token, held against whom it is to be of: binding check and decision, the same for log-ins and for approvals. */
#ifndef B2B_PROVEN_H
#define B2B_PROVEN_H

#include "b2bd/core.h"
#include "b2bd/decide.h"
#include "b2bd/federation/token.h"

/* What root says that the service's ACR stands for (section assurance); B2B_AAL1 of one that is not named there. NULL: none was said. */
enum b2b_assurance b2b_level_of(const struct b2b_conf *conf, const char *acr);

/*
 * Is TOKEN of the principal of FACTS (binding.h), does its status list still vouch for it, and does what it proves suffice for FACTS'
 * service? B2B_OK, or why not; then
 * *ret_fault says precisely what does not agree where it is the token (static). *ret_authentication is filled in as soon as the token
 * is the principal's; FACTS refers to it from then on.
 */
enum b2b_reason b2b_proven(struct b2b_core *core, struct b2b_decision_facts *facts, const struct b2b_id_token *token,
                           struct b2b_authentication *ret_authentication, const char **ret_fault);

/*
 * Is TOKEN's status list to be fetched before it is judged? True: DONE is called with ARG, as b2b_status_cache_want says, and *ret_copy,
 * the caller's to clear, is TOKEN as it will be wanted then.
 */
bool b2b_proven_awaits(struct b2b_core *core, const struct b2b_id_token *token, struct b2b_id_token *ret_copy, void (*done)(void *arg, bool came),
                       void *arg);

#endif
