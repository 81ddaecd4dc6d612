/* The organisations of a Keycloak realm: tests/unit/keycloak is what 26.7.3 answered, and here it is told to misbehave. */
#include "tests/unit/source_fixture.h"

#include <errno.h>
#include <jansson.h>

#include "b2bd/directory/keycloak_url.h"
#include "b2bd/state/key_state.h"
#include "b2bd/state/removal_state.h"
#include "common/reason.h"

#define BASE "/admin/realms/partners"
#define ALICE "668f8f91-0f59-47be-a89c-585c0128b249"
#define ERIN "53602a43-f512-4dcc-bc3d-11c256864360"

struct org {
	const char *id;
	json_t *record, *members, *groups;
};

struct realm {
	struct org orgs[2];
	json_t *children, *dba, *night;
	int page;                 /* largest page that is given */
	int status;               /* of everything; 0: as it is */
	int member_status;        /* of a single member who is not hidden; 0: as it is */
	int requests, off_after;  /* organisations are switched off after so many; 0: never */
	bool no_groups, repeats, no_acme;
	bool short_lists;         /* of groups and of their members nothing is listed, with status 200 */
	int group_status;         /* of a single group; 0: as it is */
	int n_hidden;
	int namesakes;            /* people of the realm who have the attribute that is asked for */
	char searched[128];
};

struct world {
	struct source_run run; /* first: see there */
	struct realm realm;
	char issuer[256];
};

static json_t *recorded(const char *name)
{
	char path[128];
	json_t *json;

	snprintf(path, sizeof(path), "tests/unit/keycloak/%s.json", name);
	json = json_load_file(path, 0, NULL);
	assert_non_null(json);
	return json;
}

static char *text(json_t *json)
{
	char *body = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	return body;
}

static long number(const char *path, const char *name)
{
	const char *at = strstr(path, name);

	return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

static char *slice(const struct realm *realm, const char *path, const json_t *all, size_t n)
{
	long first = number(path, "first="), most = number(path, "max=");
	json_t *part = json_array();
	size_t i;

	if (most > realm->page)
		most = realm->page;
	if (realm->repeats)
		first = 0;
	for (i = (size_t)first; i < n && (long)i < first + most; i++)
		json_array_append(part, json_array_get(all, i));
	return text(part);
}

static json_t *member(const struct org *org, const char *id, size_t id_len)
{
	json_t *entry;
	size_t i;

	json_array_foreach(org->members, i, entry) {
		const char *own = json_string_value(json_object_get(entry, "id"));

		if (own && strlen(own) == id_len && !strncmp(own, id, id_len))
			return entry;
	}
	return NULL;
}

/* As Keycloak does: the text anywhere in the username. */
static char *search(const struct org *org, const char *what)
{
	json_t *found = json_array(), *entry;
	size_t i;

	json_array_foreach(org->members, i, entry) {
		if (strstr(json_string_value(json_object_get(entry, "username")), what))
			json_array_append(found, entry);
	}
	return text(found);
}

static const json_t *with_id(const json_t *list, const char *id)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) {
		const char *own = json_string_value(json_object_get(entry, "id"));

		if (!strncmp(own, id, strlen(own)))
			return entry;
	}
	return NULL;
}

static char *one_group(const struct realm *realm, const struct org *org, const char *id, int *status)
{
	const json_t *group = with_id(org->groups, id) ? with_id(org->groups, id) : with_id(realm->children, id);

	*status = group && realm->group_status ? realm->group_status : group ? 200 : 404;
	return *status == 200 ? json_dumps(group, JSON_COMPACT) : NULL;
}

/* Those that the member with ID is in. */
static char *groups_of(const struct realm *realm, const char *path, const char *id)
{
	json_t *own = json_array();
	char *body;

	if (with_id(realm->dba, id))
		json_array_append(own, json_array_get(realm->orgs[0].groups, 0));
	if (with_id(realm->night, id))
		json_array_append(own, json_array_get(realm->children, 0));
	body = slice(realm, path, own, json_array_size(own));
	json_decref(own);
	return body;
}

