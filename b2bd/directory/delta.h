/*
 * When a directory may be asked for changes alone (scim_pass.h) between two full passes: after one that was complete, while nothing has
 * failed since, and where the service has shown that it can be. It only makes earlier what the next full pass would find.
 */
#ifndef B2B_DELTA_H
#define B2B_DELTA_H

#include "b2bd/directory/scim_known.h"

#define B2B_DELTA_WHY_SIZE 256

struct b2b_delta { /* zeroed but for interval_s */
	uint32_t interval_s;     /* 0: it is not asked for changes */
	struct b2b_scim_known known;
	bool based;              /* on a full pass that was complete */
	unsigned failures;       /* in a row; the full passes between them were complete */
	uint64_t off_ns;         /* since when it counts as not possible (b2b_now_ns); 0: it does not */
	int64_t last_s;          /* wall clock, 0 never */
	char why[B2B_DELTA_WHY_SIZE]; /* it is not possible */
};

bool b2b_delta_may(const struct b2b_delta *delta);

/* Why it may not, for the administrator; "" where it may. */
const char *b2b_delta_why_not(const struct b2b_delta *delta);

/* A full pass ended: COMPLETE, or not. */
void b2b_delta_full_ended(struct b2b_delta *delta, bool complete);

/*
 * A pass over changes ended with ERROR (scim_pass.h). Returns whether a full pass is to follow at once. CUT: it was ended for the sake
 * of a full pass, which says nothing about the service.
 */
bool b2b_delta_ended(struct b2b_delta *delta, int error, const char *why, bool cut);

#endif
