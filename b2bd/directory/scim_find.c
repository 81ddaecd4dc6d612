#include "b2bd/directory/scim_find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* malloc'ed; NULL for want of memory */
static char *find_url(const struct b2b_scim_store *store, const char *base, int org, const char *local)
{
	const char *schema = store->conf->federation.scim_schema;
	char *org_attribute = NULL, *local_attribute = NULL, *org_term = NULL, *local_term = NULL, *filter = NULL, *percent = NULL, *url = NULL;

	if (asprintf(&org_attribute, "%s:organizationId", schema) < 0)
		org_attribute = NULL;
	if (asprintf(&local_attribute, "%s:localName", schema) < 0)
		local_attribute = NULL;
	if (org_attribute && local_attribute) {
		org_term = b2b_scim_equals(org_attribute, store->policy->orgs[org].id);
		local_term = b2b_scim_equals(local_attribute, local);
	}
	if (org_term && local_term && asprintf(&filter, "%s and %s", org_term, local_term) < 0)
		filter = NULL;
	percent = filter ? b2b_scim_percent(filter) : NULL;
	if (percent && asprintf(&url, "%s/Users?count=10&filter=%s", base, percent) < 0)
		url = NULL;
	free(org_attribute);
	free(local_attribute);
	free(org_term);
	free(local_term);
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
