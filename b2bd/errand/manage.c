/* What was registered, looked after: RFC 7592. */
#include <stdlib.h>
#include <string.h>

#include "b2bd/errand/errand.h"
#include "b2bd/json.h"

static bool order_request(struct b2b_errand *errand, const char *method, struct b2b_http_request *ret)
{
	*ret = (struct b2b_http_request){ .method = method, .url = b2b_errand_need(errand, "uri"), .bearer = b2b_lines_get(errand->order, "token") };
	if (ret->url && !ret->bearer)
		b2b_errand_fail(errand, "there is no registration_access_token");
	return ret->url && ret->bearer;
}

/* The registration as it is; NULL with the error said. */
static json_t *read_now(struct b2b_errand *errand)
{
	struct b2b_errand_answer answer;
	struct b2b_http_request request;
	json_t *now = NULL;

	if (!order_request(errand, "GET", &request))
		return NULL;
	b2b_errand_ask(errand, &request, &answer);
	if (answer.error < 0 || answer.status != 200)
		b2b_errand_fail(errand, "the registration cannot be read: %s", answer.why);
	else if (b2b_json_parse(answer.body, answer.body_len, &now) < 0)
		b2b_errand_fail(errand, "the registration is not a JSON object");
	b2b_errand_answer_clear(&answer);
	return now;
}

/* Reading may have changed the token already (3): it is the one to go on with. */
static void put_changed(struct b2b_errand *errand, const json_t *given)
{
	const char *uri = b2b_json_text(given, "registration_client_uri"), *token = b2b_json_text(given, "registration_access_token");

	if (uri && strncmp(uri, "https://", 8) == 0)
		b2b_line_put(errand->out, "registration_client_uri", uri);
	b2b_line_put(errand->out, "registration_access_token", token);
}

static void put_keys(struct b2b_errand *errand, json_t *now, const json_t *jwks)
{
	/* 2.2: all of the metadata goes back, but not what the service alone says */
	static const char *const not_ours[] = { "registration_client_uri", "registration_access_token", "client_secret_expires_at", "client_id_issued_at" };
	const char *token = b2b_json_text(now, "registration_access_token");
	struct b2b_http_request request;
	struct b2b_errand_answer answer;
	char *copy = token ? strdup(token) : NULL, *body;
	json_t *given = NULL;

	if (!order_request(errand, "PUT", &request))
		goto out;
	if (copy)
		request.bearer = copy;
	put_changed(errand, now);
	for (size_t i = 0; i < sizeof(not_ours) / sizeof(*not_ours); i++)
		json_object_del(now, not_ours[i]);
	json_object_del(now, "jwks_uri");
	json_object_set(now, "jwks", (json_t *)(uintptr_t)jwks);
	body = json_dumps(now, JSON_COMPACT);
	request.content_type = "application/json";
	request.body = body;
	request.body_len = body ? strlen(body) : 0;
	b2b_errand_ask(errand, &request, &answer);
	if (answer.error < 0 || answer.status != 200)
		b2b_errand_fail(errand, "the service did not take the key: %s", answer.why);
	else if (b2b_json_parse(answer.body, answer.body_len, &given) < 0)
		b2b_errand_fail(errand, "the service's answer to the new key is not a JSON object");
	else
		put_changed(errand, given);
	free(body);
	json_decref(given);
	b2b_errand_answer_clear(&answer);
out:
	free(copy);
}

void b2b_errand_keys(struct b2b_errand *errand)
{
	json_t *jwks = b2b_errand_jwks(errand), *now = jwks ? read_now(errand) : NULL;

	if (now)
		put_keys(errand, now, jwks);
	json_decref(now);
	json_decref(jwks);
}

void b2b_errand_delete(struct b2b_errand *errand)
{
	struct b2b_errand_answer answer;
	struct b2b_http_request request;

	if (!order_request(errand, "DELETE", &request))
		return;
	b2b_errand_ask(errand, &request, &answer);
	/* 2.3: 204; who is gone already gets 401 (2.1), which only the administrator can tell from a wrong token */
	if (answer.error < 0 || answer.status != 204)
		b2b_errand_fail(errand, "the service did not delete the registration: %s", *answer.why ? answer.why : "an unexpected answer");
	b2b_errand_answer_clear(&answer);
}
