/* From SCIM resources to rows: what both a full pass and a question for one person do. */
#ifndef B2B_SCIM_STORE_H
#define B2B_SCIM_STORE_H

#include <jansson.h>

#include "b2bd/state/directory_state.h"
#include "common/conf.h"

struct b2b_scim_store {
	struct b2b_state *state;
	const struct b2b_policy *policy;
	const struct b2b_conf *conf;
	bool *changed;   /* per slot: set where something changed; the caller clears */
	unsigned logged; /* lines about records that cannot be used; at most B2B_SCIM_LOG_MAX */
};
#define B2B_SCIM_LOG_MAX 20

/*
 * Store resources of one kind in transactions of bounded size, as of PASS. Records that cannot be used are logged and passed
 * over; so are those of organisations that are not root's. Return 0 or a negative errno: then the last transaction is undone.
 */
int b2b_scim_store_orgs(struct b2b_scim_store *store, const json_t *resources, int64_t pass);
int b2b_scim_store_people(struct b2b_scim_store *store, const json_t *resources, int64_t pass);
int b2b_scim_store_groups(struct b2b_scim_store *store, const json_t *resources, int64_t pass);

/* Is the resource a record of the person LOCAL of the organisation with ORG_ID? */
bool b2b_scim_is_person(const struct b2b_scim_store *store, const json_t *resource, const char *org_id, const char *local);

#endif
