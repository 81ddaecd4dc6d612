/*
 * The status list (draft-ietf-oauth-status-list): a place in it for every signed token that is issued, where the option --status-lists says
 * where the list lies, which may be a cache in front.
 */
#ifndef FED_STATUS_H
#define FED_STATUS_H

#include <jansson.h>

#include "tests/federation/service.h"

enum { FED_STATUS_VALID, FED_STATUS_INVALID, FED_STATUS_SUSPENDED };

/* Give a token of PERSON, known by JTI, a place, and say so in CLAIMS (section 6.2); nothing without the option. 0 or a negative errno. */
int fed_status_give(struct fed *fed, const char *person, const char *jti, json_t *claims);

/* All tokens of PERSON (its id) have STATUS from now on. In the caller's transaction. 0; -EINVAL not a status; or a negative errno. */
int fed_status_set(struct fed *fed, const char *person, int64_t status);

#endif
