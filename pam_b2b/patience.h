/* How long a log-in may take, and since when it does. */
#ifndef B2B_PAM_PATIENCE_H
#define B2B_PAM_PATIENCE_H

#include <sys/types.h>

#include "pam_b2b/call.h"

/* On the b2b_now_ns clock. */
struct b2b_patience {
	uint64_t began_ns;    /* when the program that serves this log-in began: not later than it first looked the person up; 0: not known */
	uint64_t deadline_ns; /* when the log-in has to be over, for whoever is refused then to read why */
};

/*
 * For CALL, in a process that PARENT started. Under OpenSSH it counts from the connection's beginning, as its LoginGraceTime does, which is read
 * from its configuration and bounds the option timeout=.
 */
void b2b_patience(const struct b2b_call *call, pid_t parent, struct b2b_patience *ret_patience);

#endif