static char *answer_groups(const struct realm *realm, const struct org *org, const char *path, const char *rest, int *status)
{
	const json_t *list = strstr(rest, "/children")                ? realm->children
	                     : strstr(rest, "/groups/dd1bc11e")       ? realm->dba
	                     : strncmp(rest, "/groups/", 8) == 0      ? realm->night
	                                                              : org->groups;

	if (realm->no_groups) {
		*status = 404;
		return NULL;
	}
	if (strncmp(rest, "/groups/", 8) == 0 && !strstr(rest, "/children") && !strstr(rest, "/members"))
		return one_group(realm, org, rest + 8, status);
	return slice(realm, path, list, realm->short_lists ? 0 : json_array_size(list));
}

static char *answer_members(struct realm *realm, const struct org *org, const char *path, const char *rest, int *status)
{
	size_t n = json_array_size(org->members);
	const char *what = strstr(rest, "search=");
	json_t *one;

	if (what) {
		snprintf(realm->searched, sizeof(realm->searched), "%s", what + strlen("search="));
		return search(org, realm->searched);
	}
	if (strncmp(rest, "/members/", 9) != 0)
		return slice(realm, path, org->members, org == &realm->orgs[0] ? n - (size_t)realm->n_hidden : n);
	if (strstr(rest, "/groups?"))
		return groups_of(realm, path, rest + 9);
	one = member(org, rest + 9, strlen(rest + 9));
	*status = one && realm->member_status ? realm->member_status : one ? 200 : 404;
	return *status == 200 ? json_dumps(one, JSON_COMPACT) : strdup("{\"error\":\"HTTP 404 Not Found\"}");
}

/* GET /users?q=localName:NAME: of the whole realm. */
static char *answer_users(const struct realm *realm)
{
	json_t *list = json_array();
	int i;

	for (i = 0; i < realm->namesakes; i++)
		json_array_append_new(list, json_pack("{s:s}", "id", i ? "7e9a4d52-0000-4000-8000-00000000000a" : "913451be-9158-41e3-9816-3df89a94c63b"));
	return text(list);
}

static char *answer_org(struct realm *realm, const char *path, const char *rest, int *status)
{
	struct org *org;
	size_t i, len;

	for (i = 0; i < 2; i++) {
		org = &realm->orgs[i];
		len = strlen(org->id);
		if (strncmp(rest, org->id, len) != 0 || (i == 0 && realm->no_acme))
			continue;
		rest += len;
		return !*rest                                 ? json_dumps(org->record, JSON_COMPACT)
		       : strncmp(rest, "/groups", 7) == 0     ? answer_groups(realm, org, path, rest, status)
		                                              : answer_members(realm, org, path, rest, status);
	}
	*status = 404;
	return strdup("{\"errorMessage\":\"Organization not found.\"}");
}

static void answer(void *arg, const struct tls_request *request, struct tls_reply *reply)
{
	struct realm *realm = arg;
	const char *path = request->path;
	static const char orgs[] = BASE "/organizations";

	realm->requests++;
	if (realm->status) {
		reply->status = realm->status;
	} else if (realm->off_after && realm->requests > realm->off_after) {
		reply->status = 404;
		reply->body = strdup("{\"errorMessage\":\"Organizations not enabled for this realm.\"}");
	} else if (!strncmp(path, BASE "/users?", strlen(BASE "/users?"))) {
		reply->body = answer_users(realm);
	} else if (!strncmp(path, orgs, strlen(orgs)) && path[strlen(orgs)] == '?') {
		reply->body = strdup("[]");
	} else if (!strncmp(path, orgs, strlen(orgs))) {
		reply->body = answer_org(realm, path, path + strlen(orgs) + 1, &reply->status);
	} else {
		reply->status = 404;
	}
}

static void changed(void *arg, int org)
{
	struct world *world = arg;

	assert_in_range(org, 0, 1);
	assert_true(b2b_state_idle(world->run.base->state));
	world->run.changes++;
}

