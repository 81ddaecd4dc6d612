/* HTTPS on one thread: libmicrohttpd with an external loop, suspended requests, clean stop. */
#ifndef FED_SERVER_H
#define FED_SERVER_H

#include "tests/federation/service.h"

struct fed_server_options {
	const char *address; /* IPv4 or IPv6, without brackets */
	uint16_t port;       /* 0: the kernel chooses */
	const char *certificate, *key; /* PEM texts; must outlive the server */
	const char *client_ca; /* PEM text likewise: clients are asked for certificates; NULL: they are not */
};

/* Listen. Returns 0 or a negative errno (-EADDRINUSE, -EINVAL for a certificate that cannot be used …). */
int fed_server_start(struct fed *fed, const struct fed_server_options *options, struct fed_server **ret_server);
uint16_t fed_server_port(const struct fed_server *server);

/* Serve until STOP_FD (a signalfd) becomes readable. Returns 0 or a negative errno. */
int fed_server_run(struct fed_server *server, int stop_fd);
void fed_server_free(struct fed_server *server); /* answers what waits, then closes; NULL is legal */

/* Run the requests that wait for TOPIC, or all that wait, again as soon as the present handler has returned. SERVER NULL: there are none yet. */
void fed_server_wake(struct fed_server *server, const char *topic);
void fed_server_wake_all(struct fed_server *server);

#endif
