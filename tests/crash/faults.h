/*
 * A fault at every system call once: a clean run of a writer counts its calls, then it is run once for each call with a kill
 * right at it, and once for each error that the call can give, short writes included.
 */
#ifndef B2B_CRASH_FAULTS_H
#define B2B_CRASH_FAULTS_H

struct faults_scenario {
	void (*prepare)(void *arg);           /* all as it is before the writer; nothing is left of the last run */
	int (*act)(void *arg);                /* the writer; runs traced, in a child. Returns 0 or a negative errno */
	void (*check)(void *arg, int result); /* what ACT returned, or TRACER_KILLED */
	void *arg;
	unsigned step;                        /* only every STEPth call; 0: all */
};

struct faults_counts {
	unsigned calls, kills, errors;
};

/* Fails the cmocka test where a clean ACT fails or a faulted one crashes. */
struct faults_counts faults_run(const struct faults_scenario *scenario);

/* The fault of the run under way, for messages of CHECK: "call 7 (renameat) killed". */
const char *faults_where(void);

#endif