static void load(struct realm *realm)
{
	realm->orgs[0] = (struct org){ .id = "42c3e9", .record = recorded("organization"), .members = recorded("members"), .groups = recorded("groups") };
	realm->orgs[1] = (struct org){ .id = "9d01f2", .record = recorded("globex"), .members = recorded("globex_members"), .groups = json_array() };
	realm->children = recorded("children");
	realm->dba = recorded("dba");
	realm->night = recorded("night");
	realm->page = 500;
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct b2b_conf_federation *federation = &world->run.conf.federation;

	load(&world->realm);
	source_start(&world->run, answer, &world->realm);
	snprintf(world->issuer, sizeof(world->issuer), "%s/realms/partners", tls_server_url(world->run.server));
	*federation = (struct b2b_conf_federation){
		.issuer = world->issuer, .directory = B2B_DIRECTORY_KEYCLOAK, .scim_schema = (char *)"urn:b2b:scim:schemas:2.0:User",
		.scim_organisation_attribute = (char *)"organizationId", .scim_name_attribute = (char *)"localName",
		.scim_group_name_attribute = (char *)"localName", .subject_attribute = (char *)"id", .scim_uid_attribute = (char *)"uidNumber",
		.scim_gid_attribute = (char *)"gidNumber", .scim_keys_attribute = (char *)"sshKeys", .scim_owner_attribute = (char *)"owner",
		.sync_interval_s = 3600,
		.mass_removal_percent = 30, .mass_removal_least = 2,
	};
	source_new(&world->run, changed);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	size_t i;

	source_stop(&world->run);
	for (i = 0; i < 2; i++) {
		json_decref(world->realm.orgs[i].record);
		json_decref(world->realm.orgs[i].members);
		json_decref(world->realm.orgs[i].groups);
	}
	json_decref(world->realm.children);
	json_decref(world->realm.dba);
	json_decref(world->realm.night);
	free(world);
	return 0;
}

static int standing(struct world *world, int org, const char *local)
{
	return source_standing(&world->run, world->realm.orgs[org].id, local);
}

static json_t *at(struct world *world, int org, size_t n)
{
	return json_array_get(world->realm.orgs[org].members, n);
}

static void reads_what_a_real_server_says(void **state)
{
	struct world *world = *state;
	struct b2b_source_status status;
	struct b2b_principal alice;
	char *keys = NULL;

	assert_int_equal(source_pass(&world->run), 0);
	b2b_source_get_status(world->run.source, &status);
	assert_int_equal(status.people, 5);
	assert_int_equal(status.groups, 2);
	assert_int_equal(status.organisations, 2);
	assert_int_equal(b2b_directory_by_name(world->run.base->state, "42c3e9", "alice", &alice), 0);
	assert_string_equal(alice.id, ALICE);
	assert_string_equal(alice.subject, ALICE);
	assert_string_equal(alice.display, "alice Example");
	assert_string_equal(alice.shell, "/bin/sh");
	assert_int_equal(alice.uid, 2013270001);
	assert_int_equal(alice.roles, 2);
	assert_int_equal(alice.not_after, 2082758400);
	b2b_principal_clear(&alice);
	assert_int_equal(b2b_key_get(world->run.base->state, ALICE, &keys), 0);
	assert_int_equal(strncmp(keys, "ssh-ed25519 AAAA", 16), 0);
	assert_null(strstr(keys, "laptop"));
	free(keys);
	assert_int_equal(fixture_alias(world->run.base, B2B_ALIAS_MAIL, "alice@acme.example"), 2013270001);
	assert_int_equal(standing(world, 0, "dave"), B2B_OK);
	assert_int_equal(standing(world, 0, "grace"), B2B_OK); /* by her attribute, not her username */
	assert_int_equal(standing(world, 0, "g.hopper"), -ENOENT);
	assert_int_equal(standing(world, 0, "heidi"), B2B_USER_SUSPENDED);
	assert_int_equal(standing(world, 1, "erin"), B2B_OK);
}

struct groups {
	uint32_t dba, night;
	size_t n_dba, n_night;
};

static int note_group(void *arg, const char *local, uint32_t gid, const uint32_t *members, size_t n_members)
{
	struct groups *groups = arg;

	(void)members;
	if (!strcmp(local, "dba")) {
		groups->dba = gid;
		groups->n_dba = n_members;
	} else if (!strcmp(local, "night")) {
		groups->night = gid;
		groups->n_night = n_members;
	}
	return 0;
}

static void groups_within_groups_are_read_too(void **state)
{
	struct world *world = *state;
	struct groups groups = { 0 };

	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(b2b_directory_each_group(world->run.base->state, "42c3e9", note_group, &groups), 0);
	assert_int_equal(groups.dba, 2013271000);
	assert_int_equal(groups.n_dba, 1);
	assert_true(groups.night != 0);
	assert_int_equal(groups.n_night, 1);
	world->realm.no_groups = true; /* an older release */
	assert_int_equal(source_pass(&world->run), 0);
	groups = (struct groups){ 0 };
	assert_int_equal(b2b_directory_each_group(world->run.base->state, "42c3e9", note_group, &groups), 0);
	assert_int_equal(groups.dba, 0);
}

