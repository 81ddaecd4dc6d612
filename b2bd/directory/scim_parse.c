#include "b2bd/directory/scim_parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/scim_attribute.h"
#include "b2bd/directory/scim_text.h"
#include "b2bd/json.h"
#include "b2bd/state/ledger.h"
#include "common/conf_kinds.h"
#include "common/idmap.h"
#include "common/snapshot.h"

/* -1 where it is not said. */
static int page_total(const json_t *root, int64_t *ret_total)
{
	const json_t *total = json_object_get(root, "totalResults");

	if (total && (!json_is_integer(total) || json_integer_value(total) < 0 || json_integer_value(total) > B2B_SCIM_TOTAL_MAX))
		return -EBADMSG;
	*ret_total = total ? json_integer_value(total) : -1;
	return 0;
}

static int page_next(const json_t *root, const char **ret_next)
{
	const json_t *next = json_object_get(root, "nextCursor");

	if (next && !json_is_null(next) && (!json_is_string(next) || json_string_length(next) > B2B_SCIM_CURSOR_MAX))
		return -EBADMSG;
	*ret_next = json_string_length(next) ? json_string_value(next) : NULL;
	return 0;
}

int b2b_scim_page_parse(const char *body, size_t len, struct b2b_scim_page *ret_page)
{
	struct b2b_scim_page page = { 0 };
	int r = b2b_json_parse(body, len, &page.root);

	if (r < 0)
		return r;
	page.resources = json_object_get(page.root, "Resources");
	if (page_total(page.root, &page.total) < 0 || page_next(page.root, &page.next) < 0)
		r = -EBADMSG;
	/* RFC 7644 3.4.2: without results there may be no Resources */
	if (r == 0 && !page.resources && page.total == 0) {
		page.resources = json_array();
		json_object_set_new(page.root, "Resources", page.resources);
	}
	if (r < 0 || !json_is_array(page.resources)) {
		json_decref(page.root);
		return -EBADMSG;
	}
	*ret_page = page;
	return 0;
}

void b2b_scim_page_clear(struct b2b_scim_page *page)
{
	json_decref(page->root);
	memset(page, 0, sizeof(*page));
}

/* Word of LIST (NULL-terminated) that TEXT is, or -1. */
static int word(const char *text, const char *const *list)
{
	int i;

	for (i = 0; list[i]; i++) {
		if (!strcmp(list[i], text))
			return i;
	}
	return -1;
}

bool b2b_scim_error_is(const char *body, size_t len, const char *const *list)
{
	json_t *root;
	const char *type;
	bool is;

	if (b2b_json_parse(body, len, &root) < 0)
		return false;
	type = b2b_json_text(root, "scimType");
	is = type && word(type, list) >= 0;
	json_decref(root);
	return is;
}

const char *b2b_scim_id(const json_t *resource)
{
	const char *id = json_string_value(json_object_get(resource, "id"));

	return id && b2b_owner_valid(id) ? id : NULL;
}

/* An optional string: "" where it is absent or null. */
static int text_value(const json_t *value, const char **ret_text)
{
	if (value && !json_is_null(value) && !json_is_string(value))
		return -EBADMSG;
	*ret_text = json_is_string(value) ? json_string_value(value) : "";
	return 0;
}

static int text_member(const json_t *object, const char *name, const char **ret_text)
{
	return text_value(json_object_get(object, name), ret_text);
}

static int time_member(const json_t *object, const char *name, int64_t *ret_ms)
{
	const char *text;

	if (text_member(object, name, &text) < 0)
		return -EBADMSG;
	if (*text)
		return b2b_scim_time(text, ret_ms);
	*ret_ms = 0;
	return 0;
}

/* A window in whole seconds: it opens late rather than early. */
static int window_members(const json_t *object, int64_t *ret_not_before, int64_t *ret_not_after)
{
	int64_t from, until;

	if (time_member(object, "notBefore", &from) < 0 || time_member(object, "notAfter", &until) < 0)
		return -EBADMSG;
	/* 0 means open, and no contract began or ended then */
	*ret_not_before = from > 0 ? (from + 999) / 1000 : 0;
	*ret_not_after = until > 0 ? until / 1000 : until < 0 ? 1 : 0;
	return 0;
}

int b2b_scim_modified(const json_t *resource, int64_t *ret_ms)
{
	const json_t *meta = json_object_get(resource, "meta");

	if (meta && !json_is_object(meta))
		return -EBADMSG;
	return time_member(meta, "lastModified", ret_ms);
}

