#include "b2bd/directory/keycloak_pass.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/keycloak_groups.h"
#include "b2bd/directory/keycloak_map.h"
#include "b2bd/directory/keycloak_url.h"
#include "b2bd/directory/scim_list.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/json.h"
#include "common/log.h"

#define ORG_TIMEOUT_MS 10000

struct keycloak_pass {
	struct b2b_pass pass;
	int org; /* that is read */
	struct b2b_api_call *call;
	struct b2b_scim_list *list;
	struct b2b_keycloak_groups *groups;
};

static const char *org_id(const struct b2b_pass *pass, int org)
{
	return pass->store.policy->orgs[org].id;
}

/* In which other organisation of this host the person lives, or -1. */
static int elsewhere(const struct b2b_scim_store *store, int org, const char *id)
{
	struct b2b_principal known;
	int other;

	if (!id || b2b_directory_by_id(store->state, id, &known) < 0)
		return -1;
	other = known.state != B2B_REMOVED ? b2b_policy_org_by_id(store->policy, known.org_id) : -1;
	b2b_principal_clear(&known);
	return other != org ? other : -1;
}

json_t *b2b_keycloak_people(struct b2b_scim_store *store, int org, const json_t *members)
{
	const char *id = store->policy->orgs[org].id;
	json_t *people = json_array();
	const json_t *member;
	size_t i;
	int other;

	json_array_foreach(members, i, member) {
		other = elsewhere(store, org, b2b_scim_id(member));
		if (other >= 0) {
			if (store->logged++ < B2B_SCIM_LOG_MAX)
				b2b_log(LOG_WARNING, "directory: person %s is in %s and in %s; on this host in the former alone", b2b_scim_id(member),
				        store->policy->orgs[other].alias, store->policy->orgs[org].alias);
			continue;
		}
		if (json_array_append_new(people, b2b_keycloak_person(member, id, &store->conf->federation)) < 0) {
			json_decref(people);
			return NULL;
		}
	}
	return people;
}

static void next_org(struct keycloak_pass *keycloak);

static void groups_done(struct b2b_pass *pass, int error, const char *why)
{
	struct keycloak_pass *keycloak = (struct keycloak_pass *)pass;

	keycloak->groups = NULL;
	if (error < 0) {
		b2b_pass_fail(pass, why);
		return;
	}
	keycloak->org++;
	next_org(keycloak);
}

static int members_page(void *arg, const json_t *resources)
{
	struct keycloak_pass *keycloak = arg;
	json_t *people = b2b_keycloak_people(&keycloak->pass.store, keycloak->org, resources);
	int r = people ? b2b_scim_store_people(&keycloak->pass.store, people, keycloak->pass.number) : -ENOMEM;

	json_decref(people);
	if (r == 0)
		b2b_pass_stored(&keycloak->pass);
	return r;
}

static void members_end(void *arg, int error, const char *why)
{
	struct keycloak_pass *keycloak = arg;
	int r;

	keycloak->list = NULL;
	if (error < 0) {
		b2b_pass_fail(&keycloak->pass, why);
		return;
	}
	r = b2b_keycloak_groups_start(&keycloak->pass, keycloak->org, groups_done, &keycloak->groups);
	if (r < 0)
		b2b_pass_fail(&keycloak->pass, strerror(-r));
}

/* URL is taken. */
static void ask(struct keycloak_pass *keycloak, char *url, void (*done)(void *arg, const struct b2b_http_response *response))
{
	struct b2b_http_request request = { .method = "GET", .url = url, .timeout_ms = ORG_TIMEOUT_MS };
	int r = url ? b2b_api_start(&keycloak->pass.api, &request, done, keycloak, &keycloak->call) : -ENOMEM;

	free(url);
	if (r < 0)
		b2b_pass_fail(&keycloak->pass, strerror(-r));
}

static void fail_with(struct keycloak_pass *keycloak, const struct b2b_http_response *response, const char *hint)
{
	char why[sizeof(keycloak->pass.why)];

	if (response->error)
		snprintf(why, sizeof(why), "%s", response->error_text);
	else
		snprintf(why, sizeof(why), "%s/organizations answered with status %ld%s", keycloak->pass.base, response->status, hint);
	b2b_pass_fail(&keycloak->pass, why);
}

/* Does the API that knows no such organisation know organisations at all? */
static void probed(void *arg, const struct b2b_http_response *response)
{
	struct keycloak_pass *keycloak = arg;
	json_t *list;

	keycloak->call = NULL;
	if (response->error || response->status != 200) {
		fail_with(keycloak, response, ": is keycloak_url right, and are organisations enabled in the realm?");
	} else if (b2b_json_parse_array(response->body, response->body_len, &list) < 0) {
		b2b_pass_fail(&keycloak->pass, "the admin API did not answer with a list of organisations");
	} else {
		json_decref(list);
		keycloak->org++;
		next_org(keycloak);
	}
}