static struct groups groups_now(struct world *world)
{
	struct groups groups = { 0 };

	assert_int_equal(b2b_directory_each_group(world->run.base->state, "42c3e9", note_group, &groups), 0);
	return groups;
}

/* Lists that say no total end at the first empty page: what was not listed is asked for by itself. */
static void what_is_only_not_listed_stays_in_its_groups(void **state)
{
	struct world *world = *state;
	struct groups groups;

	assert_int_equal(source_pass(&world->run), 0);
	world->realm.short_lists = true;
	world->run.changes = 0;
	assert_int_equal(source_pass(&world->run), 0);
	groups = groups_now(world);
	assert_int_equal(groups.dba, 2013271000);
	assert_int_equal(groups.n_dba, 1);
	assert_int_equal(groups.n_night, 1);
	assert_int_equal(world->run.changes, 0);
	world->realm.group_status = 403;
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_non_null(strstr(world->run.why, "groups that are no longer listed"));
	assert_int_equal(groups_now(world).n_dba, 1);
}

static void who_left_a_group_and_a_group_that_is_gone_go(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	json_array_clear(world->realm.dba);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(groups_now(world).n_dba, 0);
	assert_int_equal(groups_now(world).n_night, 1);
	json_array_clear(world->realm.orgs[0].groups);
	json_array_clear(world->realm.children);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(groups_now(world).dba, 0);
	assert_int_equal(groups_now(world).night, 0);
}

static void a_second_pass_changes_nothing(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	assert_true(world->run.changes > 0);
	world->run.changes = 0;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(world->run.changes, 0);
}

static void pages_are_turned_until_one_is_empty(void **state)
{
	struct world *world = *state;
	struct b2b_source_status status;

	world->realm.page = 1;
	assert_int_equal(source_pass(&world->run), 0);
	b2b_source_get_status(world->run.source, &status);
	assert_int_equal(status.people, 5);
	world->realm.repeats = true;
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_non_null(strstr(world->run.why, "same page"));
	assert_int_equal(standing(world, 0, "grace"), B2B_OK);
}

static void who_left_the_organisation_is_removed(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	json_array_remove(world->realm.orgs[0].members, 1);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 0, "dave"), B2B_USER_REMOVED);
	assert_int_equal(standing(world, 0, "alice"), B2B_OK);
	assert_int_equal(standing(world, 1, "erin"), B2B_OK);
}

static void who_is_disabled_is_suspended(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	json_object_set_new(at(world, 0, 1), "enabled", json_false());
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 0, "dave"), B2B_USER_SUSPENDED);
	json_object_del(at(world, 0, 0), "enabled"); /* nothing said is no yes */
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 0, "alice"), B2B_USER_SUSPENDED);
}

/* Keycloak leaves out of a list whomever the account may not see, with status 200. */
static void who_is_only_not_shown_stays(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	world->realm.n_hidden = 1;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 0, "heidi"), B2B_USER_SUSPENDED);
	world->realm.member_status = 403;
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_int_equal(standing(world, 0, "heidi"), B2B_USER_SUSPENDED);
	world->realm.n_hidden = 4;
	assert_int_equal(source_pass(&world->run), -EBUSY); /* before anybody is asked for */
	assert_int_equal(standing(world, 0, "alice"), B2B_OK);
}

static void grow(struct world *world, int n)
{
	char id[16], name[16];
	int i;

	for (i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		snprintf(name, sizeof(name), "n%d", i);
		json_array_append_new(world->realm.orgs[0].members, json_pack("{s:s,s:s,s:b}", "id", id, "username", name, "enabled", 1));
	}
}

static uint64_t people(struct world *world)
{
	struct b2b_source_status status;

	b2b_source_get_status(world->run.source, &status);
	return status.people;
}

/* A list ends at its first empty page, also where that is empty by mistake: whoever comes after it is asked for. */
static void an_empty_page_too_early_removes_nobody(void **state)
{
	struct world *world = *state;
	int i;

	grow(world, 1495);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(people(world), 1500);
	world->realm.n_hidden = 300;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(people(world), 1500);
	for (i = 0; i < 100; i++)
		json_array_remove(world->realm.orgs[0].members, json_array_size(world->realm.orgs[0].members) - 1);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(people(world), 1400);
	assert_int_equal(standing(world, 0, "n1395"), B2B_USER_REMOVED);
	assert_int_equal(standing(world, 0, "n1394"), B2B_OK);
}

