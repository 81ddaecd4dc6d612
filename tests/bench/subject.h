/* A subject of the benchmark, and its worker process. */
#ifndef B2B_BENCH_SUBJECT_H
#define B2B_BENCH_SUBJECT_H

#include <sys/types.h>

#include "tests/bench/ops.h"

#define BENCH_ROUNDS_MAX 64
#define BENCH_OPS_MAX 32

/* An operation by a subject, round after round. */
struct bench_cell {
	bool asked;
	const char *failed;             /* "crashed", "timed out", or NULL */
	int rounds;
	double ns[BENCH_ROUNDS_MAX];
	uint64_t calls, wrong, spent_ns;
	uint32_t *samples_ns;
	size_t n_samples;
};

struct bench_subject {
	char *name, *service, *environment, *operations, *note; /* as a line of the file has them, tab separated; "-": none */
	bool knows_nobody;
	struct bench_cell cells[BENCH_OPS_MAX];
	pid_t pid; /* of the worker; 0: none */
	int to, from;
};

/* Append the subjects that the file PATH lists to *SUBJECTS of *N, growing it. Returns 0 or a negative errno. */
int bench_subjects_read(const char *path, struct bench_subject **subjects, size_t *n);

/* Is OP among SUBJECT's operations ("all", "all,-NAME,…" or "NAME,…")? */
bool bench_subject_does(const struct bench_subject *subject, const struct bench_op *op);

/*
 * Start SUBJECT's worker for operations of HOW; in BENCH_NSSWITCH it has a mount namespace of its own, in which nsswitch.conf
 * names its service. Returns 0 or a negative errno. bench_subject_stop ends it.
 */
int bench_subject_start(struct bench_subject *subject, enum bench_how how, uint32_t people);
void bench_subject_stop(struct bench_subject *subject);

/*
 * Ask SUBJECT's worker. Returns 0 and its reply; -ETIMEDOUT after TIMEOUT_MS, -ECONNRESET when it died: it has then been
 * ended.
 */
int bench_subject_ask(struct bench_subject *subject, const struct bench_request *request, int timeout_ms, struct bench_reply *ret_reply);

#endif
