#include "b2bd/directory/scim_find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/scim_attribute.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/directory/scim_text.h"
#include "common/log.h"

static void answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_find *find = arg;
	struct b2b_scim_page page;
	int r;

	if (!b2b_find_answered(find, response))
		return;
	r = b2b_scim_page_parse(response->body, response->body_len, &page);
	if (r < 0) {
		b2b_log(LOG_WARNING, "directory: a question for one person was not answered with a SCIM list");
		b2b_find_end(find, r);
		return;
	}
	r = b2b_find_store(find, page.resources);
	b2b_scim_page_clear(&page);
	b2b_find_end(find, r);
}

/* TEXT, or NULL for want of memory; takes A and B. */
static char *joined(const char *format, char *a, char *b)
{
	char *text = NULL;

	if (a && b && asprintf(&text, format, a, b) < 0)
		text = NULL;
	free(a);
	free(b);
	return text;
}

/* A plain directory's names may be whole addresses (scim_text.h, b2b_scim_fold). */
static char *name_term(const char *path, const char *local)
{
	char *address = NULL, *whole;

	if (strchr(path, ':'))
		return b2b_scim_compare(path, "eq", local);
	if (asprintf(&address, "%s@", local) < 0)
		return NULL;
	whole = joined("(%s or %s)", b2b_scim_compare(path, "eq", local), b2b_scim_compare(path, "sw", address));
	free(address);
	return whole;
}

/* malloc'ed; NULL for want of memory */
static char *find_url(const struct b2b_scim_store *store, const char *base, int org, const char *local)
{
	const struct b2b_conf_federation *federation = &store->conf->federation;
	char org_path[B2B_SCIM_PATH_SIZE], name_path[B2B_SCIM_PATH_SIZE], *filter, *percent, *url = NULL;

	if (b2b_scim_path(federation->scim_schema, federation->scim_organisation_attribute, "User", org_path) < 0 ||
	    b2b_scim_path(federation->scim_schema, federation->scim_name_attribute, "User", name_path) < 0)
		return NULL;
	filter = joined("%s and %s", b2b_scim_compare(org_path, "eq", store->policy->orgs[org].id), name_term(name_path, local));
	percent = filter ? b2b_scim_percent(filter) : NULL;
	if (percent && asprintf(&url, "%s/Users?count=10&filter=%s", base, percent) < 0)
		url = NULL;
	free(filter);
	free(percent);
	return url;
}

int b2b_scim_find_start(const struct b2b_find *question, struct b2b_find **ret_find)
{
	struct b2b_find *find = b2b_find_new(question);
	int r = find ? b2b_find_ask(find, find_url(find->store, find->base, find->org, find->local), answered) : -ENOMEM;

	if (r < 0)
		free(find);
	else
		*ret_find = find;
	return r;
}