/* Half-way, organisations are switched off in the realm: those asked for until then are gone, and of the others nothing is known. */
static void of_many_only_those_confirmed_are_removed(void **state)
{
	struct world *world = *state;
	int listing, i;

	grow(world, 995);
	world->realm.requests = 0;
	assert_int_equal(source_pass(&world->run), 0);
	listing = world->realm.requests;
	for (i = 0; i < 250; i++)
		json_array_remove(world->realm.orgs[0].members, json_array_size(world->realm.orgs[0].members) - 1);
	world->realm.requests = 0;
	world->realm.off_after = listing + 200 + 1 + 20; /* 200 at once, and then the organisation */
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_int_equal(people(world), 800);
	world->realm.off_after = 0;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(people(world), 750);
	assert_int_equal(standing(world, 0, "n744"), B2B_OK);
	assert_int_equal(standing(world, 0, "n745"), B2B_USER_REMOVED);
}

static void organisations_switched_off_remove_nobody(void **state)
{
	struct world *world = *state;
	int n;

	assert_int_equal(source_pass(&world->run), 0);
	n = world->realm.requests;
	json_array_remove(world->realm.orgs[0].members, 1);
	world->realm.requests = 0;
	assert_int_equal(source_pass(&world->run), 0); /* dave is gone, by one question for him and one for acme */
	assert_int_equal(world->realm.requests, n + 2);
	json_array_remove(world->realm.orgs[0].members, 0);
	for (n = world->realm.requests - 1; n > 0; n--) {
		world->realm.requests = 0;
		world->realm.off_after = n;
		assert_int_not_equal(source_pass(&world->run), 0);
		assert_int_equal(standing(world, 0, "alice"), B2B_OK);
		assert_int_equal(standing(world, 1, "erin"), B2B_OK);
	}
}

static void check_owned(struct world *world, const char *local, int kind, const char *owner)
{
	struct b2b_principal person;

	assert_int_equal(b2b_directory_by_name(world->run.base->state, "42c3e9", local, &person), 0);
	assert_int_equal(person.kind, kind);
	assert_string_equal(person.owner, owner);
	b2b_principal_clear(&person);
}

static void an_address_that_nobody_has_verified_is_nobody_s(void **state)
{
	struct world *world = *state;

	json_object_set_new(at(world, 0, 1), "email", json_string("d@mail.example"));
	assert_int_equal(source_pass(&world->run), 0);
	assert_true(fixture_alias(world->run.base, B2B_ALIAS_MAIL, "d@mail.example"));
	json_object_set_new(at(world, 0, 1), "emailVerified", json_false());
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(fixture_alias(world->run.base, B2B_ALIAS_MAIL, "d@mail.example"), 0);
}

static void an_attribute_names_a_service_accounts_owner(void **state)
{
	struct world *world = *state;

	json_object_set_new(at(world, 0, 1), "attributes", json_pack("{s:[s]}", "owner", ALICE));
	assert_int_equal(source_pass(&world->run), 0);
	check_owned(world, "dave", B2B_SERVICE_PRINCIPAL, ALICE);
	check_owned(world, "alice", B2B_PERSON, "");
	json_object_set_new(at(world, 0, 0), "enabled", json_false());
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 0, "dave"), B2B_OWNER_CLOSED);
	json_object_set_new(at(world, 0, 0), "enabled", json_true());
	json_object_set_new(at(world, 0, 1), "attributes", json_pack("{s:[i]}", "owner", 7));
	assert_int_equal(source_pass(&world->run), 0);
	check_owned(world, "dave", B2B_SERVICE_PRINCIPAL, ALICE); /* one that is none does not set anybody free */
	world->run.conf.federation.scim_owner_attribute = (char *)"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
	json_object_set_new(at(world, 0, 1), "attributes", json_pack("{s:[s]}", "manager", ERIN));
	assert_int_equal(source_pass(&world->run), 0);
	check_owned(world, "dave", B2B_SERVICE_PRINCIPAL, ERIN);
	assert_int_equal(standing(world, 0, "dave"), B2B_OWNER_CLOSED); /* she is none of this organisation */
}

