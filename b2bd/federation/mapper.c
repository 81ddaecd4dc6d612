#include "b2bd/federation/mapper.h"

#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/claims.h"

/* Strings live as long as the claims. */
struct ids {
	const char *id[B2B_ORGANISATIONS_MAX];
	size_t n;
};

/* The member of OBJECT whose name is the LEN bytes at NAME. */
static json_t *member(const json_t *object, const char *name, size_t len)
{
	return json_object_getn(object, name, len);
}

/* What stands at the LEN bytes of PATH: a whole name goes before its parts, for names may have slashes. */
static json_t *find(const json_t *object, const char *path, size_t len)
{
	json_t *found = member(object, path, len);
	size_t i;

	for (i = len; !found && i > 0; i--) {
		if (path[i - 1] == '/')
			found = find(member(object, path, i - 1), path + i, len - i);
	}
	return found;
}

static bool has(const struct ids *ids, const char *id)
{
	size_t i;

	for (i = 0; i < ids->n; i++) {
		if (strcmp(ids->id[i], id) == 0)
			return true;
	}
	return false;
}

static enum b2b_token_fault add(struct ids *ids, const json_t *value, enum b2b_token_fault otherwise)
{
	if (!b2b_claim_is_identifier(value))
		return otherwise;
	if (has(ids, json_string_value(value)))
		return B2B_TOKEN_ORG_TWICE;
	if (ids->n == B2B_ORGANISATIONS_MAX)
		return B2B_TOKEN_ORG_MANY;
	ids->id[ids->n++] = json_string_value(value);
	return B2B_TOKEN_OK;
}

static enum b2b_token_fault of_array(const json_t *array, struct ids *ids)
{
	enum b2b_token_fault fault = B2B_TOKEN_OK;
	const json_t *one;
	size_t i;

	json_array_foreach (array, i, one) {
		if (fault == B2B_TOKEN_OK)
			fault = add(ids, one, B2B_TOKEN_ORG_SHAPE);
	}
	return fault;
}

/* Keyed by alias. */
static enum b2b_token_fault of_entries(const json_t *object, const char *name, struct ids *ids)
{
	enum b2b_token_fault fault = B2B_TOKEN_OK;
	const char *alias;
	json_t *entry;

	json_object_foreach ((json_t *)(uintptr_t)object, alias, entry) {
		if (fault == B2B_TOKEN_OK)
			fault = json_is_object(entry) ? add(ids, json_object_get(entry, name), B2B_TOKEN_ORG_NO_ID) : B2B_TOKEN_ORG_SHAPE;
	}
	return fault;
}

static enum b2b_token_fault of_claim(const json_t *claim, const char *name, struct ids *ids)
{
	const json_t *direct;

	if (!claim || json_is_null(claim))
		return B2B_TOKEN_OK;
	if (json_is_array(claim))
		return of_array(claim, ids);
	if (!json_is_object(claim))
		return add(ids, claim, B2B_TOKEN_ORG_SHAPE);
	direct = json_object_get(claim, name);
	if (json_is_string(direct))
		return add(ids, direct, B2B_TOKEN_ORG_NO_ID);
	return json_is_array(direct) ? of_array(direct, ids) : of_entries(claim, name, ids);
}

/* The claim at PATH, and the name that its entries have the id by. */
static const json_t *claim_at(const json_t *claims, const char *path, const char **ret_name)
{
	const json_t *claim = json_object_get(claims, path);
	const char *slash = strrchr(path, '/');

	*ret_name = claim || !slash ? "id" : slash + 1;
	return claim || !slash ? claim : find(claims, path, (size_t)(slash - path));
}

static enum b2b_token_fault collect(const json_t *claims, const char *path, struct ids *ids)
{
	const char *name;
	const json_t *claim = claim_at(claims, path, &name);

	ids->n = 0;
	return of_claim(claim, name, ids);
}

enum b2b_token_fault b2b_mapper_only_organisation(const json_t *claims, const char *path, char **ret_id)
{
	struct ids ids;
	enum b2b_token_fault fault = collect(claims, path, &ids);
	char *id = NULL;

	if (fault != B2B_TOKEN_OK)
		return fault;
	if (ids.n == 1 && !(id = strdup(ids.id[0])))
		return B2B_TOKEN_MALFORMED;
	*ret_id = id;
	return B2B_TOKEN_OK;
}

