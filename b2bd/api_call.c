#include "b2bd/api_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

struct b2b_api_call {
	struct b2b_api api;
	struct b2b_http_request request;
	char *url, *body, *if_none_match;
	uint64_t deadline_ns;
	struct b2b_timer timer; /* while the token is waited for */
	struct b2b_http_call *http_call;
	bool retried;
	void (*done)(void *arg, const struct b2b_http_response *response);
	void *arg;
};

static void call_free(struct b2b_api_call *call)
{
	b2b_timer_stop(&call->timer);
	free(call->url);
	free(call->body);
	free(call->if_none_match);
	free(call);
}

static void finish(struct b2b_api_call *call, const struct b2b_http_response *response)
{
	call->done(call->arg, response);
	call_free(call);
}

static void fail(struct b2b_api_call *call, int error, const char *text)
{
	struct b2b_http_response response = { .error = error, .error_text = text, .body = "", .content_type = "", .retry_after_s = -1,
		                              .max_age_s = -1 };

	finish(call, &response);
}

static void ask_token(struct b2b_api_call *call);

static void answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_api_call *call = arg;

	call->http_call = NULL;
	if (!response->error && response->status == 401) {
		b2b_federation_drop_access_token(call->api.federation);
		if (!call->retried) {
			call->retried = true;
			ask_token(call);
			return;
		}
	}
	finish(call, response);
}

static void have_token(void *arg, const char *token, const char *error_text)
{
	struct b2b_api_call *call = arg;
	int r, left = b2b_ms_left(call->deadline_ns);

	b2b_timer_stop(&call->timer);
	if (!token) {
		fail(call, -EHOSTUNREACH, error_text ? error_text : "no access token");
		return;
	}
	call->request.bearer = token;
	call->request.timeout_ms = left > 0 ? (uint32_t)left : 1;
	r = b2b_http_start(call->api.http, &call->request, answered, call, &call->http_call);
	call->request.bearer = NULL;
	if (r < 0)
		fail(call, r, "the request could not be made");
}

static void too_late(void *arg)
{
	struct b2b_api_call *call = arg;

	b2b_federation_forget(call->api.federation, call);
	fail(call, -ETIMEDOUT, "the access token did not come in time");
}

static void ask_token(struct b2b_api_call *call)
{
	b2b_timer_set(call->api.loop, &call->timer, (uint64_t)b2b_ms_left(call->deadline_ns) * B2B_NS_PER_MS, too_late, call);
	b2b_federation_access_token(call->api.federation, have_token, call);
}

int b2b_api_start(const struct b2b_api *api, const struct b2b_http_request *request,
                  void (*done)(void *arg, const struct b2b_http_response *response), void *arg, struct b2b_api_call **ret_call)
{
	struct b2b_api_call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	call->api = *api;
	call->request = *request;
	call->url = strdup(request->url);
	call->body = request->body_len ? malloc(request->body_len) : NULL;
	call->if_none_match = request->if_none_match ? strdup(request->if_none_match) : NULL;
	if (!call->url || (request->body_len && !call->body) || (request->if_none_match && !call->if_none_match)) {
		call_free(call);
		return -ENOMEM;
	}
	if (request->body_len)
		memcpy(call->body, request->body, request->body_len);
	call->request.url = call->url;
	call->request.body = call->body;
	call->request.if_none_match = call->if_none_match;
	call->deadline_ns = b2b_now_ns() + request->timeout_ms * B2B_NS_PER_MS;
	call->done = done;
	call->arg = arg;
	*ret_call = call;
	ask_token(call);
	return 0;
}

void b2b_api_cancel(struct b2b_api_call *call)
{
	if (!call)
		return;
	b2b_federation_forget(call->api.federation, call);
	b2b_http_cancel(call->http_call);
	call_free(call);
}