static void a_disabled_organisation_is_closed(void **state)
{
	struct world *world = *state;
	struct b2b_org_record org;

	assert_int_equal(source_pass(&world->run), 0);
	json_object_set_new(world->realm.orgs[0].record, "enabled", json_false());
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(b2b_directory_org(world->run.base->state, "42c3e9", &org), 0);
	assert_int_equal(b2b_org_standing(&org, b2b_wall_s()), B2B_ORG_SUSPENDED);
	assert_int_equal(org.not_before, 1767225600);
	b2b_org_record_clear(&org);
	json_object_del(world->realm.orgs[0].record, "enabled"); /* says nothing of it: as before */
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(b2b_directory_org(world->run.base->state, "42c3e9", &org), 0);
	assert_int_equal(b2b_org_standing(&org, b2b_wall_s()), B2B_ORG_SUSPENDED);
	b2b_org_record_clear(&org);
}

static void an_organisation_that_is_gone_waits_for_a_word(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	world->realm.no_acme = true;
	assert_int_equal(source_pass(&world->run), -EBUSY);
	assert_non_null(strstr(world->run.why, "acme is no longer listed"));
	assert_int_equal(standing(world, 0, "alice"), B2B_OK);
	assert_int_equal(b2b_removal_approve(world->run.base->state, "42c3e9", b2b_wall_s(), 1000), 0);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 0, "alice"), B2B_USER_REMOVED);
	assert_int_equal(standing(world, 1, "erin"), B2B_OK);
}

static void an_invitation_ends_nobody_elsewhere(void **state)
{
	struct world *world = *state;
	json_t *erin;

	assert_int_equal(source_pass(&world->run), 0);
	erin = json_deep_copy(at(world, 1, 0));
	json_array_append(world->realm.orgs[0].members, erin); /* acme is read before globex */
	assert_int_equal(source_find(&world->run, 0, "erin"), -ENOENT);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 1, "erin"), B2B_OK);
	assert_int_equal(standing(world, 0, "erin"), -ENOENT);
	json_array_clear(world->realm.orgs[1].members);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 1, "erin"), B2B_USER_REMOVED);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 0, "erin"), B2B_OK);
	json_decref(erin);
}

static void a_broken_record_keeps_who_is_known(void **state)
{
	struct world *world = *state;
	static const char *const broken[] = { "{\"localName\":[7]}", "{\"localName\":{\"a\":\"b\"}}", "{\"state\":[\"maybe\"]}", "{\"notAfter\":[\"tomorrow\"]}",
		                              "{\"roles\":\"dba\"}", "{\"localName\":[\"BAD NAME\"]}" };
	size_t i;

	assert_int_equal(source_pass(&world->run), 0);
	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		json_object_set_new(at(world, 0, 1), "attributes", json_loads(broken[i], 0, NULL));
		assert_int_equal(source_pass(&world->run), 0);
		assert_int_equal(standing(world, 0, "dave"), B2B_OK);
	}
	json_object_set_new(at(world, 0, 1), "attributes", json_string("none"));
	json_object_set_new(at(world, 0, 1), "username", json_integer(5));
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 0, "dave"), B2B_OK);
	json_object_del(at(world, 0, 1), "id");
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_int_equal(standing(world, 0, "dave"), B2B_OK);
}

/* An attribute must not say where somebody belongs, whatever root calls it. */
static void no_attribute_moves_anybody(void **state)
{
	struct world *world = *state;

	json_object_set_new(at(world, 0, 1), "attributes", json_pack("{s:[s],s:[s]}", "organizationId", "9d01f2", "id", ERIN));
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 0, "dave"), B2B_OK);
	assert_int_equal(standing(world, 1, "dave"), -ENOENT);
}

static void errors_remove_nobody(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	world->realm.status = 403;
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_non_null(strstr(world->run.why, "view-organizations and view-users"));
	world->realm.status = 500;
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	world->realm.status = 404;
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_non_null(strstr(world->run.why, "is keycloak_url right, and are organisations enabled"));
	world->realm.status = 200; /* and an empty body */
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_int_equal(standing(world, 0, "alice"), B2B_OK);
}

