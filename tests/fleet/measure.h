/* What the processes of a run and the machine have used so far; a difference of two looks is what a phase took. */
#ifndef FLEET_MEASURE_H
#define FLEET_MEASURE_H

#include <jansson.h>

#include "tests/fleet/shared.h"

#define MEASURE_WORKERS_MAX 64

struct fleet_measure {
	const struct fleet_shared *shared;
	pid_t service; /* 0: does not run */
	pid_t workers[MEASURE_WORKERS_MAX];
};

struct fleet_look {
	double at_s;                                /* monotonic */
	double service_s, agents_s;                 /* CPU */
	double busy_s;                              /* CPU of the machine, everybody's */
	uint64_t wire_bytes;                        /* through the loopback device of this network namespace, TLS and TCP included */
	uint64_t requests[FLEET_KINDS], failed[FLEET_KINDS], bytes[FLEET_KINDS];
	uint64_t connections;
};

void measure_look(const struct fleet_measure *measure, struct fleet_look *ret_look);
/*
 * The difference as JSON: "seconds", CPU as parts of one core ("service_cpu", "agents_cpu", "machine_cpu" of all cores), which sides had
 * more than 80 % of what they could have ("saturated": a list of "service", "agents"), "wire_bytes", "connections", and of each kind
 * "requests", "failed", "bytes".
 */
json_t *measure_difference(const struct fleet_measure *measure, const struct fleet_look *from, const struct fleet_look *to);

/* Resident bytes of a process. */
uint64_t measure_memory(pid_t pid);

#endif
