/*
 * SCIM 2.0 documents (RFC 7643, 7644) as structs. Hostile until checked: a member of the wrong type is an error of its
 * record, never a guess. Nothing here waits or stores.
 */
#ifndef B2B_SCIM_PARSE_H
#define B2B_SCIM_PARSE_H

#include <jansson.h>

#include "b2bd/state/directory_state.h"
#include "common/conf.h"

#define B2B_SCIM_TOTAL_MAX (64ll << 20) /* more resources than any host has ids */
#define B2B_SCIM_CURSOR_MAX 2048         /* bytes; it has to go into a URL */

/* A list response, RFC 7644 3.4.2. */
struct b2b_scim_page {
	json_t *root;
	json_t *resources; /* array; borrowed from root; never NULL */
	int64_t total;     /* totalResults; -1: not said, as may be where pages have cursors */
	const char *next;  /* nextCursor (RFC 9865 2), borrowed likewise; NULL: none */
};
int b2b_scim_page_parse(const char *body, size_t len, struct b2b_scim_page *ret_page); /* 0, -EBADMSG, -ENOMEM */
void b2b_scim_page_clear(struct b2b_scim_page *page);

/* Is BODY an error response (RFC 7644 3.12) with a scimType that is one of LIST, which ends with NULL? */
bool b2b_scim_error_is(const char *body, size_t len, const char *const *list);

/* The id of a resource, or NULL where it has none that can be used. Borrowed. */
const char *b2b_scim_id(const json_t *resource);

/* Its meta.lastModified in milliseconds, 0 where it has none. Returns 0 or -EBADMSG. */
int b2b_scim_modified(const json_t *resource, int64_t *ret_ms);

/*
 * A person, by FEDERATION's attributes (scim_attribute.h). Role names that the policy
 * does not know give no bit. *ret_groups: ids of groups that the record names, borrowed from RESOURCE, may be NULL.
 * Returns 0 (caller clears with b2b_principal_clear), -ESRCH whoever belongs to no organisation, -EBADMSG, or -ENOMEM.
 */
int b2b_scim_person(const json_t *resource, const struct b2b_conf_federation *federation, const struct b2b_policy *policy,
                    struct b2b_principal *ret_person, const json_t **ret_groups);

int b2b_scim_org(const json_t *resource, struct b2b_org_record *ret_org); /* likewise; b2b_org_record_clear */

struct b2b_scim_group {
	const char *id, *org_id; /* borrowed from the resource */
	char local[B2B_NAME_SIZE];
	uint32_t wanted_gid;     /* as b2b_principal's wanted_uid */
	const char **members;    /* ids, borrowed */
	size_t n_members;
};
/* The group's extension URN is the person's with :Group at its end. Returns 0, -ESRCH of no organisation, -EBADMSG, -ENOMEM. */
int b2b_scim_group(const json_t *resource, const struct b2b_conf_federation *federation, struct b2b_scim_group *ret_group);
void b2b_scim_group_clear(struct b2b_scim_group *group);

#endif
