#include "b2bd/directory/keycloak_groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/keycloak_map.h"
#include "b2bd/directory/keycloak_url.h"
#include "b2bd/directory/scim_list.h"
#include "b2bd/directory/scim_parse.h"

#define GROUPS_MAX 10000 /* of an organisation; each takes a question or two in every pass */

struct b2b_keycloak_groups {
	struct b2b_pass *pass;
	int org;
	void (*done)(struct b2b_pass *pass, int error, const char *why);
	json_t *queue;   /* groups, as they were listed: those within one come after it */
	size_t at;       /* whose members or groups are read */
	json_t *members; /* their ids */
	struct b2b_scim_list *list;
};

void b2b_keycloak_groups_cancel(struct b2b_keycloak_groups *groups)
{
	if (!groups)
		return;
	b2b_scim_list_cancel(groups->list);
	json_decref(groups->queue);
	json_decref(groups->members);
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

static char *group_url(const struct b2b_keycloak_groups *groups, const char *what)
{
	return b2b_keycloak_url(groups->pass->base, groups->pass->store.policy->orgs[groups->org].id, "groups", b2b_scim_id(current(groups)), what);
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
	json_t *group = b2b_keycloak_group(current(groups), groups->members, pass->store.policy->orgs[groups->org].id, &pass->store.conf->federation);
	json_t *resources = group ? json_pack("[o]", group) : NULL;
	int r = resources ? b2b_scim_store_groups(&pass->store, resources, pass->number) : -ENOMEM;

	json_decref(resources);
	return r;
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
	r = error < 0 ? error : store_current(groups);
	if (r < 0) {
		end(groups, -EAGAIN, error < 0 ? why : strerror(-r));
		return;
	}
	b2b_pass_stored(groups->pass);
	read_children(groups);
}

static void read_members(struct b2b_keycloak_groups *groups)
{
	static const struct b2b_scim_list_handlers handlers = { .page = members_page, .end = members_end };
	int r;

	if (groups->at == json_array_size(groups->queue)) {
		end(groups, 0, "");
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
		r = start_list(groups, b2b_keycloak_url(pass->base, pass->store.policy->orgs[org].id, "groups?briefRepresentation=false&subGroupsCount=true", NULL, ""),
		               &handlers);
	if (r < 0)
		b2b_keycloak_groups_cancel(groups);
	else
		*ret_groups = groups;
	return r;
}
