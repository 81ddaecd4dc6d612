#include "b2bd/directory/scim_pass.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/scim_known.h"
#include "b2bd/directory/scim_left.h"
#include "b2bd/directory/scim_list.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/directory/scim_text.h"
#include "common/clock.h"

#define SERVICE_TIMEOUT_MS 10000

struct scim_pass {
	struct b2b_pass pass;
	struct b2b_scim_known *known;
	bool changes; /* alone */
	enum b2b_scim_type type; /* that is read */
	struct b2b_scim_reading reading;
	bool unheeded;           /* what was asked for is not what was shown */
	struct b2b_scim_left left;
	struct b2b_api_call *service;
	struct b2b_scim_list *list;
};

static int note_orgs(struct b2b_pass *pass, const json_t *resources)
{
	const json_t *resource;
	size_t i;
	int org;

	json_array_foreach(resources, i, resource) {
		org = b2b_scim_id(resource) ? b2b_policy_org_by_id(pass->store.policy, b2b_scim_id(resource)) : -1;
		if (org >= 0)
			b2b_pass_listed(pass, org);
	}
	return b2b_scim_store_orgs(&pass->store, resources, pass->number);
}

static int note_people(struct scim_pass *scim, const json_t *resources)
{
	int r = b2b_scim_store_people(&scim->pass.store, resources, scim->pass.number);

	return r == 0 && scim->changes ? b2b_scim_left_note(&scim->left, &scim->pass, resources) : r;
}

/* Times that lie further ahead than clocks may be apart are not the directory's. */
static int64_t latest_ms(const struct scim_pass *scim)
{
	return b2b_wall_ms() + (int64_t)scim->pass.store.conf->federation.clock_skew_s * 1000;
}

/* What cannot be used now may be of use another time, with a name or an id that is free again: it is looked at anew in each full pass. */
static int page(void *arg, const json_t *resources)
{
	struct scim_pass *scim = arg;
	struct b2b_pass *pass = &scim->pass;
	unsigned unusable = pass->store.logged;
	int r = b2b_scim_reading_note(&scim->reading, &scim->known->marks[scim->type], resources, latest_ms(scim));

	scim->unheeded = r == -EOPNOTSUPP;
	if (r == 0)
		r = scim->type == B2B_SCIM_ORGS     ? note_orgs(pass, resources)
		    : scim->type == B2B_SCIM_PEOPLE ? note_people(scim, resources)
		                                    : b2b_scim_store_groups(&pass->store, resources, pass->number);
	if (r == 0)
		b2b_pass_stored(pass);
	return r < 0 ? r : pass->store.logged != unusable;
}

/* Of people: what was stored of them is what the directory has. */
static int same(void *arg, const json_t *resources)
{
	struct scim_pass *scim = arg;
	const json_t *resource;
	size_t i;
	int r = b2b_scim_reading_note(&scim->reading, &scim->known->marks[scim->type], resources, latest_ms(scim));

	json_array_foreach(resources, i, resource) {
		if (r)
			break;
		r = b2b_directory_met_same(scim->pass.store.state, b2b_scim_id(resource), scim->pass.number);
	}
	return r;
}

/* Where the directory lists none: those that root knows, as active ones. */
static int assume_orgs(struct b2b_pass *pass)
{
	const struct b2b_policy *policy = pass->store.policy;
	json_t *resources = json_array();
	uint32_t i;
	int r = resources ? 0 : -ENOMEM;

	for (i = 0; i < policy->n_orgs && r == 0; i++)
		r = json_array_append_new(resources, json_pack("{s:s,s:s}", "id", policy->orgs[i].id, "state", "active")) < 0 ? -ENOMEM : 0;
	if (r == 0)
		r = note_orgs(pass, resources);
	json_decref(resources);
	return r;
}

static void list_end(void *arg, int error, const char *why);

/* malloc'ed, NULL for want of memory */
static char *list_url(const struct scim_pass *scim)
{
	static const char *const types[B2B_SCIM_N_TYPES] = { "Organizations", "Users", "Groups" };
	char after[B2B_SCIM_TIME_SIZE], *filter = NULL, *percent = NULL, *url = NULL;
	bool all = !scim->reading.after_ms;

	if (!all) {
		b2b_scim_time_text(scim->reading.after_ms, after);
		filter = b2b_scim_compare("meta.lastModified", "gt", after);
		percent = filter ? b2b_scim_percent(filter) : NULL;
	}
	if ((all || percent) && asprintf(&url, "%s/%s%s%s", scim->pass.base, types[scim->type], all ? "" : "?filter=", all ? "" : percent) < 0)
		url = NULL;
	free(filter);
	free(percent);
	return url;
}

/*
 * Only people are spared: a group's members are looked up anew each time, as a new person may be one, and organisations are few. What
 * changed is new by itself.
 */
