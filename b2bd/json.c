#include "b2bd/json.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define SECONDS_MAX 253402300799.0 /* the end of the year 9999: beyond it, arithmetic only goes wrong */

/* jansson's own limit is 2,048 and recursive: counted before it sees the text. */
static bool too_deep(const char *text, size_t len)
{
	bool quoted = false;
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '{' || text[i] == '['))
			depth++;
		else if (!quoted && depth && (text[i] == '}' || text[i] == ']'))
			depth--;
		if (depth > B2B_JSON_DEPTH)
			return true;
	}
	return false;
}

static int parse(const char *text, size_t len, json_type type, json_t **ret_root, enum b2b_json_fault *ret_why)
{
	json_error_t error;
	json_t *root;

	*ret_why = B2B_JSON_SYNTAX;
	if (!text)
		return -EBADMSG;
	if (too_deep(text, len)) {
		*ret_why = B2B_JSON_DEEP;
		return -EBADMSG;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		if (json_error_code(&error) == json_error_duplicate_key)
			*ret_why = B2B_JSON_DUPLICATE;
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
	}
	if (json_typeof(root) != type) {
		json_decref(root);
		return -EBADMSG;
	}
	*ret_root = root;
	return 0;
}

int b2b_json_parse_why(const char *text, size_t len, json_t **ret_root, enum b2b_json_fault *ret_why)
{
	return parse(text, len, JSON_OBJECT, ret_root, ret_why);
}

int b2b_json_parse_array(const char *text, size_t len, json_t **ret_root)
{
	enum b2b_json_fault why;

	return parse(text, len, JSON_ARRAY, ret_root, &why);
}

int b2b_json_parse(const char *text, size_t len, json_t **ret_root)
{
	enum b2b_json_fault why;

	return b2b_json_parse_why(text, len, ret_root, &why);
}

const char *b2b_json_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

int b2b_json_seconds(const json_t *object, const char *name, int64_t *ret_seconds)
{
	const json_t *value = json_object_get(object, name);
	double seconds;

	if (!value)
		return -ENOENT;
	if (!json_is_number(value))
		return -EBADMSG;
	seconds = json_number_value(value);
	if (!(seconds >= 0 && seconds <= SECONDS_MAX))
		return -EBADMSG;
	*ret_seconds = (int64_t)seconds;
	return 0;
}

void b2b_json_wipe(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	if (json_is_string(value))
		explicit_bzero((char *)json_string_value(value), json_string_length(value));
}
