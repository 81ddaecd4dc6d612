/* What the SCIM service says about itself, RFC 7643 sections 5 to 7. */
#include <errno.h>
#include <string.h>

#include "tests/federation/scim.h"

static const struct scim_type *const types[] = { &fed_scim_users, &fed_scim_groups, &fed_scim_organisations };

int fed_scim_service_provider(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	json_t *config = json_pack("{s[s],s{sb},s{sb,si,si},s{sb,si},s{sb},s{sb},s{sb},s[{ss,ss,ss}]}", "schemas",
				   "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig", "patch", "supported", 1, "bulk", "supported", 0,
				   "maxOperations", 0, "maxPayloadSize", 0, "filter", "supported", 1, "maxResults", SCIM_PAGE_MAX, "changePassword",
				   "supported", 0, "sort", "supported", 0, "etag", "supported", 1, "authenticationSchemes", "type", "oauthbearertoken",
				   "name", "OAuth Bearer Token", "description", "An access token with scope directory");
	(void)request;
	/* RFC 9865 section 4; both ways work whatever is said here */
	if (config && fed->scim_cursors)
		json_object_set_new(config, "pagination",
				    json_pack("{sb,sb,ss,si,si,si}", "cursor", 1, "index", 1, "defaultPaginationMethod", "index", "defaultPageSize", 100,
					      "maxPageSize", SCIM_PAGE_MAX, "cursorTimeout", SCIM_CURSOR_S));
	return fed_scim_reply(reply, 200, config);
}

static int reply_resources(struct fed_reply *reply, json_t *resources)
{
	if (!resources)
		return -ENOMEM;
	return fed_scim_reply(reply, 200,
			      json_pack("{s[s],sI,sI,sI,so}", "schemas", SCIM_MESSAGE "ListResponse", "totalResults",
					(json_int_t)json_array_size(resources), "startIndex", (json_int_t)1, "itemsPerPage",
					(json_int_t)json_array_size(resources), "Resources", resources));
}

int fed_scim_resource_types(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	json_t *list = json_array();
	(void)fed, (void)request;
	for (size_t i = 0; list && i < sizeof(types) / sizeof(types[0]); i++) {
		char endpoint[64] = "/";
		strncat(endpoint, types[i]->path, sizeof(endpoint) - 2);
		json_t *one = json_pack("{s[s],ss,ss,ss,ss}", "schemas", "urn:ietf:params:scim:schemas:core:2.0:ResourceType", "id", types[i]->name, "name",
					types[i]->name, "endpoint", endpoint, "schema", types[i]->schema);
		if (one && types[i]->extension)
			json_object_set_new(one, "schemaExtensions", json_pack("[{ss,sb}]", "schema", types[i]->extension, "required", 1));
		json_array_append_new(list, one);
	}
	return reply_resources(reply, list);
}

/* The attributes of one schema: those of the core without ':' in their names, those of an extension with its URN. */
static json_t *schema_of(const struct scim_type *type, const char *urn, bool extension)
{
	json_t *attributes = json_array();
	size_t n = strlen(urn);
	for (const struct scim_attribute *attribute = type->attributes; attributes && attribute->name; attribute++) {
		const char *name = attribute->name;
		if (strncmp(name, "urn:", 4) == 0) {
			if (!extension || strncmp(name, urn, n) != 0 || name[n] != ':')
				continue;
			name += n + 1;
		} else if (extension || strchr(name, '.') || strcmp(name, "id") == 0) {
			continue;
		}
		static const char *const kinds[] = { "string", "boolean", "dateTime" };
		json_array_append_new(attributes, json_pack("{ss,ss,sb,sb,ss,ss}", "name", name, "type", kinds[attribute->kind], "multiValued",
							    strncmp(attribute->before, "EXISTS", 6) == 0, "required", 0, "mutability", "readWrite",
							    "returned", "default"));
	}
	return json_pack("{s[s],ss,ss,so}", "schemas", "urn:ietf:params:scim:schemas:core:2.0:Schema", "id", urn, "name", type->name, "attributes",
			 attributes);
}

int fed_scim_schemas(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	json_t *list = json_array();
	(void)fed, (void)request;
	for (size_t i = 0; list && i < sizeof(types) / sizeof(types[0]); i++) {
		json_array_append_new(list, schema_of(types[i], types[i]->schema, false));
		if (types[i]->extension)
			json_array_append_new(list, schema_of(types[i], types[i]->extension, true));
	}
	return reply_resources(reply, list);
}
