/*
 * The embedded federation service: one thread, one loop, one SQLite database.
 *
 * Being single-threaded is what keeps it small and what makes the order "commit, then wake the pollers" plain: a
 * handler commits, marks the waiting polls, and the same loop answers them as soon as the handler has returned. A
 * request that waits (a long poll, a deliberate delay) is suspended and costs a descriptor, not a thread.
 */
#ifndef FED_SERVICE_H
#define FED_SERVICE_H

#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/federation/clients.h"
#include "tests/federation/keys.h"
#include "tests/federation/misbehave.h"

struct fed_server; /* server.h */

#define FED_THROTTLES 64

/* Somebody who guesses wrongly (web.h). */
struct fed_throttle {
	char key[160];
	int failures;
	int64_t last_ms;
};

struct fed {
	const char *issuer;       /* without a trailing slash */
	const char *mtls_url;     /* where clients are known by certificates, RFC 8705 section 5; NULL: nowhere */
	const char *registration_token; /* who has it may register hosts; NULL: nobody */
	const char *control_token; /* NULL: no control API */
	int64_t device_lifetime_s, device_interval_s;
	bool long_messages; /* binding messages may be text */
	bool scim_cursors;  /* say that lists of the directory go by cursors */
	int64_t id_token_s, access_token_s, refresh_token_s;
	const char *status_lists; /* what stands before the path of a status list's URI; NULL: tokens have none */
	int64_t status_ttl_s;
	int64_t status_asked;     /* how often the list was */
	sqlite3 *db;
	struct fed_keys *keys;
	struct fed_clients *clients;
	struct fed_server *server;
	struct fed_misbehaviour misbehaviour;
	FILE *secrets;      /* for tests: every token and code that goes over the wire, one a line; NULL: nowhere */
	json_t *queued;     /* names of the streams that the open transaction has something for, as an object's members; NULL: of none */
	struct fed_throttle throttles[FED_THROTTLES];
	unsigned char csrf_key[32]; /* new at every start: forms do not outlive the process */
};

#endif
