/*
 * What the driver and its worker processes see of each other: one piece of memory, mapped before they part. Counters only grow;
 * whoever measures takes the difference of two looks.
 */
#ifndef FLEET_SHARED_H
#define FLEET_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FLEET_EVENTS 4 /* that a run can send one after the other */

/* What a request is for, by its path. */
enum fleet_kind { FLEET_POLL, FLEET_STREAM, FLEET_TOKEN, FLEET_DIRECTORY, FLEET_METADATA, FLEET_KINDS };

struct fleet_count {
	_Atomic uint64_t requests, failed; /* FAILED of REQUESTS had no answer, or one that says no */
	_Atomic uint64_t bytes;            /* of HTTP, both ways, without TLS */
};

struct fleet_host {
	_Atomic bool ready;                     /* a proven stream, a complete pass, a lease: people can log in */
	_Atomic int64_t applied_ms[FLEET_EVENTS]; /* wall clock, when the event was closed, durable and handed to the guard; 0: not yet */
};

struct fleet_shared {
	/* set before the workers begin */
	const char *dir;        /* everything's folder: hosts/, clients/, service/ */
	unsigned hosts, workers;
	unsigned per_second;    /* hosts that are started */
	char url[128];          /* of the service; there when GO is set */
	/* the driver's words */
	_Atomic bool go;
	_Atomic int event;      /* that is awaited: the place in applied_ms; set after what follows */
	char alias[32];         /* of whom it closes: the organisation */
	char local[32];         /* its person, or "" for all of it */
	/* the workers' */
	_Atomic unsigned prepared; /* hosts that have their folder and key */
	_Atomic unsigned started, ended; /* agents that began to run, and that came to an end by themselves, which none should */
	_Atomic uint64_t connections;
	struct fleet_count counts[FLEET_KINDS];
	struct fleet_host host[];
};

#endif
