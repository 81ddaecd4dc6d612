#include "b2bd/federation/claims.h"

#include <stdlib.h>
#include <string.h>

#include "b2bd/json.h"

enum b2b_token_fault b2b_claims_issuer(const json_t *claims, const char *issuer)
{
	const char *iss = b2b_json_text(claims, "iss");

	if (!iss)
		return B2B_TOKEN_CLAIM;
	return strcmp(iss, issuer) == 0 ? B2B_TOKEN_OK : B2B_TOKEN_ISSUER;
}

enum b2b_token_fault b2b_claims_audience(const json_t *claims, const char *audience, bool *ret_several)
{
	const json_t *aud = json_object_get(claims, "aud"), *one;
	bool found = false;
	size_t i;

	if (json_is_string(aud)) {
		*ret_several = false;
		return strcmp(json_string_value(aud), audience) == 0 ? B2B_TOKEN_OK : B2B_TOKEN_AUDIENCE;
	}
	if (!json_is_array(aud))
		return B2B_TOKEN_CLAIM;
	json_array_foreach (aud, i, one) {
		if (!json_is_string(one))
			return B2B_TOKEN_CLAIM;
		found = found || strcmp(json_string_value(one), audience) == 0;
	}
	*ret_several = json_array_size(aud) > 1;
	return found ? B2B_TOKEN_OK : B2B_TOKEN_AUDIENCE;
}

static bool is_identifier(const json_t *value)
{
	size_t len = json_string_length(value), i;
	const char *text = json_string_value(value);

	if (!text || len == 0 || len > B2B_CLAIM_MAX)
		return false;
	for (i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	}
	return true;
}

static enum b2b_token_fault copy(const json_t *value, char **ret_text)
{
	char *text;

	if (!is_identifier(value))
		return B2B_TOKEN_CLAIM;
	text = strdup(json_string_value(value));
	if (!text)
		return B2B_TOKEN_MALFORMED;
	*ret_text = text;
	return B2B_TOKEN_OK;
}

enum b2b_token_fault b2b_claims_copy(const json_t *claims, const char *name, bool required, char **ret_text)
{
	const json_t *value = json_object_get(claims, name);

	if (!value && !required) {
		*ret_text = NULL;
		return B2B_TOKEN_OK;
	}
	return copy(value, ret_text);
}

/* The string within an object of either form; NULL: neither. */
static const json_t *in_object(const json_t *object, const char *member)
{
	const json_t *direct = json_object_get(object, member);

	if (json_is_string(direct))
		return direct;
	if (json_object_size(object) != 1)
		return NULL;
	return json_object_get(json_object_iter_value(json_object_iter((json_t *)object)), member);
}

static enum b2b_token_fault map(const json_t *claim, const char *member, char **ret_id)
{
	bool empty = !claim || json_is_null(claim) || (json_is_array(claim) && json_array_size(claim) == 0) ||
	             (json_is_object(claim) && json_object_size(claim) == 0);

	if (empty) {
		*ret_id = NULL;
		return B2B_TOKEN_OK;
	}
	if (json_is_array(claim))
		return json_array_size(claim) == 1 ? copy(json_array_get(claim, 0), ret_id) : B2B_TOKEN_CLAIM;
	return copy(json_is_object(claim) ? in_object(claim, member) : claim, ret_id);
}

enum b2b_token_fault b2b_claims_organisation(const json_t *claims, const char *path, char **ret_id)
{
	const json_t *claim = json_object_get(claims, path);
	const char *slash = strrchr(path, '/');
	enum b2b_token_fault fault;
	char *name;

	/* claims may be named by URLs (Auth0's custom ones are): the whole name goes first */
	if (claim || !slash)
		return map(claim, "id", ret_id);
	name = strndup(path, (size_t)(slash - path));
	if (!name)
		return B2B_TOKEN_MALFORMED;
	fault = map(json_object_get(claims, name), slash + 1, ret_id);
	free(name);
	return fault;
}
