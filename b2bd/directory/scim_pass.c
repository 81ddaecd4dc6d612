#include "b2bd/directory/scim_pass.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/id_set.h"
#include "b2bd/directory/mass_guard.h"
#include "b2bd/directory/scim_list.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/directory/scim_text.h"
#include "common/clock.h"
#include "common/log.h"

#define TELL_EVERY_NS B2B_NS_PER_S /* changes found are told during a long pass, but not for each page */
#define SWEEP_ROWS 500
#define SWEEP_PAUSE_NS B2B_NS_PER_MS
#define CONFIRM_MAX 200     /* of an organisation; pages that move lose a few, not many */
#define CONFIRM_TIMEOUT_MS 10000
#define WHY_SIZE B2B_MASS_WHY_SIZE

enum stage { ORGS, PEOPLE, GROUPS, N_LISTS };

struct b2b_scim_pass {
	struct b2b_api api;
	const char *base;
	struct b2b_scim_store store;
	struct b2b_scim_pass_handlers handlers;
	void *arg;
	int64_t number;
	enum stage stage;
	struct b2b_scim_list *list;
	struct b2b_id_set orgs;     /* organisations that were listed */
	uint64_t told_ns;
	int org;                    /* whose missing ones are looked at */
	bool approved;              /* that they go was approved */
	char **missing;             /* ids to be confirmed; taken from the end */
	size_t n_missing;
	struct b2b_api_call *confirm;
	struct b2b_timer next;
	int result;
	char why[WHY_SIZE];
};

static void drop_missing(struct b2b_scim_pass *pass)
{
	while (pass->n_missing)
		free(pass->missing[--pass->n_missing]);
	free(pass->missing);
	pass->missing = NULL;
}

static void pass_free(struct b2b_scim_pass *pass)
{
	b2b_timer_stop(&pass->next);
	b2b_id_set_clear(&pass->orgs);
	drop_missing(pass);
	free(pass->store.changed);
	free(pass);
}

static void tell_changed(struct b2b_scim_pass *pass)
{
	uint32_t i;

	pass->told_ns = b2b_now_ns();
	for (i = 0; i < pass->store.policy->n_orgs; i++) {
		if (!pass->store.changed[i])
			continue;
		pass->store.changed[i] = false;
		pass->handlers.changed(pass->arg, (int)i);
	}
}

static void end(struct b2b_scim_pass *pass, int error, const char *why)
{
	struct b2b_scim_pass_handlers handlers = pass->handlers;
	void *arg = pass->arg;
	char text[WHY_SIZE];

	snprintf(text, sizeof(text), "%s", why);
	if (pass->store.logged > B2B_SCIM_LOG_MAX)
		b2b_log(LOG_WARNING, "directory: %u records were passed over", pass->store.logged);
	tell_changed(pass);
	pass_free(pass);
	handlers.end(arg, error, text);
}

static void next_org(struct b2b_scim_pass *pass);

/* Rows of one organisation, a few at a turn of the loop. */
static void sweep(void *arg)
{
	struct b2b_scim_pass *pass = arg;
	uint32_t removed = 0;
	int r = b2b_directory_sweep(pass->store.state, pass->store.policy->orgs[pass->org].id, pass->number, SWEEP_ROWS, &removed);

	if (r < 0) {
		end(pass, -EAGAIN, strerror(-r));
		return;
	}
	if (removed) {
		pass->store.changed[pass->org] = true;
		b2b_timer_set(pass->api.loop, &pass->next, SWEEP_PAUSE_NS, sweep, pass);
		return;
	}
	if (pass->approved)
		b2b_removal_drop(pass->store.state, pass->store.policy->orgs[pass->org].id);
	pass->org++;
	next_org(pass);
}

static void confirm_next(struct b2b_scim_pass *pass);

