/* SCIM resource type User with the extension urn:b2b:scim:schemas:2.0:User. */
#include <errno.h>
#include <string.h>

#include "tests/federation/directory.h"
#include "tests/federation/scim.h"
#include "tests/federation/sql.h"

static const struct scim_attribute attributes[] = {
	{ "id", "r.id", "", SCIM_TEXT },
	{ "externalId", "r.external_id", "", SCIM_TEXT },
	{ "userName", "r.user_name", "", SCIM_TEXT }, /* the column is caseless */
	{ "displayName", "r.display", " COLLATE NOCASE", SCIM_TEXT },
	{ "active", "(r.state = 'active')", "", SCIM_BOOL },
	{ "emails", "EXISTS(SELECT 1 FROM json_each(r.emails) WHERE value", " COLLATE NOCASE)", SCIM_TEXT },
	{ "emails.value", "EXISTS(SELECT 1 FROM json_each(r.emails) WHERE value", " COLLATE NOCASE)", SCIM_TEXT },
	{ "roles", "EXISTS(SELECT 1 FROM json_each(r.roles) WHERE value", ")", SCIM_TEXT },
	{ "roles.value", "EXISTS(SELECT 1 FROM json_each(r.roles) WHERE value", ")", SCIM_TEXT },
	{ "groups", "EXISTS(SELECT 1 FROM members m WHERE m.person = r.id AND m.group_id", ")", SCIM_TEXT },
	{ "groups.value", "EXISTS(SELECT 1 FROM members m WHERE m.person = r.id AND m.group_id", ")", SCIM_TEXT },
	{ "meta.created", "r.created_ms", "", SCIM_TIME },
	{ "meta.lastModified", "r.modified_ms", "", SCIM_TIME },
	{ SCIM_USER_B2B ":organizationId", "r.organisation", "", SCIM_TEXT },
	{ SCIM_USER_B2B ":localName", "r.local", "", SCIM_TEXT },
	{ SCIM_USER_B2B ":kind", "r.kind", "", SCIM_TEXT },
	{ SCIM_USER_B2B ":owner", "r.owner", "", SCIM_TEXT },
	{ SCIM_USER_B2B ":state", "r.state", "", SCIM_TEXT },
	{ SCIM_USER_B2B ":notBefore", "r.not_before", "", SCIM_TIME },
	{ SCIM_USER_B2B ":notAfter", "r.not_after", "", SCIM_TIME },
	{ NULL, NULL, NULL, SCIM_TEXT },
};

static json_t *extension(const json_t *row)
{
	json_t *out = json_pack("{ss,ss,ss,ss,sO}", "organizationId", fed_text(row, "organisation"), "localName", fed_text(row, "local"), "kind",
				fed_text(row, "kind"), "state", fed_text(row, "state"), "sshKeys", json_object_get(row, "ssh_keys"));
	if (!out)
		return NULL;
	if (fed_text(row, "owner"))
		json_object_set(out, "owner", json_object_get(row, "owner"));
	if (fed_text(row, "shell"))
		json_object_set(out, "loginShell", json_object_get(row, "shell"));
	fed_scim_set_time(out, "notBefore", row, "not_before");
	fed_scim_set_time(out, "notAfter", row, "not_after");
	return out;
}

static json_t *render(const json_t *row)
{
	json_t *more = extension(row);
	if (!more)
		return NULL;
	json_t *out = json_pack("{s[ss],ss,ss,ss,sb,so,so,so,so}", "schemas", SCIM_USER, SCIM_USER_B2B, "id", fed_text(row, "id"), "userName",
				fed_text(row, "user_name"), "displayName", fed_text(row, "display"), "active",
				strcmp(fed_text(row, "state"), "active") == 0, "emails", fed_scim_values(json_object_get(row, "emails")), "roles",
				fed_scim_values(json_object_get(row, "roles")), "groups", json_incref(json_object_get(row, "groups")), SCIM_USER_B2B, more);
	if (out && fed_text(row, "external_id"))
		json_object_set(out, "externalId", json_object_get(row, "external_id"));
	return out;
}

