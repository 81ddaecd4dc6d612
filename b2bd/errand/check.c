/* Does what the configuration says work? The agent's own parts, one after the other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/keycloak_url.h"
#include "b2bd/errand/errand.h"
#include "b2bd/federation/federation.h"
#include "b2bd/signals/ssf.h"
#include "common/clock.h"

#define READY_NS (25 * B2B_NS_PER_S)

struct check {
	struct b2b_errand *errand;
	struct b2b_conf *conf;
	struct b2b_federation *federation;
	bool answered;
	char *token;
	char why[1024];
};

static void say(struct check *check, const char *step, bool fine, const char *text)
{
	b2b_errand_say(check->errand, step, fine ? "ok" : "failed", text);
}

static bool discovery(struct check *check)
{
	uint64_t deadline = b2b_now_ns() + READY_NS;

	/* The first trouble is told: the agent would go on trying. */
	while (!b2b_federation_ready(check->federation) && !*b2b_federation_why(check->federation) && b2b_now_ns() < deadline)
		b2b_loop_turn(check->errand->loop, 100);
	if (b2b_federation_ready(check->federation))
		say(check, "discovery", true, check->conf->federation.issuer);
	else
		say(check, "discovery", false, *b2b_federation_why(check->federation) ? b2b_federation_why(check->federation) : "no answer in time");
	return b2b_federation_ready(check->federation);
}

static void token_came(void *arg, const char *token, const char *error_text)
{
	struct check *check = arg;

	check->answered = true;
	check->token = token ? strdup(token) : NULL;
	snprintf(check->why, sizeof(check->why), "%s", error_text ? error_text : "no memory");
}

static bool token(struct check *check)
{
	b2b_federation_access_token(check->federation, token_came, check);
	while (!check->answered)
		b2b_loop_turn(check->errand->loop, 1000);
	say(check, "token", check->token, check->token ? check->conf->federation.client_id : check->why);
	return check->token;
}

/* What the directory answers with 200 to; malloc'ed, NULL where there is none, or for want of memory. */
static char *directory_url(const struct b2b_conf_federation *federation)
{
	const char *scim = federation->scim_url ? federation->scim_url : federation->issuer;
	char *base = NULL, *url = NULL;

	if (federation->directory == B2B_DIRECTORY_KEYCLOAK) {
		base = b2b_keycloak_base(federation);
		if (!base || asprintf(&url, "%s/organizations?first=0&max=1", base) < 0)
			url = NULL;
	} else if (federation->directory == B2B_DIRECTORY_SCIM &&
	           asprintf(&url, "%s%s/Users?count=1", scim, federation->scim_url ? "" : "/scim/v2") < 0) {
		url = NULL;
	}
	free(base);
	return url;
}

static void directory(struct check *check)
{
	char *url = directory_url(&check->conf->federation);
	struct b2b_http_request request = { .method = "GET", .accept = "application/scim+json, application/json", .bearer = check->token, .url = url };
	struct b2b_errand_answer answer;

	if (!url)
		return;
	b2b_errand_ask(check->errand, &request, &answer);
	if (answer.error == 0 && answer.status == 200)
		say(check, "directory", true, url);
	else
		say(check, "directory", false, answer.why);
	b2b_errand_answer_clear(&answer);
	free(url);
}

/* The signals' configuration of the service, in either place. 0 (caller clears) or -1 with *ret_why. */
static int find_signals(struct check *check, struct b2b_ssf_config *ret_config, char *why, size_t size)
{
	const struct b2b_conf_federation *federation = &check->conf->federation;
	int r = -1;

	snprintf(why, size, "no memory");
	for (int place = 0; r < 0 && place < (federation->ssf_url ? 1 : 2); place++) {
		char *url = federation->ssf_url ? strdup(federation->ssf_url) : b2b_ssf_well_known(federation->issuer, place);
		struct b2b_http_request request = { .method = "GET", .url = url };
		struct b2b_errand_answer answer;

		if (!url)
			return -1;
		b2b_errand_ask(check->errand, &request, &answer);
		if (answer.error < 0 || answer.status != 200)
			snprintf(why, size, "%s", answer.why);
		else
			r = b2b_ssf_config_parse(answer.body, answer.body_len, federation->issuer, ret_config);
		if (answer.error == 0 && answer.status == 200 && r < 0)
			snprintf(why, size, "%s: not a configuration that this host can use", url);
		b2b_errand_answer_clear(&answer);
		free(url);
	}
	return r < 0 ? -1 : 0;
}

