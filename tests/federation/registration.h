/* Hosts that registered themselves (RFC 7591). */
#ifndef FED_REGISTRATION_H
#define FED_REGISTRATION_H

#include "tests/federation/service.h"

/* Make clients of those that the database knows. 0 or a negative errno. */
int fed_registrations_read(struct fed *fed);

#endif
