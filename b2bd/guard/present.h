/*
 * Which partners have any part in what a look found: by uid, registered session, audit login uid or logind slice. Of a scope that
 * has none of these b2b_scope_mark would mark nothing; with this a hundred tombstones cost hardly more than one.
 */
#ifndef B2B_PRESENT_H
#define B2B_PRESENT_H

#include "b2bd/guard/scope.h"

struct b2b_present {
	uint32_t *uids; /* ascending, each once */
	size_t n, size;
};

/* Of LIST and REGISTRY into PRESENT (zeroed at first, reused later). Returns 0 or -ENOMEM. */
int b2b_present_gather(struct b2b_present *present, struct b2b_processes *list, const struct b2b_registry *registry, const struct b2b_policy *policy);
/* May anything of the scope's be there? Not for one session's. */
bool b2b_present_any(const struct b2b_present *present, const struct b2b_scope *scope);
void b2b_present_free(struct b2b_present *present);

#endif
