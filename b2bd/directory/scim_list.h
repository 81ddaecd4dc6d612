/*
 * Reading one listing whole, page by page: a resource type of SCIM by index (RFC 7644 3.4.2.4), from servers that echo itemsPerPage, give
 * fewer than asked, repeat the first page past the end, or change their mind about the total meanwhile, or by cursors (RFC 9865), from
 * servers that let them expire, go in circles, or only say that they have them; or a list of Keycloak's admin API, which says no total
 * and ends with an empty page.
 */
#ifndef B2B_SCIM_LIST_H
#define B2B_SCIM_LIST_H

#include <jansson.h>

#include "b2bd/api_call.h"
#include "b2bd/directory/scim_pages.h"

struct b2b_scim_list; /* opaque */

struct b2b_scim_list_handlers {
	/*
	 * A page came. The same resource may come more than once. A negative errno stops the listing; 1: it is to be sent whole the next
	 * time, too.
	 */
	int (*page)(void *arg, const json_t *resources);
	/*
	 * A page is as it was when PAGE had it last: RESOURCES have their id and meta.lastModified alone. 0, a negative errno as
	 * there, or 1: it has to be sent whole. Not called without pages of struct b2b_list_how.
	 */
	int (*same)(void *arg, const json_t *resources);
	/*
	 * The end, exactly once: 0 every resource was shown; -ENOENT the service says that there is no such list; -EOPNOTSUPP that it
	 * does not answer such a question (400, 501); -EAGAIN not all (WHY says what). It is then freed already.
	 */
	void (*end)(void *arg, int error, const char *why);
};

enum b2b_list_style {
	B2B_LIST_SCIM,     /* startIndex and count; an object with totalResults and Resources */
	B2B_LIST_CURSOR,   /* cursor and count; an object with Resources, and nextCursor unless it is the last */
	B2B_LIST_KEYCLOAK, /* first and max; an array */
};

struct b2b_list_how {
	enum b2b_list_style style;
	int page_max;                 /* most that the service gives at once; 0: that is not known */
	struct b2b_scim_pages *pages; /* which of them need not be sent again; outlives the listing; NULL: none */
};

/* URL: of the listing, without what tells the page; copied. Returns 0 or a negative errno. */
int b2b_scim_list_start(const struct b2b_api *api, const char *url, struct b2b_list_how how, const struct b2b_scim_list_handlers *handlers,
                        void *arg, struct b2b_scim_list **ret_list);
void b2b_scim_list_cancel(struct b2b_scim_list *list); /* NULL is legal */

#endif
