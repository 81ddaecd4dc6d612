/*
 * The real b2bd beside the embedded federation service, in a world of their own (private mounts and pids): started,
 * killed in whole or in part, and the service told what changes.
 */
#ifndef B2B_CRASH_DAEMON_H
#define B2B_CRASH_DAEMON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/service.h"

#define DAEMON_LOG "/run/b2bd.log"

struct daemon {
	struct service service;
	pid_t first; /* b2bd's first process; 0: not running */
	void *curl;
};

enum daemon_part {
	DAEMON_FIRST, /* and with it the others */
	DAEMON_AGENT,
	DAEMON_GUARD,
	DAEMON_INSTALL, /* a child of the guard's */
	DAEMON_BUILD,   /* a child of the agent's */
	DAEMON_PARTS
};
const char *daemon_part_name(enum daemon_part part);

/*
 * Move this process into the world: /run and /var/lib are empty and in memory, the user b2b and a local group
 * engineers (gid 2000) exist. Prints a line that says
 * why, and ends the test, where that is impossible. Call first of all.
 */
void daemon_enter(void);

/* The federation service, and ORGANISATIONS (sections of b2b.conf) compiled into the policy. Exits the test on failure, as all here do. */
void daemon_prepare(struct daemon *daemon, const char *organisations);
void daemon_start(struct daemon *daemon);
void daemon_stop(struct daemon *daemon); /* as a service manager stops it */
void daemon_end(struct daemon *daemon);  /* b2bd killed, the service stopped; fails where a sanitizer found something in b2bd */

/* The process that plays PART now, or 0. */
pid_t daemon_find(const struct daemon *daemon, enum daemon_part part);
/* SIGKILL. False: nobody plays that part right now. The first process is waited for. */
bool daemon_kill(struct daemon *daemon, enum daemon_part part);

/* POST /control/VERB with BODY (stolen). Returns the answer, which says that it was done. */
json_t *daemon_control(struct daemon *daemon, const char *verb, json_t *body);
/* What the service has told, the latest first: GET /control/events. The caller's. */
json_t *daemon_events(struct daemon *daemon);

/* The last lines of b2bd's log, to standard error. */
void daemon_show_log(void);
/* In how many lines of it TEXT stands. */
unsigned daemon_logged(const char *text);
/* The first line of it with TEXT and without UNLESS, into LINE. False: there is none. */
bool daemon_log_line(const char *text, const char *unless, char *line, size_t size);

#endif
