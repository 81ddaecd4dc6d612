#include "tests/support/joined.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define DEADLINE_NS (60 * B2B_NS_PER_S)

void joined_start(struct joined *joined, const char *alg)
{
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;
	char error[B2B_CONF_ERROR_SIZE] = "";

	memset(joined, 0, sizeof(*joined));
	service_start(&joined->service, "ES256", alg);
	joined->conf.federation = (struct b2b_conf_federation){ .issuer = joined->service.url, .client_id = (char *)"web7",
		                                                .client_auth = B2B_CLIENT_PRIVATE_KEY_JWT, .client_key = joined->service.key,
		                                                .assertion_audience = (char *)"issuer", .scope = (char *)"openid organization",
		                                                .api_scope = (char *)"directory ssf",
		                                                .organisation_claim = (char *)"organization", .clock_skew_s = 60 };
	if (b2b_loop_new(&joined->loop) < 0 || b2b_http_new(joined->loop, joined->service.ca, NULL, &joined->http) < 0 ||
	    b2b_federation_new(joined->loop, joined->http, &joined->conf, &joined->federation, error) < 0)
		errx(1, "cannot join the service: %s", error);
	while (!b2b_federation_ready(joined->federation) && b2b_now_ns() < deadline)
		b2b_loop_turn(joined->loop, 100);
	if (!b2b_federation_ready(joined->federation))
		errx(1, "not ready: %s", b2b_federation_why(joined->federation));
}

void joined_stop(struct joined *joined)
{
	b2b_federation_free(joined->federation);
	b2b_http_free(joined->http);
	b2b_loop_free(joined->loop);
	service_stop(&joined->service);
}

void joined_turn_until(struct joined *joined, const int *count, int wanted)
{
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	while (*count < wanted && b2b_now_ns() < deadline)
		b2b_loop_turn(joined->loop, 100);
	if (*count != wanted)
		errx(1, "%d of %d in time", *count, wanted);
}

struct answer {
	int came;
	char *body;
};

static void answered(void *arg, const struct b2b_http_response *response)
{
	struct answer *answer = arg;

	if (response->error || response->status != 200)
		errx(1, "HTTP status %ld, %s", response->status, response->error ? response->error_text : response->body);
	answer->came = 1;
	answer->body = strndup(response->body, response->body_len);
}

static char *exchange(struct joined *joined, const char *path, struct b2b_http_request request)
{
	struct b2b_http_call *call;
	struct answer answer = { 0 };
	char *url;

	if (asprintf(&url, "%s%s", joined->service.url, path) < 0)
		err(1, "asprintf");
	request.url = url;
	request.bearer = SERVICE_CONTROL_TOKEN;
	if (b2b_http_start(joined->http, &request, answered, &answer, &call) < 0)
		errx(1, "%s", url);
	joined_turn_until(joined, &answer.came, 1);
	free(url);
	return answer.body;
}

json_t *joined_order(struct joined *joined, const char *what, json_t *body)
{
	char path[64], *text = json_dumps(body, 0), *said;
	json_t *answer;

	snprintf(path, sizeof(path), "/control/%s", what);
	said = exchange(joined, path, (struct b2b_http_request){ .method = "POST", .content_type = "application/json", .body = text,
	                                                         .body_len = strlen(text) });
	answer = json_loads(said, 0, NULL);
	if (!answer)
		errx(1, "not JSON: %s", said);
	free(said);
	free(text);
	json_decref(body);
	return answer;
}

char *joined_get(struct joined *joined, const char *path)
{
	return exchange(joined, path, (struct b2b_http_request){ .method = "GET" });
}