/* `active` and our `state` together: the stricter one counts, and where neither speaks nobody is active. */
static int principal_state(const json_t *resource, const json_t *extension, enum b2b_principal_state *ret_state)
{
	static const char *const states[] = { "invited", "active", "suspended", "removed", NULL };
	const json_t *active = json_object_get(resource, "active");
	const char *text;
	int state;

	if ((active && !json_is_null(active) && !json_is_boolean(active)) || text_member(extension, "state", &text) < 0)
		return -EBADMSG;
	state = *text ? word(text, states) : json_is_true(active) ? B2B_ACTIVE : B2B_SUSPENDED;
	if (state < 0)
		return -EBADMSG;
	if (state == B2B_ACTIVE && json_is_false(active))
		state = B2B_SUSPENDED;
	*ret_state = (enum b2b_principal_state)state;
	return 0;
}

static int principal_kind(const json_t *extension, enum b2b_principal_kind *ret_kind)
{
	static const char *const kinds[] = { "person", "service", NULL };
	const char *text;
	int kind;

	if (text_member(extension, "kind", &text) < 0)
		return -EBADMSG;
	kind = *text ? word(text, kinds) : B2B_PERSON;
	if (kind < 0)
		return -EBADMSG;
	*ret_kind = (enum b2b_principal_kind)kind;
	return 0;
}

/* The `value` of an entry of a multi-valued attribute, which may also be given as a bare string. */
static const char *entry_value(const json_t *entry)
{
	return json_string_value(json_is_object(entry) ? json_object_get(entry, "value") : entry);
}

static int role_bits(const json_t *resource, const struct b2b_policy *policy, uint64_t *ret_roles)
{
	const json_t *roles = json_object_get(resource, "roles"), *entry;
	uint64_t bits = 0;
	const char *name;
	size_t i;
	int bit;

	if (roles && !json_is_null(roles) && !json_is_array(roles))
		return -EBADMSG;
	json_array_foreach(roles, i, entry) {
		name = entry_value(entry);
		if (!name)
			return -EBADMSG;
		bit = b2b_policy_role(policy, name);
		if (bit >= 0)
			bits |= 1ull << bit;
	}
	*ret_roles = bits;
	return 0;
}

/* Everything of a person that needs no copy. */
static int person_values(const json_t *resource, const json_t *extension, const struct b2b_policy *policy, struct b2b_principal *person)
{
	if (principal_state(resource, extension, &person->state) < 0 || principal_kind(extension, &person->kind) < 0 ||
	    window_members(extension, &person->not_before, &person->not_after) < 0 || role_bits(resource, policy, &person->roles) < 0)
		return -EBADMSG;
	return b2b_scim_modified(resource, &person->modified_ms);
}

struct person_texts {
	const char *id, *subject, *org_id, *local, *display, *shell, *owner;
};

/* What stands for the organisation and the name here: of people and of groups. */
static int place_texts(const json_t *resource, const struct b2b_conf_federation *federation, const char *type, const char *name_attribute,
                       const char **ret_org_id, const char **ret_local)
{
	const char *schema = federation->scim_schema;

	if (text_value(b2b_scim_value(resource, schema, federation->scim_organisation_attribute, type), ret_org_id) < 0 ||
	    text_value(b2b_scim_value(resource, schema, name_attribute, type), ret_local) < 0)
		return -EBADMSG;
	if (!**ret_org_id)
		return -ESRCH;
	return b2b_owner_valid(*ret_org_id) && **ret_local ? 0 : -EBADMSG;
}

/* An id, or as the standard's `manager` has it an object with the id as its `value` (RFC 7643 4.3). */
static int owner_text(const json_t *resource, const struct b2b_conf_federation *federation, const char **ret_owner)
{
	const char *attribute = federation->scim_owner_attribute;
	const json_t *value = attribute ? b2b_scim_value(resource, federation->scim_schema, attribute, "User") : NULL;

	if (json_is_object(value))
		value = json_object_get(value, "value");
	if (text_value(value, ret_owner) < 0)
		return -EBADMSG;
	return !**ret_owner || b2b_owner_valid(*ret_owner) ? 0 : -EBADMSG;
}

static int person_texts(const json_t *resource, const json_t *extension, const struct b2b_conf_federation *federation,
                        struct person_texts *texts)
{
	int r = place_texts(resource, federation, "User", federation->scim_name_attribute, &texts->org_id, &texts->local);

	if (r < 0)
		return r;
	texts->id = b2b_scim_id(resource);
	if (!texts->id || text_member(resource, federation->subject_attribute, &texts->subject) < 0 ||
	    text_member(resource, "displayName", &texts->display) < 0 || text_member(extension, "loginShell", &texts->shell) < 0)
		return -EBADMSG;
	if (owner_text(resource, federation, &texts->owner) < 0)
		return -EBADMSG;
	return b2b_owner_valid(texts->subject) ? 0 : -EBADMSG;
}

