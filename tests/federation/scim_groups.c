/* SCIM resource type Group with the extension urn:b2b:scim:schemas:2.0:Group. */
#include <errno.h>
#include <string.h>

#include "tests/federation/directory.h"
#include "tests/federation/scim.h"
#include "tests/federation/sql.h"

static const struct scim_attribute attributes[] = {
	{ "id", "r.id", "", SCIM_TEXT },
	{ "displayName", "r.display", " COLLATE NOCASE", SCIM_TEXT },
	{ "members", "EXISTS(SELECT 1 FROM members m WHERE m.group_id = r.id AND m.person", ")", SCIM_TEXT },
	{ "members.value", "EXISTS(SELECT 1 FROM members m WHERE m.group_id = r.id AND m.person", ")", SCIM_TEXT },
	{ "meta.created", "r.created_ms", "", SCIM_TIME },
	{ "meta.lastModified", "r.modified_ms", "", SCIM_TIME },
	{ SCIM_GROUP_B2B ":organizationId", "r.organisation", "", SCIM_TEXT },
	{ SCIM_GROUP_B2B ":localName", "r.local", "", SCIM_TEXT },
	{ NULL, NULL, NULL, SCIM_TEXT },
};

static json_t *render(const json_t *row)
{
	return json_pack("{s[ss],ss,ss,sO,s{ss,ss}}", "schemas", SCIM_GROUP, SCIM_GROUP_B2B, "id", fed_text(row, "id"), "displayName",
			 fed_text(row, "display"), "members", json_object_get(row, "members"), SCIM_GROUP_B2B, "organizationId",
			 fed_text(row, "organisation"), "localName", fed_text(row, "local"));
}

static json_t *columns_from(const json_t *document)
{
	const json_t *more = json_object_get(document, SCIM_GROUP_B2B);
	return json_pack("{sO*,sO*,sO*,so}", "display", json_object_get(document, "displayName"), "organisation", json_object_get(more, "organizationId"),
			 "local", json_object_get(more, "localName"), "members", fed_scim_plain(json_object_get(document, "members")));
}

static int create(struct fed *fed, const json_t *document, json_t **ret_row)
{
	json_t *wanted = columns_from(document);
	int error = wanted ? fed_group_create(fed, wanted, ret_row) : -ENOMEM;
	json_decref(wanted);
	return error;
}

static int replace(struct fed *fed, const json_t *row, const json_t *document)
{
	json_t *changes = columns_from(document);
	const char *local = fed_text(changes, "local"), *organisation = fed_text(changes, "organisation");
	int error = changes ? 0 : -ENOMEM;
	if ((local && strcmp(local, fed_text(row, "local")) != 0) || (organisation && strcmp(organisation, fed_text(row, "organisation")) != 0))
		error = -EPERM;
	if (!error)
		error = fed_group_change(fed, fed_text(row, "id"), changes);
	json_decref(changes);
	return error;
}

static int remove_group(struct fed *fed, const json_t *row)
{
	return fed_group_remove(fed, fed_text(row, "id"));
}

const struct scim_type fed_scim_groups = {
	.name = "Group",
	.path = "Groups",
	.schema = SCIM_GROUP,
	.extension = SCIM_GROUP_B2B,
	.columns = "r.*, (SELECT json_group_array(json_object('value', m.person, 'display', p.display)) FROM members m JOIN people p ON p.id = m.person"
		   " WHERE m.group_id = r.id) AS members_json",
	.from = "groups r",
	.attributes = attributes,
	.render = render,
	.create = create,
	.replace = replace,
	.remove = remove_group,
};
