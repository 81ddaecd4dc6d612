#include <errno.h>
#include <string.h>
#include <strings.h>

#include "tests/federation/scim.h"
#include "tests/federation/sql.h"

#define SEGMENT_MAX 128

/* A path: [URN ":"] attribute ["[value eq \"…\"]"] ["." sub]; what is absent is "". */
struct path {
	char extension[SEGMENT_MAX], attribute[SEGMENT_MAX], sub[SEGMENT_MAX], value[SEGMENT_MAX];
};

static int take(const char *from, size_t len, char *to)
{
	if (len >= SEGMENT_MAX)
		return -EINVAL;
	memcpy(to, from, len);
	to[len] = '\0';
	return 0;
}

/* [value eq "x"]; advances *AT past it. */
static int take_selector(const char **at, char *value)
{
	static const char opening[] = "[value eq \"";
	const char *end = strstr(*at, "\"]");
	if (strncasecmp(*at, opening, sizeof(opening) - 1) != 0 || !end || take(*at + sizeof(opening) - 1, (size_t)(end - *at) - (sizeof(opening) - 1), value) != 0)
		return -EINVAL;
	*at = end + 2;
	return 0;
}

static int path_parse(const char *text, struct path *ret_path)
{
	struct path path = { 0 };
	if (strncasecmp(text, "urn:", 4) == 0) {
		size_t head = strcspn(text, "[");
		const char *colon = memrchr(text, ':', head);
		if (!colon || take(text, (size_t)(colon - text), path.extension) != 0)
			return -EINVAL;
		text = colon + 1;
		if (strcmp(path.extension, SCIM_USER) == 0 || strcmp(path.extension, SCIM_GROUP) == 0 || strcmp(path.extension, SCIM_ORGANISATION) == 0)
			path.extension[0] = '\0';
	}
	size_t len = strcspn(text, "[.");
	if (len == 0 || take(text, len, path.attribute) != 0)
		return -EINVAL;
	text += len;
	if (*text == '[' && take_selector(&text, path.value) != 0)
		return -EINVAL;
	if (*text == '.' && take(text + 1, strlen(text + 1), path.sub) != 0)
		return -EINVAL;
	if (*text && *text != '.')
		return -EINVAL;
	*ret_path = path;
	return 0;
}

/* NAME as DOCUMENT spells it: attribute names are caseless. */
static const char *spelling(const json_t *document, const char *name)
{
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)document, key, value)
		if (strcasecmp(key, name) == 0)
			return key;
	return name;
}

static bool holds(const json_t *list, const json_t *value)
{
	const json_t *one;
	size_t i;
	json_array_foreach (list, i, one)
		if (json_equal(one, value) || (json_is_object(one) && json_is_object(value) &&
					       json_equal(json_object_get(one, "value"), json_object_get(value, "value"))))
			return true;
	return false;
}

static int add_values(json_t *list, json_t *value)
{
	json_t *one;
	size_t i;
	if (!json_is_array(value))
		return holds(list, value) ? 0 : json_array_append(list, value);
	json_array_foreach (value, i, one)
		if (!holds(list, one) && json_array_append(list, one) != 0)
			return -ENOMEM;
	return 0;
}

static void remove_value(json_t *list, const char *value)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		const json_t *one = json_array_get(list, i);
		const char *text = json_is_object(one) ? fed_text(one, "value") : json_string_value(one);
		if (text && strcmp(text, value) == 0)
			json_array_remove(list, i);
	}
}

static int apply_at(json_t *target, const struct path *path, const char *op, json_t *value)
{
	const char *name = spelling(target, path->attribute);
	json_t *present = json_object_get(target, name);
	if (path->sub[0]) { /* name.givenName and the like: nothing here has parts */
		return -EINVAL;
	}
	if (strcasecmp(op, "remove") == 0) {
		if (path->value[0])
			remove_value(present, path->value);
		else
			json_object_del(target, name);
		return 0;
	}
	if (!value || path->value[0])
		return -EINVAL;
	if (strcasecmp(op, "add") == 0 && json_is_array(present))
		return add_values(present, value);
	return json_object_set(target, name, value) == 0 ? 0 : -ENOMEM;
}

/* Without a path the value's members say where each goes. */
static int apply_members(json_t *target, const char *op, json_t *value)
{
	const char *key;
	json_t *one;
	json_object_foreach (value, key, one) {
		struct path path;
		if (strncasecmp(key, "urn:", 4) == 0 && json_is_object(one)) {
			json_t *extension = json_object_get(target, key);
			int error = extension ? apply_members(extension, op, one) : json_object_set(target, key, one);
			if (error)
				return error;
		} else if (path_parse(key, &path) != 0 || path.extension[0] || apply_at(target, &path, op, one) != 0) {
			return -EINVAL;
		}
	}
	return 0;
}

static int apply(json_t *document, const json_t *operation, const char **ret_why)
{
	const char *op = fed_text(operation, "op"), *text = fed_text(operation, "path");
	json_t *value = json_object_get(operation, "value");
	struct path path;
	*ret_why = "op is not add, replace or remove";
	if (!op || (strcasecmp(op, "add") != 0 && strcasecmp(op, "replace") != 0 && strcasecmp(op, "remove") != 0))
		return -EINVAL;
	*ret_why = "an operation without path needs an object as value";
	if (!text)
		return json_is_object(value) && strcasecmp(op, "remove") != 0 ? apply_members(document, op, value) : -EINVAL;
	*ret_why = "the path cannot be understood, or not with this value";
	if (path_parse(text, &path) != 0)
		return -EINVAL;
	json_t *target = path.extension[0] ? json_object_get(document, path.extension) : document;
	return json_is_object(target) ? apply_at(target, &path, op, value) : -EINVAL;
}

int fed_scim_patch(json_t *document, const json_t *patch, const char **ret_why)
{
	const json_t *operations = json_object_get(patch, "Operations"), *operation;
	size_t i;
	*ret_why = "Operations is missing";
	if (json_array_size(operations) == 0)
		return -EINVAL;
	json_array_foreach (operations, i, operation) {
		int error = apply(document, operation, ret_why);
		if (error)
			return error;
	}
	return 0;
}
