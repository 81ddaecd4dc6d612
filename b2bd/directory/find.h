/* One person, asked for by name: what a first log-in waits for. */
#ifndef B2B_FIND_H
#define B2B_FIND_H

#include "b2bd/api_call.h"
#include "b2bd/directory/scim_store.h"
#include "common/names.h"

/* Fill in what is above began_ns; LOCAL is the name in the organisation of slot ORG, STORE must outlive it. */
struct b2b_find {
	const struct b2b_api *api;
	const char *base; /* URL of the directory, without a slash at its end */
	struct b2b_scim_store *store;
	int org;
	char local[B2B_NAME_SIZE];
	/*
	 * Exactly once from the loop, after which it is freed: 0 stored; -ENOENT the service says that there
	 * is no such person; -EHOSTUNREACH it did not answer in time, or not in a way that can be used.
	 */
	void (*done)(void *arg, int error);
	void *arg;
	uint64_t began_ns;
	struct b2b_api_call *call;
	json_t *rest; /* the directory's own, for what it asks next; freed with it */
};

/* FIND as a question of its own, to be asked or cancelled; NULL for want of memory. */
struct b2b_find *b2b_find_new(const struct b2b_find *find);
void b2b_find_cancel(struct b2b_find *find); /* NULL is legal */

/*
 * Ask URL (taken; NULL is want of memory) in what is left of the time, for ANSWERED(find, response). Returns 0 or a
 * negative errno.
 */
int b2b_find_ask(struct b2b_find *find, char *url, void (*answered)(void *arg, const struct b2b_http_response *response));

/* Was it answered with status 200? If not, log what was instead, and end it with -EHOSTUNREACH. */
bool b2b_find_answered(struct b2b_find *find, const struct b2b_http_response *response);

/* End it; ERROR is 0, -ENOENT, or any other: that is -EHOSTUNREACH. */
void b2b_find_end(struct b2b_find *find, int error);

/* Store whichever of RESOURCES is the very person. Returns 0, -ENOENT none is, or one that cannot be used; or a negative errno. */
int b2b_find_store(struct b2b_find *find, const json_t *resources);

#endif