/* Listed or not: what the service says of this one id counts. */
static void confirmed(void *arg, const struct b2b_http_response *response)
{
	struct b2b_scim_pass *pass = arg;
	json_t *resource = NULL, *resources = NULL;
	char *id = pass->missing[--pass->n_missing];
	int r = 0;

	pass->confirm = NULL;
	if (response->error || (response->status != 200 && response->status != 404)) {
		r = -EAGAIN;
	} else if (response->status == 200) {
		resource = json_loadb(response->body, response->body_len, JSON_REJECT_DUPLICATES, NULL);
		if (!resource || !b2b_scim_id(resource) || strcmp(b2b_scim_id(resource), id))
			r = -EAGAIN;
		resources = r == 0 ? json_array() : NULL;
		if (resources && json_array_append(resources, resource) == 0)
			r = b2b_scim_store_people(&pass->store, resources, pass->number);
		json_decref(resources);
		json_decref(resource);
	}
	free(id);
	if (r < 0)
		end(pass, -EAGAIN, "the service does not say whether people who are no longer listed are gone");
	else
		confirm_next(pass);
}

static void confirm_next(struct b2b_scim_pass *pass)
{
	struct b2b_http_request request = { .method = "GET", .accept = "application/scim+json, application/json",
		                            .timeout_ms = CONFIRM_TIMEOUT_MS };
	char *segment, *url = NULL;
	int r;

	if (!pass->n_missing) {
		drop_missing(pass);
		b2b_timer_set(pass->api.loop, &pass->next, 0, sweep, pass);
		return;
	}
	segment = b2b_scim_percent(pass->missing[pass->n_missing - 1]);
	if (!segment || asprintf(&url, "%s/Users/%s", pass->base, segment) < 0)
		url = NULL;
	request.url = url;
	r = url ? b2b_api_start(&pass->api, &request, confirmed, pass, &pass->confirm) : -ENOMEM;
	free(segment);
	free(url);
	if (r < 0)
		end(pass, -EAGAIN, strerror(-r));
}

static int collect_missing(void *arg, uint32_t uid, const char *id)
{
	struct b2b_scim_pass *pass = arg;

	(void)uid;
	pass->missing[pass->n_missing] = strdup(id);
	if (!pass->missing[pass->n_missing])
		return -ENOMEM;
	return ++pass->n_missing == CONFIRM_MAX ? 1 : 0;
}

/* Was the organisation itself listed? */
static bool listed(struct b2b_scim_pass *pass, const char *id)
{
	return b2b_id_set_add(&pass->orgs, id) == 0;
}

/* 1: those who are missing are to be asked for; 0: nothing is to be done for this organisation; or a negative errno. */
static int look_at_org(struct b2b_scim_pass *pass)
{
	const struct b2b_policy_org *org = &pass->store.policy->orgs[pass->org];
	bool here = listed(pass, org->id);
	char why[B2B_MASS_WHY_SIZE] = "";
	int r = b2b_mass_judge(pass->store.state, &pass->store.conf->federation, org, pass->number, here, why);

	if (r == B2B_MASS_WAITS) {
		pass->result = -EBUSY;
		snprintf(pass->why, sizeof(pass->why), "%s", why);
		b2b_log(LOG_ERR, "directory: %s; nobody of it is removed", why);
		return 0;
	}
	pass->approved = r == B2B_MASS_APPROVED;
	if (r == B2B_MASS_APPROVED && !here) {
		pass->store.changed[pass->org] = true;
		r = b2b_mass_end_org(pass->store.state, org->id, pass->number);
	}
	return r < 0 ? r : 1;
}

static void ask_for_missing(struct b2b_scim_pass *pass)
{
	int r;

	pass->missing = calloc(CONFIRM_MAX, sizeof(*pass->missing));
	r = pass->missing ? b2b_directory_each_unseen(pass->store.state, pass->store.policy->orgs[pass->org].id, pass->number, collect_missing, pass)
	                  : -ENOMEM;
	if (r < 0)
		end(pass, -EAGAIN, strerror(-r));
	else
		confirm_next(pass);
}

/* An organisation that waits for a word holds no other up, and the pass is complete: all that it shows is stored. */
static void next_org(struct b2b_scim_pass *pass)
{
	int r = 0;

	while ((uint32_t)pass->org < pass->store.policy->n_orgs && (r = look_at_org(pass)) == 0)
		pass->org++;
	if (r < 0) {
		end(pass, -EAGAIN, "the database cannot be read");
	} else if (r > 0) {
		ask_for_missing(pass);
	} else {
		b2b_directory_end_pass(pass->store.state, b2b_wall_s());
		end(pass, pass->result, pass->why);
	}
}

