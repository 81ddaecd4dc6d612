/*
 * Reading one resource type whole, page by page (RFC 7644 3.4.2.4), from servers that echo itemsPerPage, give fewer than
 * asked, repeat the first page past the end, or change their mind about the total meanwhile.
 */
#ifndef B2B_SCIM_LIST_H
#define B2B_SCIM_LIST_H

#include <jansson.h>

#include "b2bd/api_call.h"

struct b2b_scim_list; /* opaque */

struct b2b_scim_list_handlers {
	/* A page came. The same resource may come more than once. A negative errno stops the listing. */
	int (*page)(void *arg, const json_t *resources);
	/*
	 * The end, exactly once: 0 every resource was shown; -EAGAIN not (WHY says what). It is then freed already.
	 */
	void (*end)(void *arg, int error, const char *why);
};

/* BASE and TYPE make the URL ("https://…/scim/v2", "Users"). Returns 0 or a negative errno. */
int b2b_scim_list_start(const struct b2b_api *api, const char *base, const char *type, const struct b2b_scim_list_handlers *handlers,
                        void *arg, struct b2b_scim_list **ret_list);
void b2b_scim_list_cancel(struct b2b_scim_list *list); /* NULL is legal */

#endif
