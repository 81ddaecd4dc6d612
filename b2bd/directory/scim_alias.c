#include "b2bd/directory/scim_alias.h"

#include "b2bd/json.h"

static void add_each(struct b2b_aliases *aliases, enum b2b_alias_kind kind, const json_t *list)
{
	const json_t *entry;
	const char *text;
	size_t i;

	json_array_foreach(list, i, entry) {
		text = json_is_object(entry) ? b2b_json_text(entry, "value") : json_string_value(entry);
		if (text)
			b2b_alias_add(aliases, kind, text);
	}
}

void b2b_scim_aliases(const json_t *resource, struct b2b_aliases *ret_aliases)
{
	struct b2b_aliases aliases = { .n = 0 };
	const char *name = b2b_json_text(resource, "userName");

	if (name) {
		b2b_alias_add(&aliases, B2B_ALIAS_ACCOUNT, name);
		b2b_alias_add(&aliases, B2B_ALIAS_MAIL, name);
	}
	add_each(&aliases, B2B_ALIAS_MAIL, json_object_get(resource, "emails"));
	add_each(&aliases, B2B_ALIAS_PHONE, json_object_get(resource, "phoneNumbers"));
	*ret_aliases = aliases;
}
