/* The agent's requests, by type and by peer (common/proto.h). */
#ifndef B2B_REQUESTS_H
#define B2B_REQUESTS_H

#include "b2bd/core.h"

/* b2b_server_request of the agent; ARG is its struct b2b_core. */
void b2b_on_request(void *arg, struct b2b_client *client, uint16_t type, const void *body);

#endif
