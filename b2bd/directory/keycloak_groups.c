#include "b2bd/directory/keycloak_groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/keycloak_absent.h"
#include "b2bd/directory/keycloak_map.h"
#include "b2bd/directory/keycloak_url.h"
#include "b2bd/directory/scim_list.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/json.h"

#define GROUPS_MAX 10000 /* of an organisation; each takes a question or two in every pass */
#define ASK_TIMEOUT_MS 10000

struct b2b_keycloak_groups {
	struct b2b_pass *pass;
	int org;
	void (*done)(struct b2b_pass *pass, int error, const char *why);
	json_t *queue;   /* groups, as they were listed: those within one come after it */
	size_t at;       /* whose members or groups are read */
	json_t *members; /* their ids */
	json_t *absent;  /* ids of those known here who were not listed: members of the current group, then groups */
	size_t asked;    /* of them */
	bool there;      /* the one who is asked for is in the current group */
	bool all_asked;  /* groups that were not listed, too */
	bool gone;       /* something was answered with 404, which may be of more than it */
	struct b2b_scim_list *list;
	struct b2b_api_call *call;
};

void b2b_keycloak_groups_cancel(struct b2b_keycloak_groups *groups)
{
	if (!groups)
		return;
	b2b_scim_list_cancel(groups->list);
	b2b_api_cancel(groups->call);
	json_decref(groups->queue);
	json_decref(groups->members);
	json_decref(groups->absent);
	free(groups);
}

static void end(struct b2b_keycloak_groups *groups, int error, const char *why)
{
	struct b2b_pass *pass = groups->pass;
	void (*done)(struct b2b_pass *pass, int error, const char *why) = groups->done;
	char text[sizeof(pass->why)];

	snprintf(text, sizeof(text), "%s", why); /* it may be the list's own */
	b2b_keycloak_groups_cancel(groups);
	done(pass, error, text);
}

static const json_t *current(const struct b2b_keycloak_groups *groups)
{
	return json_array_get(groups->queue, groups->at);
}

/* List WHAT ("/members", "/children") of the current group, or the organisation's own groups. URL is taken. */
static int start_list(struct b2b_keycloak_groups *groups, char *url, const struct b2b_scim_list_handlers *handlers)
{
	int r = url ? b2b_scim_list_start(&groups->pass->api, url, (struct b2b_list_how){ .style = B2B_LIST_KEYCLOAK }, handlers, groups, &groups->list) : -ENOMEM;

	free(url);
	return r;
}

static const char *org_id(const struct b2b_keycloak_groups *groups)
{
	return groups->pass->store.policy->orgs[groups->org].id;
}

/* IDS are to be asked for, one by one; the reference is taken. Returns 0 or a negative errno. */
static int set_absent(struct b2b_keycloak_groups *groups, json_t *ids)
{
	json_decref(groups->absent);
	groups->absent = ids;
	groups->asked = 0;
	return ids ? 0 : -ENOMEM;
}

/* The next of them, or NULL. */
static const char *next_absent(const struct b2b_keycloak_groups *groups)
{
	return json_string_value(json_array_get(groups->absent, groups->asked));
}

static char *group_url(const struct b2b_keycloak_groups *groups, const char *what)
{
	return b2b_keycloak_url(groups->pass->base, org_id(groups), "groups", b2b_scim_id(current(groups)), what);
}

static int groups_page(void *arg, const json_t *resources)
{
	struct b2b_keycloak_groups *groups = arg;

	if (json_array_size(groups->queue) + json_array_size(resources) > GROUPS_MAX)
		return -E2BIG;
	return json_array_extend(groups->queue, (json_t *)resources) < 0 ? -ENOMEM : 0;
}

static void read_members(struct b2b_keycloak_groups *groups);

static void children_end(void *arg, int error, const char *why)
{
	struct b2b_keycloak_groups *groups = arg;

	groups->list = NULL;
	if (error < 0 && error != -ENOENT) {
		end(groups, -EAGAIN, why);
		return;
	}
	groups->at++;
	read_members(groups);
}

