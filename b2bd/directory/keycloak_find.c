#include "b2bd/directory/keycloak_find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/keycloak_map.h"
#include "b2bd/directory/keycloak_pass.h"
#include "b2bd/directory/keycloak_url.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/directory/scim_text.h"
#include "b2bd/json.h"

#define MEMBERS_MAX 100   /* that are looked through */
#define NAMESAKES_MAX 10  /* of the realm, each of whom takes a question */

static const char *org_id(const struct b2b_find *find)
{
	return find->store->policy->orgs[find->org].id;
}

/* Members of the organisation: 0 the person is stored, -ENOENT is none of them, or a negative errno. */
static int store_members(struct b2b_find *find, const json_t *members)
{
	json_t *people = b2b_keycloak_people(find->store, find->org, members);
	int r = people ? b2b_find_store(find, people) : -ENOMEM;

	json_decref(people);
	return r;
}

static void ask_next(struct b2b_find *find);

static void membership_answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_find *find = arg;
	json_t *member = NULL, *members;
	int r = -ENOENT;

	if (response->error || response->status != 404) {
		if (!b2b_find_answered(find, response))
			return;
		r = b2b_json_parse(response->body, response->body_len, &member);
		members = r == 0 ? json_pack("[o]", member) : NULL;
		r = r < 0 ? r : members ? store_members(find, members) : -ENOMEM;
		json_decref(members);
	}
	find->call = NULL;
	if (r == -ENOENT)
		ask_next(find);
	else
		b2b_find_end(find, r);
}

/* The next of the realm's namesakes: a member here? */
static void ask_next(struct b2b_find *find)
{
	size_t n = json_array_size(find->rest);
	char *url;
	int r;

	if (!n) {
		b2b_find_end(find, -ENOENT);
		return;
	}
	url = b2b_keycloak_url(find->base, org_id(find), "members", json_string_value(json_array_get(find->rest, n - 1)), "");
	json_array_remove(find->rest, n - 1);
	r = b2b_find_ask(find, url, membership_answered);
	if (r < 0)
		b2b_find_end(find, r);
}

static void namesakes_answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_find *find = arg;
	const json_t *user;
	json_t *users;
	size_t i;
	int r;

	if (!b2b_find_answered(find, response))
		return;
	r = b2b_json_parse_array(response->body, response->body_len, &users);
	if (r == 0) {
		find->rest = json_array();
		json_array_foreach(users, i, user) {
			if (b2b_scim_id(user) && json_array_append(find->rest, json_object_get(user, "id")) < 0)
				r = -ENOMEM;
		}
		if (json_array_size(users) > NAMESAKES_MAX)
			r = -E2BIG;
		json_decref(users);
	}
	if (r < 0)
		b2b_find_end(find, r);
	else
		ask_next(find);
}

/* malloc'ed, NULL for want of memory */
static char *namesakes_url(const struct b2b_find *find, const char *attribute)
{
	char *name = b2b_scim_percent(attribute), *local = b2b_scim_percent(find->local), *url = NULL;

	if (!name || !local || asprintf(&url, "%s/users?first=0&max=%d&q=%s%%3A%s", find->base, NAMESAKES_MAX + 1, name, local) < 0)
		url = NULL;
	free(name);
	free(local);
	return url;
}

static void members_answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_find *find = arg;
	const char *attribute = b2b_keycloak_attribute(find->store->conf->federation.scim_name_attribute);
	json_t *members;
	size_t n = 0;
	int r;

	if (!b2b_find_answered(find, response))
		return;
	r = b2b_json_parse_array(response->body, response->body_len, &members);
	if (r == 0) {
		n = json_array_size(members);
		r = store_members(find, members);
		json_decref(members);
	}
	if (r == -ENOENT)
		r = n >= MEMBERS_MAX ? -E2BIG : b2b_find_ask(find, namesakes_url(find, attribute), namesakes_answered) < 0 ? -EIO : 1;
	if (r <= 0)
		b2b_find_end(find, r);
}

int b2b_keycloak_find_start(const struct b2b_find *question, struct b2b_find **ret_find)
{
	struct b2b_find *find = b2b_find_new(question);
	char tail[128], *local = b2b_scim_percent(question->local);
	int r = find && local ? 0 : -ENOMEM;

	if (r == 0) {
		snprintf(tail, sizeof(tail), "members?briefRepresentation=false&first=0&max=%d&search=%s", MEMBERS_MAX, local);
		r = b2b_find_ask(find, b2b_keycloak_url(find->base, org_id(find), tail, NULL, ""), members_answered);
	}
	free(local);
	if (r < 0)
		free(find);
	else
		*ret_find = find;
	return r;
}
