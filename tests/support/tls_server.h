/*
 * A TLS server for what a real service cannot be asked to do: a wrong certificate, half an answer, silence, a lie.
 * Listens on 127.0.0.1 on a port of the kernel's choice; a thread per connection; HTTP/1.1 with keep-alive.
 */
#ifndef B2B_TESTS_TLS_SERVER_H
#define B2B_TESTS_TLS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct tls_server; /* opaque */

enum tls_server_fault {
	TLS_SERVER_SOUND,
	TLS_SERVER_OTHER_NAME, /* certificate is for other.example */
	TLS_SERVER_EXPIRED,
	TLS_SERVER_NOT_YET, /* valid from tomorrow */
	TLS_SERVER_WEAK,    /* RSA of 1,024 bits */
	TLS_SERVER_OLD_TLS,    /* speaks TLS 1.1 at most */
	/* The certificate is by an authority: that one's is what tls_server_ca names */
	TLS_SERVER_AUTHORITY_OVER, /* … and it has expired */
	TLS_SERVER_SHA1,           /* signed with SHA-1 */
	TLS_SERVER_GAP,            /* … but another signed it, which the server does not send */
	TLS_SERVER_WANTS_CERTIFICATE, /* of its clients; and knows none that they show */
};

struct tls_request {
	char method[16];
	char path[1024];
	char headers[16384];
	char body[16384]; /* NUL-terminated */
	unsigned connection; /* counts connections from 1 */
};

struct tls_reply {
	int status;           /* 0: 200 */
	char headers[1024];   /* whole lines with CRLF, "" none */
	char *body;           /* malloc'd, freed by the server; NULL: empty */
	size_t body_len;      /* of a body that holds a NUL; 0: it ends at the first */
	size_t declared;      /* Content-Length where it shall differ from the body's; 0: true to the body */
	bool silent;          /* no answer until the server ends */
	bool cut;             /* close after the body without waiting for more */
};

/* Called on a thread of the server's, one call at a time. REPLY is zeroed. */
typedef void tls_handler(void *arg, const struct tls_request *request, struct tls_reply *reply);

/* Asserts on failure. Files go into a folder below $TMPDIR that tls_server_stop removes. */
struct tls_server *tls_server_start(enum tls_server_fault fault, tls_handler *handler, void *arg);
void tls_server_stop(struct tls_server *server);
const char *tls_server_url(const struct tls_server *server);     /* https://127.0.0.1:PORT */
const char *tls_server_ca(const struct tls_server *server);      /* PEM file */
const char *tls_server_folder(const struct tls_server *server);  /* for files of the test's own; it removes them */

#endif
