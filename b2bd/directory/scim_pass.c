#include "b2bd/directory/scim_pass.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/scim_list.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/directory/scim_text.h"

enum stage { ORGS, PEOPLE, GROUPS, N_LISTS };

struct scim_pass {
	struct b2b_pass pass;
	enum stage stage;
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

static int page(void *arg, const json_t *resources)
{
	struct scim_pass *scim = arg;
	struct b2b_pass *pass = &scim->pass;
	int r = scim->stage == ORGS     ? note_orgs(pass, resources)
	        : scim->stage == PEOPLE ? b2b_scim_store_people(&pass->store, resources, pass->number)
	                                : b2b_scim_store_groups(&pass->store, resources, pass->number);

	if (r == 0)
		b2b_pass_stored(pass);
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

static int start_list(struct scim_pass *scim)
{
	static const char *const types[N_LISTS] = { "Organizations", "Users", "Groups" };
	static const struct b2b_scim_list_handlers handlers = { .page = page, .end = list_end };
	char *url;
	int r;

	if (asprintf(&url, "%s/%s", scim->pass.base, types[scim->stage]) < 0)
		return -ENOMEM;
	r = b2b_scim_list_start(&scim->pass.api, url, B2B_LIST_SCIM, &handlers, scim, &scim->list);
	free(url);
	return r;
}

static void list_end(void *arg, int error, const char *why)
{
	struct scim_pass *scim = arg;
	int r;

	scim->list = NULL;
	if (error < 0) {
		b2b_pass_fail(&scim->pass, why);
		return;
	}
	if (++scim->stage == N_LISTS) {
		b2b_pass_conclude(&scim->pass);
		return;
	}
	r = start_list(scim);
	if (r < 0)
		b2b_pass_fail(&scim->pass, strerror(-r));
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
	b2b_scim_list_cancel(((struct scim_pass *)pass)->list);
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
	if (!order->conf->federation.scim_organisations) {
		scim->stage = PEOPLE;
		r = assume_orgs(&scim->pass);
	}
	if (r == 0)
		r = start_list(scim);
	if (r < 0) {
		b2b_pass_cancel(&scim->pass);
		return r;
	}
	*ret_pass = &scim->pass;
	return 0;
}