static void signals(struct check *check)
{
	struct b2b_ssf_config config;

	if (find_signals(check, &config, check->why, sizeof(check->why)) < 0) {
		say(check, "signals", false, check->why);
		return;
	}
	say(check, "signals", true, config.configuration_endpoint);
	b2b_ssf_config_clear(&config);
}

/* DELETE of a stream answers 204, SSF 8.1.1.5. */
static void delete_stream(struct check *check, const struct b2b_ssf_config *config, const char *id)
{
	struct b2b_http_request request = { .method = "DELETE", .bearer = check->token };
	char *escaped = curl_easy_escape(NULL, id, 0), *url = NULL;
	struct b2b_errand_answer answer;

	if (!escaped || asprintf(&url, "%s%cstream_id=%s", config->configuration_endpoint, strchr(config->configuration_endpoint, '?') ? '&' : '?', escaped) < 0) {
		curl_free(escaped);
		b2b_errand_fail(check->errand, "no memory");
		return;
	}
	request.url = url;
	b2b_errand_ask(check->errand, &request, &answer);
	if (answer.error < 0 || (answer.status != 204 && answer.status != 404))
		b2b_errand_fail(check->errand, "the stream of signals was not deleted: %s", *answer.why ? answer.why : "an unexpected answer");
	b2b_errand_answer_clear(&answer);
	curl_free(escaped);
	free(url);
}

static void end_stream(struct check *check)
{
	const char *audience = check->conf->host.audience ? check->conf->host.audience : check->conf->federation.client_id;
	struct b2b_http_request request = { .method = "GET", .bearer = check->token };
	struct b2b_errand_answer answer;
	struct b2b_ssf_config config;
	struct b2b_ssf_stream stream;

	if (find_signals(check, &config, check->why, sizeof(check->why)) < 0)
		return; /* no signals, no stream */
	request.url = config.configuration_endpoint;
	b2b_errand_ask(check->errand, &request, &answer);
	if (answer.error < 0)
		b2b_errand_fail(check->errand, "%s", answer.why);
	else if (answer.status == 200 &&
	         b2b_ssf_stream_parse(answer.body, answer.body_len, check->conf->federation.issuer, audience, &stream) == 0) {
		delete_stream(check, &config, stream.id);
		b2b_ssf_stream_clear(&stream);
	}
	b2b_errand_answer_clear(&answer);
	b2b_ssf_config_clear(&config);
}

static int begin(struct check *check)
{
	const char *path = b2b_errand_need(check->errand, "conf"), *key = b2b_lines_get(check->errand->order, "key_file");
	char error[B2B_CONF_ERROR_SIZE] = "";
	struct b2b_conf_federation *federation;
	int r;

	if (!path)
		return -EINVAL;
	r = b2b_conf_read(path, false, &check->conf, error);
	if (r == 0 && key) {
		federation = &check->conf->federation;
		free(federation->client_key);
		free(federation->client_key_id);
		federation->client_key_id = NULL;
		federation->client_key = strdup(key);
	}
	if (r == 0)
		r = b2b_loop_new(&check->errand->loop);
	if (r == 0)
		r = b2b_http_new(check->errand->loop, check->conf->federation.ca_file, check->conf->federation.proxy, &check->errand->http);
	if (r == 0)
		r = b2b_federation_new(check->errand->loop, check->errand->http, check->conf, &check->federation, error);
	if (r < 0)
		b2b_errand_fail(check->errand, "%s", *error ? error : strerror(-r));
	return r;
}

static void with_token(struct b2b_errand *errand, void (*then)(struct check *check))
{
	struct check check = { .errand = errand };

	if (begin(&check) == 0 && discovery(&check) && token(&check))
		then(&check);
	if (check.token)
		explicit_bzero(check.token, strlen(check.token));
	free(check.token);
	b2b_federation_free(check.federation);
	b2b_http_free(errand->http);
	b2b_loop_free(errand->loop);
	b2b_conf_free(check.conf);
}

static void try_all(struct check *check)
{
	b2b_errand_check_ways(check->errand, check->conf, check->federation);
	directory(check);
	if (check->conf->federation.signals == B2B_SIGNALS_SSF)
		signals(check);
}

void b2b_errand_check(struct b2b_errand *errand)
{
	with_token(errand, try_all);
}

void b2b_errand_stream(struct b2b_errand *errand)
{
	with_token(errand, end_stream);
}