static int start_list(struct scim_pass *scim)
{
	static const struct b2b_scim_list_handlers handlers = { .page = page, .same = same, .end = list_end };
	const struct b2b_scim_service *service = &scim->known->service;
	struct b2b_list_how how = { .style = service->cursors ? B2B_LIST_CURSOR : B2B_LIST_SCIM, .page_max = service->page_max,
		                    .pages = scim->type == B2B_SCIM_PEOPLE && !scim->changes ? &scim->known->people : NULL };
	char *url;
	int r;

	b2b_scim_reading_begin(&scim->reading, &scim->known->marks[scim->type], scim->changes);
	url = list_url(scim);
	r = url ? b2b_scim_list_start(&scim->pass.api, url, how, &handlers, scim, &scim->list) : -ENOMEM;
	free(url);
	return r;
}

/* Of changes: who left goes, one organisation after the other; nobody else. */
static void conclude_changes(struct b2b_pass *pass)
{
	struct scim_pass *scim = (struct scim_pass *)pass;
	int r = b2b_scim_left_next(&scim->left, pass, scim->known);

	if (r > 0)
		b2b_confirm(pass, conclude_changes);
	else if (r == 0 || r == -EBUSY)
		b2b_pass_end(pass, r, r < 0 ? "many people have left their organisation" : "");
	else
		b2b_pass_fail(pass, strerror(-r));
}

static void conclude(struct scim_pass *scim)
{
	if (scim->changes) {
		conclude_changes(&scim->pass);
		return;
	}
	memset(scim->known->left, 0, sizeof(scim->known->left));
	b2b_pass_conclude(&scim->pass);
}

static void next_type(struct scim_pass *scim)
{
	int r;

	if (++scim->type == B2B_SCIM_N_TYPES) {
		conclude(scim);
		return;
	}
	r = start_list(scim);
	if (r < 0)
		b2b_pass_fail(&scim->pass, strerror(-r));
}

static void list_end(void *arg, int error, const char *why)
{
	struct scim_pass *scim = arg;

	scim->list = NULL;
	if (scim->unheeded)
		b2b_pass_end(&scim->pass, -EOPNOTSUPP, "the service does not heed the filter meta.lastModified");
	else if (error == -EOPNOTSUPP && scim->reading.after_ms)
		b2b_pass_end(&scim->pass, error, why);
	else if (error < 0)
		b2b_pass_fail(&scim->pass, why);
	else if (b2b_scim_reading_end(&scim->reading, &scim->known->marks[scim->type]) < 0)
		b2b_pass_end(&scim->pass, -ESTALE, "what was modified last before is not among what the service says was modified since");
	else
		next_type(scim);
}

/* A service that does not tell how it is, is taken for one that can do what the standard has. */
static void service_answered(void *arg, const struct b2b_http_response *response)
{
	struct scim_pass *scim = arg;
	int r;

	scim->service = NULL;
	if (response->error || response->status != 200 ||
	    b2b_scim_service_parse(response->body, response->body_len, &scim->known->service) < 0)
		memset(&scim->known->service, 0, sizeof(scim->known->service));
	r = start_list(scim);
	if (r < 0)
		b2b_pass_fail(&scim->pass, strerror(-r));
}

static int ask_service(struct scim_pass *scim)
{
	struct b2b_http_request request = { .method = "GET", .accept = "application/scim+json, application/json", .timeout_ms = SERVICE_TIMEOUT_MS };
	char *url;
	int r;

	if (asprintf(&url, "%s/ServiceProviderConfig", scim->pass.base) < 0)
		return -ENOMEM;
	request.url = url;
	r = b2b_api_start(&scim->pass.api, &request, service_answered, scim, &scim->service);
	free(url);
	return r;
}

static char *person_url(const struct b2b_pass *pass, int org, const char *id)
{
	char *segment = b2b_scim_percent(id), *url = NULL;

	(void)org;
	if (!segment || asprintf(&url, "%s/Users/%s", pass->base, segment) < 0)
		url = NULL;
	free(segment);
	return url;
}

static json_t *person(const struct b2b_pass *pass, int org, json_t *answer)
{
	(void)pass;
	(void)org;
	return json_incref(answer);
}

static void stop(struct b2b_pass *pass)
{
	struct scim_pass *scim = (struct scim_pass *)pass;

	b2b_api_cancel(scim->service);
	b2b_scim_list_cancel(scim->list);
	b2b_scim_left_clear(&scim->left);
}

int b2b_scim_pass_start(const struct b2b_pass_order *order, struct b2b_pass **ret_pass)
{
	static const struct b2b_pass_kind kind = { .person_url = person_url, .person = person, .stop = stop };
	struct scim_pass *scim = calloc(1, sizeof(*scim));
	int r = scim ? b2b_pass_begin(&scim->pass, &kind, order) : -ENOMEM;

	if (r < 0) {
		free(scim);
		return r;
	}
	scim->known = order->known;
	scim->changes = order->changes;
	if (!order->conf->federation.scim_organisations) {
		scim->type = B2B_SCIM_PEOPLE;
		r = scim->changes ? 0 : assume_orgs(&scim->pass);
	}
	if (r == 0)
		r = scim->changes ? start_list(scim) : ask_service(scim);
	if (r < 0) {
		b2b_pass_cancel(&scim->pass);
		return r;
	}
	*ret_pass = &scim->pass;
	return 0;
}
