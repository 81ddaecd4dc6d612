/* What a SCIM service says of itself: ServiceProviderConfig (RFC 7643 section 5, RFC 9865 section 4). */
#ifndef B2B_SCIM_SERVICE_H
#define B2B_SCIM_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

struct b2b_scim_service { /* zeroed: nothing is known */
	bool no_filter; /* it says that it has no filters */
	bool cursors;   /* it gives its lists page by page with cursors */
	int page_max;   /* most resources that may be asked for at once; 0: not said */
};

/* Returns 0; -EBADMSG where BODY is no such document, -ENOMEM. */
int b2b_scim_service_parse(const char *body, size_t len, struct b2b_scim_service *ret_service);

#endif
