/*
 * What every full pass over a directory does, whatever it speaks: it stores what is shown, tells of what changed, and at its end
 * asks by id for each of root's organisations who was not shown, and removes those of whom the service says that they are gone.
 * An error, a short or an empty page is no such word, and an organisation that would lose too many waits for a person's.
 */
#ifndef B2B_PASS_H
#define B2B_PASS_H

#include "b2bd/api_call.h"
#include "b2bd/directory/scim_store.h"

struct b2b_pass_handlers {
	void (*changed)(void *arg, int org);                /* now and then during the pass, never inside a transaction */
	void (*end)(void *arg, int error, const char *why); /* exactly once, from the loop: 0, -EAGAIN, -EBUSY; it is freed */
};

struct b2b_scim_known;

/* What a pass is made for; all but the structures themselves must outlive it. */
struct b2b_pass_order {
	struct b2b_api api;
	const char *base; /* URL of the directory, without a slash at its end */
	struct b2b_state *state;
	const struct b2b_policy *policy;
	const struct b2b_conf *conf;
	struct b2b_scim_known *known; /* scim_known.h; for the kinds that can be asked for changes alone */
	bool changes;                 /* ask for them alone: scim_pass.h */
	struct b2b_pass_handlers handlers;
	void *arg;
};

struct b2b_pass;

/* What one kind of directory does in its own way. */
struct b2b_pass_kind {
	/* Where the person ID of slot ORG is asked for; 404 there means gone. malloc'ed, NULL for want of memory. */
	char *(*person_url)(const struct b2b_pass *pass, int org, const char *id);
	/* The answer there as a SCIM resource; a new reference, NULL for want of memory. */
	json_t *(*person)(const struct b2b_pass *pass, int org, json_t *answer);
	/* What must answer with 200 before a 404 counts, because it may be of more than the person; NULL: nothing. */
	char *(*org_url)(const struct b2b_pass *pass, int org);
	void (*stop)(struct b2b_pass *pass); /* cancel what is under way, and free what is the kind's own in it */
};

/* The first member of a kind's own structure, which b2b_pass_begin does not allocate and b2b_pass_cancel frees. */
struct b2b_pass {
	const struct b2b_pass_kind *kind;
	struct b2b_api api;
	const char *base;
	struct b2b_scim_store store;
	struct b2b_pass_handlers handlers;
	void *arg;
	int64_t number;
	bool *listed; /* by slot: the directory has shown the organisation */
	uint64_t told_ns;
	int org;        /* whose missing ones are looked at; its slot */
	bool approved;  /* that they go was approved */
	bool gone;      /* somebody of missing was answered with 404 */
	struct b2b_missing {
		uint32_t uid;
		char *id;
	} *missing; /* some of those not met, to be asked for; the first n_asked were */
	size_t n_missing, n_asked;
	struct b2b_api_call *confirm;
	void (*confirmed)(struct b2b_pass *pass); /* what follows (confirm.h) */
	struct b2b_timer next;
	int result;
	char why[256];
};

/* PASS is zeroed and malloc'ed. Returns 0, or a negative errno: then PASS is the caller's to free. */
int b2b_pass_begin(struct b2b_pass *pass, const struct b2b_pass_kind *kind, const struct b2b_pass_order *order);

/* The organisation in slot ORG was shown. */
void b2b_pass_listed(struct b2b_pass *pass, int org);

/* Resources were stored: tell of changes, if it is time. */
void b2b_pass_stored(struct b2b_pass *pass);

/* Everything was shown: find out who is gone, and end. */
void b2b_pass_conclude(struct b2b_pass *pass);

/* End with ERROR, 0 or negative: what was stored stays and is told of, nobody else is removed. Not from within the kind's own end. */
void b2b_pass_end(struct b2b_pass *pass, int error, const char *why);

/* The same with -EAGAIN. */
void b2b_pass_fail(struct b2b_pass *pass, const char *why);

void b2b_pass_cancel(struct b2b_pass *pass); /* NULL is legal; not from within a handler */

#endif
