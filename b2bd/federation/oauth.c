#include "b2bd/federation/oauth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/printable.h"
#include "b2bd/json.h"

#define TOKEN_MAX 16384

void b2b_oauth_clear(struct b2b_oauth *oauth)
{
	static const char *const secrets[] = { "access_token", "refresh_token", "id_token", "device_code", "auth_req_id" };
	size_t i;

	for (i = 0; oauth->body && i < sizeof(secrets) / sizeof(*secrets); i++)
		b2b_json_wipe(oauth->body, secrets[i]);
	json_decref(oauth->body);
	*oauth = (struct b2b_oauth){ 0 };
}

static void say(struct b2b_oauth *oauth, const char *text)
{
	char *printable = b2b_printable(text, sizeof(oauth->text) - 1);

	snprintf(oauth->text, sizeof(oauth->text), "%s", printable ? printable : "no memory");
	free(printable);
}

/* RFC 6749 5.2: %x20-21 / %x23-5B / %x5D-7E, and short. */
static bool is_code(const char *error)
{
	size_t i;

	for (i = 0; error[i]; i++) {
		if (error[i] <= ' ' || error[i] >= 0x7f)
			return false;
	}
	return i > 0 && i < sizeof(((struct b2b_oauth *)NULL)->error);
}

static void read_error(const struct b2b_http_response *response, const json_t *body, struct b2b_oauth *ret)
{
	const char *error = b2b_json_text(body, "error"), *description = b2b_json_text(body, "error_description");
	char text[B2B_OAUTH_TEXT_SIZE];

	ret->kind = B2B_OAUTH_ERROR;
	if (!error || !is_code(error)) {
		snprintf(text, sizeof(text), "the service answered with HTTP status %ld", response->status);
	} else {
		snprintf(ret->error, sizeof(ret->error), "%s", error);
		snprintf(text, sizeof(text), "%s%s%s", error, description ? ": " : "", description ? description : "");
	}
	say(ret, text);
}

/* Time-outs, overload and faults of the server decide nothing (RFC 9110 15.5.9, 15.6; RFC 6585 4). */
static bool temporary(const struct b2b_http_response *response)
{
	return response->status == 408 || response->status == 425 || response->status == 429 || response->status >= 500 ||
	       response->status < 200;
}

void b2b_oauth_read(const struct b2b_http_response *response, struct b2b_oauth *ret)
{
	char text[64];

	*ret = (struct b2b_oauth){ .kind = B2B_OAUTH_TROUBLE };
	if (response->error < 0) {
		say(ret, response->error_text);
		return;
	}
	if (temporary(response)) {
		snprintf(text, sizeof(text), "the service answered with HTTP status %ld", response->status);
		say(ret, text);
		return;
	}
	if (b2b_json_parse(response->body, response->body_len, &ret->body) < 0)
		ret->body = NULL;
	if (response->status == 200 && ret->body) {
		ret->kind = B2B_OAUTH_OK;
		return;
	}
	read_error(response, ret->body, ret);
	if (response->status == 200)
		say(ret, "the service's answer is not a JSON object");
}

const char *b2b_oauth_token(const json_t *body, const char *name)
{
	const char *token = b2b_json_text(body, name);
	size_t i;

	for (i = 0; token && token[i]; i++) {
		if (i == TOKEN_MAX || token[i] <= ' ' || token[i] >= 0x7f)
			return NULL;
	}
	return i ? token : NULL;
}

bool b2b_oauth_unusable(const json_t *body, const char *name)
{
	const char *text = b2b_json_text(body, name);

	return text && *text && !b2b_oauth_token(body, name);
}