static void a_person_is_found_by_username(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_find(&world->run, 0, "alice"), 0);
	assert_string_equal(world->realm.searched, "alice");
	assert_int_equal(standing(world, 0, "alice"), B2B_OK);
	assert_int_equal(standing(world, 0, "dave"), -ENOENT);
	assert_int_equal(source_find(&world->run, 0, "nobody"), -ENOENT);
	assert_int_equal(source_find(&world->run, 0, "g.hopper"), -ENOENT); /* she has a name of her own */
	assert_int_equal(source_find(&world->run, 1, "alice"), -ENOENT);
	world->realm.status = 500;
	assert_int_equal(source_find(&world->run, 0, "dave"), -EHOSTUNREACH);
}

static void a_person_is_found_by_an_attribute(void **state)
{
	struct world *world = *state;

	world->realm.namesakes = 3; /* grace and two of other organisations */
	assert_int_equal(source_find(&world->run, 1, "grace"), -ENOENT);
	assert_int_equal(source_find(&world->run, 0, "grace"), 0);
	assert_int_equal(standing(world, 0, "grace"), B2B_OK);
	assert_int_equal(source_find(&world->run, 0, "nobody"), -ENOENT);
	world->realm.namesakes = 11; /* too many to ask for: that is not a no */
	assert_int_equal(source_find(&world->run, 0, "nobody"), -EHOSTUNREACH);
}

static void ends_at_any_moment_without_a_trace(void **state)
{
	struct world *world = *state;
	int n, all;

	assert_int_equal(source_pass(&world->run), 0);
	all = world->realm.requests;
	json_array_remove(world->realm.orgs[0].members, 1);
	for (n = 1; n <= all + 2; n++) {
		world->realm.requests = 0;
		b2b_source_sync(world->run.source);
		source_turn_until(&world->run, &world->realm.requests, n);
		b2b_source_free(world->run.source);
		source_new(&world->run, changed);
	}
	world->realm.namesakes = 3;
	for (n = 1; n <= 4; n++) {
		world->realm.requests = 0;
		b2b_source_find(world->run.source, 0, "nobody", source_found, &world->run);
		source_turn_until(&world->run, &world->realm.requests, n);
		b2b_source_free(world->run.source);
		source_new(&world->run, changed);
	}
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 0, "dave"), B2B_USER_REMOVED);
}

static void the_admin_api_is_beside_the_issuer(void **state)
{
	static const struct {
		const char *issuer, *url, *base;
	} cases[] = {
		{ "https://login.example.com/realms/partners", NULL, "https://login.example.com/admin/realms/partners" },
		{ "https://example.com/auth/realms/partners/", NULL, "https://example.com/auth/admin/realms/partners" },
		{ "https://example.com/realms/a/realms/b", NULL, "https://example.com/realms/a/admin/realms/b" },
		{ "https://example.com/realms/a", "https://admin.example.com/admin/realms/a/", "https://admin.example.com/admin/realms/a" },
		{ "https://example.com/partners", NULL, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct b2b_conf_federation federation = { .issuer = (char *)cases[i].issuer, .keycloak_url = (char *)cases[i].url };
		char *base = b2b_keycloak_base(&federation);

		if (cases[i].base)
			assert_string_equal(base, cases[i].base);
		else
			assert_null(base);
		free(base);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_what_a_real_server_says),
		TEST(groups_within_groups_are_read_too),
		TEST(what_is_only_not_listed_stays_in_its_groups),
		TEST(who_left_a_group_and_a_group_that_is_gone_go),
		TEST(a_second_pass_changes_nothing),
		TEST(pages_are_turned_until_one_is_empty),
		TEST(who_left_the_organisation_is_removed),
		TEST(who_is_disabled_is_suspended),
		TEST(who_is_only_not_shown_stays),
		TEST(an_empty_page_too_early_removes_nobody),
		TEST(of_many_only_those_confirmed_are_removed),
		TEST(organisations_switched_off_remove_nobody),
		TEST(an_address_that_nobody_has_verified_is_nobody_s),
		TEST(an_attribute_names_a_service_accounts_owner),
		TEST(a_disabled_organisation_is_closed),
		TEST(an_organisation_that_is_gone_waits_for_a_word),
		TEST(an_invitation_ends_nobody_elsewhere),
		TEST(a_broken_record_keeps_who_is_known),
		TEST(no_attribute_moves_anybody),
		TEST(errors_remove_nobody),
		TEST(a_person_is_found_by_username),
		TEST(a_person_is_found_by_an_attribute),
		TEST(ends_at_any_moment_without_a_trace),
		cmocka_unit_test(the_admin_api_is_beside_the_issuer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
