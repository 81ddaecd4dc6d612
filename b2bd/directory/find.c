#include "b2bd/directory/find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"

#define TIMEOUT_MS 1600 /* NSS waits two seconds in all, and the snapshot has to be built within them */

struct b2b_find *b2b_find_new(const struct b2b_find *find)
{
	struct b2b_find *copy = malloc(sizeof(*copy));

	if (copy) {
		*copy = *find;
		copy->began_ns = b2b_now_ns();
		copy->call = NULL;
		copy->rest = NULL;
	}
	return copy;
}

void b2b_find_cancel(struct b2b_find *find)
{
	if (!find)
		return;
	b2b_api_cancel(find->call);
	json_decref(find->rest);
	free(find);
}

int b2b_find_ask(struct b2b_find *find, char *url, void (*answered)(void *arg, const struct b2b_http_response *response))
{
	struct b2b_http_request request = { .method = "GET", .url = url, .accept = "application/scim+json, application/json" };
	uint64_t spent_ms = (b2b_now_ns() - find->began_ns) / B2B_NS_PER_MS;
	int r = !url ? -ENOMEM : spent_ms >= TIMEOUT_MS ? -ETIMEDOUT : 0;

	if (r == 0) {
		request.timeout_ms = TIMEOUT_MS - (uint32_t)spent_ms;
		r = b2b_api_start(find->api, &request, answered, find, &find->call);
	}
	free(url);
	return r;
}

void b2b_find_end(struct b2b_find *find, int error)
{
	void (*done)(void *arg, int error) = find->done;
	void *arg = find->arg;

	json_decref(find->rest);
	free(find);
	done(arg, error == 0 || error == -ENOENT ? error : -EHOSTUNREACH);
}

bool b2b_find_answered(struct b2b_find *find, const struct b2b_http_response *response)
{
	find->call = NULL;
	if (!response->error && response->status == 200)
		return true;
	if (response->error)
		b2b_log(LOG_WARNING, "directory: %s", response->error_text);
	else
		b2b_log(LOG_WARNING, "directory: a question for one person was answered with status %ld", response->status);
	b2b_find_end(find, -EHOSTUNREACH);
	return false;
}

/* A server that passes over a filter which it does not understand answers with whomever: only the one asked for counts. */
int b2b_find_store(struct b2b_find *find, const json_t *resources)
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
