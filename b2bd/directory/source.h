/*
 * Where people come from: one interface, files of their own for each kind (scim_*, keycloak_*; token_pass.c where only tokens tell of
 * them).
 * A source fetches, checks and stores into state (b2b_directory_put_*) in bounded transactions; it decides nothing.
 */
#ifndef B2B_SOURCE_H
#define B2B_SOURCE_H

#include <stdint.h>

#include "b2bd/federation/federation.h"
#include "b2bd/state/state.h"

struct b2b_source; /* opaque */

struct b2b_source_handlers {
	/* Organisation ORG's copy changed: publish it, bring its words into line. */
	void (*changed)(void *arg, int org);
	/*
	 * A full pass that BEGAN_NS (b2b_now_ns clock) ended: 0 complete; -EAGAIN an error on the way, nothing was removed (WHY says what);
	 * -EBUSY complete, but an organisation would lose too many: those wait for a person's word (mass_guard.h). Passes over changes alone,
	 * which show no deletions, are not reported.
	 */
	void (*passed)(void *arg, uint64_t began_ns, int error, const char *why);
};

int b2b_source_new(struct b2b_loop *loop, struct b2b_http *http, struct b2b_federation *federation, struct b2b_state *state,
                   const struct b2b_policy *policy, const struct b2b_conf *conf, const struct b2b_source_handlers *handlers, void *arg,
                   struct b2b_source **ret_source);
void b2b_source_free(struct b2b_source *source); /* NULL is legal */

/*
 * Begin a full pass now; one that is under way is followed by another at once: whoever needs what was so at this call
 * waits for one that began after it. What only asks for changes gives way to it.
 */
void b2b_source_sync(struct b2b_source *source);

/*
 * Ask for one person of organisation ORG by local name. DONE(arg, error): 0 stored (changed was called),
 * -ENOENT the service says there is no such person, -EHOSTUNREACH it did not answer in time. May be called at once.
 */
void b2b_source_find(struct b2b_source *source, int org, const char *local, void (*done)(void *arg, int error), void *arg);
void b2b_source_forget(struct b2b_source *source, void *arg);

struct b2b_source_status {
	int64_t last_complete_s; /* wall clock; 0 never */
	int64_t failing_since_s; /* 0: not failing */
	const char *why;         /* "" or the last trouble */
	uint64_t people, organisations, groups;
	uint32_t changes_interval_s;  /* 0: it is not asked for changes between full passes */
	int64_t changes_last_s;       /* wall clock of the last complete answer; 0 never */
	const char *changes_why_not;  /* "" or why full passes alone are used for now */
};
void b2b_source_get_status(const struct b2b_source *source, struct b2b_source_status *ret_status);

#endif
