#include "b2bd/directory/scim_find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/scim_attribute.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/directory/scim_text.h"
#include "common/log.h"

#define TIMEOUT_MS 1600 /* NSS waits two seconds in all, and the snapshot has to be built within them */

struct b2b_scim_find {
	struct b2b_scim_store *store;
	int org;
	char local[B2B_NAME_SIZE];
	struct b2b_api_call *call;
	void (*done)(void *arg, int error);
	void *arg;
};

static void finish(struct b2b_scim_find *find, int error)
{
	void (*done)(void *arg, int error) = find->done;
	void *arg = find->arg;

	free(find);
	done(arg, error);
}

/* A server that passes over a filter which it does not understand answers with whomever: only the one asked for counts. */
static int store_found(struct b2b_scim_find *find, const json_t *resources)
{
	const char *org_id = find->store->policy->orgs[find->org].id;
	struct b2b_principal stored;
	const json_t *resource;
	json_t *only;
	int64_t complete_s;
	size_t i;
	int r = -ENOENT;

	json_array_foreach(resources, i, resource) {
		if (!b2b_scim_is_person(find->store, resource, org_id, find->local))
			continue;
		only = json_pack("[O]", resource);
		r = only ? b2b_scim_store_people(find->store, only, b2b_directory_last_pass(find->store->state, &complete_s)) : -ENOMEM;
		json_decref(only);
		break;
	}
	/* passed over for a fault of the record: then there is nobody of that name for this host */
	if (r == 0) {
		r = b2b_directory_by_name(find->store->state, org_id, find->local, &stored);
		if (r == 0)
			b2b_principal_clear(&stored);
	}
	return r;
}

static void answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_scim_find *find = arg;
	struct b2b_scim_page page;
	int r;

	find->call = NULL;
	if (response->error || response->status != 200) {
		if (response->error)
			b2b_log(LOG_WARNING, "directory: %s", response->error_text);
		else
			b2b_log(LOG_WARNING, "directory: a question for one person was answered with status %ld", response->status);
		finish(find, -EHOSTUNREACH);
		return;
	}
	if (b2b_scim_page_parse(response->body, response->body_len, &page) < 0) {
		b2b_log(LOG_WARNING, "directory: a question for one person was not answered with a SCIM list");
		finish(find, -EHOSTUNREACH);
		return;
	}
	r = store_found(find, page.resources);
	b2b_scim_page_clear(&page);
	finish(find, r == 0 || r == -ENOENT ? r : -EHOSTUNREACH);
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

int b2b_scim_find_start(const struct b2b_api *api, const char *base, struct b2b_scim_store *store, int org, const char *local,
                        void (*done)(void *arg, int error), void *arg, struct b2b_scim_find **ret_find)
{
	struct b2b_http_request request = { .method = "GET", .accept = "application/scim+json, application/json", .timeout_ms = TIMEOUT_MS };
	struct b2b_scim_find *find = calloc(1, sizeof(*find));
	char *url = find_url(store, base, org, local);
	int r = -ENOMEM;

	if (!find || !url)
		goto out;
	find->store = store;
	find->org = org;
	find->done = done;
	find->arg = arg;
	snprintf(find->local, sizeof(find->local), "%s", local);
	request.url = url;
	*ret_find = find;
	r = b2b_api_start(api, &request, answered, find, &find->call);
	if (r == 0)
		find = NULL;
out:
	free(find);
	free(url);
	return r;
}

void b2b_scim_find_cancel(struct b2b_scim_find *find)
{
	if (!find)
		return;
	b2b_api_cancel(find->call);
	free(find);
}
