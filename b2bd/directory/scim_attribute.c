#include "b2bd/directory/scim_attribute.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CORE "urn:ietf:params:scim:schemas:core:2.0:"

/* SCHEMA_LEN bytes of SCHEMA, which may be one of people, as that of TYPE. */
static int schema_of_type(const char *schema, size_t schema_len, const char *type, char *buf, size_t size)
{
	const char *last = memrchr(schema, ':', schema_len);
	size_t stem = last ? (size_t)(last - schema) + 1 : schema_len;
	bool of_people = schema_len - stem == strlen("User") && !memcmp(schema + stem, "User", strlen("User"));
	int len = of_people ? snprintf(buf, size, "%.*s%s", (int)stem, schema, type) : snprintf(buf, size, "%.*s", (int)schema_len, schema);

	return len >= 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

int b2b_scim_path(const char *schema, const char *attribute, const char *type, char path[B2B_SCIM_PATH_SIZE])
{
	const char *last = strrchr(attribute, ':'), *name = last ? last + 1 : attribute;
	size_t schema_len = last ? (size_t)(last - attribute) : strlen(schema), used;
	int r = 0, len;

	if (last)
		schema = attribute;
	if (schema_len > strlen(CORE) && !strncmp(schema, CORE, strlen(CORE)))
		path[0] = '\0';
	else
		r = schema_of_type(schema, schema_len, type, path, B2B_SCIM_PATH_SIZE);
	if (r < 0)
		return r;
	used = strlen(path);
	len = snprintf(path + used, B2B_SCIM_PATH_SIZE - used, "%s%s", used ? ":" : "", name);
	return len >= 0 && (size_t)len < B2B_SCIM_PATH_SIZE - used ? 0 : -ENAMETOOLONG;
}

const json_t *b2b_scim_value(const json_t *resource, const char *schema, const char *attribute, const char *type)
{
	char path[B2B_SCIM_PATH_SIZE], *name;

	if (b2b_scim_path(schema, attribute, type, path) < 0)
		return NULL;
	name = strrchr(path, ':');
	if (!name)
		return json_object_get(resource, path);
	*name = '\0';
	return json_object_get(json_object_get(resource, path), name + 1);
}

const json_t *b2b_scim_extension(const json_t *resource, const char *schema, const char *type)
{
	char urn[B2B_SCIM_PATH_SIZE];
	const json_t *extension;

	if (schema_of_type(schema, strlen(schema), type, urn, sizeof(urn)) < 0)
		return NULL;
	extension = json_object_get(resource, urn);
	return json_is_object(extension) ? extension : NULL;
}
