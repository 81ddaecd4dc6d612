#include "b2bd/directory/scim_service.h"

#include <limits.h>

#include "b2bd/json.h"

/* Is member NAME of the object WHAT of ROOT said to be VALUE? What is absent or no boolean says nothing. */
static bool says(const json_t *root, const char *what, const char *name, bool value)
{
	const json_t *member = json_object_get(json_object_get(root, what), name);

	return value ? json_is_true(member) : json_is_false(member);
}

static int page_max(const json_t *root)
{
	const json_t *value = json_object_get(json_object_get(root, "pagination"), "maxPageSize");
	json_int_t number = json_integer_value(value);

	return number > 0 && number <= INT_MAX ? (int)number : 0;
}

int b2b_scim_service_parse(const char *body, size_t len, struct b2b_scim_service *ret_service)
{
	json_t *root;
	int r = b2b_json_parse(body, len, &root);

	if (r < 0)
		return r;
	*ret_service = (struct b2b_scim_service){ .no_filter = says(root, "filter", "supported", false),
		                                 .cursors = says(root, "pagination", "cursor", true), .page_max = page_max(root) };
	json_decref(root);
	return 0;
}
