/* The embedded federation service as the driver runs it: started, ended and started again on the same port; told what happens. */
#ifndef FLEET_SERVICE_H
#define FLEET_SERVICE_H

#include <jansson.h>
#include <sys/types.h>

struct fleet_service {
	const char *dir; /* of shared.h */
	pid_t pid;
	int port;        /* 0: not yet chosen */
	char url[128];
};

/* Start it, with every key of DIR/clients as a client; returns when it listens. Exits on failure, as all of these do. */
void service_run(struct fleet_service *service);
void service_end(struct fleet_service *service); /* SIGTERM, and wait for it */

/* Order WHAT (--help of b2b-federation) with BODY, which is taken. When the service committed it, wall clock in milliseconds. */
int64_t service_order(const struct fleet_service *service, const char *what, json_t *body);

#endif
