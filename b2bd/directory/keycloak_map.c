#include "b2bd/directory/keycloak_map.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "b2bd/directory/scim_attribute.h"

const char *b2b_keycloak_attribute(const char *attribute)
{
	const char *last = strrchr(attribute, ':');

	return last ? last + 1 : attribute;
}

/* Attributes are lists; of one that is single the first counts. Borrowed; NULL where there is none. */
static json_t *attribute_of(const json_t *representation, const char *name)
{
	json_t *value = json_object_get(json_object_get(representation, "attributes"), name);

	if (!json_is_array(value))
		return json_is_null(value) ? NULL : value;
	return json_array_get(value, 0);
}

/* Put VALUE (NULL: nothing) where b2b_scim_value looks for ATTRIBUTE of RESOURCE. Returns 0 or -1. */
static int put(json_t *resource, const struct b2b_conf_federation *federation, const char *attribute, const char *type, json_t *value)
{
	char path[B2B_SCIM_PATH_SIZE], *last;
	json_t *extension;

	if (!value)
		return 0;
	if (b2b_scim_path(federation->scim_schema, attribute, type, path) < 0)
		return -1;
	last = strrchr(path, ':');
	if (!last)
		return json_object_set(resource, path, value);
	*last = '\0';
	extension = json_object_get(resource, path);
	if (!extension) {
		if (json_object_set_new(resource, path, json_object()) < 0)
			return -1;
		extension = json_object_get(resource, path);
	}
	return json_object_set(extension, last + 1, value);
}

static int put_own(json_t *resource, const struct b2b_conf_federation *federation, const char *attribute, const char *type, const json_t *from)
{
	return attribute ? put(resource, federation, attribute, type, attribute_of(from, b2b_keycloak_attribute(attribute))) : 0;
}

static int put_text(json_t *resource, const struct b2b_conf_federation *federation, const char *attribute, const char *type, const char *text)
{
	json_t *value = json_string(text);
	int r = value ? put(resource, federation, attribute, type, value) : -1;

	json_decref(value);
	return r;
}

static int put_name(json_t *resource, const struct b2b_conf_federation *federation, const char *attribute, const char *type,
                    const json_t *from, const char *otherwise)
{
	json_t *name = attribute_of(from, b2b_keycloak_attribute(attribute));

	return put(resource, federation, attribute, type, name ? name : json_object_get(from, otherwise));
}

/* Members of FROM that are there, under the names they have here. */
static int copy(json_t *resource, const json_t *from, const char *const (*names)[2], size_t n)
{
	json_t *value;
	size_t i;

	for (i = 0; i < n; i++) {
		value = json_object_get(from, names[i][0]);
		if (value && json_object_set(resource, names[i][1], value) < 0)
			return -1;
	}
	return 0;
}

static int put_display(json_t *resource, const json_t *member)
{
	const char *first = json_string_value(json_object_get(member, "firstName")), *last = json_string_value(json_object_get(member, "lastName"));

	if (!first && !last)
		return 0;
	return json_object_set_new(resource, "displayName", json_sprintf("%s%s%s", first ? first : "", first && last ? " " : "", last ? last : ""));
}

/* One that nobody has shown to be theirs names nobody. */
static int put_mail(json_t *resource, const json_t *member)
{
	json_t *mail = json_object_get(member, "email");

	if (!json_is_string(mail) || json_is_false(json_object_get(member, "emailVerified")))
		return 0;
	return json_object_set_new(resource, "emails", json_pack("[O]", mail));
}

static int put_person(json_t *person, const json_t *member, const char *org_id, const struct b2b_conf_federation *federation)
{
	static const char *const names[][2] = { { "id", "id" }, { "username", "userName" }, { "enabled", "active" } };
	static const char *const single[] = { "loginShell", "kind", "state", "notBefore", "notAfter" };
	json_t *keys, *roles = json_object_get(json_object_get(member, "attributes"), "roles");
	const char *keys_name = federation->scim_keys_attribute;
	size_t i;
	int r = copy(person, member, names, sizeof(names) / sizeof(names[0]));

	for (i = 0; i < sizeof(single) / sizeof(single[0]) && r == 0; i++)
		r = put_own(person, federation, single[i], "User", member);
	if (r == 0 && roles)
		r = json_object_set(person, "roles", roles);
	if (r == 0)
		r = put_display(person, member);
	if (r == 0)
		r = put_mail(person, member);
	if (r == 0)
		r = put_own(person, federation, federation->scim_uid_attribute, "User", member);
	if (r == 0)
		r = put_own(person, federation, federation->scim_owner_attribute, "User", member);
	keys = keys_name ? json_object_get(json_object_get(member, "attributes"), b2b_keycloak_attribute(keys_name)) : NULL;
	if (r == 0)
		r = keys ? put(person, federation, keys_name, "User", keys) : 0;
	if (r == 0)
		r = put_name(person, federation, federation->scim_name_attribute, "User", member, "username");
	/* last: no attribute of a person's says where the person belongs */
	return r == 0 ? put_text(person, federation, federation->scim_organisation_attribute, "User", org_id) : r;
}

static int put_group(json_t *group, const json_t *from, json_t *members, const char *org_id, const struct b2b_conf_federation *federation)
{
	static const char *const names[][2] = { { "id", "id" }, { "name", "displayName" } };
	int r = copy(group, from, names, sizeof(names) / sizeof(names[0]));

	if (r == 0)
		r = json_object_set(group, "members", members);
	if (r == 0)
		r = put_own(group, federation, federation->scim_gid_attribute, "Group", from);
	if (r == 0)
		r = put_name(group, federation, federation->scim_group_name_attribute, "Group", from, "name");
	return r == 0 ? put_text(group, federation, federation->scim_organisation_attribute, "Group", org_id) : r;
}

static json_t *whole(json_t *resource, int error)
{
	if (error < 0) {
		json_decref(resource);
		return NULL;
	}
	return resource;
}

json_t *b2b_keycloak_person(const json_t *member, const char *org_id, const struct b2b_conf_federation *federation)
{
	json_t *person = json_object();

	return person ? whole(person, put_person(person, member, org_id, federation)) : NULL;
}

json_t *b2b_keycloak_group(const json_t *group, json_t *members, const char *org_id, const struct b2b_conf_federation *federation)
{
	json_t *resource = json_object();

	return resource ? whole(resource, put_group(resource, group, members, org_id, federation)) : NULL;
}

json_t *b2b_keycloak_org(const json_t *organisation)
{
	static const char *const names[][2] = { { "id", "id" } };
	static const char *const windows[] = { "notBefore", "notAfter" };
	const json_t *enabled = json_object_get(organisation, "enabled");
	json_t *org = json_object(), *value;
	size_t i;
	int r = org ? copy(org, organisation, names, 1) : -1;

	for (i = 0; i < sizeof(windows) / sizeof(windows[0]) && r == 0; i++) {
		value = attribute_of(organisation, windows[i]);
		r = value ? json_object_set(org, windows[i], value) : 0;
	}
	/* without a word on it there is no state, and then no record */
	if (r == 0 && json_is_boolean(enabled))
		r = json_object_set_new(org, "state", json_string(json_is_true(enabled) ? "active" : "suspended"));
	return whole(org, r);
}