static void probe(struct keycloak_pass *keycloak)
{
	char *url;

	if (asprintf(&url, "%s/organizations?first=0&max=1", keycloak->pass.base) < 0)
		url = NULL;
	ask(keycloak, url, probed);
}

/* The organisation's own record. Returns 0 or a negative errno. */
static int store_org(struct keycloak_pass *keycloak, const struct b2b_http_response *response)
{
	json_t *answer = NULL, *org = NULL, *resources = NULL;
	int r = b2b_json_parse(response->body, response->body_len, &answer);

	if (r == 0 && (!b2b_scim_id(answer) || strcmp(b2b_scim_id(answer), org_id(&keycloak->pass, keycloak->org)) != 0))
		r = -EBADMSG;
	if (r == 0) {
		b2b_pass_listed(&keycloak->pass, keycloak->org);
		org = b2b_keycloak_org(answer);
		resources = org ? json_pack("[o]", org) : NULL;
		r = resources ? b2b_scim_store_orgs(&keycloak->pass.store, resources, keycloak->pass.number) : -ENOMEM;
	}
	json_decref(resources);
	json_decref(answer);
	return r;
}

static int list_members(struct keycloak_pass *keycloak)
{
	static const struct b2b_scim_list_handlers handlers = { .page = members_page, .end = members_end };
	char *url = b2b_keycloak_url(keycloak->pass.base, org_id(&keycloak->pass, keycloak->org), "members?briefRepresentation=false", NULL, "");
	int r = url ? b2b_scim_list_start(&keycloak->pass.api, url, (struct b2b_list_how){ .style = B2B_LIST_KEYCLOAK }, &handlers, keycloak, &keycloak->list) : -ENOMEM;

	free(url);
	return r;
}

static void org_answered(void *arg, const struct b2b_http_response *response)
{
	struct keycloak_pass *keycloak = arg;
	int r;

	keycloak->call = NULL;
	if (!response->error && response->status == 404) {
		probe(keycloak);
		return;
	}
	if (response->error || response->status != 200) {
		fail_with(keycloak, response, response->status == 403 ? ": the host's service account needs view-organizations and view-users" : "");
		return;
	}
	r = store_org(keycloak, response);
	if (r == 0)
		r = list_members(keycloak);
	if (r < 0)
		b2b_pass_fail(&keycloak->pass, r == -EBADMSG ? "the admin API did not answer with the organisation" : strerror(-r));
}

static void next_org(struct keycloak_pass *keycloak)
{
	if ((uint32_t)keycloak->org == keycloak->pass.store.policy->n_orgs)
		b2b_pass_conclude(&keycloak->pass);
	else
		ask(keycloak, b2b_keycloak_url(keycloak->pass.base, org_id(&keycloak->pass, keycloak->org), NULL, NULL, ""), org_answered);
}

static void begin(void *arg)
{
	next_org(arg);
}

static char *person_url(const struct b2b_pass *pass, int org, const char *id)
{
	return b2b_keycloak_url(pass->base, org_id(pass, org), "members", id, "");
}

static json_t *person(const struct b2b_pass *pass, int org, json_t *answer)
{
	return b2b_keycloak_person(answer, org_id(pass, org), &pass->store.conf->federation);
}

static char *org_url(const struct b2b_pass *pass, int org)
{
	return b2b_keycloak_url(pass->base, org_id(pass, org), NULL, NULL, "");
}

static void stop(struct b2b_pass *pass)
{
	struct keycloak_pass *keycloak = (struct keycloak_pass *)pass;

	b2b_api_cancel(keycloak->call);
	b2b_scim_list_cancel(keycloak->list);
	b2b_keycloak_groups_cancel(keycloak->groups);
}

int b2b_keycloak_pass_start(const struct b2b_pass_order *order, struct b2b_pass **ret_pass)
{
	static const struct b2b_pass_kind kind = { .person_url = person_url, .person = person, .org_url = org_url, .stop = stop };
	struct keycloak_pass *keycloak = calloc(1, sizeof(*keycloak));
	int r = keycloak ? b2b_pass_begin(&keycloak->pass, &kind, order) : -ENOMEM;

	if (r < 0) {
		free(keycloak);
		return r;
	}
	*ret_pass = &keycloak->pass;
	b2b_timer_set(order->api.loop, &keycloak->pass.next, 0, begin, keycloak);
	return 0;
}
