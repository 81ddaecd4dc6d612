/*
 * A request to the federation service with the host's own access token: the token is fetched first, and once anew when
 * the service says 401. What directory and signals have in common.
 */
#ifndef B2B_API_CALL_H
#define B2B_API_CALL_H

#include "b2bd/federation/federation.h"

struct b2b_api {
	struct b2b_loop *loop;
	struct b2b_http *http;
	struct b2b_federation *federation;
};

struct b2b_api_call; /* opaque */

/*
 * REQUEST as for b2b_http_start, copied, without bearer; timeout_ms (not 0) is of everything, the token included.
 * DONE is called exactly once from the loop; a token that could not be had is a response with an error.
 * Returns 0 or a negative errno.
 */
int b2b_api_start(const struct b2b_api *api, const struct b2b_http_request *request,
                  void (*done)(void *arg, const struct b2b_http_response *response), void *arg, struct b2b_api_call **ret_call);
void b2b_api_cancel(struct b2b_api_call *call); /* NULL is legal; not from within its DONE */

#endif