enum b2b_token_fault b2b_mapper_in_organisation(const json_t *claims, const char *path, const char *id)
{
	struct ids ids;
	enum b2b_token_fault fault = collect(claims, path, &ids);

	if (fault != B2B_TOKEN_OK)
		return fault;
	if (ids.n == 0)
		return B2B_TOKEN_ORG_ABSENT;
	return has(&ids, id) ? B2B_TOKEN_OK : B2B_TOKEN_ORG_OTHER;
}

enum b2b_token_fault b2b_mapper_is_named(const json_t *claims, const char *path, const char *name)
{
	const char *said = json_string_value(find(claims, path, strlen(path)));

	return said && strcmp(said, name) == 0 ? B2B_TOKEN_OK : B2B_TOKEN_NAME_OTHER;
}

static bool is_word(const json_t *words, const char *word)
{
	const json_t *one;
	size_t i;

	json_array_foreach (words, i, one) {
		if (strcmp(json_string_value(one), word) == 0)
			return true;
	}
	return false;
}

static enum b2b_token_fault add_word(json_t *words, json_t *word)
{
	enum b2b_token_fault fault = B2B_TOKEN_OK;

	if (!b2b_claim_is_identifier(word))
		fault = B2B_TOKEN_WORDS_SHAPE;
	else if (is_word(words, json_string_value(word)))
		fault = B2B_TOKEN_OK;
	else if (json_array_size(words) == B2B_WORDS_MAX)
		fault = B2B_TOKEN_WORDS_MANY;
	else if (json_array_append(words, word) < 0)
		fault = B2B_TOKEN_MALFORMED;
	return fault;
}

static enum b2b_token_fault add_names(json_t *words, json_t *object, const char *id)
{
	enum b2b_token_fault fault = B2B_TOKEN_OK;
	const char *name;
	json_t *where;

	json_object_foreach (object, name, where) {
		json_t *word = json_string(name);

		if (fault == B2B_TOKEN_OK && !word)
			fault = B2B_TOKEN_MALFORMED;
		else if (fault == B2B_TOKEN_OK && (!json_is_object(where) || json_object_get(where, id)))
			fault = add_word(words, word);
		json_decref(word);
	}
	return fault;
}

static enum b2b_token_fault add_words(json_t *words, json_t *claim, const char *id)
{
	enum b2b_token_fault fault = B2B_TOKEN_OK;
	json_t *one;
	size_t i;

	if (!claim || json_is_null(claim))
		return B2B_TOKEN_OK;
	if (json_is_object(claim))
		return add_names(words, claim, id);
	if (!json_is_array(claim))
		return add_word(words, claim);
	json_array_foreach (claim, i, one) {
		if (fault == B2B_TOKEN_OK)
			fault = add_word(words, one);
	}
	return fault;
}

static bool has_id(const json_t *entry, const char *name, const char *id)
{
	const char *found = json_string_value(json_object_get(entry, name));

	return found && strcmp(found, id) == 0;
}

/* What the organisation ID's claim says of it: the object that has the id, be it the claim or keyed by alias; NULL: none. */
static const json_t *entry_of(const json_t *claims, const char *path, const char *id)
{
	const char *name, *alias;
	const json_t *claim = claim_at(claims, path, &name);
	json_t *entry;

	if (has_id(claim, name, id))
		return claim;
	json_object_foreach ((json_t *)(uintptr_t)claim, alias, entry) {
		if (has_id(entry, name, id))
			return entry;
	}
	return NULL;
}

enum b2b_token_fault b2b_mapper_words(const json_t *claims, const char *organisation_path, const char *id, const char *path,
                                      json_t **ret_words)
{
	bool within = strncmp(path, "%o/", 3) == 0;
	const char *rest = within ? path + 3 : path;
	const json_t *from = within ? entry_of(claims, organisation_path, id) : claims;
	json_t *words = json_array();
	enum b2b_token_fault fault = words ? add_words(words, find(from, rest, strlen(rest)), id) : B2B_TOKEN_MALFORMED;

	if (fault == B2B_TOKEN_OK)
		*ret_words = words;
	else
		json_decref(words);
	return fault;
}
