/*
 * One simulated host: the whole shipped agent (b2b_agent_main) with its own configuration, key, database and live words, on a stack of
 * its own. Where the agent waits in curl_multi_poll, another one runs. What is not shipped code: that wait (wait.c), the guard of a
 * host on which nobody is logged in (guard.c), and the building of snapshots, which nobody would read (build.c).
 */
#ifndef FLEET_HOST_H
#define FLEET_HOST_H

#include <curl/curl.h>
#include <ucontext.h>

#include "b2bd/agent.h"
#include "b2bd/core.h"
#include "tests/fleet/shared.h"

#define HOST_SOCKETS 8 /* of one agent that are ready at once */

struct host_ready {
	int fd, events; /* CURL_CSELECT_… */
};

struct host {
	unsigned number;
	struct b2b_agent_setup setup;
	struct fleet_shared *shared;
	struct fleet_host *seen;
	const struct b2b_core *core; /* while it runs */
	ucontext_t context;
	CURLM *multi;                /* NULL: has not waited yet */
	struct host_ready ready[HOST_SOCKETS];
	int n_ready;
	uint64_t wake_ns;            /* when it wants to go on at the latest */
	size_t place;                /* in the waiting heap */
};

/* What all hosts of a process have in common. */
struct host_common {
	struct fleet_shared *shared;
	struct b2b_policy *policy; /* NULL: of the first host's configuration, when that is written */
	const char *template_db; /* an agent's empty database: of ten thousand, each would be a log of its own making */
	int spare_fd;            /* never readable: the guard's socket, and the one that nobody connects to */
};

/* Folder and key pair of host NUMBER. Exits the process on failure, as all of these do. */
void host_prepare(const struct fleet_shared *shared, unsigned number);
/* Configuration, database and live words; then it can run. */
void host_equip(struct host *host, struct host_common *common, unsigned number);

/* wait.c: run the agents of HOSTS, and start them evenly from now on; never returns. */
void hosts_run(struct host *hosts, unsigned n, unsigned per_second) __attribute__((noreturn));
/* The host whose agent runs now. */
struct host *host_current(void);

#endif