static int copy_texts(const struct person_texts *texts, struct b2b_principal *person)
{
	char display[B2B_GECOS_SIZE];

	b2b_scim_display(texts->display, display, sizeof(display));
	/* a name that is too long is left empty: storing refuses it by the rule for names */
	if (b2b_scim_fold(texts->local, person->local, sizeof(person->local)) < 0)
		person->local[0] = '\0';
	person->id = strdup(texts->id);
	person->subject = strdup(texts->subject);
	person->org_id = strdup(texts->org_id);
	person->display = strdup(display);
	person->shell = strdup(texts->shell);
	person->owner = strdup(texts->owner);
	return person->owner && person->id && person->subject && person->org_id && person->display && person->shell ? 0 : -ENOMEM;
}

/*
 * The directory's number for somebody who is new here. It is advice: what is no id is passed on as that, for the ledger
 * to say so, and keeps nobody out.
 */
static uint32_t wanted_id(const json_t *extension, const char *attribute)
{
	const json_t *value = attribute ? json_object_get(extension, attribute) : NULL;
	const char *text = json_string_value(value);
	uint64_t number = 0;

	if (!value || json_is_null(value))
		return 0;
	if (json_is_integer(value) && json_integer_value(value) > 0)
		number = (uint64_t)json_integer_value(value);
	else if (!text || b2b_conf_read_number(text, strlen(text), &number) < 0)
		number = 0;
	return number && number < B2B_WANTED_NO_ID ? (uint32_t)number : B2B_WANTED_NO_ID;
}

int b2b_scim_person(const json_t *resource, const struct b2b_conf_federation *federation, const struct b2b_policy *policy,
                    struct b2b_principal *ret_person, const json_t **ret_groups)
{
	const json_t *extension = b2b_scim_extension(resource, federation->scim_schema, "User"), *groups = json_object_get(resource, "groups");
	struct b2b_principal person = { 0 };
	struct person_texts texts;
	int r;

	if (groups && !json_is_null(groups) && !json_is_array(groups))
		return -EBADMSG;
	r = person_texts(resource, extension, federation, &texts);
	if (r == 0)
		r = person_values(resource, extension, policy, &person);
	if (r < 0)
		return r;
	/* who acts for somebody is no person, unless the directory says so itself */
	if (*texts.owner && !json_object_get(extension, "kind"))
		person.kind = B2B_SERVICE_PRINCIPAL;
	person.wanted_uid = wanted_id(extension, federation->scim_uid_attribute);
	r = copy_texts(&texts, &person);
	if (r < 0) {
		b2b_principal_clear(&person);
		return r;
	}
	*ret_person = person;
	*ret_groups = json_is_array(groups) ? groups : NULL;
	return 0;
}

int b2b_scim_org(const json_t *resource, struct b2b_org_record *ret_org)
{
	static const char *const states[] = { "", "active", "suspended", "ended", NULL };
	const char *id = b2b_scim_id(resource), *text;
	struct b2b_org_record org = { 0 };
	int state;

	if (!id || text_member(resource, "state", &text) < 0 || window_members(resource, &org.not_before, &org.not_after) < 0 ||
	    b2b_scim_modified(resource, &org.modified_ms) < 0)
		return -EBADMSG;
	state = word(text, states);
	if (state <= 0)
		return -EBADMSG;
	org.state = (enum b2b_org_state)state;
	org.id = strdup(id);
	if (!org.id)
		return -ENOMEM;
	*ret_org = org;
	return 0;
}

static int group_members(const json_t *members, struct b2b_scim_group *group)
{
	const json_t *entry;
	const char *id;
	size_t i;

	if (!members || json_is_null(members))
		return 0;
	if (!json_is_array(members))
		return -EBADMSG;
	group->members = calloc(json_array_size(members) + 1, sizeof(*group->members));
	if (!group->members)
		return -ENOMEM;
	json_array_foreach(members, i, entry) {
		id = entry_value(entry);
		if (!id || !b2b_owner_valid(id))
			return -EBADMSG;
		group->members[group->n_members++] = id;
	}
	return 0;
}

int b2b_scim_group(const json_t *resource, const struct b2b_conf_federation *federation, struct b2b_scim_group *ret_group)
{
	const json_t *extension = b2b_scim_extension(resource, federation->scim_schema, "Group");
	struct b2b_scim_group group = { .id = b2b_scim_id(resource) };
	const char *local;
	int r = place_texts(resource, federation, "Group", federation->scim_group_name_attribute, &group.org_id, &local);

	if (r < 0 || !group.id)
		return r < 0 ? r : -EBADMSG;
	if (b2b_scim_fold(local, group.local, sizeof(group.local)) < 0)
		group.local[0] = '\0';
	group.wanted_gid = wanted_id(extension, federation->scim_gid_attribute);
	r = group_members(json_object_get(resource, "members"), &group);
	if (r < 0) {
		b2b_scim_group_clear(&group);
		return r;
	}
	*ret_group = group;
	return 0;
}

void b2b_scim_group_clear(struct b2b_scim_group *group)
{
	free(group->members);
	memset(group, 0, sizeof(*group));
}