static void read_children(struct b2b_keycloak_groups *groups)
{
	static const struct b2b_scim_list_handlers handlers = { .page = groups_page, .end = children_end };
	const json_t *count = json_object_get(current(groups), "subGroupCount");
	int r;

	if (json_is_integer(count) && json_integer_value(count) == 0) {
		groups->at++;
		read_members(groups);
		return;
	}
	r = start_list(groups, group_url(groups, "/children?subGroupsCount=true"), &handlers);
	if (r < 0)
		end(groups, -EAGAIN, strerror(-r));
}

static int members_page(void *arg, const json_t *resources)
{
	struct b2b_keycloak_groups *groups = arg;
	const json_t *resource;
	size_t i;

	json_array_foreach(resources, i, resource) {
		if (json_array_append(groups->members, json_object_get(resource, "id")) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int store_current(struct b2b_keycloak_groups *groups)
{
	struct b2b_pass *pass = groups->pass;
	json_t *group = b2b_keycloak_group(current(groups), groups->members, org_id(groups), &pass->store.conf->federation);
	json_t *resources = group ? json_pack("[o]", group) : NULL;
	int r = resources ? b2b_scim_store_groups(&pass->store, resources, pass->number) : -ENOMEM;

	json_decref(resources);
	return r;
}

static int own_groups_page(void *arg, const json_t *resources)
{
	struct b2b_keycloak_groups *groups = arg;
	const json_t *resource;
	size_t i;

	json_array_foreach(resources, i, resource)
		groups->there = groups->there || (b2b_scim_id(resource) && strcmp(b2b_scim_id(resource), b2b_scim_id(current(groups))) == 0);
	return 0;
}

static void ask_for_members(struct b2b_keycloak_groups *groups);

/* Who is no member of the organisation (404) is the pass's to remove, and in no group then. */
static void own_groups_end(void *arg, int error, const char *why)
{
	struct b2b_keycloak_groups *groups = arg;

	groups->list = NULL;
	if (error < 0 && error != -ENOENT) {
		end(groups, -EAGAIN, why);
		return;
	}
	if ((groups->there || error == -ENOENT) && json_array_append(groups->members, json_array_get(groups->absent, groups->asked)) < 0) {
		end(groups, -EAGAIN, strerror(ENOMEM));
		return;
	}
	groups->asked++;
	ask_for_members(groups);
}

/* Of whom it is asked alone what groups they are in; then the group is as it is. */
static void ask_for_members(struct b2b_keycloak_groups *groups)
{
	static const struct b2b_scim_list_handlers handlers = { .page = own_groups_page, .end = own_groups_end };
	const char *id = next_absent(groups);
	int r;

	groups->there = false;
	r = id ? start_list(groups, b2b_keycloak_url(groups->pass->base, org_id(groups), "members", id, "/groups?briefRepresentation=true"), &handlers)
	       : store_current(groups);
	if (r < 0) {
		end(groups, -EAGAIN, strerror(-r));
	} else if (!id) {
		b2b_pass_stored(groups->pass);
		read_children(groups);
	}
}

static void members_end(void *arg, int error, const char *why)
{
	struct b2b_keycloak_groups *groups = arg;
	int r;

	groups->list = NULL;
	if (error == -ENOENT) { /* it went while we read */
		groups->at++;
		read_members(groups);
		return;
	}
	r = error < 0 ? error
	              : set_absent(groups, b2b_keycloak_absent_members(groups->pass->store.state, org_id(groups), b2b_scim_id(current(groups)), groups->members));
	if (r < 0)
		end(groups, -EAGAIN, error < 0 ? why : strerror(-r));
	else
		ask_for_members(groups);
}

/* URL is taken. */
static void ask(struct b2b_keycloak_groups *groups, char *url, void (*done)(void *arg, const struct b2b_http_response *response))
{
	struct b2b_http_request request = { .method = "GET", .url = url, .timeout_ms = ASK_TIMEOUT_MS };
	int r = url ? b2b_api_start(&groups->pass->api, &request, done, groups, &groups->call) : -ENOMEM;

	free(url);
	if (r < 0)
		end(groups, -EAGAIN, strerror(-r));
}

/* A group that is there and was not listed is read like the others. */
static int queue_group(struct b2b_keycloak_groups *groups, const struct b2b_http_response *response)
{
	json_t *group = NULL;
	int r = b2b_json_parse(response->body, response->body_len, &group);

	if (r == 0 && (!b2b_scim_id(group) || strcmp(b2b_scim_id(group), next_absent(groups)) != 0))
		r = -EBADMSG;
	if (r == 0 && json_array_size(groups->queue) == GROUPS_MAX)
		r = -E2BIG;
	if (r == 0 && json_array_append(groups->queue, group) < 0)
		r = -ENOMEM;
	json_decref(group);
	return r;
}

static void ask_for_groups(struct b2b_keycloak_groups *groups);

static void group_answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_keycloak_groups *groups = arg;
	bool gone = !response->error && response->status == 404;
	int r = gone ? 0 : !response->error && response->status == 200 ? queue_group(groups, response) : -EAGAIN;

	groups->call = NULL;
	if (r < 0) {
		end(groups, -EAGAIN, "the service does not say whether groups that are no longer listed are gone");
		return;
	}
	groups->gone = groups->gone || gone;
	groups->asked++;
	ask_for_groups(groups);
}

static void org_answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_keycloak_groups *groups = arg;
	bool there = !response->error && response->status == 200;

	groups->call = NULL;
	end(groups, there ? 0 : -EAGAIN, there ? "" : "the service does not say whether groups that are no longer listed are gone");
}

/* What it says is gone goes at the end of the pass. */
static void ask_for_groups(struct b2b_keycloak_groups *groups)
{
	if (next_absent(groups))
		ask(groups, b2b_keycloak_url(groups->pass->base, org_id(groups), "groups", next_absent(groups), "?subGroupsCount=true"), group_answered);
	else if (groups->at < json_array_size(groups->queue))
		read_members(groups);
	else if (groups->gone)
		ask(groups, b2b_keycloak_url(groups->pass->base, org_id(groups), NULL, NULL, ""), org_answered);
	else
		end(groups, 0, "");
}

static void all_read(struct b2b_keycloak_groups *groups)
{
	int r = 0;

	if (!groups->all_asked)
		r = set_absent(groups, b2b_keycloak_absent_groups(groups->pass->store.state, org_id(groups), groups->queue));
	groups->all_asked = true;
	if (r < 0)
		end(groups, -EAGAIN, strerror(-r));
	else
		ask_for_groups(groups);
}

static void read_members(struct b2b_keycloak_groups *groups)
{
	static const struct b2b_scim_list_handlers handlers = { .page = members_page, .end = members_end };
	int r;

	if (groups->at == json_array_size(groups->queue)) {
		all_read(groups);
		return;
	}
	json_array_clear(groups->members);
	r = start_list(groups, group_url(groups, "/members?briefRepresentation=true"), &handlers);
	if (r < 0)
		end(groups, -EAGAIN, strerror(-r));
}

static void groups_end(void *arg, int error, const char *why)
{
	struct b2b_keycloak_groups *groups = arg;

	groups->list = NULL;
	if (error < 0 && error != -ENOENT)
		end(groups, -EAGAIN, why);
	else
		read_members(groups);
}

int b2b_keycloak_groups_start(struct b2b_pass *pass, int org, void (*done)(struct b2b_pass *pass, int error, const char *why),
                              struct b2b_keycloak_groups **ret_groups)
{
	static const struct b2b_scim_list_handlers handlers = { .page = groups_page, .end = groups_end };
	struct b2b_keycloak_groups *groups = calloc(1, sizeof(*groups));
	int r = -ENOMEM;

	if (!groups)
		return -ENOMEM;
	*groups = (struct b2b_keycloak_groups){ .pass = pass, .org = org, .done = done, .queue = json_array(), .members = json_array() };
	if (groups->queue && groups->members)
		r = start_list(groups, b2b_keycloak_url(pass->base, org_id(groups), "groups?briefRepresentation=false&subGroupsCount=true", NULL, ""),
		               &handlers);
	if (r < 0)
		b2b_keycloak_groups_cancel(groups);
	else
		*ret_groups = groups;
	return r;
}
