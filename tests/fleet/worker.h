/* A process with its part of the hosts. */
#ifndef FLEET_WORKER_H
#define FLEET_WORKER_H

#include <sys/types.h>

#include "tests/fleet/shared.h"

/*
 * Fork worker INDEX of SHARED->workers: it prepares its hosts (SHARED->prepared), waits for SHARED->go, and runs them until it is
 * killed; it dies with its parent.
 */
pid_t worker_start(struct fleet_shared *shared, unsigned index);

#endif
