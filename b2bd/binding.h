/*
 * The binding check: is what was proven the log-in that was asked for? Issuer and form were the validator's; here subject,
 * organisation and name must be those of one principal. The same for every method of authentication.
 */
#ifndef B2B_BINDING_H
#define B2B_BINDING_H

#include "b2bd/decide.h"
#include "b2bd/federation/token.h"
#include "common/conf.h"

/*
 * Compare TOKEN with the principal and the organisation of FACTS. A principal without a subject is one whom nobody has proven yet
 * (directory = token): the name in the token alone says who it is. A person who is in several organisations is taken as one of that which
 * the log-in names, and of no other. Returns B2B_OK, or B2B_USER_UNKNOWN, B2B_AUTH_WRONG_PERSON, B2B_AUTH_WRONG_ORG; then *ret_fault
 * says precisely what does not agree (static). Whether the token still holds by its status list is not looked at here.
 */
enum b2b_reason b2b_binding_check(const struct b2b_conf_federation *conf, const struct b2b_decision_facts *facts,
                                  const struct b2b_id_token *token, const char **ret_fault);

#endif
