/* What is ordered at the federation service while something is wrong with the host, beside what witnesses saw of it there. */
#ifndef B2B_CRASH_ORDERS_H
#define B2B_CRASH_ORDERS_H

#include "tests/crash/daemon.h"
#include "tests/crash/witness.h"

struct orders {
	struct daemon daemon;
	struct witnesses *seen;
	uint32_t wanted[WITNESS_PEOPLE]; /* versions ordered */
	unsigned people_ended, orgs_ended;
};

/*
 * In the world of daemon_enter(): the service with WITNESS_ORGS organisations o0, o1, … and PEOPLE in each, witnesses, b2bd
 * started, and everybody there. SEED is printed. Exits the test on failure, as all here do.
 */
void orders_begin(struct orders *orders, unsigned seed, unsigned people);
/* Witnesses stopped, b2bd killed, the service stopped. */
void orders_end(struct orders *orders);
/* CRASH_SEED, or one of the moment. */
unsigned orders_seed(void);

void orders_add_person(struct orders *orders, uint32_t org); /* the number of people is theirs */
void orders_change_person(struct orders *orders, uint32_t i);
void orders_end_person(struct orders *orders, uint32_t i);   /* twice is once */
void orders_end_sessions(struct orders *orders, uint32_t i); /* by an event; the person stays */
void orders_end_org(struct orders *orders, uint32_t org);
/* Changes of the directory alone are not signalled: an event after which the host looks at the directory brings them at once. */
void orders_nudge(struct orders *orders);

/* What the service was told has been received is closed for good. */
void orders_take_acknowledgements(struct orders *orders);

/* Wait until the host is where the directory is; after a minute the test has failed. */
void orders_settle(struct orders *orders);
/* Has a witness objected, or b2bd ended by itself? Then the test has failed. */
void orders_check(struct orders *orders);

/* "FAIL WHAT: WHY", b2bd's log, and the end. */
_Noreturn void orders_fail(struct orders *orders, const char *what, const char *why);

#endif
