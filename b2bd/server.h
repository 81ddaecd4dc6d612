/*
 * The agent's side of its socket: connections, peers, packets (common/proto.h). Knows nothing of what is asked.
 */
#ifndef B2B_SERVER_H
#define B2B_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "b2bd/loop.h"

struct b2b_server; /* opaque */
struct b2b_client; /* one connection; opaque */

/* A well-formed packet of TYPE came; BODY is its body, valid during the call. */
typedef void b2b_server_request(void *arg, struct b2b_client *client, uint16_t type, const void *body);

/* LISTEN_FD stays the caller's, and may be blocking: it is made non-blocking here. Returns 0 or a negative errno. */
int b2b_server_new(struct b2b_loop *loop, int listen_fd, b2b_server_request *request, void *arg, struct b2b_server **ret_server);
void b2b_server_free(struct b2b_server *server); /* closes every connection; NULL is legal */

uid_t b2b_client_uid(const struct b2b_client *client); /* SO_PEERCRED of connect time */
pid_t b2b_client_pid(const struct b2b_client *client);

/* Queue one packet of TYPE with BODY (of the type's size). A client whose queue grows past 64 packets is closed. */
void b2b_client_say(struct b2b_client *client, uint16_t type, const void *body);

/* Close it once everything queued is sent. */
void b2b_client_finish(struct b2b_client *client);

/* How many packets wait to be sent: a producer of much text pauses while there are some. */
size_t b2b_client_queued(const struct b2b_client *client);
void b2b_client_on_drained(struct b2b_client *client, void (*drained)(void *arg), void *arg);

/*
 * What is under way for this client (at most one thing); DROPPED(operation) is called when the client goes away.
 * attach(client, NULL, NULL) when it is over.
 */
void b2b_client_attach(struct b2b_client *client, void *operation, void (*dropped)(void *operation));
bool b2b_client_busy(const struct b2b_client *client); /* something is attached */
/* What is attached, if it was attached with this DROPPED (its kind); else NULL. */
void *b2b_client_operation(const struct b2b_client *client, void (*dropped)(void *operation));

#endif