static int note_orgs(struct b2b_scim_pass *pass, const json_t *resources)
{
	const json_t *resource;
	size_t i;

	json_array_foreach(resources, i, resource) {
		if (b2b_scim_id(resource) && b2b_id_set_add(&pass->orgs, b2b_scim_id(resource)) < 0)
			return -ENOMEM;
	}
	return b2b_scim_store_orgs(&pass->store, resources, pass->number);
}

static int page(void *arg, const json_t *resources)
{
	struct b2b_scim_pass *pass = arg;
	int r = pass->stage == ORGS     ? note_orgs(pass, resources)
	        : pass->stage == PEOPLE ? b2b_scim_store_people(&pass->store, resources, pass->number)
	                                : b2b_scim_store_groups(&pass->store, resources, pass->number);

	if (r == 0 && b2b_now_ns() - pass->told_ns > TELL_EVERY_NS)
		tell_changed(pass);
	return r;
}

/* Where the directory lists none: those that root knows, as active ones. */
static int assume_orgs(struct b2b_scim_pass *pass)
{
	json_t *resources = json_array();
	uint32_t i;
	int r = resources ? 0 : -ENOMEM;

	for (i = 0; i < pass->store.policy->n_orgs && r == 0; i++)
		r = json_array_append_new(resources, json_pack("{s:s,s:s}", "id", pass->store.policy->orgs[i].id, "state", "active")) < 0 ? -ENOMEM : 0;
	if (r == 0)
		r = note_orgs(pass, resources);
	json_decref(resources);
	return r;
}

static void list_end(void *arg, int error, const char *why);

static int start_list(struct b2b_scim_pass *pass)
{
	static const char *const types[N_LISTS] = { "Organizations", "Users", "Groups" };
	static const struct b2b_scim_list_handlers handlers = { .page = page, .end = list_end };

	return b2b_scim_list_start(&pass->api, pass->base, types[pass->stage], &handlers, pass, &pass->list);
}

static void list_end(void *arg, int error, const char *why)
{
	struct b2b_scim_pass *pass = arg;
	int r;

	pass->list = NULL;
	if (error < 0) {
		end(pass, -EAGAIN, why);
		return;
	}
	if (++pass->stage == N_LISTS) {
		next_org(pass);
		return;
	}
	r = start_list(pass);
	if (r < 0)
		end(pass, -EAGAIN, strerror(-r));
}

int b2b_scim_pass_start(const struct b2b_api *api, const char *base, struct b2b_state *state, const struct b2b_policy *policy,
                        const struct b2b_conf *conf, const struct b2b_scim_pass_handlers *handlers, void *arg,
                        struct b2b_scim_pass **ret_pass)
{
	struct b2b_scim_pass *pass = calloc(1, sizeof(*pass));
	int r;

	if (!pass)
		return -ENOMEM;
	pass->api = *api;
	pass->base = base;
	pass->store = (struct b2b_scim_store){ .state = state, .policy = policy, .conf = conf };
	pass->handlers = *handlers;
	pass->arg = arg;
	pass->told_ns = b2b_now_ns();
	pass->store.changed = calloc(policy->n_orgs + 1, sizeof(*pass->store.changed));
	r = pass->store.changed ? b2b_directory_begin_pass(state, &pass->number) : -ENOMEM;
	if (r == 0 && !conf->federation.scim_organisations) {
		pass->stage = PEOPLE;
		r = assume_orgs(pass);
	}
	if (r == 0)
		r = start_list(pass);
	if (r < 0) {
		pass_free(pass);
		return r;
	}
	*ret_pass = pass;
	return 0;
}

void b2b_scim_pass_cancel(struct b2b_scim_pass *pass)
{
	if (!pass)
		return;
	b2b_scim_list_cancel(pass->list);
	b2b_api_cancel(pass->confirm);
	pass_free(pass);
}