/* What both creating and replacing take from a document. 0 or -EINVAL. */
static int columns_from(const json_t *document, json_t *columns)
{
	static const struct {
		const char *column, *member;
		bool extended;
	} texts[] = {
		{ "external_id", "externalId", false }, { "display", "displayName", false }, { "user_name", "userName", false },
		{ "kind", "kind", true },		{ "owner", "owner", true },	     { "shell", "loginShell", true },
	};
	const json_t *more = json_object_get(document, SCIM_USER_B2B);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *value = json_object_get(texts[i].extended ? more : document, texts[i].member);
		if (!value)
			continue;
		if (!json_is_string(value) && !json_is_null(value))
			return -EINVAL;
		json_object_set(columns, texts[i].column, value);
	}
	json_object_set_new(columns, "emails", fed_scim_plain(json_object_get(document, "emails")));
	json_object_set_new(columns, "roles", fed_scim_plain(json_object_get(document, "roles")));
	json_object_set_new(columns, "ssh_keys", fed_scim_plain(json_object_get(more, "sshKeys")));
	int error = fed_scim_get_time(more, "notBefore", columns, "not_before");
	return error ? error : fed_scim_get_time(more, "notAfter", columns, "not_after");
}

/* The state that DOCUMENT asks for; BEFORE where it says nothing new. "state" goes before "active". */
static const char *state_from(const json_t *document, const char *before)
{
	const char *state = fed_text(json_object_get(document, SCIM_USER_B2B), "state");
	const json_t *active = json_object_get(document, "active");
	if (state && strcmp(state, before) != 0)
		return state;
	if (json_is_boolean(active) && json_is_true(active) != (strcmp(before, "active") == 0))
		return json_is_true(active) ? "active" : "suspended";
	return before;
}

static int create(struct fed *fed, const json_t *document, json_t **ret_row)
{
	const json_t *more = json_object_get(document, SCIM_USER_B2B);
	json_t *wanted = json_object();
	int error = wanted ? columns_from(document, wanted) : -ENOMEM;
	if (!error && json_object_get(more, "organizationId"))
		json_object_set(wanted, "organisation", json_object_get(more, "organizationId"));
	if (!error && json_object_get(more, "localName"))
		json_object_set(wanted, "local", json_object_get(more, "localName"));
	if (!error)
		json_object_set_new(wanted, "state", json_string(state_from(document, "active")));
	if (!error)
		error = fed_person_create(fed, wanted, ret_row);
	json_decref(wanted);
	return error;
}

static bool same_or_absent(const json_t *more, const char *member, const char *now)
{
	const char *wanted = fed_text(more, member);
	return !wanted || strcmp(wanted, now) == 0;
}

static int replace(struct fed *fed, const json_t *row, const json_t *document)
{
	const json_t *more = json_object_get(document, SCIM_USER_B2B);
	const char *id = fed_text(row, "id"), *before = fed_text(row, "state");
	/* Names and organisations do not change hands: whoever moves is somebody new. */
	if (!same_or_absent(more, "organizationId", fed_text(row, "organisation")) || !same_or_absent(more, "localName", fed_text(row, "local")))
		return -EPERM;
	json_t *changes = json_object();
	int error = changes ? columns_from(document, changes) : -ENOMEM;
	if (!error)
		error = fed_person_change(fed, id, changes);
	const char *state = state_from(document, before);
	if (!error && strcmp(state, before) != 0)
		error = fed_person_set_state(fed, id, state, "admin", "Changed in the directory");
	json_decref(changes);
	return error;
}

static int remove_person(struct fed *fed, const json_t *row)
{
	return fed_person_set_state(fed, fed_text(row, "id"), "removed", "admin", "Removed from the directory");
}

const struct scim_type fed_scim_users = {
	.name = "User",
	.path = "Users",
	.schema = SCIM_USER,
	.extension = SCIM_USER_B2B,
	.columns = "r.*, r.emails AS emails_json, r.roles AS roles_json, r.ssh_keys AS ssh_keys_json,"
		   " (SELECT json_group_array(json_object('value', g.id, 'display', g.display)) FROM members m JOIN groups g ON g.id = m.group_id"
		   " WHERE m.person = r.id) AS groups_json",
	.from = "people r",
	.attributes = attributes,
	.render = render,
	.create = create,
	.replace = replace,
	.remove = remove_person,
};
