/*
 * Pages of a listing that the service need not send again while they are as they were: what is left of each is its ETag (RFC 9110
 * section 8.8.3), whom it shows, and when these were modified. In memory, and bounded; once an hour everything is asked for all the
 * same, whatever the service says.
 */
#ifndef B2B_SCIM_PAGES_H
#define B2B_SCIM_PAGES_H

#include "b2bd/directory/scim_parse.h"

struct b2b_scim_kept {
	char *url, *etag; /* NULL: this page is not kept */
	char *next;
	int64_t total;
	char *ids;        /* one behind the other, each with its NUL */
	int64_t *modified_ms;
	size_t n, bytes;
};

struct b2b_scim_pages { /* zeroed at first */
	struct b2b_scim_kept *known, *read; /* of the last listing that was complete, and of this one */
	size_t n_known, n_read, room, bytes;
	uint64_t whole_ns;                  /* when the last one began for which nothing was kept */
};

/* A listing begins, or begins again. */
void b2b_scim_pages_begin(struct b2b_scim_pages *pages);

/* The page that comes next, at URL, as it was; NULL: it is not known. Until the next call of another of these. */
const struct b2b_scim_kept *b2b_scim_pages_next(const struct b2b_scim_pages *pages, const char *url);

/* KEPT as a page that the caller clears: its resources, each with id and meta.lastModified alone. Returns 0 or -ENOMEM. */
int b2b_scim_pages_restore(const struct b2b_scim_kept *kept, struct b2b_scim_page *ret_page);

/* The page that b2b_scim_pages_next told of is as it was. */
void b2b_scim_pages_keep_same(struct b2b_scim_pages *pages);

/* The next page is PAGE now, whose resources all have an id, with ETAG; NULL: it cannot be kept. */
void b2b_scim_pages_keep(struct b2b_scim_pages *pages, const char *url, const char *etag, const struct b2b_scim_page *page);

/* The listing ended. What was not COMPLETE is no ground for the next one. */
void b2b_scim_pages_end(struct b2b_scim_pages *pages, bool complete);

void b2b_scim_pages_clear(struct b2b_scim_pages *pages);

#endif
