/* The operations that are measured, and what the run asks a worker and hears back. */
#ifndef B2B_BENCH_OPS_H
#define B2B_BENCH_OPS_H

#include <stdbool.h>
#include <stdint.h>

enum bench_ask { BENCH_USER_NAME, BENCH_USER_UID, BENCH_GROUP_NAME, BENCH_GROUP_GID, BENCH_INITGROUPS, BENCH_ENUMERATE, BENCH_FRESH, BENCH_SYSTEM_CALLS, BENCH_MEMORY, BENCH_CLOCK };
enum bench_whom {
	BENCH_HOT,          /* 2,000 people, the same all the time */
	BENCH_EVERYONE,     /* random over all */
	BENCH_ABSENT_OURS,  /* nobody123@org0042 */
	BENCH_ABSENT_OTHER, /* a name that no partner can have */
	BENCH_ORDINARY,     /* 2,000 groups of up to 25 */
	BENCH_BIG,          /* 8 groups of 125 */
	BENCH_BIGGEST,      /* 8 groups of 1,250 */
	BENCH_FEW,          /* 100 people */
};
/* How the process asks: glibc told which service to ask; by the host's own nsswitch.conf; with one thread beside the main one, or two. */
enum bench_how { BENCH_CONFIGURED, BENCH_NSSWITCH, BENCH_THREAD, BENCH_TWO_THREADS };

struct bench_op {
	const char *name, *label;
	enum bench_how how;
	enum bench_ask ask;
	enum bench_whom whom;
	bool once; /* no round changes it: in the last alone */
};

extern const struct bench_op bench_ops[];
extern const int bench_n_ops;

#define BENCH_HOT_PEOPLE 2000u
#define BENCH_BATCH_MAX 65536u
#define BENCH_SAMPLES 256u

struct bench_request {
	int op;
	uint64_t seed;      /* of the round: whom it asks for */
	uint64_t budget_ns; /* about how long the round may take */
};

/*
 * BENCH_SYSTEM_CALLS: `ns` is how many a fresh process's first look-up makes, the module's loading included, the one
 * sample how many all others make: up to BENCH_STEADY of them. BENCH_MEMORY: `ns` is the process's own KiB, the one sample the KiB of files
 * resident through it.
 */
#define BENCH_STEADY 1000u

/* Fits a pipe's atomic write. */
struct bench_reply {
	double ns;          /* of one call */
	uint64_t calls, wrong;
	uint32_t n_samples;
	uint32_t samples_ns[BENCH_SAMPLES]; /* of calls timed one by one, the clock included */
};

#endif
