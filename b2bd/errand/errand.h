/*
 * "b2bd --errand": what b2bctl wants of the network, run as user b2b in a sandbox of its own (b2bd/sandbox.h). b2bctl is root
 * and speaks neither TLS nor JSON: it hands an order to this child and gets lines back (common/lines.h). A child that a service
 * took over can give wrong lines, which root judges; it can read the files that the agent can, and change none.
 *
 * Order, a line "do WHAT" and what it needs:
 *   key        kind: EC or RSA; name: with a certificate that signs itself -> key, certificate
 *   describe   auth, name, scope, key_file, certificate_file -> metadata (JSON, for a person to enter by hand), kid
 *   register   the same, issuer, ca_file, proxy, token -> client_id, client_secret, registration_client_uri,
 *              registration_access_token; or closed, where the service has no such endpoint
 *   keys       uri, token, ca_file, proxy, key_file...: these keys are the client's, and no other -> what changed of uri and token
 *   delete     uri, token, ca_file, proxy
 *   check      conf, key_file (NULL: conf's) -> discovery, token, ciba, device, login, directory, signals: "ok ...", "failed ...", or
 *              "none: ..." of a way to log in that the service does not offer
 *   stream     conf: delete the stream of signals
 * Each answers "error WHY" where it failed, and nothing where there is nothing to say.
 */
#ifndef B2B_ERRAND_H
#define B2B_ERRAND_H

#include <jansson.h>
#include <stdio.h>
#include <sys/types.h>

#include "b2bd/federation/federation.h"
#include "b2bd/http.h"
#include "common/conf.h"
#include "common/lines.h"

/* Runs one order from standard input and answers on standard output. Returns the exit status. */
int b2b_errand_main(uid_t uid, gid_t gid);

/* Run ORDER; answers go to OUT. For b2b_errand_main, and for tests. */
void b2b_errand_run(const struct b2b_lines *order, FILE *out);

/* ---- inside b2bd/errand ---- */

struct b2b_errand {
	const struct b2b_lines *order;
	FILE *out;
	struct b2b_loop *loop; /* with HTTP: where the order needs the network */
	struct b2b_http *http;
};

/* "error WHY", once. */
void b2b_errand_fail(struct b2b_errand *errand, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "STEP VERDICT TEXT", of a check. */
void b2b_errand_say(struct b2b_errand *errand, const char *step, const char *verdict, const char *text);
/* The value of NAME in the order; NULL, with the error said, where it is missing. */
const char *b2b_errand_need(struct b2b_errand *errand, const char *name);

/* A whole exchange, waited for. Body and texts are the caller's copy. */
struct b2b_errand_answer {
	int error;
	long status;
	char *body;
	size_t body_len;
	char why[1024]; /* error < 0: why; else what the service said is wrong, or "" */
};
void b2b_errand_ask(struct b2b_errand *errand, const struct b2b_http_request *request, struct b2b_errand_answer *ret);
void b2b_errand_answer_clear(struct b2b_errand_answer *answer);

/* The orders. */
void b2b_errand_key(struct b2b_errand *errand);
void b2b_errand_describe(struct b2b_errand *errand);
void b2b_errand_register(struct b2b_errand *errand);
void b2b_errand_keys(struct b2b_errand *errand);
void b2b_errand_delete(struct b2b_errand *errand);
void b2b_errand_check(struct b2b_errand *errand);
void b2b_errand_stream(struct b2b_errand *errand);

/* check_ways.c: tells of each way to log in that a granted service has, and of each such service that is left without one. FEDERATION is ready. */
void b2b_errand_check_ways(struct b2b_errand *errand, const struct b2b_conf *conf, struct b2b_federation *federation);

/* keys.c: the key set {"keys": [...]} of the order's key_file lines (and certificate_file, as x5c); NULL, with the error said. Caller decrefs. */
json_t *b2b_errand_jwks(struct b2b_errand *errand);

/* register.c: what this host is to be registered as; NULL, with the error said. Caller decrefs. */
json_t *b2b_errand_metadata(struct b2b_errand *errand);

#endif
