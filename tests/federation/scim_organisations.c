/* SCIM resource type Organization, a schema of our own: the tree of partners and their contracts. */
#include <errno.h>
#include <string.h>

#include "tests/federation/directory.h"
#include "tests/federation/scim.h"
#include "tests/federation/sql.h"

static const struct scim_attribute attributes[] = {
	{ "id", "r.id", "", SCIM_TEXT },
	{ "alias", "r.alias", "", SCIM_TEXT },
	{ "displayName", "r.display", " COLLATE NOCASE", SCIM_TEXT },
	{ "parent", "r.parent", "", SCIM_TEXT },
	{ "state", "r.state", "", SCIM_TEXT },
	{ "notBefore", "r.not_before", "", SCIM_TIME },
	{ "notAfter", "r.not_after", "", SCIM_TIME },
	{ "meta.created", "r.created_ms", "", SCIM_TIME },
	{ "meta.lastModified", "r.modified_ms", "", SCIM_TIME },
	{ NULL, NULL, NULL, SCIM_TEXT },
};

static json_t *render(const json_t *row)
{
	json_t *out = json_pack("{s[s],ss,ss,ss,ss}", "schemas", SCIM_ORGANISATION, "id", fed_text(row, "id"), "alias", fed_text(row, "alias"),
				"displayName", fed_text(row, "display"), "state", fed_text(row, "state"));
	if (!out)
		return NULL;
	if (fed_text(row, "parent"))
		json_object_set(out, "parent", json_object_get(row, "parent"));
	fed_scim_set_time(out, "notBefore", row, "not_before");
	fed_scim_set_time(out, "notAfter", row, "not_after");
	return out;
}

static int columns_from(const json_t *document, json_t **ret_columns)
{
	json_t *columns = json_pack("{sO*,sO*,sO*}", "display", json_object_get(document, "displayName"), "alias", json_object_get(document, "alias"),
				    "parent", json_object_get(document, "parent"));
	int error = columns ? fed_scim_get_time(document, "notBefore", columns, "not_before") : -ENOMEM;
	if (!error)
		error = fed_scim_get_time(document, "notAfter", columns, "not_after");
	if (error) {
		json_decref(columns);
		return error;
	}
	*ret_columns = columns;
	return 0;
}

static int create(struct fed *fed, const json_t *document, json_t **ret_row)
{
	json_t *wanted = NULL;
	int error = columns_from(document, &wanted);
	if (!error)
		error = fed_org_create(fed, wanted, ret_row);
	json_decref(wanted);
	return error;
}

static int replace(struct fed *fed, const json_t *row, const json_t *document)
{
	json_t *changes = NULL;
	const char *alias = fed_text(document, "alias"), *state = fed_text(document, "state"), *parent = fed_text(document, "parent");
	const char *parent_now = fed_text(row, "parent");
	if ((alias && strcmp(alias, fed_text(row, "alias")) != 0) || (parent && (!parent_now || strcmp(parent, parent_now) != 0)))
		return -EPERM;
	int error = columns_from(document, &changes);
	if (!error)
		error = fed_org_change(fed, fed_text(row, "id"), changes);
	if (!error && state)
		error = fed_org_set_state(fed, fed_text(row, "id"), state, "admin", "Changed in the directory");
	json_decref(changes);
	return error;
}

static int end(struct fed *fed, const json_t *row)
{
	return fed_org_set_state(fed, fed_text(row, "id"), "ended", "admin", "Removed from the directory");
}

const struct scim_type fed_scim_organisations = {
	.name = "Organization",
	.path = "Organizations",
	.schema = SCIM_ORGANISATION,
	.extension = NULL,
	.columns = "r.*",
	.from = "organisations r",
	.attributes = attributes,
	.render = render,
	.create = create,
	.replace = replace,
	.remove = end,
};
