/* Registration, RFC 7591: asked for, and what came back compared with it (3.2.1: the service may change what it likes). */
#include <stdlib.h>
#include <string.h>

#include "b2bd/errand/errand.h"
#include "b2bd/federation/discovery.h"
#include "b2bd/json.h"

#define VALUE_MAX 4096

static bool secret_method(const char *auth)
{
	return strncmp(auth, "client_secret_", 14) == 0;
}

json_t *b2b_errand_metadata(struct b2b_errand *errand)
{
	const char *auth = b2b_errand_need(errand, "auth"), *name = b2b_errand_need(errand, "name"), *scope = b2b_errand_need(errand, "scope");
	json_t *metadata, *jwks = NULL;

	if (!auth || !name || !scope)
		return NULL;
	if (!secret_method(auth) && !(jwks = b2b_errand_jwks(errand)))
		return NULL;
	/* sudo's max_age wants to know when somebody authenticated (OpenID Connect Registration 1.0, 2) */
	metadata = json_pack("{s:s, s:s, s:[s,s,s], s:[], s:[], s:s, s:s, s:s, s:b}", "client_name", name, "token_endpoint_auth_method", auth, "grant_types",
	                     B2B_GRANT_DEVICE, "client_credentials", "refresh_token", "response_types", "redirect_uris", "scope", scope, "software_id", "b2b",
	                     "software_version", "0.1", "require_auth_time", true);
	if (!metadata || (jwks && json_object_set(metadata, "jwks", jwks) < 0)) {
		b2b_errand_fail(errand, "no memory");
		json_decref(metadata);
		metadata = NULL;
	}
	json_decref(jwks);
	return metadata;
}

/* A host polls: nothing listens for the service on it (CIBA Core 1.0, 4). Returns false for want of memory. */
static bool add_ciba(json_t *metadata)
{
	return json_array_append_new(json_object_get(metadata, "grant_types"), json_string(B2B_GRANT_CIBA)) == 0 &&
	       json_object_set_new(metadata, "backchannel_token_delivery_mode", json_string("poll")) == 0;
}

void b2b_errand_describe(struct b2b_errand *errand)
{
	json_t *metadata = b2b_errand_metadata(errand);
	char *text = metadata ? json_dumps(metadata, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;

	b2b_line_put(errand->out, "metadata", text);
	b2b_line_put(errand->out, "kid", b2b_json_text(json_array_get(json_object_get(json_object_get(metadata, "jwks"), "keys"), 0), "kid"));
	free(text);
	json_decref(metadata);
}

/* Discovery in both places. 0 (caller clears), or -1 with the error said. */
static int discover(struct b2b_errand *errand, const char *issuer, struct b2b_discovery *ret)
{
	struct b2b_errand_answer answer = { 0 };
	char fault[128];
	const char *what;
	int r = -1;

	for (int oauth = 0; oauth < 2; oauth++) {
		char *url = b2b_discovery_url(issuer, oauth);
		struct b2b_http_request request = { .method = "GET", .url = url };

		b2b_errand_answer_clear(&answer);
		b2b_errand_ask(errand, &request, &answer);
		free(url);
		if (answer.error < 0 || answer.status != 404)
			break;
	}
	if (answer.error < 0 || answer.status != 200) {
		b2b_errand_fail(errand, "%s", answer.why);
	} else {
		r = b2b_discovery_parse(answer.body, answer.body_len, issuer, false, ret, &what);
		if (r < 0)
			b2b_errand_fail(errand, "%s: %s", issuer, b2b_discovery_fault(r, what, fault, sizeof(fault)));
	}
	b2b_errand_answer_clear(&answer);
	return r < 0 ? -1 : 0;
}

static bool list_has(const json_t *list, const char *word)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), word) == 0)
			return true;
	return false;
}

/* What a file or a line of root's may hold, and no more. */
static bool plain(const char *value)
{
	size_t len = value ? strlen(value) : 0;

	for (size_t i = 0; i < len; i++)
		if (value[i] < ' ' || value[i] > '~')
			return false;
	return len > 0 && len <= VALUE_MAX;
}

/* Every key of ours, by its kid, where the service repeats the set. */
static bool keys_taken(const json_t *asked, const json_t *given)
{
	const json_t *ours = json_object_get(json_object_get(asked, "jwks"), "keys");
	const json_t *theirs = json_object_get(json_object_get(given, "jwks"), "keys"), *one, *other;
	size_t i, j;

	if (!theirs)
		return true;
	json_array_foreach (ours, i, one) {
		bool found = false;

		json_array_foreach (theirs, j, other)
			found = found || (b2b_json_text(other, "kid") && strcmp(b2b_json_text(other, "kid"), b2b_json_text(one, "kid")) == 0);
		if (!found)
			return false;
	}
	return true;
}

