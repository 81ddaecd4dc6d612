/*
 * The claim mapper. Input: a path, a line feed, claims. However they look, the one organisation is one of those that the person is in,
 * and whoever is in one is named by a text that stands in the claims.
 */
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/mapper.h"
#include "b2bd/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool holds(json_t *value, const char *text)
{
	const char *name;
	json_t *one;
	size_t i;

	if (json_is_string(value))
		return strcmp(json_string_value(value), text) == 0;
	json_array_foreach (value, i, one) {
		if (holds(one, text))
			return true;
	}
	json_object_foreach (value, name, one) {
		if (holds(one, text))
			return true;
	}
	return false;
}

static void check_words(json_t *claims, const char *path)
{
	json_t *words = NULL, *one;
	size_t i;

	if (b2b_mapper_words(claims, "organization", "42c3e9", path, &words) != B2B_TOKEN_OK)
		return;
	if (json_array_size(words) > B2B_WORDS_MAX)
		abort();
	json_array_foreach (words, i, one) {
		if (json_string_length(one) == 0)
			abort();
	}
	/* what is within an organisation is nobody's who is not in it */
	if (strncmp(path, "%o/", 3) == 0 && json_array_size(words) && !holds(claims, "42c3e9"))
		abort();
	json_decref(words);
}

static void check(json_t *claims, const char *path)
{
	enum b2b_token_fault in = b2b_mapper_in_organisation(claims, path, "42c3e9"), fault;
	char *only = NULL;

	if (in == B2B_TOKEN_OK && !holds(claims, "42c3e9"))
		abort();
	fault = b2b_mapper_only_organisation(claims, path, &only);
	/* they refuse the same claims */
	if ((fault == B2B_TOKEN_OK) != (in == B2B_TOKEN_OK || in == B2B_TOKEN_ORG_OTHER || in == B2B_TOKEN_ORG_ABSENT))
		abort();
	if (only && (!*only || !holds(claims, only) || b2b_mapper_in_organisation(claims, path, only) != B2B_TOKEN_OK ||
	             (strcmp(only, "42c3e9") == 0) != (in == B2B_TOKEN_OK)))
		abort();
	free(only);
	if (b2b_mapper_is_named(claims, path, "alice") == B2B_TOKEN_OK && !holds(claims, "alice"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = memchr(data, '\n', size);
	json_t *claims;
	char *path;

	if (!line || b2b_json_parse((const char *)line + 1, size - (size_t)(line + 1 - data), &claims) < 0)
		return 0;
	path = strndup((const char *)data, (size_t)(line - data));
	if (*path) {
		check(claims, path);
		check_words(claims, path);
	}
	free(path);
	json_decref(claims);
	return 0;
}
