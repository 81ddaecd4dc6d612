/* The agent's federation, joined to the embedded federation service as its client web7, ready. */
#ifndef B2B_TESTS_JOINED_H
#define B2B_TESTS_JOINED_H

#include "b2bd/federation/federation.h"
#include "tests/support/service.h"

#define JOINED_ALICE "63acb50d-05c1-509d-b562-97d63011fe98" /* of the seed, in organisation 42c3e9 */

struct joined {
	struct service service;
	struct b2b_conf conf;
	struct b2b_loop *loop;
	struct b2b_http *http;
	struct b2b_federation *federation;
};

/* ALG signs the service's tokens. Exits the test on failure, as all of these do. */
void joined_start(struct joined *joined, const char *alg);
void joined_stop(struct joined *joined);

/* Turn the loop until *COUNT is WANTED. */
void joined_turn_until(struct joined *joined, const int *count, int wanted);

/* POST BODY, which is taken, as the control API's order WHAT. The answer; caller decrefs. */
json_t *joined_order(struct joined *joined, const char *what, json_t *body);

/* What GET of PATH answers, which must be 200. Caller frees. */
char *joined_get(struct joined *joined, const char *path);

#endif