/* What makes the answer unusable; NULL: nothing. */
static const char *fault_of(const json_t *asked, const json_t *given)
{
	const char *auth = b2b_json_text(asked, "token_endpoint_auth_method"), *got = b2b_json_text(given, "token_endpoint_auth_method");
	const char *uri = b2b_json_text(given, "registration_client_uri"), *id = b2b_json_text(given, "client_id");
	const json_t *grants = json_object_get(given, "grant_types");

	if (!plain(id) || strchr(" #[", *id) || id[strlen(id) - 1] == ' ' || strchr(id, ';'))
		return "it gave no client_id that can be used";
	if (strcmp(got ? got : "client_secret_basic", auth) != 0) /* RFC 7591 2: the default */
		return "it registered another token_endpoint_auth_method than was asked for";
	if (grants && (!list_has(grants, B2B_GRANT_DEVICE) || !list_has(grants, "client_credentials")))
		return "it left out the grant device_code or client_credentials";
	if (json_array_size(json_object_get(given, "redirect_uris")) > 0)
		return "it registered a redirect_uri, and a host has none";
	if (secret_method(auth) && !plain(b2b_json_text(given, "client_secret")))
		return "it gave no client_secret";
	if (!keys_taken(asked, given))
		return "it did not take the host's key";
	if (uri && (!plain(uri) || strncmp(uri, "https://", 8) != 0))
		return "its registration_client_uri is no https URL";
	return NULL;
}

/* Asked for, and not given: the host is of use without it. */
static bool lost_ciba(const json_t *asked, const json_t *given)
{
	const json_t *grants = json_object_get(given, "grant_types");

	return list_has(json_object_get(asked, "grant_types"), B2B_GRANT_CIBA) && grants && !list_has(grants, B2B_GRANT_CIBA);
}

static void put_text(struct b2b_errand *errand, const json_t *given, const char *name)
{
	const char *value = b2b_json_text(given, name);

	if (plain(value))
		b2b_line_put(errand->out, name, value);
}

/* A registration that cannot be used would lie about for ever. */
static void undo(struct b2b_errand *errand, const json_t *given)
{
	struct b2b_http_request request = { .method = "DELETE", .url = b2b_json_text(given, "registration_client_uri"),
		                            .bearer = b2b_json_text(given, "registration_access_token") };
	struct b2b_errand_answer answer;

	if (!request.url || !request.bearer)
		return;
	b2b_errand_ask(errand, &request, &answer);
	b2b_line_put(errand->out, "undone", answer.error == 0 && answer.status == 204 ? "yes" : "no");
	b2b_errand_answer_clear(&answer);
}

static void take_answer(struct b2b_errand *errand, const json_t *asked, const struct b2b_errand_answer *answer)
{
	json_t *given = NULL;
	const char *fault;

	if (answer->error < 0 || (answer->status != 201 && answer->status != 200)) {
		b2b_errand_fail(errand, "the service did not register the host: %s", *answer->why ? answer->why : "an unexpected answer");
		return;
	}
	if (b2b_json_parse(answer->body, answer->body_len, &given) < 0) {
		b2b_errand_fail(errand, "the service's answer to the registration is not a JSON object");
		return;
	}
	fault = fault_of(asked, given);
	if (!fault && lost_ciba(asked, given))
		b2b_line_put(errand->out, "without", B2B_GRANT_CIBA);
	if (fault) {
		b2b_errand_fail(errand, "the service's registration cannot be used: %s", fault);
		undo(errand, given);
	} else {
		put_text(errand, given, "client_id");
		put_text(errand, given, "client_secret");
		put_text(errand, given, "registration_client_uri");
		put_text(errand, given, "registration_access_token");
		put_text(errand, given, "scope");
	}
	b2b_json_wipe(given, "client_secret");
	b2b_json_wipe(given, "registration_access_token");
	json_decref(given);
}

void b2b_errand_register(struct b2b_errand *errand)
{
	const char *issuer = b2b_errand_need(errand, "issuer");
	struct b2b_http_request request = { .method = "POST", .content_type = "application/json", .bearer = b2b_lines_get(errand->order, "token") };
	struct b2b_discovery found = { 0 };
	struct b2b_errand_answer answer;
	json_t *metadata = NULL;
	char *body = NULL;

	if (!issuer || discover(errand, issuer, &found) < 0 || !(metadata = b2b_errand_metadata(errand)))
		goto out;
	if (!found.registration_endpoint) {
		b2b_line_put(errand->out, "closed", "yes");
		goto out;
	}
	if (found.ciba_poll && !add_ciba(metadata)) {
		b2b_errand_fail(errand, "no memory");
		goto out;
	}
	body = json_dumps(metadata, JSON_COMPACT);
	request.url = found.registration_endpoint;
	request.body = body;
	request.body_len = body ? strlen(body) : 0;
	b2b_errand_ask(errand, &request, &answer);
	take_answer(errand, metadata, &answer);
	b2b_errand_answer_clear(&answer);
out:
	free(body);
	json_decref(metadata);
	b2b_discovery_clear(&found);
}
