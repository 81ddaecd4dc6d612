#include "b2bd/errand/errand.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "b2bd/federation/oauth.h"
#include "b2bd/sandbox.h"
#include "common/clock.h"

#define ORDER_NS (10 * B2B_NS_PER_S)

static const struct {
	const char *what;
	void (*run)(struct b2b_errand *errand);
	bool network;
} orders[] = {
	{ "key", b2b_errand_key, false },       { "describe", b2b_errand_describe, false }, { "register", b2b_errand_register, true },
	{ "keys", b2b_errand_keys, true },      { "delete", b2b_errand_delete, true },      { "check", b2b_errand_check, false },
	{ "stream", b2b_errand_stream, false },
};

void b2b_errand_fail(struct b2b_errand *errand, const char *format, ...)
{
	char text[1400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	b2b_line_put(errand->out, "error", text);
}

void b2b_errand_say(struct b2b_errand *errand, const char *step, const char *verdict, const char *text)
{
	char line[1200];

	snprintf(line, sizeof(line), "%s %s", verdict, text);
	b2b_line_put(errand->out, step, line);
}

const char *b2b_errand_need(struct b2b_errand *errand, const char *name)
{
	const char *value = b2b_lines_get(errand->order, name);

	if (!value)
		b2b_errand_fail(errand, "the order says no %s", name);
	return value;
}

struct waiting {
	struct b2b_errand_answer *answer;
	bool done;
};

/* Whole, also behind a NUL: the length that is kept is the one that is read and wiped. */
static char *copy_body(const struct b2b_http_response *response)
{
	char *body = malloc(response->body_len + 1);

	if (!body)
		return NULL;
	if (response->body_len)
		memcpy(body, response->body, response->body_len);
	body[response->body_len] = '\0';
	return body;
}

static void answered(void *arg, const struct b2b_http_response *response)
{
	struct waiting *waiting = arg;
	struct b2b_errand_answer *answer = waiting->answer;
	struct b2b_oauth oauth;

	waiting->done = true;
	answer->error = response->error;
	answer->status = response->status;
	answer->body = copy_body(response);
	answer->body_len = answer->body ? response->body_len : 0;
	if (!answer->body)
		answer->error = -ENOMEM;
	if (response->error == 0 && response->status >= 200 && response->status < 300)
		return;
	b2b_oauth_read(response, &oauth);
	snprintf(answer->why, sizeof(answer->why), "%s", oauth.text);
	b2b_oauth_clear(&oauth);
}

void b2b_errand_ask(struct b2b_errand *errand, const struct b2b_http_request *request, struct b2b_errand_answer *ret)
{
	struct waiting waiting = { .answer = ret };
	struct b2b_http_call *call;
	int r;

	*ret = (struct b2b_errand_answer){ 0 };
	r = b2b_http_start(errand->http, request, answered, &waiting, &call);
	if (r < 0) {
		ret->error = r;
		snprintf(ret->why, sizeof(ret->why), "%.200s: %s", request->url, r == -EINVAL ? "not an https URL" : strerror(-r));
		return;
	}
	while (!waiting.done) /* the call has its own time-out */
		b2b_loop_turn(errand->loop, 1000);
}

void b2b_errand_answer_clear(struct b2b_errand_answer *answer)
{
	if (answer->body)
		explicit_bzero(answer->body, answer->body_len);
	free(answer->body);
	*answer = (struct b2b_errand_answer){ 0 };
}

static void run_on_network(struct b2b_errand *errand, void (*run)(struct b2b_errand *errand))
{
	if (b2b_loop_new(&errand->loop) < 0 ||
	    b2b_http_new(errand->loop, b2b_lines_get(errand->order, "ca_file"), b2b_lines_get(errand->order, "proxy"), &errand->http) < 0)
		b2b_errand_fail(errand, "no memory");
	else
		run(errand);
	b2b_http_free(errand->http);
	b2b_loop_free(errand->loop);
}

void b2b_errand_run(const struct b2b_lines *order, FILE *out)
{
	struct b2b_errand errand = { .order = order, .out = out };
	const char *what = b2b_errand_need(&errand, "do");

	for (size_t i = 0; what && i < sizeof(orders) / sizeof(*orders); i++) {
		if (strcmp(what, orders[i].what) != 0)
			continue;
		if (orders[i].network)
			run_on_network(&errand, orders[i].run);
		else
			orders[i].run(&errand);
		return;
	}
	if (what)
		b2b_errand_fail(&errand, "there is no errand \"%s\"", what);
}

int b2b_errand_main(uid_t uid, gid_t gid)
{
	struct b2b_lines order = { 0 };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int r;

	sigaction(SIGPIPE, &ignore, NULL);
	if (b2b_sandbox_errand(uid, gid) < 0)
		return EX_OSERR;
	r = b2b_lines_read(STDIN_FILENO, b2b_now_ns() + ORDER_NS, &order);
	if (r < 0)
		return EX_USAGE;
	b2b_errand_run(&order, stdout);
	b2b_lines_clear(&order);
	return fflush(stdout) == 0 ? 0 : EX_IOERR;
}
